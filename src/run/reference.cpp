#include "run/reference.h"

#include "model/adapter_files.h"
#include "model/checkpoint.h"
#include "tensor/safetensors.h"

namespace cohort {
namespace {

constexpr const char* kFile = "reference.safetensors";

}  // namespace

bool reference_moves(const Recipe& r) { return r.sync_ref_model || r.steps_per_iteration > 0; }

Reference::Reference(const std::string& path, const ModelConfig& policy, bool moves) {
  const bool in_panels = !moves && !is_adapter_folder(path);
  Checkpoint c = in_panels ? load_checkpoint(path, Weights::later) : load_merged_checkpoint(path);
  if (c.config.vocab_size != policy.vocab_size)
    fail(
        "{}: expected the policy's vocabulary of {} tokens, found {}: log-probs of tokens cannot be compared",
        path, policy.vocab_size, c.config.vocab_size);
  model_ = std::make_unique<Model>(in_panels ? make_frozen_model(c, FrozenDtype::automatic) : make_model(c));
}

void Reference::write_log_probs(Trainer& trainer, std::span<Group> groups) {
  if (policy_) policy_->swap_adapter(adapter_);
  const std::vector<float> rows = trainer.outputs(policy_ ? *policy_ : *model_, groups).log_prob;
  if (policy_) policy_->swap_adapter(adapter_);
  size_t row = 0;
  for (Group& g : groups)
    for (Sample& s : g.samples) {
      s.ref_log_probs.assign(rows.begin() + row, rows.begin() + row + s.completion_ids.size());
      row += s.completion_ids.size();
    }
}

void Reference::move_towards(const Model& policy, double alpha) {
  moved_ = true;
  if (policy_) {
    COHORT_CHECK(alpha == 1, "adapters mixed by {}", alpha);
    adapter_ = std::make_unique<Adapter>(policy.adapter()->copy());
    return;
  }
  const Tensor to = model_->flat(), from = policy.flat();
  COHORT_CHECK(to.size() == from.size(), "{} and {} floats", to.size(), from.size());
  const float a = static_cast<float>(alpha), rest = static_cast<float>(1 - alpha);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < to.size(); ++i)
    to.data[i] = alpha == 1 ? from.data[i] : a * from.data[i] + rest * to.data[i];
  model_->pack();
}

void Reference::save(const std::filesystem::path& folder) const {
  if (!moved_) return;
  const Tensor flat = policy_ ? adapter_->flat() : model_->flat();
  const NamedFloats weights[] = {{"weights", {flat.size()}, flat.data}};
  save_safetensors(folder / kFile, weights, {{"format", "pt"}});
}

void Reference::load(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kFile)) return;
  const SafetensorsFile file(folder / kFile);
  if (policy_ && !adapter_) adapter_ = std::make_unique<Adapter>(policy_->adapter()->copy());
  const Tensor flat = policy_ ? adapter_->flat() : model_->flat();
  file.read_floats("weights", {flat.data, static_cast<size_t>(flat.size())});
  policy_ ? adapter_->pack() : model_->pack();
  moved_ = true;
}

}  // namespace cohort
