#include "run/optimizer_settings.h"

#include "base/check.h"

namespace cohort {

double OptimizerSettings::scheduled(double base, int64_t step, int64_t total_steps) const {
  return scheduled_learning_rate(lr_scheduler_type, base, step - 1,
                                 whole_warmup_steps(warmup_steps, total_steps), total_steps);
}

void OptimizerSettings::check_steps() const {
  if (max_steps == 0) fail("max_steps: expected -1 (by num_train_epochs) or at least 1, found 0");
}

void add_optimizer_options(OptionTable& t, OptimizerSettings& s, const std::string& rows) {
  t.add("adam_beta1", &s.adam_beta1, "decay of the mean of the gradients").at_least(0).at_most(0.999999);
  t.add("adam_beta2", &s.adam_beta2, "decay of the mean of their squares").at_least(0).at_most(0.999999);
  t.add("adam_epsilon", &s.adam_epsilon, "added to the root of the latter").above(0);
  t.add("weight_decay", &s.weight_decay, "decoupled weight decay").at_least(0);
  t.add("max_grad_norm", &s.max_grad_norm, "the gradient is scaled down to this global norm; 0: never")
      .at_least(0);
  t.add("lr_scheduler_type", &s.lr_scheduler_type,
        "the learning rate after warm-up: constant, or falling to 0 at the last step")
      .one_of({"constant", "linear", "cosine"});
  t.add("warmup_steps", &s.warmup_steps, "steps of linear warm-up; below 1: a share of all steps")
      .at_least(0);
  t.add("max_steps", &s.max_steps, "optimizer steps of the run; -1: by num_train_epochs").at_least(-1);
  t.add("num_train_epochs", &s.num_train_epochs,
        fmt::format("passes over the {}, where max_steps is -1", rows))
      .above(0);
}

}  // namespace cohort
