#include <algorithm>
#include <cstring>

#include "ops/kernels.h"

namespace cohort::cpu {
namespace {

float inverse_rms(const float* x, int64_t width, float eps) {
  const float squares = lane_sum(width, [x](int64_t i, float s) { return std::fma(x[i], x[i], s); });
  return 1.0f / std::sqrt(squares / static_cast<float>(width) + eps);
}

// With r = rstd: dx = r * dy * w - x * r^3 * mean(dy * w * x). dx may be dy.
template <bool accumulate>
void row_backward(const float* dy, const float* x, const float* w, float r, int64_t width, float* dx) {
  const float dot = lane_sum(width, [=](int64_t i, float s) { return std::fma(dy[i] * w[i], x[i], s); });
  const float c = r * r * r * (dot / static_cast<float>(width));
  for (int64_t i = 0; i < width; ++i) {
    const float gradient = std::fma(-x[i], c, r * (dy[i] * w[i]));
    dx[i] = accumulate ? dx[i] + gradient : gradient;
  }
}

// dw[i] = fma(dy, x * rstd, dw[i]) over `rows` vectors in order, for the columns of one strip.
void weight_chain(const float* dy, const float* x, float r, int64_t begin, int64_t end, float* dw) {
  for (int64_t i = begin; i < end; ++i) dw[i] = std::fma(dy[i], x[i] * r, dw[i]);
}

}  // namespace

void rms_norm_forward(const Tensor& x, const Tensor& w, float eps, Tensor y, Tensor rstd) {
  const int64_t rows = x.rows(), width = x.cols();
#pragma omp parallel for schedule(static) if (worth_a_team(rows * width))
  for (int64_t row = 0; row < rows; ++row) {
    const float* in = x.row(row);
    float* out = y.data + row * width;
    const float r = inverse_rms(in, width, eps);
    for (int64_t i = 0; i < width; ++i) out[i] = in[i] * r * w.data[i];
    if (rstd) rstd.data[row] = r;
  }
}

void rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& rstd, Tensor dx,
                       bool accumulate, Tensor dw) {
  const int64_t rows = x.rows(), width = x.cols();
  const int64_t strips = (width + 63) / 64;
#pragma omp parallel if (worth_a_team(rows * width))
  {
    // The weights first, since dx may overwrite dy. Each thread owns columns: a column's chain runs over the
    // rows in order.
#pragma omp for schedule(static)
    for (int64_t strip = 0; strip < strips; ++strip)
      for (int64_t row = 0; row < rows; ++row)
        weight_chain(dy.row(row), x.row(row), rstd.data[row], strip * 64, std::min(width, strip * 64 + 64),
                     dw.data);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      if (accumulate)
        row_backward<true>(dy.row(row), x.row(row), w.data, rstd.data[row], width, dx.row(row));
      else
        row_backward<false>(dy.row(row), x.row(row), w.data, rstd.data[row], width, dx.row(row));
    }
  }
}

void head_norm_forward(Tensor qkv, int64_t first, int64_t heads, const Tensor& w, float eps, Tensor raw,
                       Tensor rstd) {
  const int64_t rows = qkv.rows(), width = w.size();
#pragma omp parallel for schedule(static) if (worth_a_team(rows * heads * width))
  for (int64_t row = 0; row < rows; ++row) {
    float* x = qkv.row(row) + first;
    if (raw)
      std::memcpy(raw.data + row * heads * width, x, static_cast<size_t>(heads * width) * sizeof(float));
    for (int64_t head = 0; head < heads; ++head, x += width) {
      const float r = inverse_rms(x, width, eps);
      for (int64_t i = 0; i < width; ++i) x[i] = x[i] * r * w.data[i];
      if (rstd) rstd.data[row * heads + head] = r;
    }
  }
}

void head_norm_backward(Tensor d_qkv, int64_t first, int64_t heads, const Tensor& w, const Tensor& raw,
                        const Tensor& rstd, Tensor dw) {
  const int64_t rows = d_qkv.rows(), width = w.size();
  const int64_t strips = (width + 15) / 16;
#pragma omp parallel if (worth_a_team(rows * heads * width))
  {
#pragma omp for schedule(static)
    for (int64_t strip = 0; strip < strips; ++strip)
      for (int64_t i = 0; i < rows * heads; ++i)
        weight_chain(d_qkv.row(i / heads) + first + i % heads * width, raw.data + i * width, rstd.data[i],
                     strip * 16, std::min(width, strip * 16 + 16), dw.data);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t head = 0; head < heads; ++head) {
        float* dy = d_qkv.row(row) + first + head * width;
        const int64_t i = row * heads + head;
        row_backward<false>(dy, raw.data + i * width, w.data, rstd.data[i], width, dy);
      }
  }
}

}  // namespace cohort::cpu
