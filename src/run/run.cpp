#include "run/run.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"
#include "rl/steps.h"
#include "run/evaluate.h"
#include "run/method_options.h"
#include "run/own_completions.h"
#include "run/plan.h"
#include "run/reference.h"
#include "run/run_state.h"
#include "run/sample_json.h"
#include "run/score_rollout.h"

namespace cohort {
namespace {

// The critic at step 0: the policy's weights, or those of critic_model, with a scalar head of zeros; or a critic saved by a run, head included.
Critic first_critic(const Recipe& recipe, const Model& policy) {
  if (recipe.critic_model.empty()) return Critic(policy.config(), policy.flat());
  const std::filesystem::path folder = recipe.critic_model;
  const bool saved_critic =
      std::filesystem::is_directory(folder) && !std::filesystem::exists(folder / "tokenizer.json");
  std::optional<Critic> critic;
  if (saved_critic) {
    critic = Critic::load(folder, false, 0);
  } else {
    const Checkpoint start = load_checkpoint(folder);
    critic.emplace(start.config, start.weights.tensor({start.weights.size()}));
  }
  if (critic->config().vocab_size != policy.config().vocab_size)
    fail("critic_model: {}: expected the policy's vocabulary of {} tokens, found {}", folder.string(),
         policy.config().vocab_size, critic->config().vocab_size);
  return std::move(*critic);
}

class Run {
 public:
  Run(const Recipe& recipe, const RunHooks& hooks);
  bool train();

 private:
  bool sampled() const { return method_.sampled(); }
  // Prompts that one rollout (or one supervised batch) draws, optimizer steps that use it, and the rollout of
  // a step.
  int64_t prompts_per_rollout() const {
    return sampled() ? recipe_.prompts_per_rollout() : recipe_.train_batch_size;
  }
  int64_t steps_per_rollout() const {
    return sampled() ? recipe_.steps_per_generation * recipe_.num_iterations : 1;
  }
  int64_t count_steps() const;

  void start_method();
  void reference_pairs();
  void rollout(int64_t first_step);
  void steer_kl();
  void update(int64_t step);
  bool evaluate(int64_t step);  // true: good enough, says the hook
  void save(int64_t step);
  void console(int64_t step, const Metrics& metrics);

  const Recipe& recipe_;
  const RunHooks& hooks_;
  const Method& method_;
  Checkpoint start_;  // its weights move into model_
  std::optional<FoundCheckpoint> resumed_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Reference> reference_;
  std::unique_ptr<Critic> critic_;
  std::map<const Problem*, std::array<std::vector<float>, 2>> pair_references_;  // dpo: of both completions
  Datasets data_;
  Plan plan_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Trainer> trainer_;
  std::vector<RewardFunction> rewards_;
  GenerationOptions generation_;
  std::unique_ptr<RunWriter> writer_;
  std::unique_ptr<Progress> progress_;
  RunState state_;
  int64_t total_steps_ = 0;
  std::set<std::string> explained_;  // metrics whose odd value was explained: once a run is enough
  bool best_is_new_ = false;         // the model of now is the best so far and is not saved yet

