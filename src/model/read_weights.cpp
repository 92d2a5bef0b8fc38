#include "model/read_weights.h"

#include <algorithm>
#include <bit>

#include "base/parallel.h"

namespace cohort {
namespace {

// Some rows of one tensor: a unit of parallel work. Of permuted tensors whole heads, so that source and
// destination are the same rows in another order.
struct Job {
  const Parameter* parameter;
  const StoredTensor* stored;
  int64_t begin, end, cols;
};

void add_jobs(const Parameter& p, const StoredTensor& t, std::vector<Job>* jobs) {
  if (t.shape != p.shape)
    fail("{}: tensor '{}': expected shape {}, found {}", t.file, t.name, shape_text(p.shape),
         shape_text(t.shape));
  const bool one_row = p.shape.size() == 1 && !t.permuted_heads;
  const int64_t rows = one_row ? 1 : p.shape[0], cols = p.size() / rows;
  const EncodingInfo& info = encoding_info(t.encoding);
  if (cols % info.block_values != 0)
    fail("{}: tensor '{}': rows of {} values cannot be stored as {}", t.file, t.name, cols, info.name);
  constexpr int64_t kValues = 1 << 20;  // of one job, about
  const int64_t unit = t.permuted_heads ? rows / t.permuted_heads : 1;
  const int64_t step = std::max<int64_t>(1, kValues / (unit * cols)) * unit;
  for (int64_t row = 0; row < rows; row += step)
    jobs->push_back({&p, &t, row, std::min(rows, row + step), cols});
}

void check_finite(const Job& job, const float* data) {
  const auto infinite = [](float f) { return (std::bit_cast<uint32_t>(f) & 0x7F800000u) == 0x7F800000u; };
  const int64_t begin = job.begin * job.cols, end = job.end * job.cols;
  uint32_t any = 0;
  for (int64_t i = begin; i < end; ++i) any |= infinite(data[i]);
  if (!any) return;
  const int64_t i = std::find_if(data + begin, data + end, infinite) - data;
  fail("{}: tensor '{}': value {} of {} is {}; weights must be finite", job.stored->file, job.stored->name, i,
       shape_text(job.parameter->shape), data[i]);
}

// `data` is the parameter's place.
void read_rows(const Job& job, float* data) {
  const StoredTensor& t = *job.stored;
  const EncodingInfo& info = encoding_info(t.encoding);
  const int64_t row_bytes = job.cols / info.block_values * info.block_bytes;
  const auto bytes = [&](int64_t begin, int64_t end) {
    return t.bytes.substr(static_cast<size_t>(begin * row_bytes),
                          static_cast<size_t>((end - begin) * row_bytes));
  };
  if (!t.permuted_heads) {
    dequantize(t.encoding, bytes(job.begin, job.end), data + job.begin * job.cols);
  } else {
    const int64_t head_rows = job.parameter->shape[0] / t.permuted_heads;
    for (int64_t r = job.begin; r < job.end; ++r) {
      const int64_t head = r / head_rows, i = r % head_rows;
      const int64_t to = head * head_rows + i % 2 * (head_rows / 2) + i / 2;
      dequantize(t.encoding, bytes(r, r + 1), data + to * job.cols);
    }
  }
  check_finite(job, data);
}

}  // namespace

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

Buffer read_weights(const std::vector<Parameter>& list, const std::vector<StoredTensor>& stored) {
  COHORT_CHECK(list.size() == stored.size(), "{} parameters, {} tensors", list.size(), stored.size());
  std::vector<Job> jobs;
  for (size_t i = 0; i < list.size(); ++i) add_jobs(list[i], stored[i], &jobs);
  Buffer weights(
      parameter_floats(list));  // after the shapes are known to be the files': a lying size allocates nothing
  int64_t end = 0;
  for (const Parameter& p : list) {
    std::fill(weights.data() + end, weights.data() + p.offset, 0.0f);
    end = p.offset + p.size();
  }
  in_parallel(static_cast<int64_t>(jobs.size()), [&](int64_t i) {
    const Job& job = jobs[static_cast<size_t>(i)];
    read_rows(job, weights.data() + job.parameter->offset);
  });
  return weights;
}

}  // namespace cohort
