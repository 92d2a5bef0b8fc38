// Line charts as SVG: in a page, where its script (report_style.h) adds the values under the pointer, or as a
// file.
#pragma once

#include <string>
#include <vector>

namespace cohort {

// Values at the chart's steps; NaN: none. low and high: a band around the line (empty: none).
struct Series {
  std::string name;
  std::vector<double> values = {}, low = {}, high = {};
  size_t colour = 0;  // 1 to 8; 0: by the series' place in the chart, one that is left out counted
};

struct Chart {
  std::string title, note;    // note: a line under the title
  std::vector<double> steps;  // increasing
  std::vector<Series> series;
  bool percent = false;  // values are shares: shown as %, the axis within 0 and 1
  bool from_zero = true;
  bool stacked = false;  // areas that add up, in order of the series
  bool markers = false;  // few points: each is drawn
  bool even = false;     // steps stand at equal distances, each with its number (1, 2, 4, 8 ...)
  bool latest = true;    // the first series' last value stands beside the title
  double width = 420, height = 200;
};

// A <figure>; empty where no series has a value. Long runs are averaged into at most 300 columns.
std::string chart_html(Chart chart);

// Charts as an SVG file that stands by itself, with titles, notes and legends, on white, side by side in rows
// of `columns`. Error where no series has a value.
std::string charts_svg(std::vector<Chart> charts, size_t columns = 1);

// The rules of a page's charts.
std::string chart_style();

// "12.5%", "0.0123", "1.2k"
std::string short_number(double value, bool percent = false);

}  // namespace cohort
