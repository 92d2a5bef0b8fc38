// One pass over the rows of a data set, by all cores.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/progress.h"
#include "data/row_source.h"

namespace cohort {

// make(i) of every row i, on any thread; then take(i, made) for i = 0, 1, ... Of several faults the first in the file is thrown.
// Progress is shown as `label` where it takes long. A few MB of rows are in memory at a time.
template <class T, class Make, class Take>
void pass_over(RowSource& source, const std::string& label, Make make, Take take) {
  constexpr int64_t kRows = 1024, kMegabyte = 1 << 20;
  Progress progress(label, source.total() / kMegabyte, "MB");
  while (const int64_t found = source.find(kRows)) {
    const int64_t first = source.size() - found;
    std::vector<std::optional<T>> made(static_cast<size_t>(found));
    in_parallel(found, [&](int64_t i) { made[static_cast<size_t>(i)].emplace(make(first + i)); });
    for (int64_t i = 0; i < found; ++i) take(first + i, std::move(*made[static_cast<size_t>(i)]));
    source.forget();
    progress.update(source.passed() / kMegabyte);
  }
}

// Finds every row, and that each is as its rules want it; the first fault is thrown.
void check_rows(RowSource& source, const std::string& name);

}  // namespace cohort
