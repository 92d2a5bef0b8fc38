// A trained reward model that judges a policy's completions.
#pragma once

#include <memory>
#include <optional>

#include "reward/reward.h"
#include "rl/reward_trainer.h"
#include "rl/sample.h"
#include "run/reward_folder.h"

namespace cohort {

// The policy whose completions are judged. The tokenizer must outlive the model.
struct JudgedPolicy {
  const Tokenizer& tokenizer;
  int64_t vocab_size;
};

class RewardModel {
 public:
  // Reads token ids where its vocabulary is the policy's, else text, which it tokenises anew: then its end
  // token follows a completion that the policy ended. Throws Error where ids of the policy have no embedding.
  // `steps` of at least 0: with its optimizer after so many updates, to go on training it.
  RewardModel(const std::filesystem::path& folder, const JudgedPolicy& policy, int64_t micro_batch_tokens,
              int64_t steps = -1);

  // The value at the last token of each prompt and completion. Neighbours of one prompt share its pass. Not
  // computed where a text is longer than the model's context or cannot be tokenised.
  std::vector<RewardResult> score(std::span<const RewardInput> inputs);

  // Throws Error where the model was trained on steps.
  void expect_outcomes() const;
  // Throws Error where the model was trained for something else than steps that end with this separator.
  void expect_steps(std::string_view step_separator) const;
  // Sample::steps: sigma(value) at the end of each such step (rl/steps.h), NaN where it is not computed.
  void score_steps(std::span<Group> groups, std::string_view step_separator);

  // Frees the weights; the next use reads them from the folder again. Not for a model that is being trained.
  void offload() { critic_.reset(); }

  // What a run saved of a model that it goes on training, after so many of its updates. Throws Error where it
  // does not fit.
  void go_on_from(const std::filesystem::path& folder, int64_t steps);
  Critic& critic();  // loads it where it is offloaded
  void save(const std::filesystem::path& folder, bool with_optimizer);
  bool reads_text() const { return reads_text_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const RewardKind& kind() const { return kind_; }

 private:
  struct Judged;
  std::vector<int32_t> prompt_ids(std::string text, std::span<const int32_t> ids) const;
  std::vector<int32_t> completion_ids(std::string_view text, std::span<const int32_t> ids) const;
  void fill_values(std::span<Judged> all);

  std::filesystem::path folder_;
  JudgedPolicy policy_;
  int64_t micro_batch_tokens_;
  std::optional<Critic> critic_;
  Tokenizer tokenizer_;
  RewardKind kind_;
  bool reads_text_;
};

// The reward functions named model:PATH, each with its model: sets their call_all, and keeps the models.
class RewardModels {
 public:
  RewardModels(std::span<RewardFunction> rewards, const JudgedPolicy& policy, int64_t micro_batch_tokens);
  void offload();
  RewardModel& first() { return *models_.at(0); }

 private:
  std::vector<std::shared_ptr<RewardModel>> models_;
};

}  // namespace cohort
