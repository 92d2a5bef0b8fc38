// The settings of `cohort reward train` and `eval`. Names and defaults are those of TRL 1.16's RewardConfig.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "run/optimizer_settings.h"

namespace cohort {

struct RewardRecipe : OptimizerSettings {
  RewardRecipe() { learning_rate = 1e-4; }

  std::string model;       // train: where the trunk starts; eval: the reward model
  std::string output_dir;  // the run folder
  std::string data;
  std::string eval_data;  // empty: what holdout_fraction sets aside
  double holdout_fraction = 0.1;
  std::string loss = "pairwise";
  std::string step_separator = "\n";
  std::optional<double> center_rewards_coefficient;
  int64_t max_length = 1024;
  int64_t seed = 42;
  bool shuffle_dataset = true;
  bool resume = false;

  int64_t train_batch_size = 8;

  int64_t eval_steps = 0;  // 0: only at the end
  int64_t save_steps = 500;
  int64_t save_total_limit = 0;
  int64_t logging_steps = 10;

  int64_t num_threads = 0;
  int64_t micro_batch_tokens = 8192;
  bool gradient_checkpointing = false;
  double memory_limit_gb = 0;  // 0: what the machine has available
};

// Declares the fields of `recipe`, which must outlive the table: all of them, or those that `eval` reads.
void add_reward_options(OptionTable& table, RewardRecipe& recipe, bool train);

// recipe.toml of the run folder.
std::string resolved_recipe(const RewardRecipe& recipe);

}  // namespace cohort
