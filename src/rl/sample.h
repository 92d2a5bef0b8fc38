// One sampled completion with all that is known of it, and the group of completions judged against one
// another.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace cohort {

// Part of a completion: tokens that the policy sampled, or that were inserted (tool output, forced text).
// Inserted tokens have no seed and no credit, and count in no length.
struct TokenSpan {
  int32_t begin, end;  // [begin, end) in completion_ids
  bool sampled;
};

// The reward of one step of a completion's reasoning (process supervision). Steps stand in order and do not
// overlap.
struct StepReward {
  int32_t end;    // one past the step's last token
  double reward;  // NaN: could not be computed
};

struct Sample {
  uint32_t prompt_index = 0;  // the prompt's index in the whole run (keys the random numbers)
  uint32_t sample_index = 0;  // inside its group
  std::vector<int32_t> prompt_ids;
  std::vector<int32_t> completion_ids;  // (T) the end token included where it was sampled
  std::vector<TokenSpan> spans;         // empty: all tokens were sampled
  std::vector<float> log_probs;         // (T) as recorded when sampled; 0 for inserted tokens
  std::vector<float> entropies;         // (T)
  std::vector<float>
      sampler_log_probs;  // (T) of another engine that drew the completion, see importance.h; or empty
  std::vector<float> importance_weights;                // (T) of the policy term, see importance.h; empty: 1
  std::vector<float> ref_log_probs;                     // (T) or empty
  std::string prompt, completion;                       // text; the completion without its end token
  std::string finish_reason;                            // "stop" or "length"
  std::vector<std::pair<std::string, double>> rewards;  // by function, NaN: could not be computed
  double reward = 0;                                    // weighted sum
  std::vector<StepReward> steps;                        // process supervision; else empty
  std::vector<float> values;      // (T) the critic's at sampling time: V before token t; or empty
  std::vector<float> returns;     // (T) what the critic is trained towards; or empty
  std::vector<float> advantages;  // (T) per token, or one for all of them

  bool is_sampled(size_t t) const {
    if (spans.empty()) return true;
    for (const TokenSpan& s : spans)
      if (static_cast<int32_t>(t) >= s.begin && static_cast<int32_t>(t) < s.end) return s.sampled;
    return false;
  }
  int64_t sampled_tokens() const {
    if (spans.empty()) return static_cast<int64_t>(completion_ids.size());
    int64_t n = 0;
    for (const TokenSpan& s : spans)
      if (s.sampled) n += s.end - s.begin;
    return n;
  }
};

struct Group {
  std::vector<Sample> samples;  // the G completions of one prompt
};

}  // namespace cohort
