// What one rollout leaves for its updates, and how it is collected: completions, their rewards, what other
// models say of them, credit.
#pragma once

#include "rl/metrics.h"
#include "rollout/kept.h"
#include "run/actors.h"
#include "run/dataset.h"
#include "run/pair_references.h"
#include "run/run_files.h"

namespace cohort {

struct Experience {
  std::vector<Group> groups;
  KeptActivations kept;  // of the rollout, where they are kept
  Metrics metrics;
  NamedValues seconds;  // "time/PHASE"
};

class Collector {
 public:
  // What it is given must outlive it. `keep_activations`: of each rollout.
  Collector(const Recipe& recipe, const Method& method, Actors& actors, Problems problems,
            std::vector<RewardFunction> rewards, const GenerationOptions& generation, bool keep_activations);

  // What a method does once, before its first step; `resumed`: its results stand in the run folder.
  void start(bool resumed);

  const Problems& problems() const { return problems_; }

  // The experience of steps first_step ... first_step + steps_per_rollout - 1, in the memory of the one
  // before. Journals rewards and logs samples; steers state.kl_coef and state.entropy_coef.
  void collect(int64_t first_step, RunState& state, RunWriter& writer, Experience& experience);

 private:
  std::vector<Drawn> draw(int64_t count, RunState& state);
  void from_file(RunState& state, Experience& experience);
  void sample(int64_t first_step, RunState& state, RunWriter& writer, Experience& experience);
  void score_steps(std::span<const Drawn> drawn, std::span<Group> groups) const;
  void weigh_offline(Experience& experience) const;
  void from_policy(int64_t first_step, RunState& state, RunWriter& writer, Experience& experience);

  const Recipe& recipe_;
  const Method& method_;
  Actors& actors_;
  Problems problems_;
  RowOrder order_;
  std::vector<RewardFunction> rewards_;
  GenerationOptions generation_;
  bool keep_activations_;
  PairReferences pair_references_;  // dpo
};

}  // namespace cohort
