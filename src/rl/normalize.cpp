#include "rl/normalize.h"

#include "base/check.h"

namespace cohort {

int64_t sampled_tokens(std::span<const Group> groups) {
  int64_t tokens = 0;
  for (const Group& group : groups)
    for (const Sample& sample : group.samples) tokens += sample.sampled_tokens();
  return tokens;
}

std::vector<double> token_weights(std::span<const Group> batch, const NormalizeOptions& options) {
  double samples = 0;
  for (const Group& group : batch) samples += static_cast<double>(group.samples.size());
  const double tokens = static_cast<double>(sampled_tokens(batch));
  std::vector<double> weights;
  for (const Group& group : batch)
    for (const Sample& sample : group.samples) {
      const double length = static_cast<double>(sample.sampled_tokens());
      double divisor = 0;
      switch (options.loss_type) {
        case LossType::grpo:
        case LossType::sapo:
        case LossType::gmpo:
        case LossType::r1:
          divisor = samples * length;
          break;
        case LossType::bnpo:
          divisor = tokens;
          break;
        case LossType::dr_grpo:
          divisor = samples * options.max_completion_length;
          break;
        case LossType::luspo:
          divisor = samples;
          break;
        case LossType::dapo:
        case LossType::cispo:
        case LossType::vespo:
          divisor = options.tokens_per_step > 0 ? options.tokens_per_step : tokens;
          break;
      }
      COHORT_CHECK(length == 0 || divisor > 0, "divisor {}", divisor);
      weights.push_back(length == 0 ? 0 : 1 / divisor);
    }
  return weights;
}

}  // namespace cohort
