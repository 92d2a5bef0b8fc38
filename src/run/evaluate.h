// Evaluation on held-out problems: accuracy with its interval, pass@k, maj@k, lengths.
#pragma once

#include "eval/statistics.h"
#include "rl/metrics.h"
#include "rl/source.h"

namespace cohort {

struct Evaluation {
  std::vector<PromptResult> results;
  EvalSummary summary;
  std::vector<Group> groups;
};

// A sample is correct where the first reward function pays at least 1. The random numbers are the same at
// every step of a run, so two evaluations differ by the model alone.
Evaluation evaluate(const Model& model, const Tokenizer& tokenizer, const Problems& problems,
                    std::span<const RewardFunction> rewards, int32_t num_generations,
                    const GenerationOptions& options, const std::function<void(int64_t, int64_t)>& progress);

// eval_accuracy, eval_pass@k, eval_maj@k, each with its 95 % interval as NAME_low and NAME_high,
// eval_mean_length, eval_reward ...
Metrics evaluation_metrics(const Evaluation& evaluation);

}  // namespace cohort
