// The files of a run folder, written as a run goes on:
//   recipe.toml         the resolved recipe
//   metrics.jsonl       one row per step: {"step":1,"reward":0.25,...}; NaN and infinities are null
//   samples.jsonl       the completions trained on, a row each
//   eval_samples.jsonl  the completions of evaluations, a row each with the step
//   rewards.jsonl       the journal of rewards (class RewardJournal)
//   timings.jsonl       seconds and rates per step            } outside the byte-for-byte promise:
//   events.out.tfevents.*   all of the above numbers for TensorBoard  } they hold wall-clock times
// After kill -9, a resume cuts metrics, samples and eval_samples to the lengths that the checkpoint holds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"

namespace cohort {

class EventFile;

using NamedValues = std::vector<std::pair<std::string, double>>;

// Bytes of the logs that are promised, for the checkpoint.
struct RunLengths {
  int64_t metrics = 0, samples = 0, eval_samples = 0;
};

// Rewards are written here before they are used, and read back when a resumed run comes to the same step
// again: a reward that was computed by something that does not repeat itself (a judge, a sandbox, a clock) is
// then the same. One row per step, and one more ("draw":1, 2 ...) where its prompts were drawn several times:
//   {"step":1,"key":"9f3c...","rewards":{"accuracy":[1.0,0.0,null]}}
// `key` stands for the completions that were judged (a hash of them). A torn last row is cut away.
class RewardJournal {
 public:
  // rewards[function][sample]; NaN: could not be computed.
  using Rewards = std::vector<std::pair<std::string, std::vector<double>>>;

  RewardJournal(const std::filesystem::path& path, bool resume);

  // The rewards of a step that is in the journal already; of its draw-th draw of prompts, where there are
  // several. A step that was recorded with another key is an error: its completions differ.
  std::optional<Rewards> find(int64_t step, int64_t draw, std::string_view key) const;

  bool has(int64_t step, int64_t draw) const { return rows_.contains({step, draw}); }

  // Appends and syncs. Steps, and the draws of a step, come in increasing order.
  void record(int64_t step, int64_t draw, std::string_view key, const Rewards& rewards);

 private:
  std::filesystem::path path_;
  std::map<std::pair<int64_t, int64_t>, std::pair<std::string, Rewards>> rows_;  // by step and draw
  AppendLog log_;
};

class RunWriter {
 public:
  // A new run: the folder is made; one that already holds a run is refused.
  RunWriter(const std::filesystem::path& folder, std::string_view recipe);
  // A resumed run, from a checkpoint taken after `step` with these lengths. A recipe that differs from the
  // folder's is named in the log.
  RunWriter(const std::filesystem::path& folder, std::string_view recipe, int64_t step,
            const RunLengths& lengths);
  ~RunWriter();
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  // Values under TRL's names, in this order; "eval_..." for those of an evaluation. Step 0 is before
  // training.
  void log_metrics(int64_t step, const NamedValues& values);
  // "step_time", "tokens_per_second", and "time/PHASE" in seconds for each phase of a step.
  void log_timings(int64_t step, const NamedValues& values);
  // A JSON object on one line, without its newline.
  void log_sample(std::string_view json);
  void log_eval_sample(std::string_view json);

  RewardJournal& rewards() { return *rewards_; }
  RunLengths lengths() const;
  // Before a checkpoint records lengths().
  void sync();

  const std::filesystem::path& folder() const { return folder_; }

 private:
  void open(std::string_view recipe, bool resume, int64_t step, const RunLengths& lengths);

  std::filesystem::path folder_;
  AppendLog metrics_, samples_, eval_samples_, timings_;
  std::unique_ptr<RewardJournal> rewards_;
  std::unique_ptr<EventFile> events_;
};

// A double for JSON: shortest text that reads back to the same bits; null where it is not finite.
std::string json_number(double value);

}  // namespace cohort
