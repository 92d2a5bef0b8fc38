// Where completions come from: a file (supervised), or the live policy. Here rollout and rl meet.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "data/on_demand.h"
#include "data/order.h"
#include "data/rows.h"
#include "model/model.h"
#include "reward/reward.h"
#include "rl/reward_faults.h"
#include "rl/sample.h"
#include "rollout/engine.h"
#include "rollout/kept.h"
#include "text/tokenizer.h"

namespace cohort {

// A completion that another engine drew, see run/offline.h.
struct DrawnElsewhere {
  std::vector<int32_t> completion_ids;
  std::vector<float> log_probs;  // the sampler's
  std::string finish_reason, completion;
};

// A row as token ids.
struct Problem {
  Row row;
  std::vector<int32_t> prompt_ids;
  std::vector<int32_t> completion_ids;  // supervised: the completion and the end token; else empty
  std::vector<TokenSpan>
      spans;             // of completion_ids, as in Sample: a conversation's later user turns are inserted
  std::string rejected;  // of a pair, whose preferred completion is the row's; else empty
  std::vector<int32_t> rejected_ids;
  std::vector<DrawnElsewhere> samples;  // of a problem whose completions are given; else empty
};

using Problems = OnDemand<Problem>;

// A problem and its index in the run (the number of prompts drawn before it), which keys the random numbers.
struct Drawn {
  std::shared_ptr<const Problem> problem;
  uint32_t prompt_index;
  int64_t row = 0;  // of the problems
};

// The prompts first .. first + count - 1 of the run, in the order that is given, or as they stand.
std::vector<Drawn> draw_problems(const Problems& problems, RowOrder& order, int64_t first, int64_t count);
std::vector<Drawn> draw_problems(const Problems& problems, int64_t first, int64_t count);

// Groups of one: the rows' own completions; of two where a row is a pair: the preferred one, then the
// rejected.
std::vector<Group> file_groups(std::span<const Drawn> drawn);

// What rewards and logs read: valid UTF-8, without special tokens, and without ids that are beyond the tokenizer's tokens (a
// vocabulary may be padded, as Qwen's is).
std::string completion_text(const Tokenizer& tokenizer, std::vector<int32_t> ids);

// `num_generations` completions of each problem, without rewards; those that take long to judge are begun, where given.
std::vector<Group> policy_groups(const Model& model, const Tokenizer& tokenizer, std::span<const Drawn> drawn,
                                 int32_t num_generations, const GenerationOptions& options,
                                 const std::function<void(int64_t, int64_t)>& progress,
                                 KeptActivations* keep, std::span<const RewardFunction> rewards = {});

// Rewards that take long to judge begin to, while other completions are drawn.
void begin_rewards(std::span<const RewardFunction> rewards, const Problem& problem, const std::string& completion,
                   int64_t completion_tokens);

// Writes each sample's rewards and their weighted sum. Returns which rewards could not be computed.
RewardFaults score_groups(std::span<const Drawn> drawn, std::span<const RewardFunction> rewards,
                          std::span<Group> groups);

}  // namespace cohort
