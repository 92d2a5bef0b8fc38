// A reward model's forward over examples, and its optimizer step.
#pragma once

#include <span>
#include <vector>

#include "model/critic.h"
#include "rl/reward_loss.h"

namespace cohort {

// A completion, and where it is judged: `ends` are one past the last token of each judged part (0: the prompt
// alone).
struct JudgedCompletion {
  std::vector<int32_t> ids, ends;
};

// A prompt with its completions: a tree for the model.
struct RewardExample {
  std::vector<int32_t> prompt_ids;
  std::vector<JudgedCompletion> completions;  // of a pair: chosen, rejected
  std::vector<double> labels;                 // in [0, 1], one for each end in order; empty for a pair
  double margin = 0;                          // of a pair
  int64_t line = 0;                           // in its file
  uint64_t question = 0;                      // the same for rows of one question

  int64_t tokens() const;
};

// The model's value at each end: [example][end], in order of completions. Whole examples run together up to
// `micro_batch_tokens`; no bit depends on it.
std::vector<std::vector<float>> reward_values(Critic& model, std::span<const RewardExample> examples,
                                              int64_t micro_batch_tokens);

// An example's loss for given values, weighted, added to `sums`; d loss / d value into `seeds` (one for each
// value).
void judge_example(const RewardExample& example, std::span<const float> values, double center_coefficient,
                   double weight, std::span<float> seeds, RewardSums& sums);

struct RewardTrainerOptions {
  double center_rewards_coefficient = 0;
  AdamWOptions adamw;          // learning_rate is set for each step
  double max_grad_norm = 1.0;  // 0: no clipping
  int64_t micro_batch_tokens = 8192;
  bool gradient_checkpointing = false;
};

struct RewardUpdate {
  RewardSums sums;  // before the step
  double grad_norm = 0;
  int64_t tokens = 0;  // of the trees
  double forward_seconds = 0, optimizer_seconds = 0;
};

// The optimizer's state stays in the model: Critic::save(folder, true) and Critic::load keep all of it.
class RewardTrainer {
 public:
  RewardTrainer(Critic& model, const RewardTrainerOptions& options) : model_(model), options_(options) {}

  // One optimizer step on the mean loss over the batch's pairs, or over its labels.
  RewardUpdate update(std::span<const RewardExample> batch, double learning_rate);

 private:
  Critic& model_;
  RewardTrainerOptions options_;
};

}  // namespace cohort
