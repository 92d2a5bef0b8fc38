// Line charts as inline SVG. The page's script (report_style.h) adds the values under the pointer.
#pragma once

#include <string>
#include <vector>

namespace cohort {

// Values at the chart's steps; NaN: none. low and high: a band around the line (empty: none).
struct Series {
  std::string name;
  std::vector<double> values, low, high;
};

struct Chart {
  std::string title, note;    // note: a line under the title
  std::vector<double> steps;  // increasing
  std::vector<Series> series;
  bool percent = false;  // values are shares: shown as %, the axis within 0 and 1
  bool from_zero = true;
  bool stacked = false;  // areas that add up, in order of the series
  bool markers = false;  // few points: each is drawn
};

// A <figure>; empty where no series has a value. Long runs are averaged into at most 300 columns.
std::string chart_html(Chart chart);

// "12.5%", "0.0123", "1.2k"
std::string short_number(double value, bool percent = false);

}  // namespace cohort
