#include "cli/eval_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace cohort {
namespace {

using Json = nlohmann::ordered_json;

std::string percents(double value, Interval i) {
  return fmt::format("{:5.1f} % [{:.1f}, {:.1f}]", 100 * value, 100 * i.low, 100 * i.high);
}
std::string points(const CurvePoint& p) {
  const char* verdict = p.interval.low > 0 ? "  better" : p.interval.high < 0 ? "  worse" : "";
  return fmt::format("{:+5.1f} [{:+.1f}, {:+.1f}]{}", 100 * p.value, 100 * p.interval.low,
                     100 * p.interval.high, verdict);
}

Json curve_json(const std::vector<CurvePoint>& curve) {
  Json out = Json::array();
  for (const CurvePoint& p : curve)
    out.push_back({{"k", p.k}, {"value", p.value}, {"low", p.interval.low}, {"high", p.interval.high}});
  return out;
}

// One data set on the terminal.
void print_set(const std::string& name, const Evaluated& e, const Recipe& recipe) {
  fmt::print("{}: {} problems x {} samples of {}\n", name, e.summary.prompts, recipe.num_generations,
             recipe.model);
  fmt::print("accuracy (pass@1)  {:.1f} %  [{:.1f}, {:.1f}] (95 %, clustered by problem)\n",
             100 * e.summary.accuracy, 100 * e.summary.accuracy_interval.low,
             100 * e.summary.accuracy_interval.high);
  for (const auto& [family, curve] : {std::pair("pass", &e.curves.pass), {"maj", &e.curves.maj}})
    for (const CurvePoint& p : *curve)
      if (p.k > 1)
        fmt::print("{:<18} {}\n", fmt::format("{}@{}", family, p.k), percents(p.value, p.interval));
  fmt::print("mean length        {:.1f} tokens\n", e.summary.mean_length);
  if (e.summary.uncomputed > 0) fmt::print("not judged         {} samples\n", e.summary.uncomputed);
}

void print_changes(const std::string& name, const Evaluated& before, const Evaluated& after,
                   const CurveChanges& changes, const Recipe& recipe, const std::string& compare) {
  fmt::print("{}: {} problems x {} samples, before {}, after {}\n", name, before.summary.prompts,
             recipe.num_generations, recipe.model, compare);
  fmt::print("{:<12} {:<24} {:<24} {}\n", "", "before", "after", "change in points");
  const auto rows = [](const char* family, const std::vector<CurvePoint>& b, const std::vector<CurvePoint>& a,
                       const std::vector<CurvePoint>& change) {
    for (const CurvePoint& c : change) {
      const auto at = [&](const std::vector<CurvePoint>& curve) {
        const auto found = std::ranges::find(curve, c.k, &CurvePoint::k);
        return percents(found->value, found->interval);
      };
      fmt::print("{:<12} {:<24} {:<24} {}\n", fmt::format("{}@{}", family, c.k), at(b), at(a), points(c));
    }
  };
  rows("pass", before.curves.pass, after.curves.pass, changes.pass);
  rows("maj", before.curves.maj, after.curves.maj, changes.maj);
  fmt::print("{:<12} {:<24} {:<24} {:+.1f} tokens\n", "mean length",
             fmt::format("{:.1f}", before.summary.mean_length),
             fmt::format("{:.1f}", after.summary.mean_length),
             after.summary.mean_length - before.summary.mean_length);
  fmt::print("problems     {} better, {} worse, {} the same\n", changes.better, changes.worse, changes.same);
  if (before.summary.uncomputed + after.summary.uncomputed > 0)
    fmt::print("not judged   {} samples before, {} after\n", before.summary.uncomputed,
               after.summary.uncomputed);
}

Json evaluated_json(const Evaluated& e) {
  return {{"problems", e.summary.prompts},
          {"samples", e.summary.samples},
          {"uncomputed", e.summary.uncomputed},
          {"accuracy", e.summary.accuracy},
          {"accuracy_low", e.summary.accuracy_interval.low},
          {"accuracy_high", e.summary.accuracy_interval.high},
          {"mean_length", e.summary.mean_length},
          {"pass_at_k", curve_json(e.curves.pass)},
          {"maj_at_k", curve_json(e.curves.maj)}};
}

Json changes_json(const CurveChanges& changes) {
  return {{"pass_at_k", curve_json(changes.pass)},
          {"maj_at_k", curve_json(changes.maj)},
          {"better", changes.better},
          {"worse", changes.worse},
          {"same", changes.same}};
}

}  // namespace

nlohmann::ordered_json print_one(std::span<const std::string> names, std::span<const Evaluated> found,
                                 const Recipe& recipe) {
  Json sets = Json::array();
  for (size_t d = 0; d < names.size(); ++d) {
    if (d > 0) fmt::print("\n");
    print_set(names[d], found[d], recipe);
    Json entry{{"name", names[d]}};
    entry.update(evaluated_json(found[d]));
    sets.push_back(std::move(entry));
  }
  return sets;
}

nlohmann::ordered_json print_two(std::span<const std::string> names, std::span<const Evaluated> before,
                                 std::span<const Evaluated> after, const Recipe& recipe,
                                 const std::string& compare) {
  Json sets = Json::array();
  std::string better, worse;
  for (size_t d = 0; d < names.size(); ++d) {
    if (d > 0) fmt::print("\n");
    const CurveChanges changes = curve_changes(before[d].results, after[d].results);
    print_changes(names[d], before[d], after[d], changes, recipe, compare);
    sets.push_back({{"name", names[d]},
                    {"before", evaluated_json(before[d])},
                    {"after", evaluated_json(after[d])},
                    {"change", changes_json(changes)}});
    if (!changes.pass.empty() && changes.pass[0].interval.low > 0)
      better += fmt::format("{}{}", better.empty() ? "" : ", ", names[d]);
    if (!changes.pass.empty() && changes.pass[0].interval.high < 0)
      worse += fmt::format("{}{}", worse.empty() ? "" : ", ", names[d]);
  }
  fmt::print("\ngot better (pass@1, interval above 0): {}\ngot worse (interval below 0): {}\n",
             better.empty() ? "none" : better, worse.empty() ? "none" : worse);
  return sets;
}

}  // namespace cohort
