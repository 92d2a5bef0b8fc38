// Labels of a solution's steps by roll-outs: what a process reward model is trained on without people who
// judge steps (Math-Shepherd: Wang et al., arXiv 2312.08935, section 3.3). From the end of step j the policy
// completes the solution K times;
//   hard  y_j = 1 where any of the K reaches a right answer, else 0   (equation 3)
//   soft  y_j = the share of the K that do                            (equation 4)
// and the last step's label is whether the solution is right itself. Differs from the paper in that a prefix
// that several solutions of a problem share is rolled out once, so equal prefixes have equal labels. A
// continuation whose reward cannot be computed is neither right nor wrong and stands in no share.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rl/sample.h"
#include "rollout/engine.h"
#include "text/tokenizer.h"

namespace cohort {

// Of the continuations of one prefix.
struct Outcomes {
  int32_t right = 0, judged = 0;
};

struct LabelOptions {
  std::string step_separator = "\n";
  int32_t num_rollouts = 8;
  int32_t max_completion_length = 512;  // of a solution, and of a prefix with its continuation
};

// What to roll out for one problem's solutions, and whose labels it gives.
struct LabelPlan {
  struct Solution {
    const Sample* sample;
    std::vector<int32_t> ends;  // step_ends
    std::vector<int32_t>
        prefixes;  // of each step but the last: the prefix that ends there; -1: the whole solution
  };
  std::vector<Solution> solutions;  // those to label, in order; they point into the group
  // One for each solution that has prefixes which no earlier one has, a fork for each of them: the forks of
  // all requests, in order, are prefixes 0, 1, 2 ... Continuations of step 1 of a run: no number is shared
  // with the samples of step 0.
  std::vector<GenerationRequest> requests;
  int64_t duplicates = 0;  // solutions with the tokens of an earlier one
  int64_t empty = 0;       // without text
  int64_t unjudged = 0;    // whose reward could not be computed
};

// The group must have been scored. Solutions are cut by step_ends (rl/steps.h). A pure function of the group.
// Throws Error for an empty separator, and for so many roll-outs that they cannot be told apart by 32-bit
// indices.
LabelPlan plan_labels(const Group& group, const Tokenizer& tokenizer, const LabelOptions& options);

// A step's label; NaN where no continuation was judged.
double step_label(const Outcomes& outcomes, bool hard);

// One label per step of a solution of the plan. `outcomes` are those of its prefixes; `right`: of the
// solution.
std::vector<double> step_labels(const LabelPlan::Solution& solution, std::span<const Outcomes> outcomes,
                                bool right, bool hard);

// A line of JSON in TRL's stepwise supervision format, without its newline: prompt, completions (the steps'
// texts: joined with the separator they are the completion), labels (true and false where hard, else
// numbers), and prompt_ids, completion_ids, step_ends (one past each step's last token), prompt_index,
// sample_index.
std::string label_row(const LabelPlan::Solution& solution, const Tokenizer& tokenizer,
                      std::string_view step_separator, std::span<const double> labels, bool hard);

}  // namespace cohort
