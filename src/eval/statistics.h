// Statistics of an evaluation: pass@k, maj@k, intervals, before against after.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cohort {

// n samples of one prompt, c of them correct: the unbiased estimate of P(at least one of k is correct), 1 -
// C(n-c, k) / C(n, k), as a product (Chen et al., arXiv 2107.03374, section 2.1). 1 <= k <= n, 0 <= c <= n.
double pass_at_k(int64_t n, int64_t c, int64_t k);

// What a sample voted for. An empty answer is an abstention.
struct Vote {
  std::string answer;
  bool correct = false;
};
// The probability that the majority answer of k samples is correct, k drawn from the n votes without
// replacement: exact, not simulated. Tied leaders share: with 2 of 3 leaders correct the vote counts 2/3.
// Where all k abstain it counts 0. Votes with equal answers must agree on `correct`. 1 <= k <= n <= 1000.
double maj_at_k(std::span<const Vote> votes, int64_t k);

struct Interval {
  double low = 0, high = 0;
};
// Wilson's 95 % score interval of a share seen in n (effective) samples; [0, 1] where n is 0.
Interval wilson(double share, double n);

// Of n samples of one prompt, c that are right (or accepted). n at least 1.
struct Tally {
  int64_t c = 0, n = 0;
};
// The mean over prompts of c / n, with its 95 % interval clustered by prompt: Wilson's with the effective
// sample size p (1 - p) / v, v the variance of the prompts' shares over the number of prompts P (n - 1 in
// it), held within [P, samples]; with one sample per prompt it is Wilson's.
struct Share {
  double value = 0;
  Interval interval;
};
Share clustered_share(std::span<const Tally> prompts);
// The share of all samples, sum c / sum n, whatever prompt they are of, with such an interval: v is then the
// variance of that ratio, P / (P - 1) sum (c - share n)^2 / (sum n)^2.
Share pooled_share(std::span<const Tally> prompts);

// One prompt's samples.
struct PromptResult {
  std::vector<Vote> votes;       // one per sample
  std::vector<int64_t> lengths;  // sampled tokens
  int64_t uncomputed = 0;        // samples whose correctness could not be computed: in none of the above
};

// pass@1 is the mean over prompts of the share of correct samples, its interval clustered_share's.
struct EvalSummary {
  int64_t prompts = 0, samples = 0, uncomputed = 0;
  double accuracy = 0;         // pass@1
  Interval accuracy_interval;  // 95 %
  std::vector<std::pair<int64_t, double>> pass_at,
      maj_at;  // by k: 1, 2, 4, ... and the largest n that all prompts have
  double mean_length = 0;
};
EvalSummary summarize(std::span<const PromptResult> results);

// 1, 2, 4, ... and the most samples (at most 1000) that every prompt with a sample has: the k of all curves.
std::vector<int64_t> curve_ks(std::span<const PromptResult> results);

// After minus before on the same prompts in the same order, with the 95 % interval of the paired difference
// (normal, by prompt).
struct Comparison {
  double difference = 0;
  Interval interval;
  bool separate = false;  // the two accuracies' own intervals do not overlap
};
Comparison compare(std::span<const PromptResult> before, std::span<const PromptResult> after);

}  // namespace cohort
