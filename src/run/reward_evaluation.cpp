#include "run/reward_evaluation.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/math.h"
#include "run/run_files.h"

namespace cohort {
namespace {

std::string list_of(auto const& values) {
  std::string text;
  for (const auto value : values) text += (text.empty() ? "" : ",") + fmt::format("{}", value);
  return "[" + text + "]";
}

}  // namespace

RewardEvaluation evaluate_reward(Critic& model, std::span<const RewardExample> examples,
                                 double center_coefficient, int64_t micro_batch_tokens, int64_t step) {
  COHORT_CHECK(!examples.empty(), "no examples");
  RewardEvaluation e;
  e.pairs = examples[0].labels.empty();
  const std::vector<std::vector<float>> values = reward_values(model, examples, micro_batch_tokens);
  std::map<uint64_t, Tally> questions;
  std::vector<Prediction> predictions;
  for (size_t i = 0; i < examples.size(); ++i) {
    const RewardExample& example = examples[i];
    const RewardSums before = e.sums;
    std::vector<float> seeds(values[i].size());
    judge_example(example, values[i], center_coefficient, 1, seeds, e.sums);
    Tally& tally = questions[example.question];
    tally.c += e.sums.right - before.right;
    tally.n += e.sums.judged - before.judged;
    if (e.pairs) {
      const double margin = double{values[i][0]} - double{values[i][1]};
      predictions.push_back({sigmoid(std::fabs(margin)), margin > 0 ? 1.0 : 0.0});
    } else {
      for (size_t j = 0; j < values[i].size(); ++j)
        predictions.push_back({sigmoid(values[i][j]), example.labels[j]});
    }
    e.rows += fmt::format("{{\"step\":{},\"line\":{},\"values\":{}", step, example.line, list_of(values[i]));
    if (!e.pairs) e.rows += ",\"labels\":" + list_of(example.labels);
    e.rows += "}\n";
  }
  e.sums.loss /= static_cast<double>(e.sums.judged);
  std::vector<Tally> tallies;
  for (const auto& [question, tally] : questions) tallies.push_back(tally);
  e.accuracy = pooled_share(tallies);
  e.calibration = calibrate(predictions);
  return e;
}

Metrics reward_evaluation_metrics(const RewardEvaluation& e) {
  Metrics m{{"eval_loss", e.sums.loss},
            {"eval_accuracy", e.accuracy.value},
            {"eval_accuracy_low", e.accuracy.interval.low},
            {"eval_accuracy_high", e.accuracy.interval.high}};
  if (e.pairs) m.emplace_back("eval_margin", e.sums.margin / static_cast<double>(e.sums.judged));
  m.insert(m.end(), {{"eval_mean_reward", e.sums.value / static_cast<double>(e.sums.values)},
                     {"eval_min_reward", e.sums.value_min},
                     {"eval_max_reward", e.sums.value_max},
                     {"eval_expected_calibration_error", e.calibration.expected_calibration_error},
                     {"eval_judged", static_cast<double>(e.sums.judged)}});
  return m;
}

std::string describe(const RewardEvaluation& e) {
  const Metrics m = reward_evaluation_metrics(e);
  std::string text =
      fmt::format("accuracy {:.1f} % [{:.1f}, {:.1f}] of {} {}, loss {:.4f}",  //
                  100 * e.accuracy.value, 100 * e.accuracy.interval.low, 100 * e.accuracy.interval.high,
                  e.sums.judged, e.pairs ? "pairs" : "labels", e.sums.loss);
  if (e.pairs) text += fmt::format(", mean margin {:.3f}", metric(m, "eval_margin"));
  text += fmt::format("\nrewards from {:.3f} to {:.3f}, mean {:.3f}\n", e.sums.value_min, e.sums.value_max,
                      metric(m, "eval_mean_reward"));
  text += e.pairs ? "calibration (of the side that the model prefers):\n" : "calibration:\n";
  return text + describe(e.calibration) + "\n";
}

std::string reward_evaluation_json(const RewardEvaluation& e) {
  std::string text = "{";
  for (const auto& [name, value] : reward_evaluation_metrics(e))
    text += fmt::format("\"{}\":{},", name, json_number(value));
  text += "\"calibration\":[";
  for (size_t i = 0; i < e.calibration.bins.size(); ++i) {
    const ReliabilityBin& b = e.calibration.bins[i];
    text += fmt::format("{}{{\"low\":{},\"high\":{},\"count\":{},\"predicted\":{},\"observed\":{}}}",
                        i ? "," : "", json_number(b.low), json_number(b.high), b.count,
                        json_number(b.predicted), json_number(b.observed));
  }
  return text + "]}\n";
}

}  // namespace cohort
