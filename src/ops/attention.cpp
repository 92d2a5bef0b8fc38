#include "ops/attention.h"

#include "ops/attention_cpu.h"

namespace cohort {

namespace {

void check_shape(const AttentionShape& s, const Tensor& qkv) {
  COHORT_CHECK(s.kv_heads > 0 && s.heads > 0 && s.heads % s.kv_heads == 0 && s.head_dim > 0,
               "{} heads, {} key/value heads of {}", s.heads, s.kv_heads, s.head_dim);
  COHORT_CHECK(qkv.cols() == s.qkv_width(), "qkv rows of {} floats, expected {}", qkv.cols(), s.qkv_width());
  COHORT_CHECK(qkv.device == Device::cpu, "attention has no CUDA kernel");
}

void check_rows(const char* name, const Tensor& t, int64_t rows, int64_t cols) {
  COHORT_CHECK(t.size() == rows * cols && (t.size() == 0 || t.rows() == rows),
               "{} is {} x {}, expected {} x {}", name, t.rows(), t.cols(), rows, cols);
}

void check_spans(const AttentionBatch& batch, int64_t rows) {
  for (const KvRun& run : batch.runs)
    COHORT_CHECK(run.block >= 0 && run.count >= 0 && run.count <= kKvBlock, "run of {} in block {}",
                 run.count, run.block);
  for (const QuerySpan& s : batch.spans) {
    COHORT_CHECK(s.row >= 0 && s.rows >= 0 && s.row + int64_t{s.rows} <= rows && s.position >= 0,
                 "span of rows {} + {} at position {}, {} rows in all", s.row, s.rows, s.position, rows);
    COHORT_CHECK(
        s.run_begin >= 0 && s.run_begin <= s.run_end && static_cast<size_t>(s.run_end) <= batch.runs.size(),
        "span of runs [{}, {}) of {}", s.run_begin, s.run_end, batch.runs.size());
    int64_t held = 0;
    for (int32_t i = s.run_begin; i < s.run_end; ++i) held += batch.runs[i].count;
    COHORT_CHECK(held >= int64_t{s.position} + s.rows, "runs hold {} positions, the span needs {}", held,
                 int64_t{s.position} + s.rows);
  }
}

}  // namespace

AttentionBatch attention_batch(const TokenTree& tree, int64_t* blocks) {
  AttentionBatch batch;
  batch.slots.reserve(tree.tokens.size());
  std::vector<std::pair<int32_t, int32_t>> paths(
      tree.segments.size());  // runs from the root to a segment's end
  int32_t block = 0;
  for (size_t i = 0; i < tree.segments.size(); ++i) {
    const Segment& s = tree.segments[i];
    const int32_t begin = static_cast<int32_t>(batch.runs.size());
    if (s.parent >= 0)
      for (int32_t r = paths[s.parent].first; r < paths[s.parent].second; ++r)
        batch.runs.push_back(KvRun(batch.runs[r]));
    for (int32_t t = 0; t < s.length(); ++t) {
      const int32_t offset = t % kKvBlock;
      if (offset == 0) batch.runs.push_back({block++, 0});
      ++batch.runs.back().count;
      batch.slots.push_back({block - 1, offset});
    }
    paths[i] = {begin, static_cast<int32_t>(batch.runs.size())};
    if (s.length() > 0)
      batch.spans.push_back({s.begin, s.length(), s.position, paths[i].first, paths[i].second});
  }
  if (blocks) *blocks = block;
  return batch;
}

void kv_write(const AttentionShape& shape, const Tensor& qkv, std::span<const KvSlot> slots, KvStore store) {
  check_shape(shape, qkv);
  COHORT_CHECK(static_cast<int64_t>(slots.size()) == qkv.rows(), "{} slots for {} rows", slots.size(),
               qkv.rows());
  for (const KvSlot& slot : slots)
    COHORT_CHECK(slot.block >= 0 && slot.offset >= 0 && slot.offset < kKvBlock, "slot {} of block {}",
                 slot.offset, slot.block);
  kv_write_cpu(shape, qkv, slots, store);
}

void attention_forward(const AttentionShape& shape, const Tensor& qkv, const AttentionBatch& batch,
                       KvStore store, Tensor out, Tensor lse) {
  check_shape(shape, qkv);
  check_rows("out", out, qkv.rows(), shape.heads * shape.head_dim);
  if (lse) check_rows("lse", lse, qkv.rows(), shape.heads);
  check_spans(batch, qkv.rows());
  attention_forward_cpu(shape, qkv, batch, store, out, lse);
}

void attention_backward(const AttentionShape& shape, const TokenTree& tree, const Tensor& qkv,
                        const Tensor& out, const Tensor& lse, const Tensor& d_out, Tensor d_qkv) {
  check_shape(shape, qkv);
  const int64_t rows = qkv.rows(), width = shape.heads * shape.head_dim;
  COHORT_CHECK(tree.size() == rows, "{} tokens for {} rows", tree.size(), rows);
  check_rows("out", out, rows, width);
  check_rows("lse", lse, rows, shape.heads);
  check_rows("d_out", d_out, rows, width);
  check_rows("d_qkv", d_qkv, rows, shape.qkv_width());
  attention_backward_cpu(shape, tree, qkv, out, lse, d_out, d_qkv);
}

}  // namespace cohort
