#include <cstdio>
#include <optional>

#include "base/log.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "base/row_writer.h"
#include "cli/sampling_options.h"
#include "eval/statistics.h"
#include "rl/pairs.h"
#include "rl/rejection.h"
#include "run/reward_model.h"
#include "run/sample_chunks.h"

namespace cohort {
namespace {

struct RejectSettings : JudgedSettings {
  std::string select = "all";
  RejectionOptions rejection;
  std::string pairs;
};

void declare(OptionTable& t, RejectSettings& s) {
  s.recipe.num_generations = 16;
  add_sampling_options(t, s);
  add_judging_options(t, s);
  t.add("pairs", &s.pairs,
        "also write pairs for dpo: of each prompt the completion of the highest reward and that of the "
        "lowest, where they differ")
      .shown_as("FILE");
  t.section("What is kept");
  t.add("select", &s.select,
        "all: every completion whose reward reaches the threshold; best: of those, the ones with the highest")
      .one_of({"all", "best"});
  t.add("max_per_prompt", &s.rejection.max_per_prompt,
        "most completions kept of a prompt; 0: no cap for all, 1 for best")
      .at_least(0);
  t.add("keep_truncated", &s.rejection.keep_truncated,
        "accept completions too that were cut at max_completion_length");
}

void print_summary(std::FILE* to, const RejectSettings& s, const RejectionCounts& c,
                   std::span<const Tally> tallies) {
  const auto share = [](int64_t part, int64_t of) {
    return of == 0 ? 0.0 : 100 * static_cast<double>(part) / static_cast<double>(of);
  };
  const Share rate = clustered_share(tallies);
  fmt::print(to, "{} prompts x {} samples of {}\n", c.prompts, s.recipe.num_generations, s.recipe.model);
  fmt::print(to, "acceptance rate    {:.1f} %  [{:.1f}, {:.1f}] (95 %, clustered by prompt)\n",
             100 * rate.value, 100 * rate.interval.low, 100 * rate.interval.high);
  fmt::print(to, "kept               {} rows of {} prompts\n", c.kept, c.prompts - c.prompts_lost);
  fmt::print(to, "prompts lost       {} ({:.1f} %): none of their samples is kept\n", c.prompts_lost,
             share(c.prompts_lost, c.prompts));
  fmt::print(to, "below {:<12.6g} {} samples\n", s.rejection.reward_threshold, c.below_threshold);
  if (c.truncated > 0)
    fmt::print(to, "cut at the limit   {} samples ({:.1f} %)\n", c.truncated, share(c.truncated, c.samples));
  fmt::print(to, "duplicates         {} of {} accepted\n", c.duplicates, c.accepted);
  if (c.over_cap > 0) fmt::print(to, "beyond the cap     {}\n", c.over_cap);
  if (c.uncomputed > 0) fmt::print(to, "not judged         {} samples, in no share above\n", c.uncomputed);
}

int run_reject(std::span<const std::string> arguments) {
  RejectSettings s = read_options<RejectSettings, declare>("reject", arguments);
  const Recipe& r = s.recipe;
  s.rejection.best = s.select == "best";
  s.rejection.reward_threshold = r.reward_threshold;
  check_judged("reject", s);
  check_new_file(s.pairs, s.overwrite);
  if (!s.pairs.empty() && s.pairs == s.output)
    fail("reject: --output and --pairs name the same file {}", s.pairs);
  use_threads(r.num_threads);

  std::vector<RewardFunction> rewards = make_rewards(r, r.max_completion_length);
  const LoadedModel loaded(r.model, r.dtype);
  const Tokenizer& tokenizer = loaded.checkpoint.tokenizer;
  const RewardModels judges(rewards, {tokenizer, loaded.model.config().vocab_size}, r.micro_batch_tokens);
  const Problems problems = load_datasets(r, tokenizer, loaded.model.config()).train;
  const int64_t count = problems.size();
  const GenerationOptions options = generation_options(r, loaded.model.config(), tokenizer);

  RejectionCounts total;
  std::vector<Tally> tallies;
  RewardFaults faults;
  RowWriter writer(s.output);
  std::optional<RowWriter> pair_writer;
  if (!s.pairs.empty()) pair_writer.emplace(s.pairs);
  int64_t pairs = 0;
  const auto take = [&](std::span<const Drawn>, std::vector<Group>& groups) {
    const Rejection chosen = reject(groups, s.rejection);
    std::string rows;
    for (const Sample* sample : chosen.kept) rows += rejection_row(*sample) + "\n";
    writer.append(rows);
    for (const Group& group : groups)
      if (const auto pair = pair_writer ? preference_pair(group) : std::nullopt) {
        pair_writer->append(pair_row(*pair) + "\n");
        ++pairs;
      }
    for (const RejectionCounts& c : chosen.counts) {
      total += c;
      if (c.samples > c.uncomputed) tallies.push_back({c.accepted, c.samples - c.uncomputed});
    }
  };
  {
    Progress progress("reject", count * r.num_generations, "samples");
    faults = sample_in_chunks(
        loaded.model, tokenizer, problems, rewards, static_cast<int32_t>(r.num_generations), options,
        [&](int64_t finished) { progress.update(finished, fmt::format("{} kept", total.kept)); }, take);
  }
  for (const std::string& reason : faults.lines()) log_line(LogLevel::warning, reason);
  print_summary(s.output.empty() ? stderr : stdout, s, total, tallies);
  if (total.kept == 0) fail("reject: no completion was accepted; nothing was written");
  writer.finish();
  if (pair_writer) {
    fmt::print(s.output.empty() ? stderr : stdout, "pairs              {} of {} prompts\n", pairs, count);
    if (pairs == 0) fail("reject: in no prompt do two rewards differ; {} was not written", s.pairs);
    pair_writer->finish();
  }
  return 0;
}

}  // namespace

const Command kRejectCommand = {
    "reject",
    "sample a policy, keep what a reward accepts, write rows for supervised training",
    "cohort reject --model DIR|GGUF --data ROWS --reward_funcs NAME --output FILE [--option value]...",
    "cohort reject --model runs/quickstart/base --data addition --task_digits 3 --task_problems 100 "
    "--reward_funcs answer_tag --output kept.jsonl --max_completion_length 64\n"
    "cohort train --method sft --model runs/quickstart/base --data kept.jsonl --output_dir runs/rft",
    options_help<RejectSettings, declare>,
    run_reject};

}  // namespace cohort
