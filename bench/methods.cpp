// What a method costs beside GRPO: whole steps on the same roll-outs, in rounds that alternate, medians and
// their ratios.
//   bench_methods [0.2M|0.8M|5M ...] (all where nothing is named)
// The ceiling is the GRPO step of the same round: outcome supervision, no reference model, no activations
// kept.
#include "base/log.h"
#include "bench/run_support.h"

namespace cohort {
namespace {

struct Variant {
  const char* name;
  const char* goal;  // of the ratio
  void (*set)(Recipe& recipe);
};
constexpr Variant kVariants[] = {
    {"grpo", "", [](Recipe&) {}},
    {"grpo, frozen reference", "1.35", [](Recipe& r) { r.beta = 0.04; }},
    {"grpo, process supervision", "1.05",
     [](Recipe& r) {
       r.supervision = "process";
       r.step_separator = "1";
     }},
    {"ppo, critic and reference", "2.2",
     [](Recipe& r) {
       const Recipe grpo = r;
       r = default_recipe("ppo");
       r.model = grpo.model, r.data = grpo.data, r.output_dir = grpo.output_dir;
       r.max_steps = grpo.max_steps, r.save_steps = 0, r.logging_steps = grpo.logging_steps;
       r.micro_batch_tokens = grpo.micro_batch_tokens;
       r.num_generations = grpo.num_generations, r.train_batch_size = grpo.train_batch_size;
       r.max_completion_length = grpo.max_completion_length, r.ignore_eos = true;
       r.reward_funcs = grpo.reward_funcs, r.keep_rollout_activations = "false";
     }},
};
constexpr int kRounds = 5,
              kSteps = 4;  // the first step of a run touches its memory for the first time: left out

Recipe grpo_recipe(const std::filesystem::path& model, const std::filesystem::path& folder) {
  Recipe r = base_recipe("grpo", model, folder);
  r.max_steps = kSteps;
  r.num_generations = 16;
  r.train_batch_size = 256;
  r.max_completion_length = 32;
  r.ignore_eos = true;
  r.reward_funcs = {"last_number"};
  r.keep_rollout_activations = "false";
  return r;
}

void append(std::vector<double>& all, const std::vector<double>& run, size_t first) {
  all.insert(all.end(), run.begin() + static_cast<std::ptrdiff_t>(first), run.end());
}

void bench_shape(const Shape& shape, const std::filesystem::path& folder) {
  const std::filesystem::path model = bench_model(folder, shape);
  write_rows(folder / "rows.jsonl", 16 * kSteps, 32, 0, shape.V);
  std::vector<double> seconds[std::size(kVariants)], first_updates, later_updates;
  for (int round = 0; round < kRounds; ++round) {
    for (size_t v = 0; v < std::size(kVariants); ++v) {
      Recipe r = grpo_recipe(model, folder);
      kVariants[v].set(r);
      append(seconds[v], timed(r).total, 1);
    }
    Recipe several = grpo_recipe(model, folder);
    several.num_iterations = 4;
    several.max_steps = 8;
    const Times t = timed(several);
    first_updates.push_back(t.update[4]);  // of the second roll-out
    append(later_updates, t.update, 5);
  }
  const double grpo = median(seconds[0]);
  for (size_t v = 0; v < std::size(kVariants); ++v)
    fmt::print("{:<6}{:<42}{:>10.4f}{:>9.2f}x{:>8}\n", shape.name, kVariants[v].name, median(seconds[v]),
               median(seconds[v]) / grpo, kVariants[v].goal);
  fmt::print("{:<6}{:<42}{:>10.4f}{:>9.2f}x\n", shape.name, "a later update, beside the first's passes",
             median(later_updates), median(later_updates) / median(first_updates));
  std::filesystem::remove_all(model);
}

}  // namespace
}  // namespace cohort

int main(int argc, char** argv) {
  using namespace cohort;
  set_log_level(LogLevel::error);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::filesystem::path folder = workspace();
  const std::vector<std::string> named(argv + 1, argv + argc);
  const Shape shapes[] = {
      {"0.2M", 64, 4, 4, 4, 192, 128}, {"0.8M", 128, 4, 4, 2, 384, 128}, {"5M", 256, 5, 8, 8, 1024, 128}};
  fmt::print("16 prompts of 32 tokens x 16 samples of 32, median of {} steps\n{:<6}{:<42}{:>10}{:>10}{:>8}\n",
             kRounds * (kSteps - 1), "model", "", "s/step", "ratio", "goal");
  try {
    for (const Shape& shape : shapes)
      if (named.empty() || std::find(named.begin(), named.end(), shape.name) != named.end())
        bench_shape(shape, folder);
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return 1;
  }
  std::filesystem::remove_all(folder);
}
