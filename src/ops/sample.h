// Drawing a token from logits, with the log-prob of the distribution it was drawn from.
#pragma once

#include <cstdint>

namespace cohort {

struct SamplingOptions {
  float temperature =
      1.0f;  // 0: the most likely token (the lowest id among equals); log_prob is then of temperature 1
  float top_p = 1.0f;  // 1: off
  int32_t top_k = 0;   // 0: off
  float min_p = 0.0f;  // 0: off
  bool truncates() const { return top_p < 1.0f || top_k > 0 || min_p > 0.0f; }
};

struct Sampled {
  int32_t token;
  float log_prob;  // of the distribution after temperature, top-k, top-p and min-p
  float entropy;   // of softmax(logits / temperature), before truncation
};

// `uniform` in [0, 1): the token is the first whose cumulative probability exceeds uniform * total. The sum
// is in double, over chunks of 4,096 and inside one over blocks of 64, by absolute index; after a filter it
// is over the kept tokens, in integers. Order of the filters as in transformers: temperature, top-k, top-p,
// min-p. Greedy (temperature 0) ignores them. Logits that hold NaN or +infinity throw Error; -infinity masks
// a token. Thread-safe.
Sampled sample_token(const float* logits, int64_t vocab, const SamplingOptions& options, double uniform);

}  // namespace cohort
