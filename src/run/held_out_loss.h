// The loss on held-out rows that bring their own completions (sft, dpo), where no reward judges what the policy says.
#pragma once

#include "rl/metrics.h"
#include "run/pair_references.h"

namespace cohort {

class HeldOutLoss {
 public:
  // Of dpo's pairs the reference log-probs are computed here, before the actors' reference goes. What it is given must outlive it.
  HeldOutLoss(const Recipe& recipe, const Method& method, Actors& actors, Problems problems);

  // eval_loss (normalised as a step's, over all rows), eval_entropy, of pairs eval_rewards/{chosen,rejected,accuracies,margins} (TRL's
  // names), and eval_problems.
  Metrics measure();

 private:
  const Recipe& recipe_;
  const Method& method_;
  Actors& actors_;
  Problems problems_;
  PairReferences references_;
};

}  // namespace cohort