  // The current rollout.
  std::vector<Group> groups_;
  KeptActivations kept_;
  Metrics rollout_metrics_;
  double rollout_seconds_ = 0, reward_seconds_ = 0, reference_seconds_ = 0, critic_seconds_ = 0;
};

Run::Run(const Recipe& recipe, const RunHooks& hooks)
    : recipe_(recipe), hooks_(hooks), method_(find_method(recipe.method)) {
  if (recipe.num_threads > 0) omp_set_num_threads(static_cast<int>(recipe.num_threads));
  const std::filesystem::path run = recipe.output_dir;
  if (recipe.resume) resumed_ = find_checkpoint(run);
  start_ = load_checkpoint(resumed_ ? resumed_->folder : std::filesystem::path(recipe.model));
  data_ = load_datasets(recipe, start_.tokenizer, start_.config);
  if (recipe.supervision == "process")  // a row without steps is refused before step 1
    for (const Problem& p : data_.train) gold_steps(p.row, recipe.data);
  rewards_ = make_rewards(recipe.reward_funcs, recipe.reward_weights);
  if (sampled() && !recipe.ignore_eos && end_tokens(start_.config, start_.tokenizer).empty() &&
      recipe.stop.empty())
    log_warning(
        "the model names no end token and the recipe no stop string: every completion will run to "
        "max_completion_length");

  const int64_t limit = memory_limit(recipe);
  plan_ = make_plan(recipe, start_.config, data_, limit);
  check(plan_, limit, recipe);
  total_steps_ = count_steps();
  log_info("{}: {} problems to train on, {} held out; {} steps", start_.source, data_.train.size(),
           data_.eval.size(), total_steps_);
  std::istringstream lines(describe(plan_, limit));
  for (std::string line; std::getline(lines, line);) log_info("{}", line);

  model_ = std::make_unique<Model>(start_.config, std::move(start_.weights));
  optimizer_ = std::make_unique<Optimizer>(*model_);
  if (method_.critic)
    critic_ = std::make_unique<Critic>(
        resumed_ ? Critic::load(resumed_->folder / "critic", true, resumed_->state.step)
                 : first_critic(recipe, *model_));
  trainer_ = std::make_unique<Trainer>(*model_, *optimizer_, trainer_options(recipe, method_), critic_.get());
  if (needs_reference(recipe, method_))
    reference_ = std::make_unique<Reference>(
        method_.other == Other::teacher ? recipe.teacher_model : recipe.model, start_.config);
  state_.kl_coef = recipe.kl_coef;
  generation_ = generation_options(recipe, start_.config, start_.tokenizer);
  if (resumed_) {
    load_optimizer(*resumed_, *optimizer_);
    state_ = resumed_->state;
    if (reference_) reference_->load(resumed_->folder);
    if (state_.step < total_steps_ && state_.step % steps_per_rollout() != 0)
      fail(
          "{}: step {} stands inside a rollout of {} updates, whose completions are gone: it was the last of "
          "its run, and "
          "cannot be continued to max_steps {}; resume from an earlier checkpoint (remove this one)",
          resumed_->folder.string(), state_.step, steps_per_rollout(), total_steps_);
    log_info("resuming after step {} from {}", state_.step, resumed_->folder.string());
    writer_ = std::make_unique<RunWriter>(run, resolved_recipe(recipe), state_.step, state_.lengths);
    settle_run(run, state_, recipe.save_total_limit);
  } else if (recipe.resume && std::filesystem::exists(run / "recipe.toml")) {
    log_info("{} holds no whole checkpoint: starting again from step 0", run.string());
    writer_ = std::make_unique<RunWriter>(run, resolved_recipe(recipe), 0, RunLengths{});
  } else {
    writer_ = std::make_unique<RunWriter>(run, resolved_recipe(recipe));
  }
  start_method();
  progress_ = std::make_unique<Progress>("train", total_steps_, "steps");
  progress_->start_at(state_.step);
}

// What a method does once, before its first step.
void Run::start_method() {
  if (method_.source == Source::initial_policy) {
    // A resumed model is no longer the one to sample from; its completions stand in the run folder.
    data_.train = own_completions(recipe_, *model_, start_.tokenizer, data_.train, rewards_, generation_,
                                  state_.step > 0);
    total_steps_ = count_steps();
  }
  if (method_.source == Source::pairs) reference_pairs();
}

// dpo's reference log-probs of every pair; then the reference may go.
void Run::reference_pairs() {
  Progress progress("reference log-probs", static_cast<int64_t>(data_.train.size()), "pairs");
  constexpr size_t at_once = 64;
  for (size_t first = 0; first < data_.train.size(); first += at_once) {
    std::vector<Drawn> drawn;
    for (size_t i = first; i < std::min(first + at_once, data_.train.size()); ++i)
      drawn.push_back({&data_.train[i], static_cast<uint32_t>(i)});
    std::vector<Group> groups = file_groups(drawn);
    reference_->write_log_probs(*trainer_, groups);
    for (size_t g = 0; g < groups.size(); ++g)
      for (size_t i = 0; i < 2; ++i)
        pair_references_[drawn[g].problem][i] = std::move(groups[g].samples[i].ref_log_probs);
    progress.update(static_cast<int64_t>(first + drawn.size()));
  }
  reference_.reset();
}

int64_t Run::count_steps() const {
  if (recipe_.max_steps > 0) return recipe_.max_steps;
  const double rollouts = recipe_.num_train_epochs * static_cast<double>(data_.train.size()) /
                          static_cast<double>(prompts_per_rollout());
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(rollouts)) * steps_per_rollout());
}

