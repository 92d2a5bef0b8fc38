#include "run/reward_training.h"

#include <omp.h>

#include <cmath>
#include <memory>
#include <sstream>

#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"
#include "run/plan_memory.h"
#include "run/reward_dataset.h"
#include "run/reward_evaluation.h"
#include "run/reward_folder.h"
#include "run/reward_plan.h"
#include "run/run_state.h"

namespace cohort {
namespace {

RewardTrainerOptions trainer_options(const RewardRecipe& r) {
  RewardTrainerOptions o;
  o.center_rewards_coefficient = r.center_rewards_coefficient.value_or(0);
  o.adamw = r.adamw();
  o.max_grad_norm = r.max_grad_norm;
  o.micro_batch_tokens = r.micro_batch_tokens;
  o.gradient_checkpointing = r.gradient_checkpointing;
  return o;
}

class RewardRun {
 public:
  explicit RewardRun(const RewardRecipe& recipe);
  bool train(const std::function<bool()>& stop_requested);

 private:
  void update(int64_t step);
  void evaluate(int64_t step, bool last);
  void save();

  const RewardRecipe& recipe_;
  const std::filesystem::path run_;
  std::unique_ptr<RewardFolder> model_;
  RewardDatasets data_;
  std::unique_ptr<RewardTrainer> trainer_;
  std::unique_ptr<RunWriter> writer_;
  std::unique_ptr<Progress> progress_;
  RunState state_;
  int64_t total_steps_ = 0;
};

RewardRun::RewardRun(const RewardRecipe& recipe) : recipe_(recipe), run_(recipe.output_dir) {
  if (recipe.num_threads > 0) omp_set_num_threads(static_cast<int>(recipe.num_threads));
  const int64_t limit = memory_limit(recipe.memory_limit_gb);  // before the model takes its part
  std::optional<FoundCheckpoint> resumed;
  if (recipe.resume) resumed = find_checkpoint(run_);
  model_ = std::make_unique<RewardFolder>(resumed ? RewardFolder::load(resumed->folder, resumed->state.step)
                                                  : RewardFolder::start(recipe.model));
  model_->kind = {recipe.loss, recipe.loss == "stepwise" ? recipe.step_separator : ""};
  data_ = load_reward_datasets(recipe, model_->tokenizer, model_->critic.config(), true);
  const double rows = static_cast<double>(data_.train.size());
  total_steps_ = recipe.max_steps > 0
                     ? recipe.max_steps
                     : std::max<int64_t>(
                           1, static_cast<int64_t>(
                                  std::ceil(recipe.num_train_epochs *
                                            std::ceil(rows / static_cast<double>(recipe.train_batch_size)))));
  log_info("{}: {} rows to train on, {} held out; {} steps", recipe.data, data_.train.size(),
           data_.eval.size(), total_steps_);
  const Plan plan = make_reward_plan(recipe, model_->critic.config(), data_.train);
  check(plan, limit, recipe);
  std::istringstream lines(describe(plan, limit));
  for (std::string line; std::getline(lines, line);) log_info("{}", line);
  trainer_ = std::make_unique<RewardTrainer>(model_->critic, trainer_options(recipe));
  if (resumed) state_ = resumed->state;
  writer_ = open_run(run_, recipe.resume, resumed, resolved_recipe(recipe), recipe.save_total_limit);
  progress_ = std::make_unique<Progress>("reward train", total_steps_, "steps");
  progress_->start_at(state_.step);
}

bool RewardRun::train(const std::function<bool()>& stop_requested) {
  while (state_.step < total_steps_) {
    const int64_t step = state_.step + 1;
    update(step);
    state_.step = step;
    const bool last = step == total_steps_;
    const bool stop = !last && stop_requested && stop_requested();
    if (last || (recipe_.eval_steps > 0 && step % recipe_.eval_steps == 0)) evaluate(step, last);
    if (last || stop || (recipe_.save_steps > 0 && step % recipe_.save_steps == 0)) save();
    if (stop) {
      progress_.reset();
      log_info("stopped after step {} of {}; go on with --resume", step, total_steps_);
      return false;
    }
  }
  progress_.reset();
  return true;
}

void RewardRun::update(int64_t step) {
  std::vector<RewardExample> batch;
  for (int64_t row :
       draw_rows(static_cast<int64_t>(data_.train.size()), (step - 1) * recipe_.train_batch_size,
                 recipe_.train_batch_size, recipe_.shuffle_dataset, static_cast<uint64_t>(recipe_.seed)))
    batch.push_back(data_.train[static_cast<size_t>(row)]);
  const double rate = recipe_.scheduled(recipe_.learning_rate, step, total_steps_);
  const RewardUpdate result = trainer_->update(batch, rate);
  state_.num_tokens += result.tokens;
  const RewardSums& s = result.sums;
  const double judged = static_cast<double>(s.judged);
  Metrics metrics{{"loss", s.loss}, {"accuracy", static_cast<double>(s.right) / judged}};
  if (recipe_.loss == "pairwise") metrics.emplace_back("margin", s.margin / judged);
  metrics.insert(metrics.end(), {{"mean_reward", s.value / static_cast<double>(s.values)},
                                 {"min_reward", s.value_min},
                                 {"max_reward", s.value_max},
                                 {"grad_norm", result.grad_norm},
                                 {"learning_rate", rate},
                                 {"num_tokens", static_cast<double>(state_.num_tokens)},
                                 {"epoch", static_cast<double>(step * recipe_.train_batch_size) /
                                               static_cast<double>(data_.train.size())}});
  writer_->log_metrics(step, metrics);
  const double time = result.forward_seconds + result.optimizer_seconds;
  writer_->log_timings(step, {{"step_time", time},
                              {"tokens_per_second", static_cast<double>(result.tokens) / time},
                              {"time/forward_backward", result.forward_seconds},
                              {"time/optimizer", result.optimizer_seconds}});
  progress_->update(step);
  if (step == 1 || step % recipe_.logging_steps == 0 || step == total_steps_)
    log_info("step {}/{}  loss {:.4g}  accuracy {:.3g}  mean_reward {:.3g}  grad_norm {:.4g}", step,
             total_steps_, s.loss, metric(metrics, "accuracy"), metric(metrics, "mean_reward"),
             result.grad_norm);
}

void RewardRun::evaluate(int64_t step, bool last) {
  if (data_.eval.empty()) {
    if (last) log_warning("no rows are held out: give eval_data or holdout_fraction to see how good it is");
    return;
  }
  const RewardEvaluation e =
      evaluate_reward(model_->critic, data_.eval, recipe_.center_rewards_coefficient.value_or(0),
                      recipe_.micro_batch_tokens, step);
  writer_->log_metrics(step, reward_evaluation_metrics(e));
  std::istringstream rows(e.rows);
  for (std::string row; std::getline(rows, row);) writer_->log_eval_sample(row);
  write_file(run_ / "reward_evaluation.json", reward_evaluation_json(e));
  std::istringstream lines(describe(e));
  log_info("step {}: held out", step);
  for (std::string line; std::getline(lines, line);) log_info("  {}", line);
}

void RewardRun::save() {
  writer_->sync();
  state_.lengths = writer_->lengths();
  save_run(
      run_, state_, [&](const std::filesystem::path& folder) { model_->save(folder, true); },
      recipe_.save_total_limit);
}

}  // namespace

bool train_reward(const RewardRecipe& recipe, const std::function<bool()>& stop_requested) {
  recipe.check_steps();
  if (recipe.center_rewards_coefficient && recipe.loss != "pairwise")
    fail("center_rewards_coefficient: only the loss pairwise reads it, found {}", recipe.loss);
  return RewardRun(recipe).train(stop_requested);
}

}  // namespace cohort
