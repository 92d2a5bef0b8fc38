// The main job on an embedded default: a tiny base model is made and taught addition in R1's template until
// it is sometimes right, then trained by GRPO with rule rewards alone.
#include <cstdio>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "cli/random_model.h"
#include "data/tasks.h"
#include "run/run.h"
#include "run/run_state.h"
#include "web/report.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

struct QuickstartSettings {
  std::string output_dir = "runs/quickstart";
  int64_t seed = 42, task_digits = 3;
  int64_t max_steps = 120;
  double target = 0.3;
};

void declare(OptionTable& t, QuickstartSettings& s) {
  t.add("output_dir", &s.output_dir, "folder of the base model and the two runs; must be new")
      .shown_as("DIR");
  t.add("seed", &s.seed, "the same seed gives the same bytes").at_least(0);
  t.add("task_digits", &s.task_digits, "digits of the numbers to add").at_least(1).at_most(6);
  t.add("target", &s.target, "held-out accuracy at which supervised training gives way to GRPO")
      .above(0)
      .at_most(1);
  t.add("max_steps", &s.max_steps, "steps of GRPO").at_least(1);
}

Recipe common(const QuickstartSettings& s, const std::string& method) {
  Recipe r = default_recipe(method);
  r.seed = s.seed;
  r.data = "addition";
  r.task_digits = s.task_digits;
  r.holdout_fraction = 0.1;
  r.eval_problems = 200;
  r.max_completion_length = 16 + 10 * s.task_digits;
  r.reward_funcs = {"answer_tag", "think_format"};
  r.reward_weights = {1.0, 0.1};
  r.adam_beta2 = 0.99;
  r.save_steps = 0;
  return r;
}

void print_row(const char* name, const EvalSummary& before, const EvalSummary& after, auto value) {
  fmt::print("  {:<22}{:>10}{:>10}\n", name, value(before), value(after));
}

void print_table(const Evaluation& before, const Evaluation& after) {
  const EvalSummary &b = before.summary, &a = after.summary;
  auto percent = [](double x) { return fmt::format("{:.1f} %", 100 * x); };
  fmt::print("\n  {:<22}{:>10}{:>10}   ({} held-out problems x {} samples)\n", "", "before", "after",
             b.prompts, b.samples / std::max<int64_t>(1, b.prompts));
  print_row("accuracy", b, a, [&](const EvalSummary& e) { return percent(e.accuracy); });
  print_row("  95 % interval", b, a, [&](const EvalSummary& e) {
    return fmt::format("{:.1f}-{:.1f}", 100 * e.accuracy_interval.low, 100 * e.accuracy_interval.high);
  });
  for (size_t i = 0; i < b.pass_at.size(); ++i)
    if (b.pass_at[i].first > 1)
      print_row(fmt::format("pass@{}", b.pass_at[i].first).c_str(), b, a,
                [&](const EvalSummary& e) { return percent(e.pass_at[i].second); });
  for (size_t i = 0; i < b.maj_at.size(); ++i)
    if (b.maj_at[i].first > 2)
      print_row(fmt::format("maj@{}", b.maj_at[i].first).c_str(), b, a,
                [&](const EvalSummary& e) { return percent(e.maj_at[i].second); });
  print_row("mean length (tokens)", b, a,
            [&](const EvalSummary& e) { return fmt::format("{:.1f}", e.mean_length); });
}

void print_samples(const Evaluation& before, const Evaluation& after) {
  fmt::print("\n");
  int shown = 0;
  for (size_t p = 0; p < before.groups.size() && shown < 3; ++p) {
    const Sample &b = before.groups[p].samples[0], &a = after.groups[p].samples[0];
    if (b.rewards[0].second >= 1 || a.rewards[0].second < 1) continue;
    ++shown;
    fmt::print("  {}\n    before: {}\n    after:  {}\n", b.prompt, b.completion, a.completion);
  }
}

int run_quickstart(std::span<const std::string> arguments) {
  QuickstartSettings s;
  OptionTable table;
  declare(table, s);
  read_options(table, "quickstart", arguments);
  fs::path base = s.output_dir;
  for (int n = 2; fs::exists(base); ++n) {
    if (table.was_set("output_dir")) fail("{}: expected a new folder, found one that exists", base.string());
    base = fmt::format("{}-{}", s.output_dir, n);
  }
  const std::function<bool()> stop = stop_on_signals();

  log_info(
      "1. A base model: {} digits of addition, supervised until {:.0f} % of held-out problems are solved",
      s.task_digits, 100 * s.target);
  write_random_model(base / "init", {}, addition_alphabet(), static_cast<uint64_t>(s.seed));
  Recipe sft = common(s, "sft");
  sft.model = (base / "init").string();
  sft.output_dir = (base / "supervised").string();
  sft.train_batch_size = 64;
  sft.learning_rate = 3e-3;
  sft.lr_scheduler_type = "constant";
  sft.warmup_steps = 20;
  sft.max_steps = 2000;
  sft.eval_steps = 25;
  sft.eval_on_start = false;
  sft.num_generations_eval = 1;
  sft.logging_steps = 50;
  if (!train(sft, {stop, [&](int64_t, const Evaluation& e) { return e.summary.accuracy >= s.target; }}))
    return 130;
  const auto supervised = find_checkpoint(sft.output_dir);
  if (!supervised) fail("{}: expected a checkpoint, found none", sft.output_dir);
  fs::rename(supervised->folder, base / "base");

  log_info("2. GRPO from it, with rule rewards only: the answer is right, the format is right");
  Recipe grpo = common(s, "grpo");
  grpo.model = (base / "base").string();
  grpo.output_dir = (base / "grpo").string();
  grpo.num_generations = 16;
  grpo.train_batch_size = 512;
  grpo.learning_rate = 3e-4;
  grpo.lr_scheduler_type = "linear";
  grpo.max_steps = s.max_steps;
  grpo.eval_steps = std::max<int64_t>(1, s.max_steps / 4);
  grpo.num_generations_eval = 4;
  grpo.logging_steps = 10;
  Evaluation before, after;
  const bool finished = train(grpo, {stop, [&](int64_t step, const Evaluation& e) {
                                       (step == 0 ? before : after) = e;
                                       return false;
                                     }});
  const fs::path report = write_report(grpo.output_dir);
  if (!finished) return 130;
  print_table(before, after);
  print_samples(before, after);
  fmt::print(
      "\n  report: {}\n  try it: build/cohort generate --model {} --prompt '123+456=' --num_generations 4\n",
      report.string(), find_checkpoint(grpo.output_dir)->folder.string());
  if (!compare(before.results, after.results).separate)
    log_warning("the intervals before and after overlap: try more --max_steps");
  return 0;
}

}  // namespace

const Command kQuickstartCommand = {"quickstart",
                                    "make a tiny base model, train it by GRPO, and show what changed",
                                    "cohort quickstart [--option value]...",
                                    "cohort quickstart --output_dir runs/first --seed 1",
                                    options_help<QuickstartSettings, declare>,
                                    run_quickstart};

}  // namespace cohort
