// What a report shows, read from a run folder. Nothing is required but one of its files: a run may be in
// progress.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cohort {

struct ReportSample {
  int64_t step = 0;
  std::string prompt, completion, finish_reason;
  double reward = 0;  // NaN: not in the row
  std::vector<std::pair<std::string, double>> rewards;
};

struct ReportData {
  std::string name;                                          // of the folder
  std::string recipe;                                        // recipe.toml as it stands
  std::map<std::string, std::string> settings;               // its options, strings without quotes
  std::map<int64_t, std::map<std::string, double>> rows;     // metrics by step
  std::map<int64_t, std::map<std::string, double>> timings;  // by step
  bool held_out = false;  // samples are of evaluations: the same problems before and after
  std::vector<std::pair<ReportSample, ReportSample>>
      pairs;  // held out: the first sample of the same problem, first and last evaluation
  std::vector<ReportSample> before, after;  // else: samples of the first and of the last step
  int64_t broken_rows = 0;                  // skipped

  // Steps and values of a metric, in order.
  std::vector<std::pair<double, double>> values(const std::string& metric) const;
};

ReportData load_report_data(const std::filesystem::path& run_folder);

}  // namespace cohort
