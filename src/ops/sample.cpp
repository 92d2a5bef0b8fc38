#include "ops/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "base/math.h"
#include "ops/logits.h"

namespace cohort {
namespace {

constexpr int64_t kBlock = 64;
constexpr double kMassUnits = 0x1p40;

struct Candidate {
  float x;  // scaled logit
  int32_t token;
  uint64_t mass;  // exp(x - max) times kMassUnits: integers add up to the same in any order
};

struct Scratch {
  std::vector<LogitChunk> chunks;
  std::vector<float> weights, scores;
  std::vector<int32_t> tokens;
  std::vector<Candidate> candidates, order;
};

// The more likely first; the lower id among equals.
bool before(const Candidate& a, const Candidate& b) { return a.x != b.x ? a.x > b.x : a.token < b.token; }

double chunk_scale(const LogitChunk& c, float max) { return exp(static_cast<double>(c.max) - max); }

int32_t most_likely(const float* logits, int64_t vocab, std::span<const LogitChunk> chunks, float max) {
  for (size_t c = 0; c < chunks.size(); ++c)
    if (chunks[c].max == max)
      for (int64_t i = static_cast<int64_t>(c) * kLogitChunk; i < vocab; ++i)
        if (logits[i] == max) return static_cast<int32_t>(i);
  return 0;
}

// The first index whose running sum of weights exceeds `target`, in blocks of 64; the last one with a weight
// where rounding leaves none.
int64_t walk(const float* weights, int64_t count, double target) {
  double sum = 0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = std::min(count, begin + kBlock);
    double parts[8] = {};
    for (int64_t i = begin; i < end; ++i) parts[i % 8] += weights[i];
    const double block =
        ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
    if (sum + block > target) {
      double running = sum;
      for (int64_t i = begin; i < end; ++i)
        if ((running += weights[i]) > target) return i;
      count = end;
      break;
    }
    sum += block;
  }
  while (count > 1 && weights[count - 1] == 0) --count;
  return count - 1;
}

// The token at `target` of the running sum of exp(x - max) over all tokens: its chunk, then its place inside.
int32_t draw(const float* logits, int64_t vocab, float inv_temperature, float max, double target,
             Scratch& s) {
  double sum = 0, scale = 1, inside = 0;
  int64_t chosen = 0;
  for (int64_t c = 0; c < logit_chunks(vocab) && sum <= target; ++c) {
    if (s.chunks[c].sum == 0) continue;
    chosen = c;
    scale = chunk_scale(s.chunks[c], max);
    inside = target - sum;
    sum += s.chunks[c].sum * scale;
  }
  const int64_t begin = chosen * kLogitChunk, count = std::min(kLogitChunk, vocab - begin);
  s.weights.resize(kLogitChunk);
  logit_weights(logits + begin, count, inv_temperature, s.chunks[chosen].max, s.weights.data());
  return static_cast<int32_t>(begin + walk(s.weights.data(), count, inside / scale));
}

// A scaled logit that no kept token is below: cheap to find, so that few candidates need care. `sum` is the
// row's total weight. With top-k it looks at top-k alone, since the later filters go by what top-k leaves.
float lower_bound(const float* logits, int64_t vocab, float inv_temperature, const SamplingOptions& o,
                  float max, double sum, Scratch& s) {
  double bound = -28;  // below it the mass is 0
  const int64_t blocks = (vocab + kBlock - 1) / kBlock;
  if (o.top_k > 0 &&
      o.top_k <= blocks) {  // the k-th largest of the blocks' maxima is not above the k-th largest logit
    s.scores.resize(static_cast<size_t>(blocks));
    for (int64_t b = 0; b < blocks; ++b)
      s.scores[b] = *std::max_element(logits + b * kBlock, logits + std::min(vocab, (b + 1) * kBlock));
    std::nth_element(s.scores.begin(), s.scores.begin() + (o.top_k - 1), s.scores.end(),
                     std::greater<float>());
    bound = std::max(bound, static_cast<double>(s.scores[o.top_k - 1] * inv_temperature) - max);
  }
  if (o.top_k == 0) {
    if (o.min_p > 0) bound = std::max(bound, log(o.min_p));
    // All tokens below this together weigh less than 1 - top_p.
    if (o.top_p < 1)
      bound = std::max(bound, log((1 - static_cast<double>(o.top_p)) * sum / static_cast<double>(vocab)));
  }
  return static_cast<float>(max + bound - 1e-3);
}

uint64_t mass_of(const std::vector<Candidate>& candidates) {
  uint64_t mass = 0;
  for (const Candidate& c : candidates) mass += c.mass;
  return mass;
}

void keep_top_k(int32_t k, Scratch& s) {
  if (s.candidates.size() <= static_cast<size_t>(k)) return;
  s.scores.clear();
  for (const Candidate& c : s.candidates) s.scores.push_back(c.x);
  std::nth_element(s.scores.begin(), s.scores.begin() + (k - 1), s.scores.end(), std::greater<float>());
  std::erase_if(s.candidates,
                [kth = s.scores[k - 1]](const Candidate& c) { return c.x < kth; });  // ties stay
}

// Keeps the shortest run of the most likely tokens whose mass reaches `needed`: selection, not sorting.
void keep_top_p(double needed, float max, Scratch& s) {
  // The mass by distance from the maximum tells in which bucket the run ends; only that one needs care.
  constexpr int buckets = 1024;
  const auto bucket = [max](const Candidate& c) {
    return std::min(buckets - 1, static_cast<int>((max - c.x) * (buckets / 28.0f)));
  };
  uint64_t masses[buckets] = {};
  for (const Candidate& c : s.candidates) masses[bucket(c)] += c.mass;
  int ends = 0;
  uint64_t above = 0;
  while (ends < buckets - 1 && static_cast<double>(above + masses[ends]) < needed) above += masses[ends++];
  while (ends > 0 && masses[ends] == 0) above -= masses[--ends];
  s.order.clear();
  for (const Candidate& c : s.candidates)
    if (bucket(c) == ends) s.order.push_back(c);
  auto begin = s.order.begin(), end = s.order.end();
  while (end - begin > 1) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, before);
    uint64_t mass = 0;
    for (auto i = begin; i != middle; ++i) mass += i->mass;
    if (static_cast<double>(above + mass) >= needed) {
      end = middle;
    } else {
      above += mass;
      begin = middle;
    }
  }
  std::erase_if(s.candidates, [last = *begin](const Candidate& c) { return before(last, c); });
}

}  // namespace

