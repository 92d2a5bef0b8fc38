#include "web/report_evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <set>
#include <tuple>

#include "web/chart.h"
#include "web/html.h"

namespace cohort {
namespace {

std::string step_name(const Evaluations& evaluations, size_t i) {
  const int64_t step = evaluations.shown[i].first;
  if (i == 0 && step == 0) return "Before";
  if (!evaluations.compared()) return fmt::format("Step {}", step);
  if (i + 1 == evaluations.shown.size()) return fmt::format("After {} steps", step);
  return i == 0 ? fmt::format("Step {}", step) : fmt::format("Best (step {})", step);
}

// What a metric of an evaluation is called, and whether it is a share; nothing where the table leaves it out.
struct EvalName {
  std::string title;
  bool percent;
  int better;  // +1: more, -1: less, 0: neither
};
std::optional<EvalName> eval_name(const std::string& name) {
  if (name == "eval_accuracy") return EvalName{"Accuracy", true, 1};
  if (name == "eval_mean_length") return EvalName{"Mean length (tokens)", false, 0};
  if (name.ends_with("_low") || name.ends_with("_high") || name == "eval_problems" || name == "eval_samples")
    return {};
  if (name == "eval_uncomputed") return EvalName{"Samples that could not be judged", false, -1};
  if (name.starts_with("eval_pass@") || name.starts_with("eval_maj@"))
    return EvalName{name.substr(5), true, 1};
  if (name.ends_with("clipped_ratio")) return EvalName{"Cut at the length limit", true, -1};
  return EvalName{name.substr(5), false, name.find("reward") != std::string::npos ? 1 : 0};
}

std::string cell(double value, const EvalName& name) {
  if (std::isnan(value)) return "–";
  if (name.percent) return fmt::format("{:.1f}%", 100 * value);
  return name.title.starts_with("Mean length") ? fmt::format("{:.1f}", value) : short_number(value);
}

std::string change_cell(double before, double after, const EvalName& name) {
  const double change = after - before;
  if (std::isnan(change)) return "–";
  const char* direction = change * name.better > 0 ? "up" : change * name.better < 0 ? "down" : "";
  return fmt::format(
      "<span class=\"{}\">{}</span>", direction,
      name.percent ? fmt::format("{:+.1f} pts", 100 * change) : fmt::format("{:+.3g}", change));
}

// Accuracy as dots with their 95 % intervals on one scale from 0 to 100 %.
std::string interval_picture(const Evaluations& evaluations) {
  std::string svg;
  const double left = 130, right = 700, row_height = 30;
  const auto x = [&](double share) { return left + std::clamp(share, 0.0, 1.0) * (right - left); };
  const double bottom = row_height * static_cast<double>(evaluations.shown.size()) + 6;
  for (int i = 0; i <= 5; ++i)
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"4\" y2=\"{1}\"/><text x=\"{0:.1f}\" "
        "y=\"{2}\" text-anchor=\"middle\">{3}%</text>",
        x(i / 5.0), bottom, bottom + 16, i * 20);
  for (size_t i = 0; i < evaluations.shown.size(); ++i) {
    const Row& row = evaluations.shown[i].second;
    const double y = row_height * static_cast<double>(i) + 20;
    const double low = value_of(row, "eval_accuracy_low"), high = value_of(row, "eval_accuracy_high");
    const char* colour = i + 1 == evaluations.shown.size() && i > 0 ? "c1" : "c8";
    svg += fmt::format("<text x=\"0\" y=\"{}\">{}</text>", y + 4, step_name(evaluations, i));
    if (!std::isnan(low) && !std::isnan(high))
      svg += fmt::format(
          "<path class=\"line {0}\" style=\"stroke-width:6;opacity:.35\" d=\"M{1:.1f},{3}L{2:.1f},{3}\"/>",
          colour, x(low), x(high), y);
    svg += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{}\" r=\"6\"/>", colour,
                       x(value_of(row, "eval_accuracy")), y);
  }
  return fmt::format(
      "<svg class=\"ranges\" viewBox=\"0 0 720 {}\" role=\"img\" aria-label=\"accuracy with 95 % "
      "intervals\">{}</svg>",
      bottom + 22, svg);
}

// pass@k or maj@k over k, a line for each evaluation shown; empty where only k = 1 was evaluated.
std::string curve(const Evaluations& evaluations, const std::string& family) {
  const std::string prefix = fmt::format("eval_{}@", family);
  std::set<int64_t> ks;
  for (const auto& [step, row] : evaluations.shown)
    for (const auto& [name, value] : row)
      if (name.starts_with(prefix)) ks.insert(std::strtoll(name.c_str() + prefix.size(), nullptr, 10));
  ks.erase(0);
  ks.erase(1);
  if (ks.empty()) return "";
  Chart chart{.title = fmt::format("{}@K over K", family),
              .note = fmt::format("{} of K samples is right, with 95 % intervals",
                                  family == "pass" ? "at least one" : "the majority"),
              .steps = {1},
              .series = {},
              .percent = true,
              .markers = true,
              .even = true};
  chart.steps.insert(chart.steps.end(), ks.begin(), ks.end());
  for (size_t i = 0; i < evaluations.shown.size(); ++i) {
    const Row& row = evaluations.shown[i].second;
    Series line{step_name(evaluations, i), {}, {}, {}};
    const auto add = [&](const std::string& name) {
      line.values.push_back(value_of(row, name));
      line.low.push_back(value_of(row, name + "_low"));
      line.high.push_back(value_of(row, name + "_high"));
    };
    add("eval_accuracy");
    for (int64_t k : ks) add(fmt::format("{}{}", prefix, k));
    chart.series.push_back(std::move(line));
  }
  return chart_html(std::move(chart));
}

}  // namespace

