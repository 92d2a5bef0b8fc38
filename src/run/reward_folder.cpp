#include "run/reward_folder.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "model/checkpoint.h"
#include "model/config_json.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKind = "reward_model.json";

RewardKind read_kind(const fs::path& folder) {
  const fs::path path = folder / kKind;
  if (!fs::exists(path)) return {};
  try {
    const auto json = parse_json(read_file(path));
    return {json.at("loss").get<std::string>(), json.at("step_separator").get<std::string>()};
  } catch (const nlohmann::json::exception& error) {
    fail("{}: expected loss and step_separator: {}", path.string(), error.what());
  }
}

void check_vocabulary(const RewardFolder& model, const fs::path& folder) {
  if (model.tokenizer.size() > model.critic.config().vocab_size)
    fail("{}: the tokenizer has {} tokens, but the model's vocabulary only {}", folder.string(),
         model.tokenizer.size(), model.critic.config().vocab_size);
}

}  // namespace

bool has_scalar_head(const fs::path& folder_or_gguf) {
  const fs::path config = folder_or_gguf / "config.json";
  return fs::is_directory(folder_or_gguf) && fs::exists(config) &&
         parse_config(read_file(config), config.string()).scalar_head;
}

ModelConfig reward_config(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  if (!fs::exists(path))
    fail("{}: expected the folder of a reward model, but config.json is missing", folder.string());
  ModelConfig config = parse_config(read_file(path), path.string());
  if (!config.scalar_head)
    fail(
        "{}: expected a reward model (architectures: ...ForSequenceClassification, one label); "
        "`cohort reward train` makes one of a language model",
        folder.string());
  return config;
}

RewardFolder RewardFolder::start(const fs::path& folder_or_gguf) {
  if (has_scalar_head(folder_or_gguf)) return load(folder_or_gguf);
  Checkpoint start = load_merged_checkpoint(folder_or_gguf);
  return {Critic(start.config, start.weights.tensor({start.weights.size()})), std::move(start.tokenizer), {}};
}

RewardFolder RewardFolder::load(const fs::path& folder, int64_t steps) {
  reward_config(folder);
  RewardFolder model{Critic::load(folder, steps >= 0, std::max<int64_t>(steps, 0)),
                     Tokenizer::from_folder(folder), read_kind(folder)};
  check_vocabulary(model, folder);
  return model;
}

void RewardFolder::save(const fs::path& folder, bool with_optimizer) const {
  save_reward_folder(folder, critic, tokenizer, kind, with_optimizer);
}

void save_reward_folder(const fs::path& folder, const Critic& critic, const Tokenizer& tokenizer,
                        const RewardKind& kind, bool with_optimizer) {
  critic.save(folder, with_optimizer);
  tokenizer.save(folder);
  const nlohmann::ordered_json json{{"loss", kind.loss}, {"step_separator", kind.step_separator}};
  write_new_file(folder / kKind, dump_json(json, 2) + "\n");
  sync_folder(folder);
}

}  // namespace cohort
