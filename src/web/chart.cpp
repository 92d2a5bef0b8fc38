#include "web/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/check.h"
#include "web/html.h"

namespace cohort {
namespace {

constexpr double kLeft = 46, kRight = 10, kTop = 10, kBottom = 24;
constexpr size_t kColumns = 300;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Of the series, in light and in dark.
constexpr struct {
  const char *light, *dark;
} kColours[] = {{"#2a6fdb", "#6ea6ff"}, {"#d9622b", "#f0915f"}, {"#12996a", "#45c796"},
                {"#7a4fd0", "#ab8cf5"}, {"#c08a00", "#e0b245"}, {"#d04a86", "#f083b3"},
                {"#1a93a6", "#52c3d6"}, {"#6b7280", "#9ca3af"}};

// Means of `values` in `columns` equal runs of rows, values that are no number left out.
std::vector<double> averaged(const std::vector<double>& values, size_t columns) {
  if (values.size() <= columns) return values;
  std::vector<double> out(columns);
  for (size_t c = 0; c < columns; ++c) {
    double sum = 0;
    int64_t count = 0;
    for (size_t i = c * values.size() / columns; i < (c + 1) * values.size() / columns; ++i)
      if (std::isfinite(values[i])) sum += values[i], ++count;
    out[c] = count > 0 ? sum / static_cast<double>(count) : kNaN;
  }
  return out;
}

// 1, 2 or 5 times a power of ten, so that `range` has about `count` of them.
double tick_step(double range, int count) {
  const double rough = range / count, power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

struct Axis {
  double low, high, step;
};

Axis value_axis(const Chart& chart) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  const auto include = [&](double v) {
    if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  };
  for (const Series& s : chart.series)
    for (const auto* values : {&s.values, &s.low, &s.high})
      for (const double v : *values) include(v);
  if (chart.from_zero) include(0);
  if (chart.stacked) return {0, 1, 0.25};
  if (high - low < 1e-12 * std::max(1.0, std::fabs(high))) {
    const double half = high == 0 ? 0.5 : std::fabs(high) / 2;
    if (!chart.from_zero || high == 0) low -= chart.from_zero ? 0 : half;
    high += half;
  }
  const double step = tick_step(high - low, 4);
  low = std::floor(low / step + 1e-9) * step;
  high = std::ceil(high / step - 1e-9) * step;
  return {low, high, step};
}

std::string json_list(const std::vector<double>& values, int digits) {
  std::string out = "[";
  for (const double v : values) {
    if (out.size() > 1) out += ',';
    out += std::isfinite(v) ? fmt::format("{:.{}g}", v, digits) : "null";
  }
  return out + "]";
}

// Leaves out series without a value and averages long ones. False where nothing is left.
bool prepare(Chart& chart) {
  for (size_t k = 0; k < chart.series.size(); ++k)
    if (chart.series[k].colour == 0) chart.series[k].colour = k % std::size(kColours) + 1;
  std::erase_if(chart.series, [](const Series& s) {
    return std::none_of(s.values.begin(), s.values.end(), [](double v) { return std::isfinite(v); });
  });
  if (chart.series.empty()) return false;
  chart.steps = averaged(chart.steps, kColumns);
  for (Series& s : chart.series)
    for (auto* values : {&s.values, &s.low, &s.high}) *values = averaged(*values, kColumns);
  return true;
}

// Where the steps stand, from left to right.
std::vector<double> positions(const Chart& chart) {
  const double first = chart.steps.front(), last = std::max(chart.steps.back(), first + 1);
  const double wide = chart.width - kLeft - kRight;
  std::vector<double> x;
  for (size_t i = 0; i < chart.steps.size(); ++i)
    x.push_back(kLeft + wide * (chart.even ? static_cast<double>(i) / static_cast<double>(std::max<size_t>(
                                                                          chart.steps.size() - 1, 1))
                                           : (chart.steps[i] - first) / (last - first)));
  return x;
}

// Grid, ticks, bands and lines.
std::string plot(const Chart& chart) {
  const Axis axis = value_axis(chart);
  const std::vector<double> x = positions(chart);
  const auto y = [&](double v) {
    return chart.height - kBottom - (v - axis.low) / (axis.high - axis.low) * (chart.height - kTop - kBottom);
  };

  std::string svg;
  for (double v = axis.low; v <= axis.high + axis.step / 2; v += axis.step) {
    const double shown = std::fabs(v) < axis.step / 1e6 ? 0 : v;
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text class=\"tick\" x=\"{}\" "
        "y=\"{:.1f}\" "
        "text-anchor=\"end\">{}</text>",
        kLeft, chart.width - kRight, y(v), y(v), kLeft - 6, y(v) + 3.5,
        short_number(shown, chart.percent || chart.stacked));
  }
  const auto number = [&](double at, double step) {
    svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", at,
                       chart.height - 6, static_cast<int64_t>(step));
  };
  if (chart.even) {
    for (size_t i = 0; i < x.size(); ++i) number(x[i], chart.steps[i]);
  } else {
    const double first = chart.steps.front(), last = std::max(chart.steps.back(), first + 1);
    const double stride = std::max(1.0, tick_step(last - first, 5));
    for (double s = std::ceil(first / stride) * stride; s <= last; s += stride)
      number(kLeft + (s - first) / (last - first) * (chart.width - kLeft - kRight), s);
  }

