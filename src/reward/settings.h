// What a recipe says of its rewards: which functions, and what these need to know. Names and defaults are TRL's
// and open-r1's where they have them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace cohort {

struct RewardSettings {
  std::vector<std::string> reward_funcs;
  std::vector<double> reward_weights;  // empty: 1 each
  std::vector<std::string> reward_gates,
      reward_factors;                      // names of reward_funcs; the others are terms of a sum
  std::vector<std::string> reward_routes;  // KIND=NAME
  std::string route_field = "data_source";
  std::string reward_errors = "continue";
  double reward_command_timeout = 60;  // seconds
  int64_t reward_workers = 2;
  std::vector<std::string> format_tags = {"think", "answer"};
  bool format_strict = true;
  int64_t soft_punish_cache = 0;  // tokens before max_completion_length where soft_overlong_punishment begins
  int64_t cosine_max_len = 0;     // tokens; 0: max_completion_length
  double cosine_min_value_wrong = -1.0, cosine_max_value_wrong = -0.5;
  double cosine_min_value_correct = 0.5, cosine_max_value_correct = 1.0;
  int64_t token_budget = 0;  // 0: only where the row has one
  double token_budget_alpha = 0.0003;
  int64_t repetition_n_grams = 3;
  double repetition_max_penalty = -1.0;
  std::string language = "en";
  double code_cpu_seconds = 4;
  int64_t code_memory_mb = 512;
  std::vector<std::string> code_commands, code_read_only;
  std::vector<std::string> math_extraction = {"boxed", "answer_tag", "phrase", "formula", "last_number"};
  int64_t math_precision = 6;  // decimals
};

// Declares them, which must outlive the table, below a heading.
void add_reward_settings(OptionTable& table, RewardSettings& settings);

}  // namespace cohort
