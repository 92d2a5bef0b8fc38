#include "eval/curves.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/philox.h"

namespace cohort {
namespace {

// The columns of pass@k for all ks, then those of maj@k.
std::vector<std::vector<double>> columns_of(std::span<const PromptResult* const> results,
                                            std::span<const int64_t> ks) {
  std::vector<std::vector<double>> columns(2 * ks.size());
  for (const PromptResult* r : results)
    for (size_t i = 0; i < ks.size(); ++i) {
      columns[i].push_back(
          pass_at_k(std::ssize(r->votes), std::ranges::count(r->votes, true, &Vote::correct), ks[i]));
      columns[ks.size() + i].push_back(maj_at_k(r->votes, ks[i]));
    }
  return columns;
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

// Of sorted values, linear between order statistics.
double quantile(std::span<const double> sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

void fill(std::span<const int64_t> ks, const std::vector<std::vector<double>>& columns, Interval widest,
          const BootstrapOptions& options, std::vector<CurvePoint>& pass, std::vector<CurvePoint>& maj) {
  const std::vector<Interval> intervals = bootstrap_means(columns, widest, options);
  for (size_t i = 0; i < columns.size(); ++i)
    (i < ks.size() ? pass : maj).push_back({ks[i % ks.size()], mean_of(columns[i]), intervals[i]});
}

}  // namespace

std::vector<Interval> bootstrap_means(std::span<const std::vector<double>> columns, Interval widest,
                                      const BootstrapOptions& options) {
  COHORT_CHECK(options.resamples >= 1, "{} resamples", options.resamples);
  if (columns.empty()) return {};
  const size_t n = columns[0].size();
  for (const auto& column : columns)
    COHORT_CHECK(column.size() == n, "{} values, expected {}", column.size(), n);
  if (n < 2) return std::vector<Interval>(columns.size(), widest);
  const auto resamples = static_cast<size_t>(options.resamples);
  const uint64_t key = stream_key(options.seed, Stream::bootstrap);
  std::vector<std::vector<double>> means(columns.size(), std::vector<double>(resamples));
  std::vector<size_t> drawn(n);
  for (size_t b = 0; b < resamples; ++b) {
    for (size_t i = 0; i < n; ++i) {
      const double u = uniforms53(key, {static_cast<uint32_t>(b), 0, 0, static_cast<uint32_t>(i)})[0];
      drawn[i] = static_cast<size_t>(u * static_cast<double>(n));
    }
    for (size_t c = 0; c < columns.size(); ++c) {
      double sum = 0;
      for (size_t i : drawn) sum += columns[c][i];
      means[c][b] = sum / static_cast<double>(n);
    }
  }
  std::vector<Interval> out;
  for (std::vector<double>& m : means) {
    std::ranges::sort(m);
    out.push_back({quantile(m, 0.025), quantile(m, 0.975)});
  }
  return out;
}

Curves sampling_curves(std::span<const PromptResult> results, const BootstrapOptions& options) {
  std::vector<const PromptResult*> judged;
  for (const PromptResult& r : results)
    if (!r.votes.empty()) judged.push_back(&r);
  Curves out;
  const std::vector<int64_t> ks = curve_ks(results);
  fill(ks, columns_of(judged, ks), {0, 1}, options, out.pass, out.maj);
  return out;
}

CurveChanges curve_changes(std::span<const PromptResult> before, std::span<const PromptResult> after,
                           const BootstrapOptions& options) {
  COHORT_CHECK(before.size() == after.size(), "{} problems before, {} after", before.size(), after.size());
  std::vector<const PromptResult*> first, second;
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i].votes.empty() || after[i].votes.empty()) continue;
    first.push_back(&before[i]);
    second.push_back(&after[i]);
  }
  CurveChanges out;
  if (first.empty()) return out;
  const std::vector<int64_t> of_before = curve_ks(before), of_after = curve_ks(after);
  std::vector<int64_t> ks;
  std::ranges::set_intersection(of_before, of_after, std::back_inserter(ks));
  std::vector<std::vector<double>> columns = columns_of(second, ks);
  const std::vector<std::vector<double>> old = columns_of(first, ks);
  for (size_t c = 0; c < columns.size(); ++c)
    for (size_t i = 0; i < columns[c].size(); ++i) columns[c][i] -= old[c][i];
  for (size_t i = 0; i < first.size(); ++i) {
    const auto share = [](const PromptResult& r) {
      return static_cast<double>(std::ranges::count(r.votes, true, &Vote::correct)) /
             static_cast<double>(r.votes.size());
    };
    const double change = share(*second[i]) - share(*first[i]);
    ++(change > 0 ? out.better : change < 0 ? out.worse : out.same);
  }
  fill(ks, columns, {-1, 1}, options, out.pass, out.maj);
  return out;
}

}  // namespace cohort
