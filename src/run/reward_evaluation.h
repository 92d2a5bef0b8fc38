// How good a reward model is on rows that it has not seen: accuracy, margin, calibration.
#pragma once

#include <string>

#include "eval/calibration.h"
#include "eval/statistics.h"
#include "rl/metrics.h"
#include "rl/reward_trainer.h"

namespace cohort {

struct RewardEvaluation {
  bool pairs = false;  // else labels
  RewardSums sums;     // loss: the mean
  Share accuracy;      // of pairs, or of labels at 0.5; the interval is clustered by question
  // Pairs: the probability of the side that the model prefers, and whether that side was chosen. Labels:
  // sigma(value) against the label.
  Calibration calibration;
  std::string rows;  // eval_samples.jsonl: {"step":3,"line":12,"values":[...],"labels":[...]}
};

RewardEvaluation evaluate_reward(Critic& model, std::span<const RewardExample> examples,
                                 double center_coefficient, int64_t micro_batch_tokens, int64_t step);

// eval_loss, eval_accuracy, eval_accuracy_low and _high, eval_margin (pairs), eval_mean_reward,
// eval_min_reward, eval_max_reward, eval_expected_calibration_error, eval_judged (pairs or labels).
Metrics reward_evaluation_metrics(const RewardEvaluation& evaluation);

// Several lines for people; and all of it as JSON.
std::string describe(const RewardEvaluation& evaluation);
std::string reward_evaluation_json(const RewardEvaluation& evaluation);

}  // namespace cohort
