#include "web/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/check.h"
#include "web/chart.h"
#include "web/html.h"
#include "web/page.h"
#include "web/report_data.h"

namespace cohort {
namespace {

struct RunGroup {
  std::string name;
  std::vector<ReportData> runs;
};

// "grpo-1" is of the group grpo.
std::string group_name(const std::string& run) {
  const size_t last = run.find_last_not_of("0123456789");
  if (last == std::string::npos || last + 1 == run.size() || last == 0 ||
      (run[last] != '-' && run[last] != '_'))
    return run;
  return run.substr(0, last);
}

// Options that may differ between the runs of a group: the seed, and what changes no bit of a run.
bool is_own(const std::string& option) {
  static const std::set<std::string> own = {"seed",
                                            "output_dir",
                                            "num_threads",
                                            "memory_limit_gb",
                                            "micro_batch_tokens",
                                            "keep_rollout_activations"};
  return own.contains(option);
}

std::vector<RunGroup> load_groups(std::span<const std::filesystem::path> folders) {
  std::vector<RunGroup> groups;
  for (const std::filesystem::path& folder : folders) {
    ReportData run = load_report_data(folder);
    const std::string name = group_name(run.name);
    auto group = std::ranges::find(groups, name, &RunGroup::name);
    if (group == groups.end()) group = groups.insert(groups.end(), {name, {}});
    if (!group->runs.empty())
      for (const auto& [option, value] : group->runs[0].settings) {
        const auto other = run.settings.find(option);
        const std::string found = other == run.settings.end() ? "" : other->second;
        if (!is_own(option) && found != value)
          fail("{}: expected the runs of {} to differ in their seed alone, found {} = {} here and {} in {}",
               folder.string(), name, option, found.empty() ? "nothing" : found, value, group->runs[0].name);
      }
    group->runs.push_back(std::move(run));
  }
  return groups;
}

struct Spread {
  double mean = 0, low = 0, high = 0;
};
Spread spread_of(const std::vector<double>& values) {
  Spread s{0, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const double v : values) {
    s.mean += v / static_cast<double>(values.size());
    s.low = std::min(s.low, v);
    s.high = std::max(s.high, v);
  }
  return s;
}

// At each step where every run of the group has the metric.
std::map<double, Spread> spreads_of(const RunGroup& group, const std::string& metric) {
  std::map<double, std::vector<double>> by_step;
  for (const ReportData& run : group.runs)
    for (const auto& [step, value] : run.values(metric))
      if (std::isfinite(value)) by_step[step].push_back(value);
  std::map<double, Spread> spreads;
  for (const auto& [step, values] : by_step)
    if (values.size() == group.runs.size()) spreads[step] = spread_of(values);
  return spreads;
}

Chart chart_over_steps(const std::vector<RunGroup>& groups, const std::string& metric, std::string title,
                       std::string note) {
  std::vector<std::map<double, Spread>> all;
  std::set<double> steps;
  for (const RunGroup& group : groups)
    for (const auto& [step, spread] : all.emplace_back(spreads_of(group, metric))) steps.insert(step);
  Chart chart{.title = std::move(title), .note = std::move(note), .steps = {}, .series = {}, .latest = false};
  chart.steps.assign(steps.begin(), steps.end());
  for (size_t g = 0; g < groups.size(); ++g) {
    Series line{.name = groups[g].name};
    for (const double step : steps) {
      const auto found = all[g].find(step);
      const bool there = found != all[g].end();
      constexpr double none = std::numeric_limits<double>::quiet_NaN();
      line.values.push_back(there ? found->second.mean : none);
      line.low.push_back(there ? found->second.low : none);
      line.high.push_back(there ? found->second.high : none);
    }
    chart.series.push_back(std::move(line));
  }
  return chart;
}

Chart accuracy_chart(const std::vector<RunGroup>& groups, const std::string& title) {
  size_t fewest = groups[0].runs.size(), most = fewest;
  for (const RunGroup& group : groups) {
    fewest = std::min(fewest, group.runs.size());
    most = std::max(most, group.runs.size());
  }
  const std::string seeds = fewest == most ? fmt::format("{}", most) : fmt::format("{} to {}", fewest, most);
  Chart chart = chart_over_steps(
      groups, "eval_accuracy", title,
      most > 1 ? fmt::format("over steps: mean of {} seeds, band from the lowest to the highest", seeds)
               : "over steps");
  if (chart.steps.empty())
    fail("expected runs with evaluations at steps in common, found none: set eval_steps");
  chart.percent = chart.markers = true;
  chart.from_zero = false;
  chart.width = 760;
  chart.height = 340;
  return chart;
}

std::string accuracy_table(const std::vector<RunGroup>& groups) {
  std::string rows;
  for (const RunGroup& group : groups) {
    const auto spreads = spreads_of(group, "eval_accuracy");
    if (spreads.empty()) continue;
    const auto range = [](const Spread& s) {
      return fmt::format("{:.1f}%<small>{:.1f}–{:.1f}</small>", 100 * s.mean, 100 * s.low, 100 * s.high);
    };
    std::string each;
    for (const ReportData& run : group.runs)
      each +=
          fmt::format("{}{:.1f}", each.empty() ? "" : ", ", 100 * run.values("eval_accuracy").back().second);
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.0f}</td><td>{}</td><td>{}</td></tr>",
                        html_text(group.name), group.runs.size(), range(spreads.begin()->second),
                        spreads.rbegin()->first, range(spreads.rbegin()->second), each);
  }
  return fmt::format(
      "<h2>Held-out accuracy</h2><p class=\"note\">Mean over the runs, and the lowest and highest "
      "run.</p><div class=\"card "
      "scroll\"><table><tr><th></th><th>Runs</th><th>First</th><th>Steps</th><th>Last</th><th>Each "
      "run</th></tr>{}</"
      "table></div>",
      rows);
}

