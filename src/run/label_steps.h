// Labels of steps by roll-outs, for groups of scored solutions: the roll-outs, their judgement, the rows.
#pragma once

#include "rl/source.h"
#include "rl/step_labels.h"

namespace cohort {

// What was labelled, and what it took.
struct LabelCounts {
  struct Position {
    int64_t labels = 0;
    double right = 0;  // the sum of the labels
  };
  std::vector<Position> steps;  // by step: the first, the second ...
  Position last;  // the last step's of each solution, which is the solution's own; counted in `steps` too
  int64_t solutions = 0;  // labelled
  int64_t duplicates = 0, empty = 0, unjudged = 0;
  int64_t boundaries = 0, prefixes = 0,
          rollouts = 0;        // boundaries of all solutions, and the distinct prefixes
  int64_t sampled_tokens = 0;  // of the roll-outs
  int64_t prefix_tokens = 0,
          separate_tokens = 0;  // computed before them, and if each boundary had its own prefix
};

struct Labelling {
  LabelOptions steps;
  double reward_threshold = 1;  // a completion is right where its reward is at least this
  bool hard = true;
};

// Rolls out, judges and labels; adds to `counts` and `faults`. Returns the rows, a line each. `generation` is
// that of the solutions.
std::string label_groups(const Model& model, const Tokenizer& tokenizer, std::span<const Drawn> drawn,
                         std::span<const Group> groups, std::span<const RewardFunction> rewards,
                         const Labelling& labelling, GenerationOptions generation,
                         const std::function<void(int64_t, int64_t)>& progress, LabelCounts& counts,
                         RewardFaults& faults);

// Solutions that stand in rows. A problem is the rows that differ in their completion alone, where the first
// of them stands; solutions[i] are the groups of problem i.
struct RowSolutions {
  Problems problems;
  std::vector<Group> solutions;
};
RowSolutions solutions_of_rows(const Problems& rows);

}  // namespace cohort
