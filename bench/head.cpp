// The vocabulary head and the sampler at SmolLM2's size, each beside a ceiling measured in the same run.
//   head: log-prob and gradient in one pass, three products of N x V x C; ceiling: those three products
//   alone. sample: drawing from 64 rows of logits; ceiling: one pass that reads the logits.
// Rounds are interleaved and the best is shown, so a busy machine disturbs the ratios little.
#include <fmt/format.h>
#include <omp.h>

#include <chrono>
#include <cmath>
#include <vector>

#include "base/philox.h"
#include "ops/log_prob.h"
#include "ops/sample.h"

namespace {

using namespace cohort;

constexpr int64_t kRows = 1400, kVocab = 49152, kWidth = 576, kDraws = 64;

Buffer random(int64_t n, uint32_t stream, float scale) {
  Buffer buffer(n);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; ++i) {
    double sum = -6;  // twelve uniforms: near enough to normal
    for (uint32_t k = 0; k < 3; ++k) {
      const PhiloxBlock b = philox4x32({static_cast<uint32_t>(i), k, stream, 0}, 1);
      for (const uint32_t word : b) sum += word * 0x1p-32;
    }
    buffer.data()[i] = scale * static_cast<float>(sum);
  }
  return buffer;
}

template <class Work>
void best(double* seconds, Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  *seconds =
      std::min(*seconds, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void bench_head() {
  Buffer hidden = random(kRows * kWidth, 1, 1), weight = random(kVocab * kWidth, 2, 0.1f),
         d_hidden(kRows * kWidth), d_head(kVocab * kWidth);
  const Tensor h = hidden.tensor({kRows, kWidth}), w = weight.tensor({kVocab, kWidth}),
               dh = d_hidden.tensor({kRows, kWidth}), dw = d_head.tensor({kVocab, kWidth});
  d_head.zero();
  PackedWeight packed;
  packed.pack(w);
  std::vector<int32_t> offsets(kRows + 1), targets(kRows);
  for (int64_t i = 0; i <= kRows; ++i) offsets[i] = static_cast<int32_t>(i);
  for (int64_t i = 0; i < kRows; ++i) targets[i] = static_cast<int32_t>(i * 31 % kVocab);
  std::vector<float> seeds(kRows, 1e-3f), log_prob(kRows), entropy(kRows);
  const int64_t tile = head_tile_rows(kRows, kVocab);
  Buffer workspace(tile * kVocab);
  double head = 1e9, forward = 1e9, products = 1e9, product = 1e9;
  for (int round = 0; round < 3; ++round) {
    best(&product, [&] {
      for (int64_t i = 0; i < kRows; i += tile) {
        const int64_t end = std::min(kRows, i + tile);
        matmul(h.slice(i, end), packed, {}, {}, workspace.tensor({end - i, kVocab}));
      }
    });
    best(&forward, [&] { log_prob_forward(h, packed, 1, {offsets, targets}, log_prob, entropy); });
    best(&products, [&] {
      for (int64_t i = 0; i < kRows; i += tile) {
        const int64_t end = std::min(kRows, i + tile);
        const Tensor logits = workspace.tensor({end - i, kVocab});
        matmul(h.slice(i, end), packed, {}, {}, logits);
        matmul_dx(logits, w, dh.slice(i, end));
        matmul_dw(logits, h.slice(i, end), dw);
      }
    });
    best(&head, [&] {
      log_prob_forward_backward(h, packed, w, 1, {offsets, targets}, {seeds, {}}, log_prob, entropy, dh, dw);
    });
  }
  const double flops = 2.0 * kRows * kVocab * kWidth;
  const auto line = [&](const char* name, double s, double n, double ceiling) {
    fmt::print("{:<34} {:8.1f} ms {:7.1f} GF/s {:6.1f} % of its products\n", name, s * 1e3,
               n * flops / s / 1e9, 100 * ceiling / s);
  };
  fmt::print("head: {} rows, vocabulary {}, width {}, tiles of {} rows, {} threads\n", kRows, kVocab, kWidth,
             tile, omp_get_max_threads());
  line("  product of the forward", product, 1, product);
  line("  log_prob_forward", forward, 1, product);
  line("  three products", products, 3, products);
  line("  log_prob_forward_backward", head, 3, products);
}

void bench_sample() {
  Buffer logits = random(kDraws * kVocab, 3, 3);
  struct Setting {
    const char* name;
    SamplingOptions options;
    double seconds = 1e9;
  };
  Setting settings[] = {{"temperature 1", {}},
                        {"greedy", {.temperature = 0}},
                        {"top-k 50", {.top_k = 50}},
                        {"top-p 0.95", {.top_p = 0.95f}},
                        {"min-p 0.05", {.min_p = 0.05f}},
                        {"top-k 50, top-p 0.95", {.top_p = 0.95f, .top_k = 50}}};
  double read = 1e9, stats = 1e9;
  std::vector<float> sink(kDraws);
  const auto rows = [&](auto f) {
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < kDraws; ++r) sink[r] = f(r, logits.data() + r * kVocab);
  };
  for (int round = 0; round < 7; ++round) {
    best(&read, [&] {
      rows([](int64_t, const float* x) {
        float lanes[32] = {};
        for (int64_t i = 0; i < kVocab; i += 32)
          for (int l = 0; l < 32; ++l) lanes[l] += x[i + l];
        float sum = 0;
        for (const float lane : lanes) sum += lane;
        return sum;
      });
    });
    best(&stats, [&] { rows([](int64_t, const float* x) { return logit_stats(x, kVocab, 1).lse; }); });
    for (Setting& s : settings)
      best(&s.seconds, [&] {
        rows([&](int64_t r, const float* x) {
          return sample_token(x, kVocab, s.options,
                              uniform53(1, Stream::sample, static_cast<uint32_t>(round), 0, 0,
                                        static_cast<uint32_t>(r)))
              .log_prob;
        });
      });
  }
  const auto line = [&](const char* name, double s) {
    fmt::print("  {:<32} {:8.2f} ms {:7.2f} ns per logit and thread, {:5.1f} x reading\n", name, s * 1e3,
               s * 1e9 * omp_get_max_threads() / (kDraws * kVocab), s / read);
  };
  fmt::print("sample: {} rows of {} logits\n", kDraws, kVocab);
  line("reading the logits", read);
  line("logit_stats", stats);
  for (const Setting& s : settings) line(s.name, s.seconds);
}

}  // namespace

int main() {
  bench_sample();
  bench_head();
}
