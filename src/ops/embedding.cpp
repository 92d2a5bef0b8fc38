#include "ops/embedding.h"

#include "ops/kernels.h"

namespace cohort {
namespace {

void check(const Tensor& table, std::span<const int32_t> tokens, const Tensor& x) {
  COHORT_CHECK(x.rows() == static_cast<int64_t>(tokens.size()) && x.cols() == table.cols(),
               "{} tokens, x ({}, {}), width {}", tokens.size(), x.rows(), x.cols(), table.cols());
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= table.rows())
      fail("token {} at row {}: expected an id from 0 to {}", tokens[i], i, table.rows() - 1);
}

}  // namespace

void embedding_forward(const Tensor& table, std::span<const int32_t> tokens, Tensor x) {
  check(table, tokens, x);
  require_cpu("embedding", x.device);
  cpu::embedding_forward(table, tokens, x);
}

void embedding_backward(const Tensor& dx, std::span<const int32_t> tokens, Tensor d_table) {
  check(d_table, tokens, dx);
  require_cpu("embedding", dx.device);
  cpu::embedding_backward(dx, tokens, d_table);
}

}  // namespace cohort
