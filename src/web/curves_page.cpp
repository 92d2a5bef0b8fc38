#include "web/curves_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "web/chart.h"
#include "web/html.h"
#include "web/page.h"

namespace cohort {
namespace {

using Json = nlohmann::json;

struct Point {
  double k, value, low, high;
};
struct Model {
  std::string name;  // "before", "after", or the model
  std::vector<Point> pass, maj;
  double accuracy = 0, accuracy_low = 0, accuracy_high = 0, mean_length = 0;
};
struct DataSet {
  std::string name;
  double problems = 0;
  std::vector<Model> models;
  std::vector<Point> change;  // of pass@K
};
struct Summary {
  std::string model, compare;
  double num_generations = 0;
  std::vector<DataSet> data;
};

// Reads fields and names the place of one that is missing or of another type.
struct Reader {
  std::string file;
  const Json& field(const Json& object, const std::string& place, const char* name) const {
    const auto found = object.is_object() ? object.find(name) : object.end();
    if (!object.is_object() || found == object.end())
      fail("{}: {}: expected \"{}\" as `cohort eval --summary` writes it, found none", file, place, name);
    return *found;
  }
  double number(const Json& object, const std::string& place, const char* name) const {
    const Json& value = field(object, place, name);
    if (!value.is_number())
      fail("{}: {}: {}: expected a number, found {}", file, place, name, value.type_name());
    return value.get<double>();
  }
  std::string text(const Json& object, const std::string& place, const char* name) const {
    const Json& value = field(object, place, name);
    if (!value.is_string())
      fail("{}: {}: {}: expected a string, found {}", file, place, name, value.type_name());
    return value.get<std::string>();
  }
  const Json& list(const Json& object, const std::string& place, const char* name) const {
    const Json& value = field(object, place, name);
    if (!value.is_array())
      fail("{}: {}: {}: expected an array, found {}", file, place, name, value.type_name());
    return value;
  }
  std::vector<Point> points(const Json& object, const std::string& place, const char* name) const {
    std::vector<Point> points;
    for (const Json& p : list(object, place, name))
      points.push_back({number(p, place, "k"), number(p, place, "value"), number(p, place, "low"),
                        number(p, place, "high")});
    return points;
  }
  Model model(const Json& object, const std::string& place, std::string name) const {
    return {std::move(name),
            points(object, place, "pass_at_k"),
            points(object, place, "maj_at_k"),
            number(object, place, "accuracy"),
            number(object, place, "accuracy_low"),
            number(object, place, "accuracy_high"),
            number(object, place, "mean_length")};
  }
};

Summary read_summary(const std::filesystem::path& path) {
  const Json json = try_parse_json(read_file(path));
  if (json.is_discarded()) fail("{}: expected JSON, as `cohort eval --summary` writes it", path.string());
  const Reader read{path.string()};
  Summary s;
  s.model = read.text(json, "top level", "model");
  if (json.contains("compare")) s.compare = read.text(json, "top level", "compare");
  s.num_generations = read.number(json, "top level", "num_generations");
  for (const Json& entry : read.list(json, "top level", "data")) {
    const std::string place = fmt::format("data[{}]", s.data.size());
    DataSet& data = s.data.emplace_back();
    data.name = read.text(entry, place, "name");
    if (s.compare.empty()) {
      data.models = {read.model(entry, place, s.model)};
      data.problems = read.number(entry, place, "problems");
      continue;
    }
    for (const char* side : {"before", "after"})
      data.models.push_back(read.model(read.field(entry, place, side), place + "." + side, side));
    data.problems = read.number(entry["before"], place + ".before", "problems");
    data.change = read.points(read.field(entry, place, "change"), place + ".change", "pass_at_k");
  }
  if (s.data.empty()) fail("{}: expected at least one data set, found none", path.string());
  return s;
}

std::vector<Chart> charts_of(const DataSet& data) {
  std::vector<Chart> charts;
  for (const bool pass : {true, false}) {
    Chart chart{.title = fmt::format("{}: {}@K", std::filesystem::path(data.name).stem().string(),
                                     pass ? "pass" : "maj"),
                .note = fmt::format("{} of K samples is right; {:.0f} problems",
                                    pass ? "at least one" : "the majority", data.problems),
                .steps = {},
                .series = {},
                .percent = true,
                .markers = true,
                .even = true,
                .latest = false};
    for (const Model& model : data.models)
      for (const Point& p : pass ? model.pass : model.maj) chart.steps.push_back(p.k);
    std::ranges::sort(chart.steps);
    chart.steps.erase(std::unique(chart.steps.begin(), chart.steps.end()), chart.steps.end());
    for (const Model& model : data.models) {
      Series line{.name = model.name};
      for (const double k : chart.steps) {
        const auto& points = pass ? model.pass : model.maj;
        const auto p = std::ranges::find(points, k, &Point::k);
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        line.values.push_back(p == points.end() ? none : p->value);
        line.low.push_back(p == points.end() ? none : p->low);
        line.high.push_back(p == points.end() ? none : p->high);
      }
      chart.series.push_back(std::move(line));
    }
    charts.push_back(std::move(chart));
  }
  return charts;
}

std::string change_cell(const DataSet& data) {
  if (data.change.empty()) return "–";
  const Point& p = data.change[0];
  return fmt::format("<span class=\"{}\">{:+.1f} pts</span><small>{:+.1f} to {:+.1f}</small>",
                     p.low > 0    ? "up"
                     : p.high < 0 ? "down"
                                  : "",
                     100 * p.value, 100 * p.low, 100 * p.high);
}

std::string table_of(const Summary& s) {
  std::string head, rows;
  for (const Model& model : s.data[0].models)
    head += fmt::format("<th>{}</th>", html_text(s.compare.empty() ? "Accuracy" : model.name));
  if (!s.compare.empty()) head += "<th>Change</th>";
  for (const DataSet& data : s.data) {
    rows += fmt::format("<tr><td>{}</td><td>{:.0f}</td>", html_text(data.name), data.problems);
    for (const Model& m : data.models)
      rows += fmt::format("<td>{:.1f}%<small>{:.1f}–{:.1f}</small></td>", 100 * m.accuracy,
                          100 * m.accuracy_low, 100 * m.accuracy_high);
    rows += s.compare.empty() ? "</tr>" : fmt::format("<td>{}</td></tr>", change_cell(data));
  }
  return fmt::format(
      "<h2>Accuracy</h2><p class=\"note\">pass@1 with its 95 % interval{}.</p><div class=\"card "
      "scroll\"><table><tr>"
      "<th></th><th>Problems</th>{}</tr>{}</table></div>",
      s.compare.empty() ? "" : "; the change is paired by problem, in colour where its interval excludes 0",
      head, rows);
}

}  // namespace

std::string make_curves_page(const std::filesystem::path& path, const std::string& title) {
  const Summary s = read_summary(path);
  std::string charts;
  for (const DataSet& data : s.data)
    for (const Chart& chart : charts_of(data)) charts += chart_html(chart);
  const std::string lead = s.compare.empty() ? html_text(s.model)
                                             : fmt::format("before: <b>{}</b> · after: <b>{}</b>",
                                                           html_text(s.model), html_text(s.compare));
  return page_html(
      html_text(title), fmt::format("{} · {:.0f} samples of each problem", lead, s.num_generations),
      table_of(s) +
          "<h2>Curves over K</h2><p class=\"note\">With 95 % bootstrap intervals over problems.</p><div "
          "class=\"charts\">" +
          charts + "</div>",
      "Made by <code>cohort report</code> from the figures of <code>cohort eval --summary</code>.");
}

std::string curves_svg(const std::filesystem::path& path) {
  std::vector<Chart> charts;
  for (const DataSet& data : read_summary(path).data)
    std::ranges::move(charts_of(data), std::back_inserter(charts));
  return charts_svg(std::move(charts), 2);
}

}  // namespace cohort
