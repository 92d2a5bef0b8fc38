#include <omp.h>

#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/sampling_options.h"
#include "eval/statistics.h"
#include "rl/pairs.h"
#include "rl/rejection.h"

namespace cohort {
namespace {

struct Settings : SamplingSettings {
  std::string select = "all";
  RejectionOptions rejection;
  bool overwrite = false;
  std::string pairs;
};

void declare(OptionTable& t, Settings& s) {
  s.recipe.num_generations = 16;
  add_sampling_options(t, s);
  t.section("What is kept");
  t.add("overwrite", &s.overwrite, "replace the files of --output and --pairs where they exist");
  t.add("pairs", &s.pairs,
        "also write pairs for dpo: of each prompt the completion of the highest reward and that of the "
        "lowest, where they differ")
      .shown_as("FILE");
  t.add("reward_funcs", &s.recipe.reward_funcs, "reward functions by name");
  t.add("reward_weights", &s.recipe.reward_weights, "their weights in the reward; empty: 1 each");
  t.add("select", &s.select,
        "all: every completion whose reward reaches the threshold; best: of those, the ones with the highest")
      .one_of({"all", "best"});
  t.add("reward_threshold", &s.rejection.reward_threshold, "the least reward that is accepted");
  t.add("max_per_prompt", &s.rejection.max_per_prompt,
        "most completions kept of a prompt; 0: no cap for all, 1 for best")
      .at_least(0);
  t.add("keep_truncated", &s.rejection.keep_truncated,
        "accept completions too that were cut at max_completion_length");
  t.add("holdout_fraction", &s.recipe.holdout_fraction,
        "distinct prompts that are not sampled: the same that train sets aside of this data")
      .at_least(0)
      .at_most(0.99);
}

// The rows, written aside and renamed when they are whole; on the terminal where there is no path.
class RowWriter {
 public:
  explicit RowWriter(const std::string& path) : path_(path) {
    if (!path.empty()) log_ = AppendLog(aside(), 0);
  }
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;
  ~RowWriter() {
    if (path_.empty() || finished_) return;
    std::error_code ignored;
    std::filesystem::remove(aside(), ignored);
  }
  void append(const std::string& rows) {
    if (path_.empty())
      std::fwrite(rows.data(), 1, rows.size(), stdout);
    else
      log_.append(rows);
  }
  void finish() {
    if (!path_.empty()) {
      log_.sync();
      rename_synced(aside(), path_);
    }
    finished_ = true;
  }

 private:
  std::filesystem::path aside() const { return path_ + ".tmp"; }
  std::string path_;
  AppendLog log_;
  bool finished_ = false;
};

void print_summary(std::FILE* to, const Settings& s, const RejectionCounts& c,
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

int run(std::span<const std::string> arguments) {
  Settings s;
  OptionTable table;
  declare(table, s);
  const std::vector<std::string> rest = table.read_arguments(arguments);
  if (!rest.empty()) fail("reject: unexpected argument {}", rest[0]);
  Recipe& r = s.recipe;
  s.rejection.best = s.select == "best";
  if (r.model.empty()) fail("reject: --model is missing: a Hugging Face folder or a GGUF file");
  if (r.data.empty()) fail("reject: --data is missing: a JSONL file or the name of a built-in task");
  if (r.reward_funcs.empty()) fail("reject: --reward_funcs is missing");
  for (const std::string& path : {s.output, s.pairs}) {
    if (path.empty()) continue;
    if (std::filesystem::is_directory(path)) fail("{}: expected a file to write, found a folder", path);
    if (!s.overwrite && std::filesystem::exists(path))
      fail("{}: expected a new file, found one that exists; --overwrite replaces it", path);
  }
  if (!s.pairs.empty() && s.pairs == s.output)
    fail("reject: --output and --pairs name the same file {}", s.pairs);
  if (r.num_threads > 0) omp_set_num_threads(static_cast<int>(r.num_threads));

  const std::vector<RewardFunction> rewards = make_rewards(r.reward_funcs, r.reward_weights);
  const LoadedModel loaded(r.model);
  const Tokenizer& tokenizer = loaded.checkpoint.tokenizer;
  const std::vector<Problem> problems = load_datasets(r, tokenizer, loaded.model.config()).train;
  const auto count = static_cast<int64_t>(problems.size());
  const GenerationOptions options = generation_options(r, loaded.model.config(), tokenizer);

  // A few times as many completions as decode together, so that few wait for a chunk's longest. A completion's random
  // numbers go by its prompt's index: the chunks change no bit.
  const int64_t chunk = std::max<int64_t>(1, 4 * r.max_sequences / r.num_generations);
  RejectionCounts total;
  std::vector<Tally> tallies;
  std::vector<std::string> reasons;
  RowWriter writer(s.output);
  std::optional<RowWriter> pair_writer;
  if (!s.pairs.empty()) pair_writer.emplace(s.pairs);
  int64_t pairs = 0;
  {
    Progress progress("reject", count * r.num_generations, "samples");
    for (int64_t first = 0; first < count; first += chunk) {
      const std::vector<Drawn> drawn =
          draw_problems(problems, first, std::min(chunk, count - first), false, 0);
      std::vector<Group> groups = policy_groups(
          loaded.model, tokenizer, drawn, static_cast<int32_t>(r.num_generations), options,
          [&](int64_t, int64_t finished) {
            progress.update(first * r.num_generations + finished, fmt::format("{} kept", total.kept));
          },
          nullptr);
      for (std::string& reason : score_groups(drawn, rewards, groups).reasons)
        if (reasons.size() < 3) reasons.push_back(std::move(reason));
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
    }
  }
  for (const std::string& reason : reasons) log_line(LogLevel::warning, reason);
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
    [] {
      Settings s;
      OptionTable table;
      declare(table, s);
      return table.help();
    },
    run};

}  // namespace cohort