  const size_t n = chart.steps.size();
  std::vector<double> floor(n, 0.0);
  for (size_t k = 0; k < chart.series.size(); ++k) {
    const Series& s = chart.series[k];
    const size_t colour = s.colour;
    std::string path, forth, back, dots;
    bool pen = false;
    size_t drawn = 0;
    for (size_t i = 0; i < n; ++i) {
      const double v = s.values[i];
      if (!std::isfinite(v)) {
        // A gap between evaluations is bridged, one in a training curve is not.
        if (!chart.markers) pen = false;
        continue;
      }
      const double px = x[i];
      if (chart.stacked) {
        forth += fmt::format("{}{:.1f},{:.1f} ", forth.empty() ? "M" : "L", px, y(floor[i]));
        back = fmt::format("L{:.1f},{:.1f} ", px, y(floor[i] += v)) + back;
        continue;
      }
      path += fmt::format("{}{:.1f},{:.1f} ", pen ? "L" : "M", px, y(v));
      pen = true;
      ++drawn;
      if (chart.markers)
        dots += fmt::format("<circle class=\"c{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", colour, px, y(v));
      if (!s.low.empty() && std::isfinite(s.low[i]) && std::isfinite(s.high[i])) {
        forth += fmt::format("{}{:.1f},{:.1f} ", forth.empty() ? "M" : "L", px, y(s.low[i]));
        back = fmt::format("L{:.1f},{:.1f} ", px, y(s.high[i])) + back;
      }
    }
    if (!forth.empty())
      svg += fmt::format("<path class=\"{} c{}\" d=\"{}{}Z\"/>", chart.stacked ? "area" : "band", colour,
                         forth, back);
    if (!path.empty()) svg += fmt::format("<path class=\"line c{}\" d=\"{}\"/>", colour, path);
    if (drawn == 1 && dots.empty())
      for (size_t i = 0; i < n; ++i)
        if (std::isfinite(s.values[i]))
          dots += fmt::format("<circle class=\"c{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", colour, x[i],
                              y(s.values[i]));
    svg += dots;
  }
  return svg;
}

}  // namespace

std::string short_number(double value, bool percent) {
  if (!std::isfinite(value)) return "–";
  if (percent) {
    const double v = value * 100;
    const bool whole = std::fabs(v - std::round(v)) < 1e-9;
    return fmt::format("{:.{}f}%", v, whole ? 0 : std::fabs(v) < 1 ? 2 : 1);
  }
  const double size = std::fabs(value);
  if (size >= 1e6 && size < 1e9) return fmt::format("{:.3g}M", value / 1e6);
  if (size >= 1e4 && size < 1e6) return fmt::format("{:.3g}k", value / 1e3);
  if (size >= 1000 && size < 1e4) return fmt::format("{:.0f}", value);
  std::string text = fmt::format("{:.3g}", value);
  if (const size_t zero = text.find("e-0"); zero != std::string::npos) text.erase(zero + 2, 1);
  return text;
}