bool Run::train() {
  if (state_.step == 0 && recipe_.eval_steps > 0 && recipe_.eval_on_start) evaluate(0);
  while (state_.step < total_steps_) {
    const int64_t step = state_.step + 1;
    if ((step - 1) % steps_per_rollout() == 0) rollout(step);
    update(step);
    state_.step = step;
    bool last = step == total_steps_;
    if (recipe_.eval_steps > 0 && (step % recipe_.eval_steps == 0 || last) && evaluate(step)) last = true;
    // A rollout's later updates need its samples, so checkpoints stand between rollouts.
    const bool whole = step % steps_per_rollout() == 0;
    const bool stop = whole && !last && hooks_.stop_requested && hooks_.stop_requested();
    const bool due = recipe_.save_steps > 0 &&
                     step / recipe_.save_steps != (step - steps_per_rollout()) / recipe_.save_steps;
    if (last || stop || (whole && (due || best_is_new_))) save(step);
    if (stop) {
      progress_.reset();
      log_info("stopped after step {} of {}; go on with --resume", step, total_steps_);
      return false;
    }
    if (last) break;
  }
  progress_.reset();
  return true;
}

void Run::rollout(int64_t first_step) {
  const double begin = seconds();
  const int64_t index = (first_step - 1) / steps_per_rollout();
  const std::vector<Drawn> drawn =
      draw_problems(data_.train, index * prompts_per_rollout(), prompts_per_rollout(),
                    recipe_.shuffle_dataset, static_cast<uint64_t>(recipe_.seed));
  rollout_metrics_.clear();
  const CreditRule credit = credit_rule(recipe_, method_);
  CreditOptions options = credit_options(recipe_);
  if (!sampled()) {
    groups_ = file_groups(drawn);
    credit(groups_, options);
    for (size_t g = 0; g < groups_.size() && !pair_references_.empty(); ++g)
      for (size_t i = 0; i < 2; ++i)
        groups_[g].samples[i].ref_log_probs = pair_references_.at(drawn[g].problem)[i];
    rollout_seconds_ = seconds() - begin;
    return;
  }
  generation_.step = static_cast<uint32_t>(index);
  groups_ = policy_groups(*model_, start_.tokenizer, drawn, static_cast<int32_t>(recipe_.num_generations),
                          generation_, {}, plan_.keep_activations ? &kept_ : nullptr);
  const double sampled_at = seconds();
  rollout_seconds_ = sampled_at - begin;
  score_rollout(drawn, rewards_, first_step, writer_->rewards(), groups_);
  if (recipe_.supervision == "process")
    for (size_t g = 0; g < groups_.size(); ++g) {
      const std::vector<std::string> gold = gold_steps(drawn[g].problem->row, recipe_.data);
      for (Sample& s : groups_[g].samples) score_steps(start_.tokenizer, gold, recipe_.step_separator, s);
    }
  const double scored_at = seconds();
  reward_seconds_ = scored_at - sampled_at;
  if (reference_) reference_->write_log_probs(*trainer_, groups_);
  const double referred_at = seconds();
  reference_seconds_ = referred_at - scored_at;
  if (critic_) trainer_->write_values(groups_);
  critic_seconds_ = seconds() - referred_at;
  options.kl_coef = state_.kl_coef;
  credit(groups_, options);
  add_rollout_metrics(groups_, rollout_metrics_);
  steer_kl();
  for (const Group& g : groups_)
    for (const Sample& s : g.samples) writer_->log_sample(sample_json(s, first_step));
  if (recipe_.mask_truncated_completions)  // from here on they are read, not trained on
    for (Group& g : groups_)
      for (Sample& s : g.samples)
        if (s.finish_reason == "length")
          s.spans = {{0, static_cast<int32_t>(s.completion_ids.size()), false}};
  // dapo's weight is that of the whole rollout, however many steps share it.
  trainer_->set_tokens_per_step(static_cast<double>(sampled_tokens(groups_)) /
                                static_cast<double>(recipe_.steps_per_generation));
}

