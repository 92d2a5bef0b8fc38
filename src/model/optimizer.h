// The optimizer: global-norm clipping and AdamW over what is trained, and the learning-rate schedules.
#pragma once

#include <filesystem>
#include <string>

#include "model/model.h"
#include "model/transformer.h"
#include "ops/adamw.h"

namespace cohort {

// "constant", "linear" (to 0 at the last step) or "cosine" (to 0), after a linear warm-up; as transformers'
// schedulers of these names. `step` counts from 0: the rate used for the (step + 1)-th update.
double scheduled_learning_rate(const std::string& type, double base, int64_t step, int64_t warmup_steps,
                               int64_t total_steps);

// A recipe's warmup_steps: below 1 a share of all steps, rounded up.
int64_t whole_warmup_steps(double warmup_steps, int64_t total_steps);

class Optimizer {
 public:
  explicit Optimizer(const Model& model);
  // One update with gradients clipped to `max_grad_norm` (0: no clipping), as torch's clip_grad_norm_; packs
  // the weights anew. Matrices are decayed, norms and biases are not. Returns the gradient norm before
  // clipping. Throws Error when it is not finite, with nothing changed.
  double step(Model& model, const Gradients& gradients, const AdamWOptions& options, double max_grad_norm);

  int64_t steps() const { return steps_; }
  // The moments as a safetensors file, and back; load throws Error where they do not fit the model.
  void save(const std::filesystem::path& file) const;
  void load(const std::filesystem::path& file, int64_t steps);
  Tensor first_moment() const { return m_.tensor({m_.size()}); }
  Tensor second_moment() const { return v_.tensor({v_.size()}); }

 private:
  Buffer m_, v_;
  int64_t steps_ = 0;
};

}  // namespace cohort
