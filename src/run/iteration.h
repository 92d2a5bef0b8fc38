// Iterative GRPO (DeepSeekMath, arXiv 2402.03300, section 4.1.4 and Algorithm 1): every steps_per_iteration
// steps the reference becomes the policy, and the reward model goes on training on what the policy has
// sampled since, with a share of what it sampled before. Differs in where the pairs' labels come from: a rule
// among reward_funcs, whose weight may be 0.
#pragma once

#include "rl/metrics.h"
#include "run/actors.h"
#include "run/run_files.h"

namespace cohort {

// Whether an iteration ends with this step.
bool ends_iteration(const Recipe& recipe, int64_t step);

// One pass of the reward model over pairs (a right completion, a wrong one of the same prompt) from
// samples.jsonl: all of this iteration, and so many of earlier ones, drawn at random, that they are
// replay_fraction of all. Counts its updates in state.reward_model_steps. Metrics:
// reward_model/{pairs,replayed,loss,accuracy,margin}, as each batch was judged before it was learned from:
// accuracy is that on new pairs, where nothing is replayed.
Metrics train_reward_model(const Recipe& recipe, RewardModel& model, const std::filesystem::path& samples,
                           RunState& state);

}  // namespace cohort
