#include "ops/rms_norm.h"

#include "ops/kernels.h"

namespace cohort {

void rms_norm_forward(const Tensor& x, const Tensor& w, float eps, Tensor y, Tensor rstd) {
  COHORT_CHECK(x.cols() == w.size() && y.size() == x.size(), "x ({}, {}), w {}, y {}", x.rows(), x.cols(),
               w.size(), y.size());
  COHORT_CHECK(!rstd || rstd.size() == x.rows(), "{} factors for {} rows", rstd.size(), x.rows());
  require_cpu("rms_norm", x.device);
  cpu::rms_norm_forward(x, w, eps, y, rstd);
}

void rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& rstd, Tensor dx,
                       bool accumulate, Tensor dw) {
  COHORT_CHECK(x.cols() == w.size() && dy.size() == x.size() && dx.size() == x.size() &&
                   (!dw || dw.size() == w.size()) && rstd.size() == x.rows(),
               "x ({}, {}), w {}, dy {}, dx {}, dw {}, rstd {}", x.rows(), x.cols(), w.size(), dy.size(),
               dx.size(), dw.size(), rstd.size());
  COHORT_CHECK(!(accumulate && dx.data == dy.data), "a gradient cannot be added to its own input");
  require_cpu("rms_norm", x.device);
  cpu::rms_norm_backward(dy, x, w, rstd, dx, accumulate, dw);
}

void rms_norm_weight_gradient(const Tensor& dy, const Tensor& x, const Tensor& rstd, Tensor dw) {
  COHORT_CHECK(dw.size() == x.cols() && dy.size() == x.size() && rstd.size() == x.rows(),
               "x ({}, {}), dy {}, dw {}, rstd {}", x.rows(), x.cols(), dy.size(), dw.size(), rstd.size());
  require_cpu("rms_norm", x.device);
  cpu::rms_norm_weight_gradient(dy, x, rstd, dw);
}

void head_norm_forward(Tensor qkv, int64_t first, int64_t heads, const Tensor& w, float eps, Tensor raw,
                       Tensor rstd) {
  COHORT_CHECK(first >= 0 && first + heads * w.size() <= qkv.cols(), "{} heads of {} at column {} of {}",
               heads, w.size(), first, qkv.cols());
  COHORT_CHECK(!raw || raw.size() == qkv.rows() * heads * w.size(), "raw {}", raw.size());
  COHORT_CHECK(!rstd || rstd.size() == qkv.rows() * heads, "rstd {}", rstd.size());
  require_cpu("head_norm", qkv.device);
  cpu::head_norm_forward(qkv, first, heads, w, eps, raw, rstd);
}

void head_norm_backward(Tensor d_qkv, int64_t first, int64_t heads, const Tensor& w, const Tensor& raw,
                        const Tensor& rstd, Tensor dw) {
  COHORT_CHECK(first >= 0 && first + heads * w.size() <= d_qkv.cols(), "{} heads of {} at column {} of {}",
               heads, w.size(), first, d_qkv.cols());
  COHORT_CHECK(raw.size() == d_qkv.rows() * heads * w.size() && rstd.size() == d_qkv.rows() * heads &&
                   (!dw || dw.size() == w.size()),
               "raw {}, rstd {}, dw {}", raw.size(), rstd.size(), dw.size());
  require_cpu("head_norm", d_qkv.device);
  cpu::head_norm_backward(d_qkv, first, heads, w, raw, rstd, dw);
}

}  // namespace cohort
