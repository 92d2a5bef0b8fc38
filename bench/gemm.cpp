// Matrix products against OpenBLAS and the machine's FMA peak, in one run.
//   bench_gemm [seconds per cell, default 0.15]
// Both take the same matrices. The three are measured in turn, several rounds of each, best call of all; a
// pause between them lets idle threads go to sleep, for two thread pools that spin would steal each other's
// cores.
#include <cblas.h>
#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "ops/matmul.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "../bench/gemm.cpp"  // from src, which is on the include path
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After it, for each target:
#include "bench/fma_loop-inl.h"

#if HWY_ONCE
namespace cohort {
namespace {

HWY_EXPORT(FmaLoop);

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Runs `body` for `seconds`; the shortest call so far is kept in `best`.
void measure(const std::function<void()>& body, double seconds, double& best) {
  body();
  const double end = now() + seconds;
  do {
    const double start = now();
    body();
    best = std::min(best, now() - start);
  } while (now() < end);
}

double peak_gflops(int threads) {  // of all threads together, best of a few
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    double flops = 0;
    const double start = now();
#pragma omp parallel num_threads(threads) reduction(+ : flops)
    {
      float sink;
      flops += HWY_DYNAMIC_DISPATCH(FmaLoop)(200000, &sink);
      volatile float keep = sink;
      (void)keep;
    }
    best = std::max(best, flops / (now() - start) * 1e-9);
  }
  return best;
}

struct Case {
  const char* kind;  // forward, dx or dw
  int64_t m, n, k;   // tokens, outputs, inputs
};

struct Matrices {
  explicit Matrices(const Case& c) : x(c.m * c.k), y(c.m * c.n), w(c.n * c.k) {
    uint32_t state = 1;
    for (Buffer* buffer : {&x, &y, &w}) {
      for (int64_t i = 0; i < buffer->size(); ++i) {
        state = state * 1664525 + 1013904223;
        buffer->data()[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
      }
    }
  }
  Buffer x, y, w;
};

void row(const Case& c, int threads, double seconds) {
  Matrices a(c);
  const Tensor x = a.x.tensor({c.m, c.k}), y = a.y.tensor({c.m, c.n}), w = a.w.tensor({c.n, c.k});
  const std::string kind = c.kind;
  PackedWeight packed;
  packed.pack(w);
  const int m = static_cast<int>(c.m), n = static_cast<int>(c.n), k = static_cast<int>(c.k);
  std::function<void()> ours, blas;
  if (kind == "forward") {
    ours = [&] { matmul(x, packed, Tensor(), Tensor(), y); };
    blas = [&] {
      if (m == 1) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, w.data, k, x.data, 1, 0, y.data, 1);
      } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x.data, k, w.data, k, 0, y.data, n);
      }
    };
  } else if (kind == "dx") {
    ours = [&] { matmul_dx(y, w, x); };
    blas = [&] {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, k, n, 1, y.data, n, w.data, k, 0, x.data, k);
    };
  } else {
    ours = [&] { matmul_dw(y, x, w); };
    blas = [&] {
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, k, m, 1, y.data, n, x.data, k, 1, w.data, k);
    };
  }
  constexpr int rounds = 5;
  constexpr auto pause = [] { usleep(60'000); };
  double ours_best = 1e9, blas_best = 1e9, peak = 0;
  for (int i = 0; i < rounds; ++i) {
    measure(ours, seconds / rounds, ours_best);
    peak = std::max(peak, peak_gflops(threads));
    pause();
    measure(blas, seconds / rounds, blas_best);
    pause();
  }
  const double flops =
      2.0 * static_cast<double>(c.m) * static_cast<double>(c.n) * static_cast<double>(c.k) * 1e-9;
  fmt::print("{:8} {:5} {:6} {:5} {:9.1f} {:9.1f} {:7.2f} {:9.1f} {:7.1f} %\n", c.kind, c.m, c.n, c.k,
             flops / ours_best, flops / blas_best, blas_best / ours_best, peak,
             100 * flops / ours_best / peak);
  fflush(stdout);
}

}  // namespace
}  // namespace cohort

int main(int argc, char** argv) {
  using namespace cohort;
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.15;
  const int threads = omp_get_max_threads();
  openblas_set_num_threads(threads);
  fmt::print("{} threads, {}\n", threads, openblas_get_config());
  fmt::print("{:8} {:>5} {:>6} {:>5} {:>9} {:>9} {:>7} {:>9} {:>9}\n", "product", "M", "N", "K", "GF/s",
             "OpenBLAS", "ratio", "FMA peak", "of peak");
  const std::vector<Case> cases = {
      {"forward", 2048, 2048, 2048}, {"forward", 4096, 512, 128}, {"forward", 2048, 1536, 576},
      {"forward", 512, 49152, 576},  {"forward", 64, 1024, 256},  {"forward", 64, 1536, 576},
      {"forward", 64, 49152, 576},   {"forward", 256, 576, 1536}, {"forward", 16, 512, 128},
      {"forward", 16, 1536, 576},    {"forward", 8, 1536, 576},   {"forward", 4, 1536, 576},
      {"forward", 2, 1536, 576},     {"forward", 1, 1536, 576},   {"forward", 1, 49152, 576},
      {"forward", 64, 192, 64},      {"forward", 256, 128, 128},  {"forward", 1024, 192, 64},
      {"forward", 4096, 128, 512},   {"dx", 2048, 1024, 256},     {"dx", 4096, 512, 128},
      {"dx", 2048, 1536, 576},       {"dx", 256, 49152, 576},     {"dx", 64, 512, 128},
      {"dw", 4096, 512, 128},        {"dw", 2048, 1536, 576},     {"dw", 256, 49152, 576},
      {"dw", 512, 192, 64},          {"dw", 2048, 128, 128},
  };
  for (const Case& c : cases) row(c, threads, seconds);
}
#endif