std::string chart_html(Chart chart) {
  if (!prepare(chart)) return "";
  std::string legend, data;
  for (size_t k = 0; k < chart.series.size(); ++k) {
    legend += fmt::format("<span><i class=\"c{}\"></i>{}</span>", chart.series[k].colour,
                          html_text(chart.series[k].name));
    data += fmt::format("{}{{\"v\":{}}}", data.empty() ? "" : ",", json_list(chart.series[k].values, 4));
  }
  double latest = kNaN;
  for (const double v : chart.series[0].values)
    if (std::isfinite(v)) latest = v;
  return fmt::format(
      "<figure class=\"card chart\" data-percent=\"{}\" data-steps=\"{}\" data-x=\"{}\" "
      "data-series=\"{}\"><figcaption><b>{}</b>{}"
      "<small>{}</small></figcaption><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}<line "
      "class=\"cursor\" y1=\"{}\" "
      "y2=\"{}\"/></svg><div class=\"legend\">{}</div></figure>\n",
      chart.percent || chart.stacked ? 1 : 0, html_text(json_list(chart.steps, 9)),
      html_text(json_list(positions(chart), 5)), html_text("[" + data + "]"), html_text(chart.title),
      chart.stacked || !chart.latest
          ? ""
          : fmt::format("<span class=\"latest\">{}</span>", short_number(latest, chart.percent)),
      html_text(chart.note), chart.width, chart.height, html_text(chart.title), plot(chart), kTop,
      chart.height - kBottom, legend);
}

std::string charts_svg(std::vector<Chart> charts, size_t columns) {
  constexpr double kHead = 48, kFoot = 30, kGap = 16;
  std::erase_if(charts, [](Chart& chart) { return !prepare(chart); });
  if (charts.empty()) fail("expected values to draw, found none");
  columns = std::min(columns, charts.size());
  double cell_width = 0, cell_height = 0;
  for (const Chart& chart : charts) {
    cell_width = std::max(cell_width, chart.width);
    cell_height = std::max(cell_height, kHead + chart.height + kFoot);
  }
  std::string body;
  for (size_t i = 0; i < charts.size(); ++i) {
    const Chart& chart = charts[i];
    std::string legend;
    double at = kLeft;
    const double below = kHead + chart.height + 12;
    for (size_t k = 0; k < chart.series.size(); ++k) {
      legend += fmt::format(
          "<rect class=\"c{}\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"9\" height=\"9\" rx=\"3\"/><text "
          "x=\"{:.0f}\" "
          "y=\"{:.0f}\">{}</text>",
          chart.series[k].colour, at, below - 8, at + 15, below, html_text(chart.series[k].name));
      at += 34 + 6.6 * static_cast<double>(chart.series[k].name.size());  // a character's width, about
    }
    body += fmt::format(
        "<g transform=\"translate({},{})\"><text class=\"title\" x=\"{}\" y=\"22\">{}</text><text x=\"{}\" "
        "y=\"40\">{}</text><g transform=\"translate(0,{})\">{}</g>{}</g>",
        static_cast<double>(i % columns) * (cell_width + kGap),
        static_cast<double>(i / columns) * cell_height, kLeft, html_text(chart.title), kLeft,
        html_text(chart.note), kHead, plot(chart), legend);
  }
  std::string style =
      "text{font:12px system-ui,-apple-system,'Segoe "
      "UI',Roboto,sans-serif;fill:#5c6168}.title{font-size:15px;"
      "font-weight:600;fill:#15171a}.grid{stroke:#e4e4de}.line{fill:none;stroke-width:1.8;stroke-linejoin:"
      "round}";
  for (size_t k = 1; k <= std::size(kColours); ++k)
    style += fmt::format(".c{0}{{fill:{1}}}.line.c{0}{{fill:none;stroke:{1}}}", k, kColours[k - 1].light);
  style += ".band{opacity:.16}.area{opacity:.85}";
  const double width = static_cast<double>(columns) * (cell_width + kGap) - kGap,
               height = static_cast<double>((charts.size() + columns - 1) / columns) * cell_height;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "role=\"img\" "
      "aria-label=\"{2}\"><style>{3}</style><rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>{4}</svg>\n",
      width, height, html_text(charts[0].title), style, body);
}

std::string chart_style() {
  std::string light, dark, classes;
  for (size_t k = 1; k <= std::size(kColours); ++k) {
    light += fmt::format("--c{}:{};", k, kColours[k - 1].light);
    dark += fmt::format("--c{}:{};", k, kColours[k - 1].dark);
    classes += fmt::format(".c{0}{{--c:var(--c{0})}}", k);
  }
  return fmt::format(
      ":root{{{}}}@media(prefers-color-scheme:dark){{:root{{{}}}}}{}path.line{{stroke:var(--c)}}path.band,"
      "path.area,"
      "circle{{fill:var(--c)}}.legend i{{background:var(--c)}}",
      light, dark, classes);
}

}  // namespace cohort
