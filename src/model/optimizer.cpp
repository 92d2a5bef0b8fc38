#include "model/optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "tensor/safetensors.h"

namespace cohort {

double scheduled_learning_rate(const std::string& type, double base, int64_t step, int64_t warmup_steps,
                               int64_t total_steps) {
  if (step < warmup_steps) return base * static_cast<double>(step) / static_cast<double>(warmup_steps);
  if (type == "constant") return base;
  const double span = static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps));
  const double progress = std::min(1.0, static_cast<double>(step - warmup_steps) / span);
  if (type == "linear") return base * (1.0 - progress);
  COHORT_CHECK(type == "cosine", "schedule {}", type);
  return base * 0.5 * (1.0 + cohort::cos(3.141592653589793 * progress));
}

int64_t whole_warmup_steps(double warmup_steps, int64_t total_steps) {
  return static_cast<int64_t>(
      warmup_steps < 1 ? std::ceil(warmup_steps * static_cast<double>(total_steps)) : warmup_steps);
}

namespace {

int64_t trained_floats(const Model& model) {
  const std::vector<TrainedParameter> trained = model.trained();
  return trained.empty() ? 0 : trained.back().offset + trained.back().size();
}

}  // namespace

Optimizer::Optimizer(const Model& model) : m_(trained_floats(model)), v_(m_.size()) {
  m_.zero();
  v_.zero();
}

double Optimizer::step(Model& model, const Gradients& gradients, const AdamWOptions& options,
                       double max_grad_norm) {
  const Tensor g = gradients.flat();
  COHORT_CHECK(g.size() == m_.size(), "{} gradients, {} moments", g.size(), m_.size());
  const double norm = std::sqrt(sum_of_squares(g));
  if (!std::isfinite(norm))
    fail("the gradient norm is {}: the update was not made; lower learning_rate or look at the rewards",
         norm);
  const double scale = max_grad_norm > 0 ? std::min(1.0, max_grad_norm / (norm + 1e-6)) : 1.0;
  ++steps_;
  for (const TrainedParameter& p : model.trained()) {
    AdamWOptions o = options;
    if (p.shape.size() < 2) o.weight_decay = 0;
    auto part = [&](const Tensor& t) { return Tensor(t.data + p.offset, {p.size()}); };
    adamw(Tensor(p.weights, {p.size()}), part(g), part(first_moment()), part(second_moment()), o, steps_,
          scale);
  }
  model.pack_trained();
  return norm;
}

void Optimizer::save(const std::filesystem::path& file) const {
  const NamedFloats moments[] = {{"exp_avg", {m_.size()}, m_.data()}, {"exp_avg_sq", {v_.size()}, v_.data()}};
  save_safetensors(file, moments, {{"format", "pt"}});
}

void Optimizer::load(const std::filesystem::path& path, int64_t steps) {
  const SafetensorsFile file(path);
  file.read_floats("exp_avg", {m_.data(), static_cast<size_t>(m_.size())});
  file.read_floats("exp_avg_sq", {v_.data(), static_cast<size_t>(v_.size())});
  steps_ = steps;
}

}  // namespace cohort