Sampled sample_token(const float* logits, int64_t vocab, const SamplingOptions& o, double uniform) {
  thread_local Scratch s;
  const bool greedy = o.temperature == 0;
  const float inv_temperature = greedy ? 1.0f : 1.0f / o.temperature;
  s.chunks.resize(static_cast<size_t>(logit_chunks(vocab)));
  float max = -std::numeric_limits<float>::infinity();
  for (size_t c = 0; c < s.chunks.size(); ++c) {
    const int64_t begin = static_cast<int64_t>(c) * kLogitChunk;
    s.chunks[c] = logit_chunk(logits + begin, std::min(kLogitChunk, vocab - begin), inv_temperature);
    max = std::max(max, s.chunks[c].max);
  }
  const LogitStats stats = merge_logit_chunks(s.chunks);
  if (std::isnan(stats.lse)) fail("the model's logits hold NaN or infinity, so no token can be drawn");
  double sum = 0;  // of exp(x - max)
  for (const LogitChunk& c : s.chunks)
    if (c.sum > 0) sum += c.sum * chunk_scale(c, max);
  if (greedy || !o.truncates()) {
    const int32_t token = greedy ? most_likely(logits, vocab, s.chunks, max)
                                 : draw(logits, vocab, inv_temperature, max, uniform * sum, s);
    return {token, log_prob_of(logits[token], inv_temperature, stats.lse), stats.entropy};
  }

  s.tokens.resize(static_cast<size_t>(vocab));
  const float bound = lower_bound(logits, vocab, inv_temperature, o, max, sum, s);
  s.tokens.resize(
      static_cast<size_t>(logits_at_least(logits, vocab, inv_temperature, bound, s.tokens.data())));
  s.scores.clear();
  for (const int32_t token : s.tokens) s.scores.push_back(logits[token]);
  s.weights.resize(s.scores.size());
  logit_weights(s.scores.data(), static_cast<int64_t>(s.scores.size()), inv_temperature, max,
                s.weights.data());
  s.candidates.clear();
  for (size_t i = 0; i < s.tokens.size(); ++i)
    s.candidates.push_back({s.scores[i] * inv_temperature, s.tokens[i],
                            static_cast<uint64_t>(static_cast<double>(s.weights[i]) * kMassUnits)});
  if (o.top_k > 0) keep_top_k(o.top_k, s);
  if (o.top_p < 1)
    keep_top_p(o.top_p * (o.top_k > 0 ? static_cast<double>(mass_of(s.candidates)) : sum * kMassUnits), max,
               s);
  if (o.min_p > 0) {
    const auto least = static_cast<uint64_t>(static_cast<double>(o.min_p) * kMassUnits);
    std::erase_if(s.candidates, [least](const Candidate& c) { return c.mass < least; });
  }
  const auto total = static_cast<double>(mass_of(s.candidates));
  uint64_t cumulative = 0;
  const Candidate* chosen = &s.candidates.front();
  for (const Candidate& c : s.candidates) {
    if (c.mass == 0) continue;
    chosen = &c;
    cumulative += c.mass;
    if (static_cast<double>(cumulative) > uniform * total) break;
  }
  const auto lse = static_cast<float>(max + log(total / kMassUnits));
  return {chosen->token, log_prob_of(logits[chosen->token], inv_temperature, lse), stats.entropy};
}

}  // namespace cohort
