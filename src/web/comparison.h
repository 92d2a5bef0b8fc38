// Several runs beside one another: runs that differ in their seed alone are one line with a band.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace cohort {

// A page with the held-out accuracy over steps, a table, and the other curves. Runs are grouped by their
// folders' names without the number at the end (grpo-1, grpo-2, grpo-3 are grpo); a line is the mean over a
// group's runs at the steps that all of them have evaluated, its band from the lowest run to the highest.
// Error where a folder is no run's, where runs of one group differ in more than the seed, or where none has
// been evaluated.
std::string make_comparison(std::span<const std::filesystem::path> run_folders, const std::string& title);

// The chart of held-out accuracy alone, as an SVG file.
std::string comparison_svg(std::span<const std::filesystem::path> run_folders, const std::string& title);

}  // namespace cohort
