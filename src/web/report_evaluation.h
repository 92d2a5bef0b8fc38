// The evaluations of a run in its report: the table of before and after, and the picture of the intervals.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "web/report_data.h"

namespace cohort {

using Row = std::map<std::string, double>;

// NaN where the row has no such metric.
double value_of(const Row& row, const std::string& name);

// The evaluations that the page compares: the first, the last, and the most accurate where that is neither.
struct Evaluations {
  std::vector<std::pair<int64_t, Row>>
      shown;  // in this order: first, best (may be absent), last (may be absent)
  bool before_training() const { return !shown.empty() && shown.front().first == 0; }
  bool compared() const { return shown.size() > 1; }
};

Evaluations evaluations_of(const ReportData& data);

// "83.7–93.7%"; empty where the row has no interval.
std::string interval_text(const Row& row);

// Empty where nothing was evaluated.
std::string evaluation_section(const ReportData& data, const Evaluations& evaluations);

}  // namespace cohort
