#include "run/run.h"

#include <fmt/ranges.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>

#include "base/log.h"
#include "base/progress.h"
#include "rl/steps.h"
#include "run/evaluate.h"
#include "run/experience.h"
#include "run/held_out_loss.h"
#include "run/iteration.h"
#include "run/method_options.h"
#include "run/plan.h"
#include "run/plan_memory.h"
#include "run/problem_maker.h"
#include "run/sample_json.h"
#include "run/sandbox_tool.h"
#include "run/start.h"

namespace cohort {
namespace {

class Run {
 public:
  Run(const Recipe& recipe, const RunHooks& hooks);
  bool train();

 private:
  bool sampled() const { return method_.sampled(); }
  void announce(const Checkpoint& start, const Datasets& data);
  void take_up(const FoundCheckpoint& resumed);
  int64_t count_steps(int64_t problems) const;
  bool first_of_rollout(int64_t step) const { return (step - 1) % steps_per_rollout_ == 0; }

  void update(int64_t step);
  void end_iteration();
  void log_step(int64_t step, const UpdateResult& result, double learning_rate, std::span<const Group> batch);
  bool evaluate(int64_t step);  // true: good enough, says the hook
  void note_best(int64_t step, const Metrics& metrics);
  void save(int64_t step);
  void console(int64_t step, const Metrics& metrics);

  const Recipe& recipe_;
  const RunHooks& hooks_;
  const Method& method_;
  const int64_t steps_per_rollout_;
  Problems held_out_;
  std::vector<RewardFunction> rewards_;
  GenerationOptions generation_;
  Plan plan_;
  std::unique_ptr<Actors> actors_;
  std::unique_ptr<HeldOutLoss> held_out_loss_;  // in place of held_out_, where no reward judges
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<RunWriter> writer_;
  std::unique_ptr<Progress> progress_;
  RunState state_;
  int64_t total_steps_ = 0;
  std::set<std::string> explained_;  // metrics whose odd value was explained: once a run is enough
  bool best_is_new_ = false;         // the model of now is the best so far and is not saved yet
  Experience experience_;            // of the current rollout
};

Run::Run(const Recipe& recipe, const RunHooks& hooks)
    : recipe_(recipe),
      hooks_(hooks),
      method_(find_method(recipe.method)),
      steps_per_rollout_(steps_per_rollout(recipe, method_)) {
  if (recipe.num_threads > 0) omp_set_num_threads(static_cast<int>(recipe.num_threads));
  std::optional<FoundCheckpoint> resumed;
  if (recipe.resume) resumed = find_checkpoint(recipe.output_dir);
  // The weights come after the plan, which says whether there is room for them.
  Checkpoint start = load_start(recipe, resumed);
  rewards_ = make_rewards(recipe, recipe.max_completion_length);
  // A row without steps, or that no reward judges, is refused before step 1.
  const bool gold = recipe.supervision == "process" && recipe.process_reward_model.empty();
  Datasets data = load_datasets(recipe, start.tokenizer, start.config, [&](const Problem& p, bool trained) {
    if (gold && trained) gold_steps(p.row, recipe.data);
    if (!recipe.reward_routes.empty()) check_judged(rewards_, *p.row.fields);
  });
  const bool measures_loss = held_out_kind(recipe) != RowKind::prompts;
  if (recipe.eval_steps > 0 && !data.eval.empty() && rewards_.empty() && !measures_loss)
    fail("eval_steps: held-out problems are judged by reward_funcs, found none: name one, or set eval_steps = 0");
  generation_ = generation_options(recipe, start.config, start.tokenizer);
  total_steps_ = count_steps(data.train.size());
  announce(start, data);

  actors_ = std::make_unique<Actors>(recipe, method_, std::move(start), resumed, rewards_);
  collector_ = std::make_unique<Collector>(recipe, method_, *actors_, std::move(data.train), rewards_,
                                           generation_, plan_.keep_activations);
  if (!measures_loss)
    held_out_ = std::move(data.eval);
  else if (recipe.eval_steps > 0 && !data.eval.empty())
    held_out_loss_ = std::make_unique<HeldOutLoss>(recipe, method_, *actors_, std::move(data.eval));
  state_.kl_coef = recipe.kl_coef;
  state_.entropy_coef = recipe.entropy_coef;
  if (resumed) take_up(*resumed);
  writer_ =
      open_run(recipe.output_dir, recipe.resume, resumed, resolved_recipe(recipe), recipe.save_total_limit);
  if (generation_.tools)
    journal_answers(writer_->folder() / "tools.jsonl", recipe.resume, *generation_.tools);
  collector_->start(state_.step > 0);
  total_steps_ = count_steps(collector_->problems().size());  // rft's are its own completions
  progress_ = std::make_unique<Progress>("train", total_steps_, "steps");
  progress_->start_at(state_.step);
}

// The plan, and what else is to be known before step 1; refuses what does not fit.
void Run::announce(const Checkpoint& start, const Datasets& data) {
  const int64_t limit = memory_limit(recipe_.memory_limit_gb);
  plan_ = make_plan(recipe_, start, data, limit);
  check(plan_, limit, recipe_);
  if (sampled() && !recipe_.ignore_eos && end_tokens(start.config, start.tokenizer).empty() &&
      recipe_.stop.empty())
    log_warning(
        "the model names no end token and the recipe no stop string: every completion will run to "
        "max_completion_length");
  log_info("{}: {} problems to train on, {} held out; {} steps", start.source, data.train.size(),
           data.eval.size(), total_steps_);
  std::istringstream lines(describe(plan_, limit));
  for (std::string line; std::getline(lines, line);) log_info("{}", line);
}

// Takes the state of the checkpoint, where its run can go on from there.
void Run::take_up(const FoundCheckpoint& resumed) {
  state_ = resumed.state;
  if (state_.step < total_steps_ && state_.step % steps_per_rollout_ != 0)
    fail(
        "{}: step {} stands inside a rollout of {} updates, whose completions are gone: it was the last of "
        "its run, and cannot be continued to max_steps {}; resume from an earlier checkpoint (remove this "
        "one)",
        resumed.folder.string(), state_.step, steps_per_rollout_, total_steps_);
}

int64_t Run::count_steps(int64_t problems) const {
  if (recipe_.max_steps > 0) return recipe_.max_steps;
  const double rollouts = recipe_.num_train_epochs * static_cast<double>(problems) /
                          static_cast<double>(prompts_per_rollout(recipe_, method_));
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(rollouts)) * steps_per_rollout_);
}