double value_of(const Row& row, const std::string& name) {
  const auto found = row.find(name);
  return found == row.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

Evaluations evaluations_of(const ReportData& data) {
  std::vector<std::pair<int64_t, Row>> all;
  for (const auto& [step, row] : data.rows)
    if (row.contains("eval_accuracy")) all.emplace_back(step, row);
  Evaluations found;
  if (all.empty()) return found;
  const auto accuracy = [](const auto& e) { return value_of(e.second, "eval_accuracy"); };
  const auto best = std::max_element(all.begin(), all.end(),
                                     [&](const auto& a, const auto& b) { return accuracy(a) < accuracy(b); });
  found.shown.push_back(all.front());
  if (accuracy(*best) > accuracy(all.back()) && best != all.begin()) found.shown.push_back(*best);
  if (all.size() > 1) found.shown.push_back(all.back());
  return found;
}

std::string interval_text(const Row& row) {
  const double low = value_of(row, "eval_accuracy_low"), high = value_of(row, "eval_accuracy_high");
  if (std::isnan(low) || std::isnan(high)) return "";
  return fmt::format("{:.1f}–{:.1f}%", 100 * low, 100 * high);
}

std::string evaluation_section(const ReportData& data, const Evaluations& evaluations) {
  if (evaluations.shown.empty()) return "";
  std::set<std::string> names;
  for (const auto& [step, row] : evaluations.shown)
    for (const auto& [name, value] : row)
      if (name.starts_with("eval_") && eval_name(name)) names.insert(name);
  // Accuracy first, then pass@k and maj@k by k, lengths, the rest.
  const auto rank = [](const std::string& name) {
    const size_t at = name.find('@');
    const int family = name == "eval_accuracy"          ? 0
                       : name.starts_with("eval_pass@") ? 1
                       : name.starts_with("eval_maj@")  ? 2
                       : name == "eval_mean_length"     ? 3
                                                        : 4;
    return std::make_tuple(family,
                           at == std::string::npos ? 0.0 : std::strtod(name.c_str() + at + 1, nullptr), name);
  };
  std::vector<std::string> ordered(names.begin(), names.end());
  std::sort(ordered.begin(), ordered.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });

  std::string table = "<div class=\"scroll\"><table><tr><th></th>";
  for (size_t i = 0; i < evaluations.shown.size(); ++i)
    table += fmt::format("<th>{}</th>", step_name(evaluations, i));
  table += evaluations.compared() ? "<th>Change</th></tr>" : "</tr>";
  const Row &first = evaluations.shown.front().second, &last = evaluations.shown.back().second;
  for (const std::string& name : ordered) {
    // pass@1 is the accuracy once more.
    if (name == "eval_pass@1") continue;
    const EvalName shown = *eval_name(name);
    table += fmt::format("<tr><td>{}</td>", html_text(shown.title));
    for (const auto& [step, row] : evaluations.shown)
      table += fmt::format("<td>{}{}</td>", cell(value_of(row, name), shown),
                           name == "eval_accuracy" && !interval_text(row).empty()
                               ? "<small>" + interval_text(row) + "</small>"
                               : "");
    if (evaluations.compared())
      table += fmt::format("<td>{}</td>", change_cell(value_of(first, name), value_of(last, name), shown));
    table += "</tr>";
  }
  table += "</table></div>";
  const double problems = value_of(last, "eval_problems");
  std::string note = "Held-out problems";
  if (problems > 0) note = fmt::format("{:.0f} held-out problems", problems);
  if (const auto samples = data.settings.find("num_generations_eval"); samples != data.settings.end())
    note += fmt::format(", {} completions of each", html_text(samples->second));
  note += "; the range beside the accuracy is its 95 % interval.";
  if (evaluations.compared()) {
    const double low = value_of(last, "eval_accuracy_low"), high = value_of(last, "eval_accuracy_high");
    const double first_low = value_of(first, "eval_accuracy_low"),
                 first_high = value_of(first, "eval_accuracy_high");
    if (low > first_high)
      note += " The intervals of the first and the last do not overlap.";
    else if (first_low > high)
      note += " The accuracy has fallen, and the intervals do not overlap.";
    else if (!std::isnan(low + first_high))
      note += " The intervals of the first and the last overlap.";
  }
  std::string curves = curve(evaluations, "pass") + curve(evaluations, "maj");
  if (!curves.empty()) curves = fmt::format("<div class=\"charts\">{}</div>", curves);
  return fmt::format("<h2>{}</h2><p class=\"note\">{}</p><div class=\"card\">{}{}</div>{}",
                     evaluations.compared()
                         ? (evaluations.before_training() ? "Before and after" : "Evaluations")
                         : "Evaluation",
                     note, table, interval_picture(evaluations), curves);
}

}  // namespace cohort
