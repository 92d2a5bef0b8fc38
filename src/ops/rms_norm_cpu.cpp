#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/rms_norm_cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Sum of a[i] * b[i] * w[i], the product a * w rounded first, or of a[i] * b[i] without w: element i in lane
// i mod 16.
template <bool weighted>
float LaneDot(const float* a, const float* b, const float* w, int64_t n) {
  const LaneTag d;
  Lanes16 sum(d, 0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < kLaneVectors; ++k) {
      const int64_t at = i + k * kVectorLanes;
      auto x = hn::LoadU(d, a + at);
      if (weighted) x = hn::Mul(x, hn::LoadU(d, w + at));
      sum.v[k] = hn::MulAdd(x, hn::LoadU(d, b + at), sum.v[k]);
    }
  HWY_ALIGN float lanes[16];
  sum.Store(lanes);
  for (int lane = 0; i + lane < n; ++lane)
    lanes[lane] = std::fma(weighted ? a[i + lane] * w[i + lane] : a[i + lane], b[i + lane], lanes[lane]);
  return fold_lanes(lanes);
}

// y = x * rstd * w; returns rstd. y may be x.
float ForwardRow(const float* x, const float* w, float eps, int64_t width, float* y) {
  const float squares = LaneDot<false>(x, x, nullptr, width);
  const float r = 1.0f / std::sqrt(squares / static_cast<float>(width) + eps);
  for (int64_t i = 0; i < width; ++i) y[i] = x[i] * r * w[i];
  return r;
}

// With r = rstd: dx = r * dy * w - x * r^3 * mean(dy * w * x). dx may be dy.
void BackwardRow(const float* dy, const float* x, const float* w, float r, int64_t width, bool accumulate,
                 float* dx) {
  const float dot = LaneDot<true>(dy, x, w, width);
  const float c = -(r * r * r * (dot / static_cast<float>(width)));
  if (accumulate)
    for (int64_t i = 0; i < width; ++i) dx[i] += std::fma(x[i], c, r * (dy[i] * w[i]));
  else
    for (int64_t i = 0; i < width; ++i) dx[i] = std::fma(x[i], c, r * (dy[i] * w[i]));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cohort::cpu {
namespace {

HWY_EXPORT(ForwardRow);
HWY_EXPORT(BackwardRow);

float forward_row(const float* x, const float* w, float eps, int64_t width, float* y) {
  return HWY_DYNAMIC_DISPATCH(ForwardRow)(x, w, eps, width, y);
}
void backward_row(const float* dy, const float* x, const float* w, float r, int64_t width, bool accumulate,
                  float* dx) {
  HWY_DYNAMIC_DISPATCH(BackwardRow)(dy, x, w, r, width, accumulate, dx);
}

// dw[i] = fma(dy[i], x[i] * rstd, dw[i]): one link of the chain, for the columns of one strip.
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
    const float r = forward_row(in, w.data, eps, width, out);
    if (rstd) rstd.data[row] = r;
  }
}

void rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& rstd, Tensor dx,
                       bool accumulate, Tensor dw) {
  if (dw) rms_norm_weight_gradient(dy, x, rstd, dw);  // first, since dx may overwrite dy
  const int64_t rows = x.rows(), width = x.cols();
#pragma omp parallel for schedule(static) if (worth_a_team(rows * width))
  for (int64_t row = 0; row < rows; ++row)
    backward_row(dy.row(row), x.row(row), w.data, rstd.data[row], width, accumulate, dx.row(row));
}

// Each thread owns columns: a column's chain runs over the rows in order.
void rms_norm_weight_gradient(const Tensor& dy, const Tensor& x, const Tensor& rstd, Tensor dw) {
  const int64_t rows = x.rows(), width = x.cols();
  const int64_t strips = (width + 63) / 64;
#pragma omp parallel for schedule(static) if (worth_a_team(rows * width))
  for (int64_t strip = 0; strip < strips; ++strip)
    for (int64_t row = 0; row < rows; ++row)
      weight_chain(dy.row(row), x.row(row), rstd.data[row], strip * 64, std::min(width, strip * 64 + 64),
                   dw.data);
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
      const float r = forward_row(x, w.data, eps, width, x);
      if (rstd) rstd.data[row * heads + head] = r;
    }
  }
}

void head_norm_backward(Tensor d_qkv, int64_t first, int64_t heads, const Tensor& w, const Tensor& raw,
                        const Tensor& rstd, Tensor dw) {
  const int64_t rows = d_qkv.rows(), width = w.size();
  const int64_t strips = (width + 31) / 32;
#pragma omp parallel if (worth_a_team(rows * heads * width))
  {
#pragma omp for schedule(static)
    for (int64_t strip = 0; strip < (dw ? strips : 0); ++strip)
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t head = 0; head < heads; ++head) {
          const int64_t i = row * heads + head;
          weight_chain(d_qkv.row(row) + first + head * width, raw.data + i * width, rstd.data[i], strip * 32,
                       std::min(width, strip * 32 + 32), dw.data);
        }
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t head = 0; head < heads; ++head) {
        float* dy = d_qkv.row(row) + first + head * width;
        const int64_t i = row * heads + head;
        backward_row(dy, raw.data + i * width, w.data, rstd.data[i], width, false, dy);
      }
  }
}

}  // namespace cohort::cpu
#endif
