#include "base/log.h"
#include "base/progress.h"
#include "base/row_writer.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "cli/sampling_options.h"
#include "run/problem.h"
#include "run/sample_chunks.h"
#include "run/sample_json.h"

namespace cohort {
namespace {

struct GenerateSettings : SamplingSettings {
  std::string prompt;
};

void declare(OptionTable& table, GenerateSettings& s) {
  s.recipe.num_generations = 1;
  add_sampling_options(table, s);
  table.section("One prompt");
  table.add("prompt", &s.prompt, "complete this text instead of the rows of --data");
}

int run_generate(std::span<const std::string> arguments) {
  GenerateSettings s = read_options<GenerateSettings, declare>("generate", arguments);
  Recipe& r = s.recipe;
  require_option("generate", "model", !r.model.empty(), kModelExpected);
  if (r.data.empty() == s.prompt.empty()) fail("generate: expected one of --prompt TEXT and --data FILE");
  use_threads(r.num_threads);

  const LoadedModel loaded(r.model, r.dtype);
  const Tokenizer& tokenizer = loaded.checkpoint.tokenizer;
  Problems problems;
  if (s.prompt.empty()) {
    problems = load_datasets(r, tokenizer, loaded.model.config()).train;
  } else {
    Row row;
    row.question = s.prompt;
    row.prompt = r.prompt_prefix + s.prompt + r.prompt_suffix;
    problems = std::vector{make_problem(std::move(row), false, tokenizer)};
  }
  const GenerationOptions options = generation_options(r, loaded.model.config(), tokenizer);
  RowWriter writer(s.output);
  {
    Progress progress("generate", problems.size() * r.num_generations, "samples");
    for_chunks(problems, r.num_generations, options, [&](std::span<const Drawn> drawn) {
      const int64_t before = int64_t{drawn[0].prompt_index} * r.num_generations;
      for (const Group& g :
           policy_groups(loaded.model, tokenizer, drawn, static_cast<int32_t>(r.num_generations), options,
                         [&](int64_t, int64_t finished) { progress.update(before + finished); }, nullptr))
        for (const Sample& sample : g.samples)
          if (!s.prompt.empty() && s.output.empty())
            writer.append(sample.completion + (r.num_generations > 1 ? "\n---\n" : "\n"));
          else
            writer.append(sample_json(sample, -1) + "\n");
    });
  }
  writer.finish();
  return 0;
}

}  // namespace

const Command kGenerateCommand = {
    "generate",
    "sample completions with their log-probs",
    "cohort generate --model DIR|GGUF (--prompt TEXT | --data ROWS) [--option value]...",
    "cohort generate --model runs/quickstart/base --prompt '12+34=' --num_generations 4\n"
    "cohort generate --model model.gguf --data rows.jsonl --output out.jsonl --temperature 0.7 --top_p 0.9",
    options_help<GenerateSettings, declare>,
    run_generate};

}  // namespace cohort
