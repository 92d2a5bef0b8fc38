#include "eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/check.h"

namespace cohort {
namespace {

constexpr double kZ = 1.959963984540054;  // the normal distribution's 97.5 % quantile
constexpr int64_t kMostVotes = 1000;      // C(1000, 500) is still a double

double share_correct(const PromptResult& result) {
  return static_cast<double>(std::ranges::count(result.votes, true, &Vote::correct)) /
         static_cast<double>(result.votes.size());
}

// Variance of the mean of `values`, n - 1 in the sample variance. At least two values.
double variance_of_mean(std::span<const double> values, double mean) {
  const double n = static_cast<double>(values.size());
  double squares = 0;
  for (double x : values) squares += (x - mean) * (x - mean);
  return squares / (n - 1) / n;
}

struct Candidate {
  int64_t votes = 0;
  bool correct = false;
};

// In how many ways the candidate `leader` gets exactly v of the k votes drawn while nobody gets more, each
// way divided by the number of leaders. ways[r][t]: ways to have drawn r votes so far with t others at v.
double ways_to_lead(std::span<const Candidate> candidates, size_t leader, int64_t abstentions, int64_t v,
                    int64_t k) {
  const int64_t rivals =
      std::ranges::count_if(candidates, [&](const Candidate& c) { return c.votes >= v; }) - 1;
  const int64_t most_ties = std::min(rivals, k / v - 1);
  using Table = std::vector<std::vector<double>>;
  const Table zero(static_cast<size_t>(k) + 1, std::vector<double>(static_cast<size_t>(most_ties) + 1, 0.0));
  Table ways = zero;
  ways[0][0] = 1;
  // x of a pool's `count` votes are drawn, low <= x <= high; those at v are one more leader where `ties`.
  const auto draw = [&](int64_t count, int64_t low, int64_t high, bool ties) {
    Table next = zero;
    double choose = 1;  // C(count, x)
    for (int64_t x = 0; x <= std::min(high, count); ++x) {
      if (x > 0) choose = choose * static_cast<double>(count - x + 1) / static_cast<double>(x);
      if (x < low) continue;
      const int64_t tie = ties && x == v ? 1 : 0;
      for (int64_t r = 0; r + x <= k; ++r)
        for (int64_t t = 0; t + tie <= most_ties; ++t)
          next[static_cast<size_t>(r + x)][static_cast<size_t>(t + tie)] +=
              choose * ways[static_cast<size_t>(r)][static_cast<size_t>(t)];
    }
    ways = std::move(next);
  };
  draw(candidates[leader].votes, v, v, false);
  draw(abstentions, 0, k, false);
  for (size_t i = 0; i < candidates.size(); ++i)
    if (i != leader) draw(candidates[i].votes, 0, v, true);
  double sum = 0;
  for (int64_t t = 0; t <= most_ties; ++t)
    sum += ways[static_cast<size_t>(k)][static_cast<size_t>(t)] / static_cast<double>(t + 1);
  return sum;
}

}  // namespace

double pass_at_k(int64_t n, int64_t c, int64_t k) {
  COHORT_CHECK(k >= 1 && k <= n && c >= 0 && c <= n, "n {}, c {}, k {}", n, c, k);
  if (n - c < k) return 1;
  double all_wrong = 1;  // C(n-c, k) / C(n, k)
  for (int64_t i = n - c + 1; i <= n; ++i) all_wrong *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - all_wrong;
}

double maj_at_k(std::span<const Vote> votes, int64_t k) {
  const auto n = static_cast<int64_t>(votes.size());
  COHORT_CHECK(k >= 1 && k <= n && n <= kMostVotes, "k {}, {} votes (at most {})", k, n, kMostVotes);
  std::map<std::string_view, Candidate> by_answer;
  int64_t abstentions = 0;
  for (const Vote& vote : votes) {
    if (vote.answer.empty()) {
      ++abstentions;
      continue;
    }
    Candidate& candidate = by_answer[vote.answer];
    COHORT_CHECK(candidate.votes == 0 || candidate.correct == vote.correct,
                 "answer \"{}\" is both right and wrong", vote.answer);
    ++candidate.votes;
    candidate.correct = vote.correct;
  }
  std::vector<Candidate> candidates;
  for (const auto& [answer, candidate] : by_answer) candidates.push_back(candidate);
  double ways = 0;
  for (size_t i = 0; i < candidates.size(); ++i)
    if (candidates[i].correct)
      for (int64_t v = 1; v <= std::min(k, candidates[i].votes); ++v)
        ways += ways_to_lead(candidates, i, abstentions, v, k);
  double all = 1;  // C(n, k)
  for (int64_t x = 1; x <= k; ++x) all = all * static_cast<double>(n - x + 1) / static_cast<double>(x);
  return std::min(1.0, ways / all);
}

Interval wilson(double share, double n) {
  if (n <= 0) return {0, 1};
  const double z2 = kZ * kZ;
  const double center = (share + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return {share == 0 ? 0 : std::max(0.0, center - half), share == 1 ? 1 : std::min(1.0, center + half)};
}

namespace {

// Wilson's interval with the effective number of samples that `variance` tells of.
// No spread between prompts says nothing about the spread of the population: then only the prompts count.
Interval clustered_interval(double share, double variance, double prompts, double samples) {
  return wilson(share,
                variance > 0 ? std::clamp(share * (1 - share) / variance, prompts, samples) : prompts);
}

}  // namespace

Share clustered_share(std::span<const Tally> prompts) {
  Share out{0, wilson(0, 0)};
  if (prompts.empty()) return out;
  std::vector<double> shares;
  double sum = 0, samples = 0;
  for (const Tally& t : prompts) {
    shares.push_back(static_cast<double>(t.c) / static_cast<double>(t.n));
    sum += shares.back();
    samples += static_cast<double>(t.n);
  }
  const double count = static_cast<double>(prompts.size());
  out.value = sum / count;
  const double variance = prompts.size() > 1 ? variance_of_mean(shares, out.value) : 0;
  out.interval = clustered_interval(out.value, variance, count, samples);
  return out;
}

Share pooled_share(std::span<const Tally> prompts) {
  Share out{0, wilson(0, 0)};
  if (prompts.empty()) return out;
  double right = 0, samples = 0, squares = 0;
  for (const Tally& t : prompts) {
    right += static_cast<double>(t.c);
    samples += static_cast<double>(t.n);
  }
  out.value = right / samples;
  for (const Tally& t : prompts) {
    const double off = static_cast<double>(t.c) - out.value * static_cast<double>(t.n);
    squares += off * off;
  }
  const double count = static_cast<double>(prompts.size());
  const double variance = count > 1 ? count / (count - 1) * squares / (samples * samples) : 0;
  out.interval = clustered_interval(out.value, variance, count, samples);
  return out;
}

std::vector<int64_t> curve_ks(std::span<const PromptResult> results) {
  int64_t least = kMostVotes;
  bool any = false;
  for (const PromptResult& result : results) {
    if (result.votes.empty()) continue;
    any = true;
    least = std::min(least, static_cast<int64_t>(result.votes.size()));
  }
  std::vector<int64_t> ks;
  if (!any) return ks;
  for (int64_t k = 1; k < least; k *= 2) ks.push_back(k);
  ks.push_back(least);
  return ks;
}

EvalSummary summarize(std::span<const PromptResult> results) {
  EvalSummary out;
  std::vector<Tally> tallies;
  double length = 0;
  for (const PromptResult& result : results) {
    out.uncomputed += result.uncomputed;
    if (result.votes.empty()) continue;
    tallies.push_back({std::ranges::count(result.votes, true, &Vote::correct), std::ssize(result.votes)});
    ++out.prompts;
    out.samples += tallies.back().n;
    for (int64_t tokens : result.lengths) length += static_cast<double>(tokens);
  }
  const Share share = clustered_share(tallies);
  out.accuracy = share.value;
  out.accuracy_interval = share.interval;
  if (out.prompts == 0) return out;
  out.mean_length = length / static_cast<double>(out.samples);

  const double prompts = static_cast<double>(out.prompts);
  for (int64_t k : curve_ks(results)) {
    double pass = 0, maj = 0;
    for (const PromptResult& result : results) {
      if (result.votes.empty()) continue;
      const auto n = static_cast<int64_t>(result.votes.size());
      pass += pass_at_k(n, std::ranges::count(result.votes, true, &Vote::correct), k);
      maj += maj_at_k(result.votes, k);
    }
    out.pass_at.emplace_back(k, pass / prompts);
    out.maj_at.emplace_back(k, maj / prompts);
  }
  return out;
}

Comparison compare(std::span<const PromptResult> before, std::span<const PromptResult> after) {
  COHORT_CHECK(before.size() == after.size(), "{} prompts before, {} after", before.size(), after.size());
  std::vector<double> differences;
  double sum = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i].votes.empty() || after[i].votes.empty()) continue;
    differences.push_back(share_correct(after[i]) - share_correct(before[i]));
    sum += differences.back();
  }
  Comparison out;
  out.interval = {-1, 1};
  if (differences.empty()) return out;
  out.difference = sum / static_cast<double>(differences.size());
  if (differences.size() > 1) {
    const double half = kZ * std::sqrt(variance_of_mean(differences, out.difference));
    out.interval = {out.difference - half, out.difference + half};
  }
  const Interval a = summarize(before).accuracy_interval, b = summarize(after).accuracy_interval;
  out.separate = a.high < b.low || b.high < a.low;
  return out;
}

}  // namespace cohort
