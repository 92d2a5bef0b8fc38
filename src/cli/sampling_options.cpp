#include "cli/sampling_options.h"

#include "cli/command_support.h"
#include "base/row_writer.h"

namespace cohort {

void add_sampling_options(OptionTable& t, SamplingSettings& s, std::vector<std::string>* datasets) {
  Recipe& r = s.recipe;
  t.section("Model and rows");
  t.add("model", &r.model,
        "a Hugging Face folder (a run's checkpoint-N is one), an adapter's, or a GGUF file")
      .shown_as("DIR|GGUF");
  add_dtype_option(t, r.dtype);
  constexpr const char* kRows = "rows with prompt, prompt_ids or messages: a JSONL file or the name of a built-in task";
  if (datasets)
    t.add("data", datasets, fmt::format("{}; several by repeating the option or with commas", kRows))
        .shown_as("FILE|TASK");
  else
    t.add("data", &r.data, kRows).shown_as("FILE|TASK");
  t.add("columns", &r.columns, "other names for the columns of a file, each NEW=OLD, such as prompt=question");
  t.add("task_digits", &r.task_digits, "a built-in task's difficulty: digits of its numbers, or how many there are").at_least(1).at_most(30);
  t.add("task_problems", &r.task_problems, "problems that a built-in task makes; 0: as many as it has")
      .at_least(0);
  t.add("output", &s.output, "where to write the rows; the terminal where empty").shown_as("FILE");
  t.add("prompt_prefix", &r.prompt_prefix, "text put before every prompt");
  t.add("prompt_suffix", &r.prompt_suffix, "text put after every prompt");
  add_chat_settings(t, r);
  t.section("Sampling");
  t.add("num_generations", &r.num_generations, "completions of a prompt").at_least(1);
  add_sampler_options(t, r);
  add_tool_options(t, r);
  t.section("Machine (none of these changes the result)");
  t.add("num_threads", &r.num_threads, "0: all cores").at_least(0).at_most(4096);
  t.add("max_sequences", &r.max_sequences, "completions decoded at the same time").at_least(1);
  t.add("kv_memory_gb", &r.kv_memory_gb, "memory of the key and value cache").above(0);
}

void add_dtype_option(OptionTable& t, std::string& dtype) {
  t.add("dtype", &dtype,
        "how the weights are held; auto changes no value: bfloat16 and q8_0 files as they are, others in float32")
      .one_of({dtype_names().begin(), dtype_names().end()});
}

void add_sampler_options(OptionTable& t, Recipe& r) {
  t.add("max_completion_length", &r.max_completion_length, "most tokens of a completion").at_least(1);
  t.add("temperature", &r.temperature, "the logits are divided by it; 0: always the likeliest token")
      .at_least(0);
  t.add("top_p", &r.top_p, "nucleus sampling; 1: off").above(0).at_most(1);
  t.add("top_k", &r.top_k, "sample among the k likeliest tokens; 0: off").at_least(0);
  t.add("min_p", &r.min_p, "drop tokens below this share of the likeliest one's probability; 0: off")
      .at_least(0)
      .at_most(1);
  t.add("stop", &r.stop, "strings that end a completion, beside the end token");
  t.add("ignore_eos", &r.ignore_eos, "never end before max_completion_length");
  t.add("seed", &r.seed, "the same seed gives the same completions").at_least(0);
}

void add_judging_options(OptionTable& t, JudgedSettings& s) {
  Recipe& r = s.recipe;
  add_reward_settings(t, r);
  t.add("reward_threshold", &r.reward_threshold, "the least reward that is accepted");
  t.add("holdout_fraction", &r.holdout_fraction,
        "distinct prompts that are not sampled: the same that train sets aside of this data")
      .at_least(0)
      .at_most(0.99);
  t.section("Output");
  t.add("overwrite", &s.overwrite, "replace files that exist");
}

void check_judged(std::string_view command, const JudgedSettings& s) {
  require_option(command, "model", !s.recipe.model.empty(), kModelExpected);
  require_option(command, "data", !s.recipe.data.empty(), kDataExpected);
  require_option(command, "reward_funcs", !s.recipe.reward_funcs.empty(), kRewardsExpected);
  check_new_file(s.output, s.overwrite);
}

LoadedModel::LoadedModel(const std::string& path, const std::string& dtype)
    : checkpoint(load_checkpoint(path, Weights::later)),
      model(make_frozen_model(checkpoint, parse_dtype(dtype))) {}

}  // namespace cohort
