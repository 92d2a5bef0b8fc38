#include "web/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "web/html.h"

namespace cohort {
namespace {

constexpr double kWidth = 420, kHeight = 200, kLeft = 46, kRight = 10, kTop = 10, kBottom = 24;
constexpr size_t kColumns = 300;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

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
  std::erase_if(chart.series, [](const Series& s) {
    return std::none_of(s.values.begin(), s.values.end(), [](double v) { return std::isfinite(v); });
  });
  if (chart.series.empty()) return "";
  chart.steps = averaged(chart.steps, kColumns);
  for (Series& s : chart.series)
    for (auto* values : {&s.values, &s.low, &s.high}) *values = averaged(*values, kColumns);

  const Axis axis = value_axis(chart);
  const double first = chart.steps.front(), last = std::max(chart.steps.back(), first + 1);
  const auto x = [&](double step) {
    return kLeft + (step - first) / (last - first) * (kWidth - kLeft - kRight);
  };
  const auto y = [&](double v) {
    return kHeight - kBottom - (v - axis.low) / (axis.high - axis.low) * (kHeight - kTop - kBottom);
  };

  std::string svg;
  for (double v = axis.low; v <= axis.high + axis.step / 2; v += axis.step) {
    const double shown = std::fabs(v) < axis.step / 1e6 ? 0 : v;
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text class=\"tick\" x=\"{}\" "
        "y=\"{:.1f}\" "
        "text-anchor=\"end\">{}</text>",
        kLeft, kWidth - kRight, y(v), y(v), kLeft - 6, y(v) + 3.5,
        short_number(shown, chart.percent || chart.stacked));
  }
  const double stride = std::max(1.0, tick_step(last - first, 5));
  for (double s = std::ceil(first / stride) * stride; s <= last; s += stride)
    svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", x(s),
                       kHeight - 6, static_cast<int64_t>(s));

  const size_t n = chart.steps.size();
  std::vector<double> floor(n, 0.0);
  std::string legend, data;
  for (size_t k = 0; k < chart.series.size(); ++k) {
    const Series& s = chart.series[k];
    const size_t colour = k % 8 + 1;
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
      const double px = x(chart.steps[i]);
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
          dots += fmt::format("<circle class=\"c{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", colour,
                              x(chart.steps[i]), y(s.values[i]));
    svg += dots;
    legend += fmt::format("<span><i class=\"c{}\"></i>{}</span>", colour, html_text(s.name));
    data += fmt::format("{}{{\"v\":{}}}", data.empty() ? "" : ",", json_list(s.values, 4));
  }
  double latest = kNaN;
  for (const double v : chart.series[0].values)
    if (std::isfinite(v)) latest = v;
  return fmt::format(
      "<figure class=\"card chart\" data-percent=\"{}\" data-steps=\"{}\" "
      "data-series=\"{}\"><figcaption><b>{}</b>{}"
      "<small>{}</small></figcaption><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}<line "
      "class=\"cursor\" y1=\"{}\" "
      "y2=\"{}\"/></svg><div class=\"legend\">{}</div></figure>\n",
      chart.percent || chart.stacked ? 1 : 0, html_text(json_list(chart.steps, 9)),
      html_text("[" + data + "]"), html_text(chart.title),
      chart.stacked ? ""
                    : fmt::format("<span class=\"latest\">{}</span>", short_number(latest, chart.percent)),
      html_text(chart.note), kWidth, kHeight, html_text(chart.title), svg, kTop, kHeight - kBottom, legend);
}

}  // namespace cohort
