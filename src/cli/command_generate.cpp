#include "base/log.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "cli/sampling_options.h"
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
  std::vector<Problem> problems;
  if (s.prompt.empty()) {
    problems = load_datasets(r, tokenizer, loaded.model.config()).train;
  } else {
    Row row;
    row.question = s.prompt;
    row.prompt = r.prompt_prefix + s.prompt + r.prompt_suffix;
    problems.push_back(make_problem(std::move(row), false, tokenizer));
  }
  const std::vector<Drawn> drawn =
      draw_problems(problems, 0, static_cast<int64_t>(problems.size()), false, 0);
  Progress progress("generate", static_cast<int64_t>(problems.size()) * r.num_generations, "samples");
  const std::vector<Group> groups = policy_groups(
      loaded.model, tokenizer, drawn, static_cast<int32_t>(r.num_generations),
      generation_options(r, loaded.model.config(), tokenizer),
      [&](int64_t, int64_t finished) { progress.update(finished); }, nullptr);
  std::string out;
  for (const Group& g : groups)
    for (const Sample& sample : g.samples) {
      if (!s.prompt.empty() && s.output.empty())
        out += sample.completion + (r.num_generations > 1 ? "\n---\n" : "\n");
      else
        out += sample_json(sample, -1) + "\n";
    }
  write_output(s.output, out);
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
