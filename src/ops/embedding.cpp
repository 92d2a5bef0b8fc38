#include "ops/embedding.h"

#include "ops/kernels.h"

namespace cohort {
namespace {

void check(int64_t vocab, int64_t width, std::span<const int32_t> tokens, const Tensor& x) {
  COHORT_CHECK(x.rows() == static_cast<int64_t>(tokens.size()) && x.cols() == width,
               "{} tokens, x ({}, {}), width {}", tokens.size(), x.rows(), x.cols(), width);
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= vocab)
      fail("token {} at row {}: expected an id from 0 to {}", tokens[i], i, vocab - 1);
}

}  // namespace

void embedding_forward(const Tensor& table, std::span<const int32_t> tokens, Tensor x) {
  check(table.rows(), table.cols(), tokens, x);
  require_cpu("embedding", x.device);
  cpu::embedding_forward(table, tokens, x);
}

void embedding_forward(const PackedWeight& table, std::span<const int32_t> tokens, Tensor x) {
  check(table.outputs(), table.inputs(), tokens, x);
  require_cpu("embedding", x.device);
#pragma omp parallel for schedule(static) if (worth_a_team(x.size()))
  for (int64_t i = 0; i < x.rows(); ++i) table.read_row(tokens[i], x.row(i));
}

void embedding_backward(const Tensor& dx, std::span<const int32_t> tokens, Tensor d_table) {
  check(d_table.rows(), d_table.cols(), tokens, dx);
  require_cpu("embedding", dx.device);
  cpu::embedding_backward(dx, tokens, d_table);
}

}  // namespace cohort
