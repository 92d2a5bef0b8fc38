#include "ops/matmul.h"

#include "ops/gemm_pack_cpu.h"

namespace cohort {
namespace {

void check_cpu(std::initializer_list<Device> devices) {
  for (const Device device : devices) COHORT_CHECK(device == Device::cpu, "this build has no CUDA");
}

void check_shape(const char* name, const Tensor& t, int64_t rows, int64_t cols) {
  COHORT_CHECK(t.rows() == rows && t.cols() == cols, "{} is {} x {}, expected {} x {}", name, t.rows(),
               t.cols(), rows, cols);
}

Gemm product(const PackedWeight& w, Gemm g) {
  if (w.encoding() == Encoding::f32) {
    g.b = static_cast<const float*>(w.view().data);
    g.b_panel = 32 * g.k;
  } else {
    g.weight = w.view();
  }
  return g;
}

}  // namespace

void matmul(const Tensor& x, const PackedWeight& w, const Tensor& bias, const Tensor& residual, Tensor y) {
  check_cpu({x.device, w.device(), y.device});
  const int64_t m = x.rows(), n = w.outputs(), k = w.inputs();
  check_shape("x", x, m, k);
  check_shape("y", y, m, n);
  if (bias) COHORT_CHECK(bias.size() == n, "bias has {} values, expected {}", bias.size(), n);
  if (residual) check_shape("residual", residual, m, n);
  gemm_cpu(product(w, {.m = m,
                       .n = n,
                       .k = k,
                       .a = x.data,
                       .a_row = k,
                       .bias = bias.data,
                       .residual = residual.data,
                       .c = y.data,
                       .c_row = n}));
}

void matmul_swiglu(const Tensor& x, const PackedWeight& w, Tensor gate_up, Tensor act) {
  check_cpu({x.device, w.device(), act.device});
  const int64_t m = x.rows(), n = w.outputs(), k = w.inputs(), f = n / 2;
  COHORT_CHECK(n % 2 == 0, "{} outputs cannot be gate and up", n);
  check_shape("x", x, m, k);
  check_shape("act", act, m, f);
  if (gate_up) check_shape("gate_up", gate_up, m, n);
  if (f % kGemmPanel == 0) {
    gemm_cpu(product(
        w,
        {.m = m, .n = f, .k = k, .a = x.data, .a_row = k, .c = gate_up.data, .c_row = n, .act = act.data}));
    return;
  }
  // A panel holds the end of the gate and the start of up: finish both before the activation.
  thread_local Buffer aside;
  float* const both = gate_up ? gate_up.data : aside.reserve(m * n);
  gemm_cpu(product(w, {.m = m, .n = n, .k = k, .a = x.data, .a_row = k, .c = both, .c_row = n}));
  swiglu_rows_cpu(both, m, f, act.data);
}

namespace {

// dx (M, K) = dy (M, N) W (N, K), where `g` says what W is and what is added.
void input_gradient(const Tensor& dy, Device weight, int64_t n, int64_t k, Gemm g, Tensor dx) {
  check_cpu({dy.device, weight, dx.device});
  check_shape("dy", dy, dy.rows(), n);
  check_shape("dx", dx, dy.rows(), k);
  g.m = dy.rows();
  g.n = k;
  g.k = n;
  g.a = dy.data;
  g.a_row = n;
  g.c = dx.data;
  g.c_row = k;
  gemm_cpu(g);
}

}  // namespace

void matmul_dx(const Tensor& dy, const Tensor& w, Tensor dx, bool accumulate) {
  const float* const residual = accumulate ? dx.data : nullptr;
  input_gradient(dy, w.device, w.rows(), w.cols(), {.b = w.data, .b_row = w.cols(), .residual = residual}, dx);
}

void matmul_dx(const Tensor& dy, const PackedWeight& w, Tensor dx) {
  input_gradient(dy, w.device(), w.outputs(), w.inputs(), {.weight = w.view(), .transposed = true}, dx);
}

void matmul_dw(const Tensor& dy, const Tensor& x, Tensor dw) {
  check_cpu({dy.device, x.device, dw.device});
  const int64_t m = dy.rows(), n = dw.rows(), k = dw.cols();
  check_shape("dy", dy, m, n);
  check_shape("x", x, m, k);
  gemm_cpu({.m = n,
            .n = k,
            .k = m,
            .a = dy.data,
            .a_row = n,
            .b = x.data,
            .b_row = k,
            .chain = true,
            .c = dw.data,
            .c_row = k});
}

void GradientOperand::reset(Side side, int64_t rows, int64_t cols) {
  side_ = side;
  rows_ = rows;
  cols_ = cols;
  width_ = side == Side::dy ? kGemmChunk : kGemmPanel;
  stride_ = (rows | 1) * width_;  // odd: rows of neighbouring pieces shall not meet in one set of a cache
  buffer_.reserve(gemm_pieces(cols, width_) * stride_);
}

void GradientOperand::put(int64_t row, const Tensor& values, int64_t column) {
  check_cpu({values.device});
  COHORT_CHECK(row >= 0 && row + values.rows() <= rows_ && column >= 0 && column + cols_ <= values.cols(),
               "{} x {} from column {} at row {} of {} x {}", values.rows(), values.cols(), column, row,
               rows_, cols_);
  const auto copy = side_ == Side::dy ? put_chunks_cpu : put_panels_cpu;
  copy(values.data + column, values.cols(), values.rows(), cols_, buffer_.data() + row * width_, stride_);
}

void matmul(const GradientOperand& x, int64_t row, const PackedWeight& w, Tensor y) {
  check_cpu({w.device(), y.device});
  const int64_t m = y.rows(), n = w.outputs(), k = w.inputs();
  COHORT_CHECK(x.side_ == GradientOperand::Side::dy && x.cols_ == k && row >= 0 && row + m <= x.rows_,
               "rows {} + {} of {}, {} columns, expected {}", row, m, x.rows_, x.cols_, k);
  check_shape("y", y, m, n);
  gemm_cpu(product(w, {.m = m,
                       .n = n,
                       .k = k,
                       .a = x.buffer_.data() + row * kGemmChunk,
                       .a_chunk = x.stride_,
                       .c = y.data,
                       .c_row = n}));
}

void matmul_dw(const GradientOperand& dy, const GradientOperand& x, Tensor dw) {
  check_cpu({dw.device});
  const int64_t n = dw.rows(), k = dw.cols();
  COHORT_CHECK(dy.side_ == GradientOperand::Side::dy && x.side_ == GradientOperand::Side::x &&
                   dy.rows_ == x.rows_ && dy.cols_ == n && x.cols_ == k,
               "dy {} x {}, x {} x {}, dw {} x {}", dy.rows_, dy.cols_, x.rows_, x.cols_, n, k);
  gemm_cpu({.m = n,
            .n = k,
            .k = dy.rows_,
            .a = dy.buffer_.data(),
            .a_chunk = dy.stride_,
            .b = x.buffer_.data(),
            .b_panel = x.stride_,
            .chain = true,
            .c = dw.data,
            .c_row = k});
}

void column_sums(const GradientOperand& dy, Tensor db) {
  check_cpu({db.device});
  COHORT_CHECK(dy.side_ == GradientOperand::Side::dy && db.size() == dy.cols_,
               "db has {} values, expected {}", db.size(), dy.cols_);
  chunk_sums_cpu(dy.buffer_.data(), dy.rows_, dy.cols_, dy.stride_, db.data);
}

}  // namespace cohort
