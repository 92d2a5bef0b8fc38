#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "cli/eval_output.h"
#include "cli/sampling_options.h"
#include "run/reward_model.h"
#include "run/sample_json.h"

namespace cohort {
namespace {

using Json = nlohmann::ordered_json;

struct EvalSettings : SamplingSettings {
  std::vector<std::string> data;
  std::string compare, summary;
};

void declare(OptionTable& table, EvalSettings& s) {
  add_sampling_options(table, s, &s.data);
  add_reward_settings(table, s.recipe);
  table.section("Before and after");
  table.add("compare", &s.compare, "a second model on the same problems: --model is before, this is after")
      .shown_as("DIR|GGUF");
  table.add("summary", &s.summary, "all printed figures as JSON").shown_as("FILE");
}

// "a.jsonl,b.jsonl" is two data sets, unless a file has that name.
std::vector<std::string> split_names(std::span<const std::string> given) {
  std::vector<std::string> names;
  for (const std::string& word : given) {
    if (std::filesystem::exists(word)) {
      names.push_back(word);
      continue;
    }
    for (size_t begin = 0; begin <= word.size();) {
      const size_t end = std::min(word.find(',', begin), word.size());
      if (end == begin) fail("eval: --data: expected names between the commas, found \"{}\"", word);
      names.push_back(word.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  for (size_t i = 0; i < names.size(); ++i)
    if (std::find(names.begin(), names.begin() + static_cast<int64_t>(i), names[i]) !=
        names.begin() + static_cast<int64_t>(i))
      fail("eval: --data: {} is given twice", names[i]);
  return names;
}

// Every model on every data set, by model and data set; the samples as rows go to `rows` where they are
// wanted.
std::vector<std::vector<Evaluated>> evaluate_all(EvalSettings& s, const std::vector<std::string>& names,
                                                 std::string* rows) {
  Recipe& r = s.recipe;
  // Both models and all their problems are read before the first sample is drawn: what is wrong is said at
  // once.
  const std::vector<RewardFunction> rewards = make_rewards(r, r.max_completion_length);
  std::vector<std::string> paths{r.model};
  if (!s.compare.empty()) paths.push_back(s.compare);
  std::vector<std::unique_ptr<LoadedModel>> models;
  std::vector<std::vector<Problems>> problems;  // tokenizers may differ
  int64_t samples = 0;
  for (const std::string& path : paths) {
    models.push_back(std::make_unique<LoadedModel>(path, s.recipe.dtype));
    auto& of_model = problems.emplace_back();
    for (const std::string& name : names) {
      r.data = name;
      of_model.push_back(
          load_datasets(r, models.back()->checkpoint.tokenizer, models.back()->model.config()).train);
      samples += of_model.back().size() * r.num_generations;
    }
  }

  std::vector<std::vector<Evaluated>> found(models.size());
  Progress progress("eval", samples, "samples");
  int64_t done = 0;
  for (size_t m = 0; m < models.size(); ++m) {
    const LoadedModel& loaded = *models[m];
    std::vector<RewardFunction> own = rewards;
    const RewardModels judges(own, {loaded.checkpoint.tokenizer, loaded.model.config().vocab_size},
                              r.micro_batch_tokens);
    const GenerationOptions options =
        generation_options(r, loaded.model.config(), loaded.checkpoint.tokenizer);
    for (size_t d = 0; d < names.size(); ++d) {
      Evaluation e = evaluate(loaded.model, loaded.checkpoint.tokenizer, problems[m][d], own,
                              static_cast<int32_t>(r.num_generations), options,
                              [&](int64_t, int64_t finished) { progress.update(done + finished); });
      done += problems[m][d].size() * r.num_generations;
      if (rows)
        for (const Group& g : e.groups)
          for (const Sample& sample : g.samples) {
            std::string row = sample_json(sample, -1);
            if (models.size() * names.size() > 1)
              row.insert(1,
                         fmt::format("\"model\":{},\"data\":{},", json_text(paths[m]), json_text(names[d])));
            *rows += row + "\n";
          }
      Curves curves = sampling_curves(e.results);
      found[m].push_back({std::move(e.summary), std::move(e.results), std::move(curves)});
    }
  }
  return found;
}

int run_eval(std::span<const std::string> arguments) {
  EvalSettings s = read_options<EvalSettings, declare>("eval", arguments);
  const Recipe& r = s.recipe;
  require_option("eval", "model", !r.model.empty(), kModelExpected);
  require_option("eval", "data", !s.data.empty(), kDataExpected);
  require_option("eval", "reward_funcs", !r.reward_funcs.empty(), kRewardsExpected);
  if (r.num_generations > 1000)
    fail("eval: --num_generations: majority votes are counted over at most 1000 samples, found {}",
         r.num_generations);
  const std::vector<std::string> names = split_names(s.data);
  use_threads(r.num_threads);

  std::string rows;
  const std::vector<std::vector<Evaluated>> found =
      evaluate_all(s, names, s.output.empty() ? nullptr : &rows);
  if (!s.output.empty()) write_file(s.output, rows);
  Json json{{"model", r.model}};
  if (!s.compare.empty()) json["compare"] = s.compare;
  json["num_generations"] = r.num_generations;
  json["data"] =
      s.compare.empty() ? print_one(names, found[0], r) : print_two(names, found[0], found[1], r, s.compare);
  if (!s.summary.empty())
    write_file(s.summary, dump_json(json, 2) + "\n");
  return 0;
}

}  // namespace

const Command kEvalCommand = {
    "eval",
    "accuracy, pass@k and maj@k with their intervals, of one model or before against after",
    "cohort eval --model DIR|GGUF --data ROWS [--compare DIR|GGUF] [--option value]...",
    "cohort eval --model runs/quickstart/base --data addition --task_digits 3 --task_problems 100 "
    "--reward_funcs answer_tag",
    options_help<EvalSettings, declare>,
    run_eval};

}  // namespace cohort
