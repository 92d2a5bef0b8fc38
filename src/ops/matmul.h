// Matrix products, exact by construction. Every output is a chain of fused multiply-adds over increasing k:
//   forward and input gradient: blocks of 256 k at absolute boundaries, each a chain from 0, then C += block
//     (the first block is stored; it is not added to anything);
//   weight gradient: one plain chain over the tokens that starts from the value already there, so it may be
//   cut anywhere.
// Neither the number of rows or columns, tiles, threads, nor vector width can change a bit.
// Shapes: M rows (tokens), K inputs, N outputs. All matrices are row-major and contiguous.
#pragma once

#include "ops/packed_weight.h"
#include "tensor/tensor.h"

namespace cohort {

// y (M, N) = x (M, K) W^T [+ bias (N)] [+ residual (M, N)], added in this order. y may be the residual
// itself.
void matmul(const Tensor& x, const PackedWeight& w, const Tensor& bias, const Tensor& residual, Tensor y);

// gate_up (M, 2F) = x W^T for W (2F, K), whose first F outputs are the gate and the others up;
// act (M, F) = silu(gate) * up, applied to each finished tile. gate_up may be empty (rollout): then only act
// is written.
void matmul_swiglu(const Tensor& x, const PackedWeight& w, Tensor gate_up, Tensor act);

// dx (M, K) = dy (M, N) W (N, K); with `accumulate`, dx += the finished sum.
void matmul_dx(const Tensor& dy, const Tensor& w, Tensor dx, bool accumulate = false);
// The same of a weight that lies in panels alone.
void matmul_dx(const Tensor& dy, const PackedWeight& w, Tensor dx);

// dw (N, K) continues its chain: for m = 0 .. M-1, dw[n][k] = fma(dy[m][n], x[m][k], dw[n][k]).
void matmul_dw(const Tensor& dy, const Tensor& x, Tensor dw);

// One side of a weight gradient, held in the order in which the kernels read it. Rows are put while they are
// in a cache anyway, a few at a time, in any order and by several threads.
class GradientOperand {
 public:
  enum class Side { dy, x };
  void reset(Side side, int64_t rows, int64_t cols);  // memory is reused
  // Rows row, row + 1, ...: columns column, column + 1, ... of the values.
  void put(int64_t row, const Tensor& values, int64_t column = 0);
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }

 private:
  friend void matmul_dw(const GradientOperand& dy, const GradientOperand& x, Tensor dw);
  friend void column_sums(const GradientOperand& dy, Tensor db);
  friend void matmul(const GradientOperand& x, int64_t row, const PackedWeight& w, Tensor y);
  Buffer buffer_;
  Side side_ = Side::dy;
  int64_t rows_ = 0, cols_ = 0;
  int64_t width_ = 0, stride_ = 0;  // chunks of dy or panels of x: [piece][row][width]
};

// y (M, N) = x (M, K) W^T for rows row .. row + M - 1 of a dy operand that have been put.
void matmul(const GradientOperand& x, int64_t row, const PackedWeight& w, Tensor y);

// The same gradient from rows that have all been put.
void matmul_dw(const GradientOperand& dy, const GradientOperand& x, Tensor dw);

// db (N) continues its chain: for m = 0 .. M-1, db[n] += dy[m][n].
void column_sums(const GradientOperand& dy, Tensor db);

}  // namespace cohort
