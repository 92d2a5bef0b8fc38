// The plan before step 1: parameters, worst-case memory, tokens and FLOPs of a step. Nothing is allocated to
// make it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/checkpoint.h"
#include "run/dataset.h"

namespace cohort {

struct Plan {
  int64_t parameters = 0;  // of the base
  int64_t trained = 0;
  std::vector<std::pair<std::string, int64_t>> memory;  // what for, bytes in the worst case
  int64_t tokens_per_step = 0;  // most tokens (tree nodes) that an optimizer step computes
  double flops_per_step =
      0;  // training: a product and its two gradients, where they are wanted, are 2 each x parameters x tokens
  bool keep_activations = false;  // the first update runs backward on the rollout's activations
  int64_t sequence_cache_bytes =
      0;  // key/value cache of the longest sequence that is sampled, evaluations included
  int64_t total_bytes() const;
};

// For the longest prompt and completion of the data. Decides keep_rollout_activations = auto by `limit`
// bytes.
// `start`: the model, and the adapter where one is trained; its weights are not read.
Plan make_plan(const Recipe& recipe, const Checkpoint& start, const Datasets& data, int64_t limit);

// Several lines for people.
std::string describe(const Plan& plan, int64_t limit);

// Throws Error: the plan does not fit, and `advice` is what to change.
[[noreturn]] void refuse(const Plan& plan, int64_t limit, std::string_view advice);

// Throws Error where the plan does not fit.
void check(const Plan& plan, int64_t limit, const Recipe& recipe);

// The plan of a recipe's own model and problems.
struct RecipePlan {
  Plan plan;
  int64_t limit;  // bytes
};
RecipePlan plan_recipe(const Recipe& recipe);

}  // namespace cohort
