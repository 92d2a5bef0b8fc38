// report.html: one file that shows a run to people: what changed, the curves, samples before and after, the
// recipe, how to repeat it. It needs no network, works in light and dark, and is made from whatever files the
// run folder holds so far (run/run_files.h), so a run in progress can be looked at. All text from the files
// is escaped; broken rows are skipped and counted.
#pragma once

#include <filesystem>
#include <string>

namespace cohort {

// The page. Error where the folder is not a run's.
std::string make_report(const std::filesystem::path& run_folder);

// Writes run_folder/report.html and returns its path.
std::filesystem::path write_report(const std::filesystem::path& run_folder);

}  // namespace cohort
