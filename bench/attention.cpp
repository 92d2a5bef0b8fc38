// Attention beside the machine's FMA peak, measured in turn in the same run.
//   bench_attention [seconds per cell, default 0.3]
// Counted: 4 D flops for each (query, visible key) forward, 8 D backward (recomputing the scores does not
// count).
#include "ops/attention.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "../bench/attention.cpp"  // found from src/
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After it, for each target:
#include "bench/fma_loop-inl.h"

#if HWY_ONCE
namespace cohort {
namespace {

HWY_EXPORT(FmaLoop);

using Body = std::function<void()>;

double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The shortest call of each body; they take turns until each has run for `seconds`.
std::vector<double> best_of(const std::vector<Body>& bodies, double seconds) {
  std::vector<double> best(bodies.size(), 1e9);
  for (double spent = 0; spent < seconds * static_cast<double>(bodies.size());)
    for (size_t i = 0; i < bodies.size(); ++i)
      for (int repeat = 0; repeat < 3; ++repeat) {
        const double t = seconds_of(bodies[i]);
        best[i] = std::min(best[i], t);
        spent += t;
      }
  return best;
}

void random_fill(Buffer& buffer) {
  std::mt19937 engine(1);
  for (int64_t i = 0; i < buffer.size(); ++i)
    buffer.data()[i] = static_cast<float>(engine() >> 8) / 8388608.0f - 1.0f;
}

// A TokenTree of `groups` prompts with `branches` branches each. Decode: only the last token of each branch
// is computed.
struct Shape {
  const char* name;
  int64_t heads, kv_heads, head_dim;
  int groups, prompt, branches, branch;
  bool decode;
};

void bench(const Shape& c, double seconds) {
  const AttentionShape s{c.heads, c.kv_heads, c.head_dim, 1.0f / std::sqrt(static_cast<float>(c.head_dim))};
  TokenTree tree;
  for (int g = 0; g < c.groups; ++g) {
    const int32_t root = tree.add(-1, std::vector<int32_t>(static_cast<size_t>(c.prompt)));
    for (int b = 0; b < c.branches; ++b) tree.add(root, std::vector<int32_t>(static_cast<size_t>(c.branch)));
  }
  int64_t blocks = 0;
  AttentionBatch batch = attention_batch(tree, &blocks);
  int64_t n = tree.size();
  Buffer memory(blocks * kv_block_floats(s)), qkv(n * s.qkv_width()), d_qkv(c.decode ? 0 : n * s.qkv_width());
  Buffer out(n * s.heads * s.head_dim), lse(n * s.heads), d_out(c.decode ? 0 : n * s.heads * s.head_dim);
  random_fill(qkv);
  random_fill(d_out);
  const KvStore store{memory.data(), kv_block_floats(s)};
  const int64_t width = s.heads * s.head_dim;
  kv_write(s, qkv.tensor({n, s.qkv_width()}), batch.slots, store);
  if (c.decode) {
    std::vector<QuerySpan> spans;
    std::vector<KvSlot> slots;
    for (const QuerySpan& span : batch.spans) {
      if (span.position + span.rows != c.prompt + c.branch) continue;
      slots.push_back(batch.slots[span.row + span.rows - 1]);
      spans.push_back({static_cast<int32_t>(spans.size()), 1, span.position + span.rows - 1, span.run_begin,
                       span.run_end});
    }
    batch.spans = spans;
    batch.slots = slots;
    n = static_cast<int64_t>(spans.size());
  }
  double pairs = 0;
  for (const QuerySpan& span : batch.spans)
    for (int32_t i = 0; i < span.rows; ++i) pairs += static_cast<double>(span.position + i + 1);
  const double flops = 4.0 * pairs * static_cast<double>(width);

  const Tensor q = qkv.tensor({n, s.qkv_width()}), o = out.tensor({n, width}), l = lse.tensor({n, s.heads});
  const int threads = omp_get_max_threads();
  std::vector<double> peak_flops(static_cast<size_t>(threads));
  std::vector<float> sink(static_cast<size_t>(threads));
  std::vector<Body> bodies = {
      [&] {
#pragma omp parallel for
        for (int i = 0; i < threads; ++i) peak_flops[i] = HWY_DYNAMIC_DISPATCH(FmaLoop)(300'000, &sink[i]);
      },
      [&] { kv_write(s, q, batch.slots, store); },
      [&] { attention_forward(s, q, batch, store, o, l); },
  };
  if (!c.decode)
    bodies.push_back([&] {
      attention_backward(s, tree, q, o, l, d_out.tensor({n, width}), d_qkv.tensor({n, s.qkv_width()}));
    });
  const std::vector<double> best = best_of(bodies, seconds);
  const double peak = peak_flops[0] * threads / best[0] / 1e9;
  const double forward = flops / best[2] / 1e9;
  fmt::print("{:<34} H{:<2} K{:<2} D{:<4} {:>7.0f} us write {:>8.0f} us forward {:>6.1f} GF/s {:>3.0f} %",
             c.name, c.heads, c.kv_heads, c.head_dim, best[1] * 1e6, best[2] * 1e6, forward,
             100 * forward / peak);
  if (!c.decode) {
    const double backward = 2 * flops / best[3] / 1e9;
    fmt::print(" {:>9.0f} us backward {:>6.1f} GF/s {:>3.0f} %", best[3] * 1e6, backward,
               100 * backward / peak);
  }
  fmt::print("  (peak {:.0f})\n", peak);
}

}  // namespace
}  // namespace cohort

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.3;
  fmt::print("{} threads; shares are of the FMA peak of the same cell\n", omp_get_max_threads());
  const cohort::Shape shapes[] = {
      {"train, 512 + 16 x 64", 9, 3, 64, 1, 512, 16, 64, false},
      {"train, 512 + 16 x 64", 8, 8, 32, 1, 512, 16, 64, false},
      {"train, 512 + 16 x 64", 16, 4, 128, 1, 512, 16, 64, false},
      {"train, 8 x (32 + 16 x 32)", 9, 3, 64, 8, 32, 16, 32, false},
      {"train, 8 x (20 + 16 x 32)", 4, 2, 32, 8, 20, 16, 32, false},
      {"train, 8 x (20 + 16 x 32)", 4, 4, 16, 8, 20, 16, 32, false},
      {"train, 4 x 1024", 12, 12, 64, 4, 1024, 0, 0, false},
      {"train, 64 x 64", 4, 4, 32, 64, 64, 0, 0, false},
      {"decode, 4 x (32 + 16 x 32)", 9, 3, 64, 4, 32, 16, 32, true},
      {"decode, 4 x (512 + 16 x 64)", 9, 3, 64, 4, 512, 16, 64, true},
      {"decode, 4 x (20 + 16 x 30)", 4, 4, 16, 4, 20, 16, 30, true},
      {"decode, 4 x (32 + 16 x 32)", 8, 8, 32, 4, 32, 16, 32, true},
      {"decode, 64 x 64, nothing shared", 9, 3, 64, 64, 64, 0, 0, true},
  };
  for (const cohort::Shape& shape : shapes) cohort::bench(shape, seconds);
  return 0;
}
#endif
