#include "run/reference.h"

#include "model/checkpoint.h"
#include "tensor/safetensors.h"

namespace cohort {
namespace {

constexpr const char* kFile = "reference.safetensors";

}  // namespace

Reference::Reference(const std::string& path, const ModelConfig& policy) {
  Checkpoint c = load_checkpoint(path);
  if (c.config.vocab_size != policy.vocab_size)
    fail(
        "{}: expected the policy's vocabulary of {} tokens, found {}: log-probs of tokens cannot be compared",
        path, policy.vocab_size, c.config.vocab_size);
  model_ = std::make_unique<Model>(c.config, std::move(c.weights));
}

void Reference::write_log_probs(Trainer& trainer, std::span<Group> groups) const {
  const std::vector<float> rows = trainer.outputs(*model_, groups).log_prob;
  size_t row = 0;
  for (Group& g : groups)
    for (Sample& s : g.samples) {
      s.ref_log_probs.assign(rows.begin() + row, rows.begin() + row + s.completion_ids.size());
      row += s.completion_ids.size();
    }
}

void Reference::move_towards(const Model& policy, double alpha) {
  const Tensor to = model_->flat(), from = policy.flat();
  COHORT_CHECK(to.size() == from.size(), "{} and {} floats", to.size(), from.size());
  const float a = static_cast<float>(alpha), rest = static_cast<float>(1 - alpha);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < to.size(); ++i)
    to.data[i] = alpha == 1 ? from.data[i] : a * from.data[i] + rest * to.data[i];
  model_->pack();
  moved_ = true;
}

void Reference::save(const std::filesystem::path& folder) const {
  if (!moved_) return;
  const std::vector<int64_t> shape{model_->floats()};
  const NamedFloats weights[] = {{"weights", shape, model_->flat().data}};
  save_safetensors(folder / kFile, weights, {{"format", "pt"}});
}

void Reference::load(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kFile)) return;
  const SafetensorsFile file(folder / kFile);
  file.read_floats("weights", {model_->flat().data, static_cast<size_t>(model_->floats())});
  model_->pack();
  moved_ = true;
}

}  // namespace cohort
