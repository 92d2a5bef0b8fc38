// Tools in a roll-out (ToRA, arXiv 2309.17452; program of thought): the model writes a fenced block of code, the
// block is run, what it printed is put into the completion as inserted tokens, which have no seed and no
// credit, and the model goes on.
//   ```python          sampled
//   print(6 * 7)
//   ```
//   ```output          inserted
//   42
//   ```
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "rl/source.h"

namespace cohort {

// A block to run, and what came before it in its completion.
struct ToolCall {
  uint32_t step, prompt_index, sample_index;  // as they key the random numbers
  std::string code;
  // Stateful: the code of earlier blocks that ran well, to be run before, and what it printed; else empty.
  std::string before, printed_before;
};

struct ToolAnswer {
  std::string printed;  // standard output, of the earlier code too
  std::string fault;    // one line; empty where the code ran well
};

struct ToolUse {
  std::string fence = "python";  // the language behind the block's opening ```
  int32_t max_calls = 1;         // in a completion; then blocks are not run any more
  int32_t output_tokens = 256;   // most of one output; the rest is cut
  bool stateful = false;
  // All calls of a round, answers in their order.
  std::function<std::vector<ToolAnswer>(std::span<const ToolCall>)> run;
};

// policy_groups with options.tools. A completion's length counts inserted tokens.
std::vector<Group> tool_groups(const Model& model, const Tokenizer& tokenizer, std::span<const Drawn> drawn,
                               int32_t num_generations, const GenerationOptions& options,
                               const std::function<void(int64_t, int64_t)>& progress,
                               std::span<const RewardFunction> rewards);

}  // namespace cohort