// The options in which the groups differ.
std::string settings_table(const std::vector<RunGroup>& groups) {
  std::map<std::string, std::set<std::string>> values;
  const auto value_in = [](const RunGroup& group, const std::string& option) {
    const auto found = group.runs[0].settings.find(option);
    return found == group.runs[0].settings.end() ? std::string("–") : found->second;
  };
  for (const RunGroup& group : groups)
    for (const auto& [option, value] : group.runs[0].settings)
      if (!is_own(option))
        for (const RunGroup& other : groups) values[option].insert(value_in(other, option));
  std::string head, rows;
  for (const RunGroup& group : groups) head += fmt::format("<th>{}</th>", html_text(group.name));
  for (const auto& [option, found] : values) {
    if (found.size() < 2) continue;
    rows += fmt::format("<tr><td>{}</td>", html_text(option));
    for (const RunGroup& group : groups)
      rows += fmt::format("<td>{}</td>", html_text(value_in(group, option)));
    rows += "</tr>";
  }
  if (rows.empty()) return "";
  return fmt::format(
      "<h2>What differs</h2><p class=\"note\">Options of the recipes; all others are the same.</p><div "
      "class=\"card "
      "scroll\"><table><tr><th></th>{}</tr>{}</table></div>",
      head, rows);
}

}  // namespace

std::string make_comparison(std::span<const std::filesystem::path> folders, const std::string& title) {
  const std::vector<RunGroup> groups = load_groups(folders);
  std::string others;
  for (const auto& [metric, name, note] :
       {std::tuple("reward", "Reward", "mean over the completions of a step"),
        {"eval_mean_length", "Completion length", "tokens, held-out problems"},
        {"entropy", "Entropy", "of the next token, in nats"},
        {"grad_norm", "Gradient norm", "before clipping"},
        {"frac_reward_zero_std", "Groups with equal rewards", "nothing to learn from them"}})
    others += chart_html(chart_over_steps(groups, metric, name, note));
  size_t runs = 0;
  int64_t broken = 0;
  for (const RunGroup& group : groups)
    for (const ReportData& run : group.runs) ++runs, broken += run.broken_rows;
  std::string footer = "Made by <code>cohort report --compare</code> from the run folders.";
  if (broken > 0)
    footer += fmt::format(" {} rows that are not valid JSON with a step were left out.", broken);
  return page_html(
      html_text(title), fmt::format("<b>{}</b> runs in <b>{}</b> groups", runs, groups.size()),
      fmt::format("<div class=\"wide\">{}</div>", chart_html(accuracy_chart(groups, "Held-out accuracy"))) +
          accuracy_table(groups) + settings_table(groups) +
          (others.empty() ? "" : "<h2>Curves</h2><div class=\"charts\">" + others + "</div>"),
      footer);
}

std::string comparison_svg(std::span<const std::filesystem::path> folders, const std::string& title) {
  return charts_svg({accuracy_chart(load_groups(folders), title)});
}

}  // namespace cohort
