// A reward model as it stands on disk: a Hugging Face sequence classification folder of one label with its
// tokenizer, and reward_model.json, which says what it was trained for.
#pragma once

#include <filesystem>
#include <string>

#include "model/critic.h"
#include "text/tokenizer.h"

namespace cohort {

// Empty where the folder does not say (a model from elsewhere).
struct RewardKind {
  std::string loss, step_separator;
};

struct RewardFolder {
  Critic critic;
  Tokenizer tokenizer;
  RewardKind kind;

  // What training starts from: a language model (folder or GGUF), whose trunk is taken and whose head is 0,
  // or a reward model.
  static RewardFolder start(const std::filesystem::path& folder_or_gguf);
  // A reward model; `steps` of at least 0: with its optimizer after so many steps. Throws Error where
  // something is missing or does not fit.
  static RewardFolder load(const std::filesystem::path& folder, int64_t steps = -1);
  // The folder is made where it is missing; files are synced.
  void save(const std::filesystem::path& folder, bool with_optimizer) const;
};

void save_reward_folder(const std::filesystem::path& folder, const Critic& critic, const Tokenizer& tokenizer,
                        const RewardKind& kind, bool with_optimizer);

// Of a reward model's folder, before its weights are read. Throws Error where it is none.
ModelConfig reward_config(const std::filesystem::path& folder);

// Whether a folder's config.json is that of a model with a scalar head. False for a GGUF file.
bool has_scalar_head(const std::filesystem::path& folder_or_gguf);

}  // namespace cohort
