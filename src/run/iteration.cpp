#include "run/iteration.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "data/order.h"
#include "run/reward_dataset.h"

namespace cohort {
namespace {

using nlohmann::json;

// Completions of one prompt in one rollout that ended by themselves, by label.
struct Judged {
  std::string prompt;
  std::vector<std::string> right, wrong;
};

struct Pairs {
  std::vector<Row> fresh, history;
};

Row pair_row(const Judged& judged, size_t i) {
  Row row;
  row.question = row.prompt = judged.prompt;
  row.fields = std::make_shared<const json>(
      json{{"prompt", judged.prompt}, {"chosen", judged.right[i]}, {"rejected", judged.wrong[i]}});
  return row;
}

// The pairs of samples.jsonl: fresh ones from steps after `since`. The i-th right completion of a prompt goes
// with its i-th wrong one.
Pairs judged_pairs(const std::filesystem::path& samples, const std::string& label, int64_t since) {
  const MappedFile file(samples);
  std::map<std::pair<int64_t, int64_t>, Judged> prompts;  // by step and prompt_index
  std::string_view rest = file.bytes();
  for (int64_t line = 1; !rest.empty(); ++line) {
    const size_t end = rest.find('\n');
    try {
      const json row = parse_json(rest.substr(0, end));
      const json& value = row.at("rewards").at(label);
      if (row.at("finish_reason") == "stop" && value.is_number()) {
        Judged& judged = prompts[{row.at("step"), row.at("prompt_index")}];
        judged.prompt = row.at("prompt");
        (value.get<double>() >= 1 ? judged.right : judged.wrong).push_back(row.at("completion"));
      }
    } catch (const json::exception& error) {
      fail("{}:{}: expected a sample with the reward {}, found: {}", samples.string(), line, label,
           error.what());
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  Pairs pairs;
  for (const auto& [place, judged] : prompts)
    for (size_t i = 0; i < std::min(judged.right.size(), judged.wrong.size()); ++i)
      (place.first > since ? pairs.fresh : pairs.history).push_back(pair_row(judged, i));
  return pairs;
}

RewardRecipe reward_recipe(const Recipe& r) {
  RewardRecipe recipe;
  recipe.max_length = 0;
  recipe.seed = r.seed;
  return recipe;
}

RewardTrainerOptions trainer_options(const Recipe& r) {
  RewardTrainerOptions o;
  o.adamw = r.adamw();  // the learning rate is given with each step
  o.adamw.weight_decay = 0;
  o.max_grad_norm = r.max_grad_norm;
  o.micro_batch_tokens = r.micro_batch_tokens;
  o.gradient_checkpointing = r.gradient_checkpointing;
  return o;
}

}  // namespace

bool ends_iteration(const Recipe& recipe, int64_t step) {
  return recipe.steps_per_iteration > 0 && step % recipe.steps_per_iteration == 0;
}

Metrics train_reward_model(const Recipe& recipe, RewardModel& model, const std::filesystem::path& samples,
                           RunState& state) {
  const int64_t iteration = state.step / recipe.steps_per_iteration;
  Pairs pairs = judged_pairs(samples, recipe.reward_model_label, state.step - recipe.steps_per_iteration);
  const uint64_t seed = static_cast<uint64_t>(recipe.seed);
  const double share = recipe.replay_fraction / (1 - recipe.replay_fraction);
  const size_t wanted = static_cast<size_t>(std::llround(share * static_cast<double>(pairs.fresh.size())));
  const size_t replayed = std::min(wanted, pairs.history.size());
  const std::vector<uint32_t> history =
      shuffled_order(static_cast<uint32_t>(pairs.history.size()), seed, static_cast<uint32_t>(iteration));
  std::vector<Row> rows = std::move(pairs.fresh);
  for (size_t i = 0; i < replayed; ++i) rows.push_back(std::move(pairs.history[history[i]]));
  Metrics metrics{{"reward_model/pairs", static_cast<double>(rows.size())},
                  {"reward_model/replayed", static_cast<double>(replayed)}};
  if (rows.empty()) {
    log_warning(
        "iteration {}: no prompt has a right and a wrong completion by {}: the reward model stays as it is",
        iteration, recipe.reward_model_label);
    return metrics;
  }
  const std::vector<RewardExample> examples = reward_examples(
      std::move(rows), samples.string(), reward_recipe(recipe), model.tokenizer(), model.critic().config());
  if (examples.empty()) return metrics;
  RewardTrainer trainer(model.critic(), trainer_options(recipe));
  RewardSums sums;
  double loss = 0;
  const auto count = static_cast<int64_t>(examples.size());
  for (int64_t first = 0; first < count; first += recipe.reward_model_batch_size) {
    std::vector<RewardExample> batch;
    for (int64_t row : draw_rows(count, iteration * count + first,
                                 std::min(recipe.reward_model_batch_size, count - first), true, seed))
      batch.push_back(examples[static_cast<size_t>(row)]);
    const RewardSums s = trainer.update(batch, recipe.reward_model_learning_rate).sums;
    loss += s.loss * static_cast<double>(batch.size());
    sums.judged += s.judged;
    sums.right += s.right;
    sums.margin += s.margin;
    ++state.reward_model_steps;
  }
  const double judged = static_cast<double>(sums.judged);
  metrics.insert(metrics.end(), {{"reward_model/loss", loss / static_cast<double>(count)},
                                 {"reward_model/accuracy", static_cast<double>(sums.right) / judged},
                                 {"reward_model/margin", sums.margin / judged}});
  log_info(
      "iteration {}: the reward model saw {} pairs ({} replayed), accuracy before learning from them {:.3g}",
      iteration, count, replayed, static_cast<double>(sums.right) / judged);
  return metrics;
}

}  // namespace cohort
