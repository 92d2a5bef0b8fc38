// Samples that another engine drew: how much more, or less, likely the policy is to draw them. Its policy
// term is weighed by pi_old / mu, with mu the sampler's probability, cut or dropped where it is out of bounds
// (TRL's correction for vLLM; truncated importance sampling, fengyao.notion.site/off-policy-rl). The engine's
// own samples have ratio 1 to the bit.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rl/sample.h"

namespace cohort {

// truncate: ratios are cut to the bounds; mask: those out of bounds count 0. Each token's own, or one of the
// completion (the product of its tokens' ratios).
enum class ImportanceMode { token_truncate, token_mask, sequence_truncate, sequence_mask };

// Names and defaults are TRL 1.16's, without vllm_.
struct ImportanceOptions {
  ImportanceMode mode = ImportanceMode::sequence_mask;
  std::optional<double> clip_max = 3.0, clip_min = std::nullopt;
};

// Writes Sample::importance_weights from Sample::log_probs (the policy's before the first update) and the
// sampler's.
void write_importance_weights(const ImportanceOptions& options, Sample& sample);

// sampling/sampling_logp_difference/{mean,max} over sampled tokens,
// sampling/importance_sampling_ratio/{min,mean,max} over tokens, or completions where the ratio is the
// completion's.
std::vector<std::pair<std::string, double>> importance_metrics(const ImportanceOptions& options,
                                                               std::span<const Group> groups);

}  // namespace cohort
