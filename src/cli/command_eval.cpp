#include <omp.h>

#include <cstdio>

#include "base/file.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/sampling_options.h"
#include "run/evaluate.h"
#include "run/sample_json.h"

namespace cohort {
namespace {

void declare(OptionTable& table, SamplingSettings& s) {
  add_sampling_options(table, s);
  table.section("Rewards");
  table.add("reward_funcs", &s.recipe.reward_funcs,
            "reward functions by name; the first says what is correct (at least 1)");
}

int run(std::span<const std::string> arguments) {
  SamplingSettings s;
  OptionTable table;
  declare(table, s);
  const std::vector<std::string> rest = table.read_arguments(arguments);
  if (!rest.empty()) fail("eval: unexpected argument {}", rest[0]);
  Recipe& r = s.recipe;
  if (r.model.empty()) fail("eval: --model is missing: a Hugging Face folder or a GGUF file");
  if (r.data.empty()) fail("eval: --data is missing: a JSONL file or the name of a built-in task");
  if (r.reward_funcs.empty()) fail("eval: --reward_funcs is missing");
  if (r.num_threads > 0) omp_set_num_threads(static_cast<int>(r.num_threads));

  const std::vector<RewardFunction> rewards = make_rewards(r.reward_funcs, {});
  const LoadedModel loaded(r.model);
  const Tokenizer& tokenizer = loaded.checkpoint.tokenizer;
  const std::vector<Problem> problems = load_datasets(r, tokenizer, loaded.model.config()).train;
  Evaluation e;
  {
    Progress progress("eval", static_cast<int64_t>(problems.size()) * r.num_generations, "samples");
    e = evaluate(loaded.model, tokenizer, problems, rewards, static_cast<int32_t>(r.num_generations),
                 generation_options(r, loaded.model.config(), tokenizer),
                 [&](int64_t, int64_t finished) { progress.update(finished); });
  }
  std::string rows;
  for (const Group& g : e.groups)
    for (const Sample& sample : g.samples) rows += sample_json(sample, -1) + "\n";
  if (!s.output.empty()) write_file(s.output, rows);

  fmt::print("{} problems x {} samples of {}\n", e.summary.prompts, r.num_generations, r.model);
  fmt::print("accuracy (pass@1)  {:.1f} %  [{:.1f}, {:.1f}] (95 %, clustered by problem)\n",
             100 * e.summary.accuracy, 100 * e.summary.accuracy_interval.low,
             100 * e.summary.accuracy_interval.high);
  for (const auto& [k, value] : e.summary.pass_at)
    if (k > 1) fmt::print("pass@{:<4}          {:.1f} %\n", k, 100 * value);
  for (const auto& [k, value] : e.summary.maj_at)
    if (k > 1) fmt::print("maj@{:<4}           {:.1f} %\n", k, 100 * value);
  fmt::print("mean length        {:.1f} tokens\n", e.summary.mean_length);
  if (e.summary.uncomputed > 0) fmt::print("not judged         {} samples\n", e.summary.uncomputed);
  return 0;
}

}  // namespace

const Command kEvalCommand = {"eval",
                              "accuracy with its interval, pass@k and maj@k on a set of problems",
                              "cohort eval --model DIR|GGUF --data ROWS [--option value]...",
                              "cohort eval --model runs/quickstart/base --data addition --task_digits 3 "
                              "--task_problems 100 --reward_funcs answer_tag",
                              [] {
                                SamplingSettings s;
                                OptionTable table;
                                declare(table, s);
                                return table.help();
                              },
                              run};

}  // namespace cohort
