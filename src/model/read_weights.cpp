#include "model/read_weights.h"

#include <algorithm>
#include <bit>
#include <span>

#include "base/parallel.h"

namespace cohort {
namespace {

// Of a tensor as its parameter is shaped: a vector is one row, unless its values are permuted as rows are.
int64_t row_count(const Parameter& p, const StoredTensor& t) {
  return p.shape.size() == 1 && !t.permuted_heads ? 1 : p.shape[0];
}

void check_finite(const Parameter& p, const StoredTensor& t, int64_t first, std::span<const float> values) {
  const auto infinite = [](float f) { return (std::bit_cast<uint32_t>(f) & 0x7F800000u) == 0x7F800000u; };
  uint32_t any = 0;
  for (const float f : values) any |= infinite(f);
  if (!any) return;
  const auto found = std::ranges::find_if(values, infinite);
  fail("{}: tensor '{}': value {} of {} is {}; weights must be finite", t.file, t.name,
       first + (found - values.begin()), shape_text(p.shape), *found);
}

}  // namespace

void check_stored(const Parameter& p, const StoredTensor& t) {
  if (t.shape != p.shape)
    fail("{}: tensor '{}': expected shape {}, found {}", t.file, t.name, shape_text(p.shape),
         shape_text(t.shape));
  const EncodingInfo& info = encoding_info(t.encoding);
  const int64_t cols = p.size() / row_count(p, t);
  if (cols % info.block_values != 0)
    fail("{}: tensor '{}': rows of {} values cannot be stored as {}", t.file, t.name, cols, info.name);
}

std::string_view row_bytes(const Parameter& p, const StoredTensor& t, int64_t row) {
  const int64_t rows = row_count(p, t), cols = p.size() / rows;
  const EncodingInfo& info = encoding_info(t.encoding);
  const int64_t bytes = cols / info.block_values * info.block_bytes;
  if (t.permuted_heads) {
    const int64_t head_rows = rows / t.permuted_heads, half = head_rows / 2, i = row % head_rows;
    row += i % half * 2 + i / half - i;
  }
  return t.bytes.substr(static_cast<size_t>(row * bytes), static_cast<size_t>(bytes));
}

void read_rows(const Parameter& p, const StoredTensor& t, int64_t begin, int64_t end, float* to) {
  const int64_t cols = p.size() / row_count(p, t);
  for (int64_t r = begin; r < end; ++r) dequantize(t.encoding, row_bytes(p, t, r), to + (r - begin) * cols);
  check_finite(p, t, begin * cols, {to, static_cast<size_t>((end - begin) * cols)});
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

Buffer read_weights(const std::vector<Parameter>& list, const std::vector<StoredTensor>& stored) {
  COHORT_CHECK(list.size() == stored.size(), "{} parameters, {} tensors", list.size(), stored.size());
  struct Job {
    size_t tensor;
    int64_t begin, end;
  };
  std::vector<Job> jobs;
  for (size_t i = 0; i < list.size(); ++i) {
    check_stored(list[i], stored[i]);
    const int64_t rows = row_count(list[i], stored[i]);
    const int64_t step = std::max<int64_t>(1, (1 << 20) * rows / list[i].size());
    for (int64_t row = 0; row < rows; row += step) jobs.push_back({i, row, std::min(rows, row + step)});
  }
  Buffer weights(
      parameter_floats(list));  // after the shapes are known to be the files': a lying size allocates nothing
  int64_t end = 0;
  for (const Parameter& p : list) {
    std::fill(weights.data() + end, weights.data() + p.offset, 0.0f);
    end = p.offset + p.size();
  }
  in_parallel(static_cast<int64_t>(jobs.size()), [&](int64_t i) {
    const auto& [tensor, begin, end] = jobs[static_cast<size_t>(i)];
    const Parameter& p = list[tensor];
    const int64_t cols = p.size() / row_count(p, stored[tensor]);
    read_rows(p, stored[tensor], begin, end, weights.data() + p.offset + begin * cols);
  });
  return weights;
}

}  // namespace cohort
