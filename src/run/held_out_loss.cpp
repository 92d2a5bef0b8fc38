#include "run/held_out_loss.h"

#include "run/method_options.h"

namespace cohort {

HeldOutLoss::HeldOutLoss(const Recipe& recipe, const Method& method, Actors& actors, Problems problems)
    : recipe_(recipe), method_(method), actors_(actors), problems_(std::move(problems)) {
  if (method_.source == Source::pairs) references_ = PairReferences(problems_, actors_);
}

Metrics HeldOutLoss::measure() {
  const std::vector<Drawn> drawn = draw_problems(problems_, 0, problems_.size());
  std::vector<Group> groups = file_groups(drawn);
  give_credit(recipe_, method_, credit_options(recipe_, method_), groups);
  if (method_.source == Source::pairs) references_.give(drawn, groups);
  Metrics measured, metrics;
  add_update_metrics(actors_.trainer.measure(groups), actors_.trainer.options().coefficients, measured);
  for (const auto& [name, value] : measured) metrics.emplace_back("eval_" + name, value);
  metrics.emplace_back("eval_problems", static_cast<double>(problems_.size()));
  return metrics;
}

}  // namespace cohort
