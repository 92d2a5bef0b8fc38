// Checkpoints of a run: OUTPUT_DIR/checkpoint-N is a Hugging Face folder (AutoModelForCausalLM opens it) with
// optimizer.safetensors and trainer_state.json beside the model. It is written aside, every file synced,
// renamed, and only then does OUTPUT_DIR/latest name it. trainer_state.json holds the size and checksum of
// every other file, so a torn checkpoint is seen and the one before it is used.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "model/checkpoint.h"
#include "model/optimizer.h"
#include "run/run_files.h"

namespace cohort {

struct RunState {
  int64_t step = 0;                // optimizer steps done
  int64_t num_tokens = 0;          // prompt and sampled tokens so far
  RunLengths lengths;              // of the logs
  double best_value = 0;           // of metric_for_best_model, at best_step
  int64_t best_step = -1;          // -1: none yet
  int64_t prompts_drawn = 0;       // for training so far
  int64_t reward_model_steps = 0;  // updates of a reward model that goes on training
  double kl_coef = 0;              // of now, where it is steered
  double entropy_coef = 0;         // of now, where it is steered
};

std::filesystem::path checkpoint_folder(const std::filesystem::path& run, int64_t step);

// Writes checkpoint-N for state.step, then settles the run: the model, or its adapter in PEFT's files, with
// the tokenizer and texts of what the run started from. `optimizer` is null where steps leave no state
// (trpo): then there is no optimizer.safetensors. `others` writes what else belongs to it (a critic, a moved
// reference) into the folder that it is given.
void save_run(const std::filesystem::path& run, const RunState& state, const Model& model,
              const Optimizer* optimizer, const Checkpoint& start,
              const std::function<void(const std::filesystem::path&)>& others, int64_t keep);

// The same for what is no policy: `write` writes the model and all that belongs to it.
void save_run(const std::filesystem::path& run, const RunState& state,
              const std::function<void(const std::filesystem::path&)>& write, int64_t keep);

// What follows a written checkpoint, and a resume repeats (it may have been cut off there): `latest` names
// state.step, `best` its best step, old checkpoints beyond `keep` (0: keep all) are removed; the best one
// stays.
void settle_run(const std::filesystem::path& run, const RunState& state, int64_t keep);

// The newest whole checkpoint of a run; torn ones are named in the log. Nothing where there is none.
struct FoundCheckpoint {
  std::filesystem::path folder;
  RunState state;
};
std::optional<FoundCheckpoint> find_checkpoint(const std::filesystem::path& run);

// The writer of a new run, or of one that goes on: from `resumed`; or from step 0 where `resume` is asked
// for and no checkpoint is whole. Says which in the log.
std::unique_ptr<RunWriter> open_run(const std::filesystem::path& run, bool resume,
                                    const std::optional<FoundCheckpoint>& resumed, std::string_view recipe,
                                    int64_t keep);

// Moments and step count into the optimizer. Throws Error where they do not fit the model.
void load_optimizer(const FoundCheckpoint& checkpoint, Optimizer& optimizer);

}  // namespace cohort
