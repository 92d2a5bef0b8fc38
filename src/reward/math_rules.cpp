// The final answer of a mathematical completion, compared by meaning (docs/math.md).
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "math/judge.h"
#include "reward/rules.h"

namespace cohort {
namespace {

using math::MathOptions, math::MathVerdict, math::Source;

MathOptions math_options(const RewardSettings& s) {
  static constexpr Source kSources[] = {Source::boxed, Source::answer_tag, Source::phrase, Source::formula,
                                        Source::last_number};
  MathOptions options;
  options.extract.order.clear();
  for (const std::string& name : s.math_extraction)
    for (const Source source : kSources)
      if (math::source_name(source) == name) options.extract.order.push_back(source);
  if (options.extract.order.empty())
    fail("math_extraction: expected at least one place of an answer, found none");
  options.equal.float_rounding = static_cast<int>(s.math_precision);
  return options;
}

RewardResult math_reward(const RewardInput& input, const MathOptions& options) {
  std::string reason;
  const std::vector<std::string> golds = expected_answers(input.fields, reason);
  if (golds.empty()) return not_computed(std::move(reason));
  MathVerdict best;
  for (size_t i = 0; i < golds.size(); ++i) {
    MathVerdict v = math::judge_math(golds[i], input.completion, options);
    if (i == 0 || v.outcome == MathVerdict::right ||
        (v.outcome == MathVerdict::unjudged && best.outcome == MathVerdict::wrong))
      best = std::move(v);
    if (best.outcome == MathVerdict::right) break;
  }
  if (!best.extracted.empty()) best.reason += fmt::format(": {:.120}", best.extracted);
  if (best.outcome == MathVerdict::unjudged) return not_computed(std::move(best.reason));
  return {best.outcome == MathVerdict::right ? 1.0 : 0.0, true, std::move(best.reason)};
}

}  // namespace

const RewardRule kMathRule = {"math",
                              "1 where the completion's final answer means the same as the row's: numbers, "
                              "formulas, equations, sets, intervals, matrices, "
                              "choices, words (docs/math.md)",
                              [](const RewardSettings& settings, int64_t, RewardFunction& f) {
                                const MathOptions options = math_options(settings);
                                f.call = [options](const RewardInput& input) {
                                  return math_reward(input, options);
                                };
                                f.extract = [options](std::string_view completion) {
                                  return math::canonical_answer(completion, options);
                                };
                              },
                              true};

}  // namespace cohort
