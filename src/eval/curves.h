// Pass@K and Maj@K as curves over K with bootstrap intervals, and what changed between two models, all from
// the samples that are there: no K is sampled anew. Both are exact expectations over the draws of K of a
// problem's n samples (pass_at_k, maj_at_k), nothing is subsampled.
//
// Intervals are percentile bootstrap over problems (Efron and Tibshirani, An Introduction to the Bootstrap,
// 1993, chapter 13): problems are drawn with replacement, as many as there are, and the 2.5 % and 97.5 %
// quantiles of the resampled means bound the interval (linear between order statistics). A problem's samples
// stay together. Draw i of resample b is a Philox number of (seed, b, i), so an interval depends on the
// values and the seed alone. Where all problems have the same value there is no spread to resample and the
// interval is that point; with fewer than two problems it is all that is possible.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/statistics.h"

namespace cohort {

struct BootstrapOptions {
  int64_t resamples = 1000;
  uint64_t seed = 42;
};

// columns: one per quantity, each a value per problem, all of the same length. The 95 % interval of each
// column's mean; all columns see the same resamples. `widest` is the interval where there are fewer than two
// problems.
std::vector<Interval> bootstrap_means(std::span<const std::vector<double>> columns, Interval widest,
                                      const BootstrapOptions& options);

struct CurvePoint {
  int64_t k = 1;
  double value = 0;
  Interval interval;  // 95 %
};

// At the k of curve_ks, over the problems with at least one judged sample.
struct Curves {
  std::vector<CurvePoint> pass, maj;
};
Curves sampling_curves(std::span<const PromptResult> results, const BootstrapOptions& options = {});

// After minus before on the same problems in the same order, paired: a resample draws a problem with both its
// results. Problems where either side has no judged sample are left out. k: those that both curves have.
struct CurveChanges {
  std::vector<CurvePoint> pass, maj;
  int64_t better = 0, worse = 0, same = 0;  // problems by their share of right samples
};
CurveChanges curve_changes(std::span<const PromptResult> before, std::span<const PromptResult> after,
                           const BootstrapOptions& options = {});

}  // namespace cohort