// kl_coef after a rollout, steered towards kl_target (Ziegler et al., arXiv 1909.08593, section 2.2).
void Run::steer_kl() {
  if (!critic_ || !reference_) return;
  double kl = 0, samples = 0;
  for (const Group& g : groups_)
    for (const Sample& s : g.samples) {
      for (size_t t = 0; t < s.completion_ids.size(); ++t)
        if (s.is_sampled(t)) kl += double{s.log_probs[t]} - double{s.ref_log_probs[t]};
      ++samples;
    }
  kl /= samples;
  rollout_metrics_.emplace_back("objective/kl", kl);
  rollout_metrics_.emplace_back("objective/kl_coef", state_.kl_coef);
  if (recipe_.kl_target > 0)
    state_.kl_coef *= 1 + std::clamp(kl / recipe_.kl_target - 1, -0.2, 0.2) * samples / recipe_.kl_horizon;
}

void Run::update(int64_t step) {
  // A rollout is cut into steps_per_generation batches of whole groups, gone through num_iterations times.
  const int64_t in_rollout = (step - 1) % steps_per_rollout();
  const int64_t parts = sampled() ? recipe_.steps_per_generation : 1;
  const size_t part = static_cast<size_t>(in_rollout % parts),
               size = groups_.size() / static_cast<size_t>(parts);
  const std::span<const Group> batch = std::span(groups_).subspan(part * size, size);
  const bool first = in_rollout == 0;
  const bool credit_alone = !sampled() && method_.source != Source::pairs;
  const SeedTime time = credit_alone || (sampled() && first) ? SeedTime::before : SeedTime::after;
  auto scheduled = [&](double base) {
    return scheduled_learning_rate(
        recipe_.lr_scheduler_type, base, step - 1,
        recipe_.warmup_steps < 1
            ? static_cast<int64_t>(std::ceil(recipe_.warmup_steps * static_cast<double>(total_steps_)))
            : static_cast<int64_t>(recipe_.warmup_steps),
        total_steps_);
  };
  const double rate = scheduled(recipe_.learning_rate);
  trainer_->set_critic_learning_rate(scheduled(recipe_.critic_learning_rate));
  const UpdateResult result = trainer_->update(
      batch, time, sampled(), rate, first && sampled() && plan_.keep_activations ? &kept_ : nullptr);

  const int64_t tokens = rollout_tokens(batch);
  state_.num_tokens += tokens;
  Metrics metrics;
  add_update_metrics(result.sums, trainer_->options().coefficients, metrics);
  metrics.emplace_back("grad_norm", result.grad_norm);
  if (critic_) metrics.emplace_back("critic_grad_norm", result.critic_grad_norm);
  metrics.emplace_back("learning_rate", rate);
  metrics.insert(metrics.end(), rollout_metrics_.begin(), rollout_metrics_.end());
  metrics.emplace_back("num_tokens", static_cast<double>(state_.num_tokens));
  metrics.emplace_back("epoch",
                       static_cast<double>(((step - 1) / steps_per_rollout() + 1) * prompts_per_rollout()) /
                           static_cast<double>(data_.train.size()));
  writer_->log_metrics(step, metrics);

  const double rollout = in_rollout == 0 ? rollout_seconds_ : 0,
               reward = in_rollout == 0 && sampled() ? reward_seconds_ : 0;
  const double reference = in_rollout == 0 && reference_ ? reference_seconds_ : 0;
  const double values = in_rollout == 0 && critic_ ? critic_seconds_ : 0;
  const double total =
      rollout + reward + reference + values + result.forward_seconds + result.optimizer_seconds;
  NamedValues timings{{"step_time", total}, {"tokens_per_second", static_cast<double>(tokens) / total}};
  if (sampled()) timings.insert(timings.end(), {{"time/rollout", rollout}, {"time/reward", reward}});
  if (reference_) timings.emplace_back("time/reference", reference);
  if (critic_) timings.emplace_back("time/values", values);
  timings.insert(timings.end(), {{"time/forward_backward", result.forward_seconds},
                                 {"time/optimizer", result.optimizer_seconds}});
  writer_->log_timings(step, timings);
  if (reference_ && recipe_.sync_ref_model && step % recipe_.ref_model_sync_steps == 0)
    reference_->move_towards(*model_, recipe_.ref_model_mixup_alpha);

  progress_->update(step);
  if (step == 1 || (recipe_.logging_steps > 0 && step % recipe_.logging_steps == 0) || step == total_steps_)
    console(step, metrics);
}

