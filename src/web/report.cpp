#include "web/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/file.h"
#include "base/progress.h"
#include "web/chart.h"
#include "web/html.h"
#include "web/page.h"
#include "web/report_data.h"
#include "web/report_evaluation.h"

namespace cohort {
namespace {

// One chart of named metrics, over the steps at which any of them has a value.
struct Curve {
  std::string metric, name;
  std::string low = "", high = "";
};
Chart chart_of(const std::map<int64_t, Row>& rows, std::string title, std::string note,
               const std::vector<Curve>& curves) {
  Chart chart;
  chart.title = std::move(title);
  chart.note = std::move(note);
  for (const Curve& curve : curves) chart.series.push_back({curve.name, {}, {}, {}});
  for (const auto& [step, row] : rows) {
    if (std::none_of(curves.begin(), curves.end(), [&](const Curve& c) { return row.contains(c.metric); }))
      continue;
    chart.steps.push_back(static_cast<double>(step));
    for (size_t k = 0; k < curves.size(); ++k) {
      chart.series[k].values.push_back(value_of(row, curves[k].metric));
      if (curves[k].low.empty()) continue;
      chart.series[k].low.push_back(value_of(row, curves[k].low));
      chart.series[k].high.push_back(value_of(row, curves[k].high));
    }
  }
  return chart;
}

std::string charts_section(const ReportData& data) {
  const auto& rows = data.rows;
  std::string out;
  const auto add = [&](Chart chart, bool percent = false, bool from_zero = true, bool markers = false) {
    chart.percent = percent, chart.from_zero = from_zero, chart.markers = markers;
    out += chart_html(std::move(chart));
  };
  add(chart_of(rows, "Held-out accuracy", "with its 95 % interval",
               {{"eval_accuracy", "accuracy", "eval_accuracy_low", "eval_accuracy_high"}}),
      true, true, true);
  add(chart_of(rows, "Reward", "mean over the completions of a step",
               {{"reward", "reward"}, {"reward_std", "standard deviation in a group"}}));
  for (const char* name : {"accuracy", "rewards/accuracies"})  // of a reward model, of dpo
    add(chart_of(rows, "Right verdicts", "share of a step's pairs or labels, before it learns from them",
                 {{name, "accuracy"}}),
        true);
  for (const char* name : {"margin", "rewards/margins"})
    add(chart_of(rows, "Margin", "of the preferred over the rejected, mean of a step", {{name, "margin"}}),
        false, false);
  add(chart_of(rows, "Explained variance", "share of the returns' variance that the critic foresaw",
               {{"explained_variance", "explained variance"}}),
      false, false);
  std::set<std::string> functions;
  for (const auto& [step, row] : rows)
    for (const auto& [name, value] : row)
      if (name.starts_with("rewards/") && name.ends_with("/mean")) functions.insert(name);
  std::vector<Curve> by_function;
  for (const std::string& name : functions) by_function.push_back({name, name.substr(8, name.size() - 13)});
  if (by_function.size() > 1) add(chart_of(rows, "Reward by function", "before weighting", by_function));
  add(chart_of(rows, "Completion length", "tokens",
               {{"completions/mean_length", "all"},
                {"completions/mean_terminated_length", "those that ended by themselves"}}));
  add(chart_of(rows, "Shares of completions", "",
               {{"frac_reward_zero_std", "in groups with equal rewards: nothing to learn"},
                {"completions/clipped_ratio", "cut at the length limit"}}),
      true);
  add(chart_of(rows, "Entropy", "of the next token, in nats", {{"entropy", "entropy"}}));
  add(chart_of(rows, "KL divergence", "from the starting model, in nats per token", {{"kl", "kl"}}));
  add(chart_of(rows, "Loss", "", {{"loss", "training"}, {"eval_loss", "held out"}}), false, false);
  add(chart_of(rows, "Gradient norm", "before clipping", {{"grad_norm", "grad_norm"}}));
  add(chart_of(rows, "Clipped ratios", "share of tokens",
               {{"clip_ratio/low_mean", "low"}, {"clip_ratio/high_mean", "high"}}),
      true);
  add(chart_of(rows, "Learning rate", "", {{"learning_rate", "learning_rate"}}));
  add(chart_of(data.timings, "Speed", "tokens computed in a second", {{"tokens_per_second", "tokens/s"}}));

  // Share of time: phases as parts of their sum.
  std::set<std::string> phases;
  for (const auto& [step, row] : data.timings)
    for (const auto& [name, value] : row)
      if (name.starts_with("time/")) phases.insert(name);
  std::vector<Curve> curves;
  for (const std::string& phase : phases) {
    std::string name = phase.substr(5);
    std::replace(name.begin(), name.end(), '_', ' ');
    curves.push_back({phase, name});
  }
  if (!curves.empty()) {
    Chart chart = chart_of(data.timings, "Where the time goes", "share of a step", curves);
    for (size_t i = 0; i < chart.steps.size(); ++i) {
      double sum = 0;
      for (const Series& s : chart.series) sum += std::isfinite(s.values[i]) ? s.values[i] : 0;
      for (Series& s : chart.series)
        s.values[i] = sum > 0 && std::isfinite(s.values[i]) ? s.values[i] / sum : 0;
    }
    chart.stacked = true;
    out += chart_html(std::move(chart));
  }
  return out.empty() ? "" : "<h2>Curves</h2><div class=\"charts\">" + out + "</div>";
}

// Thinking is folded away: <think> to </think>, or to the end where it was never closed. Templates may put
// <think> into the prompt.
std::string completion_html(const std::string& text) {
  const std::string open = "<think>", close = "</think>";
  const size_t begin = text.find(open), end = text.find(close);
  if (begin == std::string::npos && end == std::string::npos)
    return fmt::format("<p class=\"completion\">{}</p>", text.empty() ? "(nothing)" : html_text(text));
  const size_t from = begin == std::string::npos || begin > end ? 0 : begin + open.size();
  const std::string before = from == 0 ? "" : text.substr(0, begin);
  const std::string thought = text.substr(from, end == std::string::npos ? end : end - from);
  const std::string rest = end == std::string::npos ? "" : text.substr(end + close.size());
  const auto paragraph = [](const std::string& part) {
    const size_t first = part.find_first_not_of(" \n\t");
    return first == std::string::npos ? ""
                                      : fmt::format("<p class=\"completion\">{}</p>",
                                                    html_text(std::string_view(part).substr(first)));
  };
  return fmt::format(
      "{}<details class=\"think\"><summary>{}, {} characters</summary><p "
      "class=\"completion\">{}</p></details>{}",
      paragraph(before), end == std::string::npos ? "Thinking, never closed" : "Thinking", thought.size(),
      html_text(thought), paragraph(rest));
}

std::string sample_html(const ReportSample& sample, const std::string& label) {
  std::string chips;
  if (sample.rewards.empty() && !std::isnan(sample.reward))
    chips += fmt::format("<span class=\"chip\">reward {}</span>", short_number(sample.reward));
  for (const auto& [name, value] : sample.rewards)
    chips += fmt::format("<span class=\"chip{}\">{} {}</span>", value > 0 ? " up" : "", html_text(name),
                         std::isnan(value) ? "not computed" : short_number(value));
  if (sample.finish_reason == "length") chips += "<span class=\"chip down\">cut at the limit</span>";
  return fmt::format("<div><div class=\"label\"><b>{}</b>{}</div>{}</div>", label, chips,
                     completion_html(sample.completion));
}

std::string samples_section(const ReportData& data) {
  std::string out;
  const auto label = [](const ReportSample& s) {
    return s.step == 0 ? std::string("Before") : fmt::format("After step {}", s.step);
  };
  for (const auto& [before, after] : data.pairs)
    out += fmt::format(
        "<div class=\"card sample\"><p class=\"prompt\">{}</p><div class=\"pair\">{}{}</div></div>",
        html_text(before.prompt), sample_html(before, label(before)), sample_html(after, label(after)));
  if (!out.empty())
    return "<h2>Samples before and after</h2><p class=\"note\">The first held-out problems and the first "
           "completion of each, not chosen.</p>" +
           out;
  for (const auto* samples : {&data.before, &data.after})
    for (const ReportSample& s : *samples)
      out += fmt::format("<div class=\"card sample\"><p class=\"prompt\">{}</p>{}</div>", html_text(s.prompt),
                         sample_html(s, label(s)));
  return out.empty() ? ""
                     : "<h2>Samples</h2><p class=\"note\">Of the first step and of the last; the first "
                       "completion of each problem, not chosen.</p>" +
                           out;
}

std::string tiles(const ReportData& data, const Evaluations& evaluations) {
  std::string out;
  const auto tile = [&](const std::string& title, const std::string& number, const std::string& note,
                        bool hero = false) {
    out += fmt::format("<div class=\"card tile{}\"><small>{}</small><b>{}</b><em>{}</em></div>",
                       hero ? " hero" : "", title, number, note);
  };
  if (!evaluations.shown.empty()) {
    const auto percent = [](const Row& row) {
      return fmt::format("{:.1f}%", 100 * value_of(row, "eval_accuracy"));
    };
    const Row &first = evaluations.shown.front().second, &last = evaluations.shown.back().second;
    const std::string range = interval_text(last).empty() ? "" : "95 % interval " + interval_text(last);
    if (evaluations.compared())
      tile("Held-out accuracy", percent(first) + " <i>→</i> " + percent(last), range, true);
    else
      tile("Held-out accuracy", percent(last), range, true);
  }
  const auto rewards = data.values("reward");
  if (!rewards.empty())
    tile("Reward", short_number(rewards.back().second),
         fmt::format("{} at the first step", short_number(rewards.front().second)));
  const auto lengths = data.values("completions/mean_length");
  if (!lengths.empty())
    tile("Completion length", short_number(lengths.back().second),
         fmt::format("tokens; {} at the first step", short_number(lengths.front().second)));
  double seconds = 0, tokens = 0;
  for (const auto& [step, row] : data.timings)
    if (const double time = value_of(row, "step_time"); time > 0) {
      seconds += time;
      if (const double rate = value_of(row, "tokens_per_second"); rate > 0) tokens += rate * time;
    }
  if (seconds > 0)
    tile("Training time", format_duration(seconds),
         tokens > 0 ? short_number(tokens / seconds) + " tokens/s" : "");
  return out.empty() ? "" : "<div class=\"tiles\">" + out + "</div>";
}

std::string setting(const ReportData& data, const std::string& name) {
  const auto found = data.settings.find(name);
  return found == data.settings.end() ? "" : found->second;
}

// The line under the title: method, model, data, steps, seed.
std::string lead_of(const ReportData& data) {
  int64_t last = 0;
  for (const auto& [step, row] : data.rows) last = std::max(last, step);
  std::string lead;
  const auto part = [&](const std::string& text) {
    if (!text.empty()) lead += (lead.empty() ? "" : " · ") + text;
  };
  const std::string method = setting(data, "method"), model = setting(data, "model"),
                    task = setting(data, "data"), seed = setting(data, "seed");
  if (!method.empty())
    part(fmt::format("<b>{}</b>", html_text(method == "grpo"  ? "GRPO"
                                            : method == "sft" ? "Supervised"
                                                              : method)));
  if (!model.empty())
    part(html_text(std::filesystem::path(model).filename().empty()
                       ? model
                       : std::filesystem::path(model).filename().string()));
  if (!task.empty()) part(html_text(task));
  const std::string most = setting(data, "max_steps");
  const int64_t steps = most.empty() ? -1 : std::strtoll(most.c_str(), nullptr, 10);
  part(steps > last ? fmt::format("step {} of {}", last, steps) : fmt::format("{} steps", last));
  if (!seed.empty()) part("seed " + html_text(seed));
  return lead;
}

// A word for a shell, quoted where it needs to be.
std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("/._-+,:@").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string repeat_section(const ReportData& data, const std::filesystem::path& folder) {
  if (data.recipe.empty()) return "";
  const std::string command = fmt::format(
      "cohort {} {} --output_dir {}", setting(data, "method").empty() ? "reward train" : "train",
      shell_word((folder / "recipe.toml").lexically_normal().string()),
      shell_word((folder.lexically_normal().string().ends_with('/') ? folder.lexically_normal().parent_path()
                                                                    : folder.lexically_normal())
                     .string() +
                 "-again"));
  return fmt::format(
      "<h2>How to repeat it</h2><p class=\"note\">The same recipe, seed and starting model give the same "
      "bytes in metrics.jsonl, samples.jsonl and "
      "the checkpoints, for any number of threads.</p><div class=\"card\"><pre class=\"code\" "
      "style=\"margin:0\">{}</pre></div>"
      "<h2>Recipe</h2><div class=\"card\"><details><summary>recipe.toml, with every option</summary><pre "
      "class=\"code\">{}</pre></details></div>",
      html_text(command), html_text(data.recipe));
}

}  // namespace

std::string make_report(const std::filesystem::path& folder) {
  const ReportData data = load_report_data(folder);
  const Evaluations evaluations = evaluations_of(data);
  std::string body = tiles(data, evaluations) + evaluation_section(data, evaluations) + charts_section(data) +
                     samples_section(data) + repeat_section(data, folder);
  if (data.rows.empty()) body += "<p class=\"lead\">No step has been recorded yet.</p>";
  std::string footer = "Made by <code>cohort report</code> from the run folder.";
  if (data.broken_rows > 0)
    footer += fmt::format(" {} rows that are not valid JSON with a step were left out.", data.broken_rows);
  return page_html(html_text(data.name), lead_of(data), body, footer);
}

std::filesystem::path write_report(const std::filesystem::path& folder) {
  const std::string page = make_report(folder);
  write_file(folder / "report.html", page);
  return folder / "report.html";
}

}  // namespace cohort