bool Run::train() {
  if (state_.step == 0 && recipe_.eval_steps > 0 && recipe_.eval_on_start) evaluate(0);
  while (state_.step < total_steps_) {
    const int64_t step = state_.step + 1;
    if (first_of_rollout(step)) collector_->collect(step, state_, *writer_, experience_);
    update(step);
    state_.step = step;
    if (ends_iteration(recipe_, step)) end_iteration();
    bool last = step == total_steps_;
    if (recipe_.eval_steps > 0 && (step % recipe_.eval_steps == 0 || last) && evaluate(step)) last = true;
    // A rollout's later updates need its samples, so checkpoints stand between rollouts.
    const bool whole = step % steps_per_rollout_ == 0;
    const bool stop = whole && !last && hooks_.stop_requested && hooks_.stop_requested();
    const bool due = recipe_.save_steps > 0 &&
                     step / recipe_.save_steps != (step - steps_per_rollout_) / recipe_.save_steps;
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

void Run::update(int64_t step) {
  // A rollout is cut into steps_per_generation batches of whole groups, gone through num_iterations times.
  const int64_t in_rollout = (step - 1) % steps_per_rollout_;
  const int64_t parts = sampled() ? recipe_.steps_per_generation : 1;
  const size_t part = static_cast<size_t>(in_rollout % parts),
               size = experience_.groups.size() / static_cast<size_t>(parts);
  const std::span<const Group> batch = std::span(experience_.groups).subspan(part * size, size);
  const bool first = in_rollout == 0;
  const bool credit_alone = !sampled() && method_.source != Source::pairs;
  const SeedTime time = credit_alone || (sampled() && first) ? SeedTime::before : SeedTime::after;
  const double rate = recipe_.scheduled(recipe_.learning_rate, step, total_steps_);
  actors_->trainer.set_critic_learning_rate(
      recipe_.scheduled(recipe_.critic_learning_rate, step, total_steps_));
  const bool kept = first && sampled() && plan_.keep_activations;
  const UpdateResult result =
      actors_->trainer.update(batch, time, sampled(), rate, kept ? &experience_.kept : nullptr);
  log_step(step, result, rate, batch);
  if (actors_->reference && recipe_.sync_ref_model && step % recipe_.ref_model_sync_steps == 0)
    actors_->reference->move_towards(actors_->model, recipe_.ref_model_mixup_alpha);
}

// The reference becomes the policy; the reward model learns from what the policy sampled.
void Run::end_iteration() {
  if (actors_->reference) actors_->reference->move_towards(actors_->model, 1);
  const Metrics metrics = train_reward_model(recipe_, actors_->reward_models.first(),
                                             writer_->folder() / "samples.jsonl", state_);
  writer_->log_metrics(state_.step, metrics);
}

void Run::log_step(int64_t step, const UpdateResult& result, double learning_rate,
                   std::span<const Group> batch) {
  const int64_t tokens = rollout_tokens(batch);
  state_.num_tokens += tokens;
  Metrics metrics;
  add_update_metrics(result.sums, actors_->trainer.options().coefficients, metrics);
  metrics.emplace_back("grad_norm", result.grad_norm);
  if (actors_->critic) metrics.emplace_back("critic_grad_norm", result.critic_grad_norm);
  if (result.trpo)
    add_trpo_metrics(*result.trpo, metrics);
  else
    metrics.emplace_back("learning_rate", learning_rate);
  metrics.insert(metrics.end(), experience_.metrics.begin(), experience_.metrics.end());
  metrics.emplace_back("num_tokens", static_cast<double>(state_.num_tokens));
  metrics.emplace_back("epoch", static_cast<double>(state_.prompts_drawn) /
                                    static_cast<double>(collector_->problems().size()));
  writer_->log_metrics(step, metrics);

  double total = result.forward_seconds + result.optimizer_seconds;
  NamedValues phases;
  for (const auto& [phase, seconds] : experience_.seconds) {
    phases.emplace_back(phase, first_of_rollout(step) ? seconds : 0);
    total += phases.back().second;
  }
  phases.insert(phases.end(), {{"time/forward_backward", result.forward_seconds},
                               {"time/optimizer", result.optimizer_seconds}});
  NamedValues timings{{"step_time", total}, {"tokens_per_second", static_cast<double>(tokens) / total}};
  timings.insert(timings.end(), phases.begin(), phases.end());
  writer_->log_timings(step, timings);

  progress_->update(step);
  if (step == 1 || (recipe_.logging_steps > 0 && step % recipe_.logging_steps == 0) || step == total_steps_)
    console(step, metrics);
}

void Run::console(int64_t step, const Metrics& metrics) {
  std::string line = fmt::format("step {}/{}", step, total_steps_);
  for (const char* name : {"loss", "reward", "reward_std", "kl", "kl_divergence_loss", "entropy",
                           "completions/mean_length", "grad_norm"}) {
    const double value = metric(metrics, name);
    if (value == value) line += fmt::format("  {} {:.4g}", name, value);
  }
  log_info("{}", line);
  if (sampled())
    for (const std::string& text : explain_odd_numbers(
             metrics, {first_of_rollout(step), static_cast<int32_t>(recipe_.max_completion_length)}))
      if (explained_.insert(text.substr(0, text.find(' '))).second) log_info("  {}", text);
}

bool Run::evaluate(int64_t step) {
  if (held_out_loss_) {
    const Metrics metrics = held_out_loss_->measure();
    writer_->log_metrics(step, metrics);
    log_info("step {}: held-out loss {:.4f} of {} rows", step, metric(metrics, "eval_loss"), metric(metrics, "eval_problems"));
    note_best(step, metrics);
  }
  if (held_out_.empty()) return false;
  Progress progress("evaluate", held_out_.size() * recipe_.num_generations_eval,
                    "samples");
  GenerationOptions options = generation_;
  const Evaluation e = cohort::evaluate(actors_->model, actors_->start.tokenizer, held_out_, rewards_,
                                        static_cast<int32_t>(recipe_.num_generations_eval), options,
                                        [&](int64_t, int64_t finished) { progress.update(finished); });
  if (recipe_.offload_reward_models) actors_->offload_reward_models();
  const Metrics metrics = evaluation_metrics(e);
  writer_->log_metrics(step, metrics);
  for (const Group& g : e.groups)
    for (const Sample& s : g.samples) writer_->log_eval_sample(sample_json(s, step));
  log_info("step {}: held-out accuracy {:.1f} % [{:.1f}, {:.1f}], mean length {:.1f}", step,
           100 * e.summary.accuracy, 100 * e.summary.accuracy_interval.low,
           100 * e.summary.accuracy_interval.high, e.summary.mean_length);
  note_best(step, metrics);
  return hooks_.enough && hooks_.enough(step, e);
}

// More is better, but less where the metric's name ends in loss, as transformers has it.
void Run::note_best(int64_t step, const Metrics& metrics) {
  if (!recipe_.load_best_model_at_end) return;
  const std::string name = !recipe_.metric_for_best_model.empty() ? recipe_.metric_for_best_model
                           : held_out_loss_                       ? "eval_loss"
                                                                  : "eval_accuracy";
  const auto found = std::ranges::find(metrics, name, &Metrics::value_type::first);
  if (found == metrics.end())
    fail("metric_for_best_model: expected one of {}, found \"{}\"", fmt::join(std::views::keys(metrics), ", "), name);
  const double sign = name.ends_with("loss") ? -1 : 1, value = found->second;
  if (step == 0 || value != value || (state_.best_step >= 0 && !(sign * value > sign * state_.best_value))) return;
  state_.best_value = value;
  state_.best_step = step;
  best_is_new_ = true;
}

void Run::save(int64_t step) {
  writer_->sync();
  state_.step = step;
  state_.lengths = writer_->lengths();
  actors_->save(recipe_, state_);
  best_is_new_ = false;
  log_debug("saved {}", checkpoint_folder(recipe_.output_dir, step).string());
}

}  // namespace

bool train(const Recipe& recipe, const RunHooks& hooks) { return Run(recipe, hooks).train(); }

}  // namespace cohort
