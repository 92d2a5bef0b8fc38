// What a recipe says of its optimizer steps, for policies and reward models alike.
#pragma once

#include <string>

#include "base/options.h"
#include "model/optimizer.h"

namespace cohort {

struct OptimizerSettings {
  double learning_rate = 1e-6;  // peak; each recipe has its own default
  double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8;
  double weight_decay = 0.0;
  double max_grad_norm = 1.0;  // 0: no clipping
  std::string lr_scheduler_type = "linear";
  double warmup_steps = 0;  // below 1: a share of all steps
  int64_t max_steps = -1;   // -1: by num_train_epochs
  double num_train_epochs = 3.0;

  // At the peak learning rate.
  AdamWOptions adamw() const { return {learning_rate, adam_beta1, adam_beta2, adam_epsilon, weight_decay}; }
  // The learning rate of step 1 ... total_steps, where its peak is `base`.
  double scheduled(double base, int64_t step, int64_t total_steps) const;
  // Refuses max_steps 0.
  void check_steps() const;
};

// Declares all of them but learning_rate; an epoch is a pass over the `rows`.
void add_optimizer_options(OptionTable& table, OptimizerSettings& settings, const std::string& rows);

}  // namespace cohort
