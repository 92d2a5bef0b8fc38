// The figures that `cohort eval --summary` wrote, as curves over K: pass@K and maj@K with their bootstrap
// intervals, on every data set, before and after where two models were compared.
#pragma once

#include <filesystem>
#include <string>

namespace cohort {

// Error naming the file and the place where it is not such a summary.
std::string make_curves_page(const std::filesystem::path& summary, const std::string& title);

// The charts alone, as an SVG file: a row for each data set, pass@K beside maj@K.
std::string curves_svg(const std::filesystem::path& summary);

}  // namespace cohort