void Run::console(int64_t step, const Metrics& metrics) {
  std::string line = fmt::format("step {}/{}", step, total_steps_);
  for (const char* name :
       {"loss", "reward", "reward_std", "kl", "entropy", "completions/mean_length", "grad_norm"}) {
    const double value = metric(metrics, name);
    if (value == value) line += fmt::format("  {} {:.4g}", name, value);
  }
  log_info("{}", line);
  const bool on_policy = (step - 1) % steps_per_rollout() == 0;
  if (sampled())
    for (const std::string& text :
         explain_odd_numbers(metrics, {on_policy, static_cast<int32_t>(recipe_.max_completion_length)}))
      if (explained_.insert(text.substr(0, text.find(' '))).second) log_info("  {}", text);
}

bool Run::evaluate(int64_t step) {
  if (data_.eval.empty()) return false;
  Progress progress("evaluate", static_cast<int64_t>(data_.eval.size()) * recipe_.num_generations_eval,
                    "samples");
  GenerationOptions options = generation_;
  const Evaluation e = cohort::evaluate(*model_, start_.tokenizer, data_.eval, rewards_,
                                        static_cast<int32_t>(recipe_.num_generations_eval), options,
                                        [&](int64_t, int64_t finished) { progress.update(finished); });
  const Metrics metrics = evaluation_metrics(e);
  writer_->log_metrics(step, metrics);
  for (const Group& g : e.groups)
    for (const Sample& s : g.samples) writer_->log_eval_sample(sample_json(s, step));
  log_info("step {}: held-out accuracy {:.1f} % [{:.1f}, {:.1f}], mean length {:.1f}", step,
           100 * e.summary.accuracy, 100 * e.summary.accuracy_interval.low,
           100 * e.summary.accuracy_interval.high, e.summary.mean_length);
  const double value = metric(metrics, recipe_.metric_for_best_model);
  if (recipe_.load_best_model_at_end && step > 0 && value == value &&
      (state_.best_step < 0 || value > state_.best_value)) {
    state_.best_value = value;
    state_.best_step = step;
    best_is_new_ = true;
  }
  return hooks_.enough && hooks_.enough(step, e);
}

void Run::save(int64_t step) {
  writer_->sync();
  state_.step = step;
  state_.lengths = writer_->lengths();
  const auto others = [&](const std::filesystem::path& folder) {
    if (critic_) critic_->save(folder / "critic", true);
    if (reference_) reference_->save(folder);
  };
  save_run(recipe_.output_dir, state_, *model_, *optimizer_, start_.tokenizer, start_.texts, others,
           recipe_.save_total_limit);
  best_is_new_ = false;
  log_debug("saved {}", checkpoint_folder(recipe_.output_dir, step).string());
}

}  // namespace

bool train(const Recipe& recipe, const RunHooks& hooks) { return Run(recipe, hooks).train(); }

}  // namespace cohort
