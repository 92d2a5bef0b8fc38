#include "ops/log_prob.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "ops/logits.h"
#include "ops/op_test.h"

namespace cohort {
namespace {

struct RowReference {
  double lse, entropy;
};

RowReference reference(const std::vector<double>& logits, double inv_temperature) {
  double max = -1e300, sum = 0, dot = 0;
  for (const double x : logits) max = std::max(max, x * inv_temperature);
  for (const double x : logits) sum += std::exp(x * inv_temperature - max);
  for (const double x : logits) dot += std::exp(x * inv_temperature - max) / sum * (x * inv_temperature);
  return {max + std::log(sum), max + std::log(sum) - dot};
}

// Catches precision lost over large vocabularies, a tail or chunk left out, and the temperature applied
// wrongly.
TEST(LogProb, StatsMatchTheReference) {
  for (const int64_t vocab : {1, 5, 16, 1000, 4096, 4097, 49152, 151936})
    for (const float temperature : {1.0f, 0.6f}) {
      std::vector<float> logits = normal(vocab, static_cast<uint32_t>(vocab), 4);
      if (vocab > 4000) logits[vocab - 1] = 30;  // the maximum in the last chunk
      const float inv = 1.0f / temperature;
      const LogitStats s = logit_stats(logits.data(), vocab, inv);
      const RowReference r = reference(doubles(logits), inv);
      EXPECT_NEAR(s.lse, r.lse, 4e-6 * std::max(1.0, std::fabs(r.lse) / 8)) << vocab;
      EXPECT_NEAR(s.entropy, r.entropy, 2e-5) << vocab;
      EXPECT_NEAR(log_prob_of(logits[0], inv, s.lse), logits[0] * static_cast<double>(inv) - r.lse, 2e-5);
    }
}

// Catches NaN that the maximum swallowed, and masked (-infinity) logits that become NaN.
TEST(LogProb, NanIsSeenAndMasksAreNot) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const int64_t at : {0, 77, 4096, 4999}) {
    std::vector<float> logits = normal(5000, 1);
    logits[at] = std::nanf("");
    EXPECT_TRUE(std::isnan(logit_stats(logits.data(), 5000, 1).lse)) << at;
    logits[at] = infinity;
    EXPECT_TRUE(std::isnan(logit_stats(logits.data(), 5000, 1).lse)) << at;
  }
  std::vector<float> logits(5000, -infinity);
  logits[17] = std::nanf("");
  logits[4100] = 1;
  EXPECT_TRUE(std::isnan(logit_stats(logits.data(), 5000, 1).lse));
  logits[17] = logits[4100] = -infinity;
  EXPECT_TRUE(std::isnan(logit_stats(logits.data(), 5000, 1).lse));
  logits[3] = 1;
  logits[4998] = 1;
  const LogitStats s = logit_stats(logits.data(), 5000, 1);
  EXPECT_NEAR(s.lse, 1 + std::log(2.0), 1e-6);
  EXPECT_NEAR(s.entropy, std::log(2.0), 1e-6);
}

struct Head {
  int64_t rows, width, vocab;
  float inv_temperature = 1 / 0.8f;
  std::vector<float> hidden, weight, seeds, entropy_seeds, log_prob, entropy, d_hidden, d_head;
  std::vector<int32_t> offsets = {0}, targets;
  PackedWeight packed;

  Head(int64_t rows, int64_t width, int64_t vocab)
      : rows(rows),
        width(width),
        vocab(vocab),
        hidden(normal(rows * width, 1)),
        weight(normal(vocab * width, 2, 2 / std::sqrt(static_cast<double>(width)))),
        d_hidden(rows * width),
        d_head(vocab * width) {
    for (int64_t i = 0; i < rows; ++i) {  // 1, 2, 0, 1, 2, 0, ... targets; a repeated one too
      for (int64_t k = 0; k < (i + 1) % 3; ++k)
        targets.push_back(static_cast<int32_t>((i * 7919 + k * (i % 2) * 31) % vocab));
      offsets.push_back(static_cast<int32_t>(targets.size()));
    }
    const auto asked = static_cast<int64_t>(targets.size());
    seeds = normal(asked, 3);
    entropy_seeds = normal(asked, 4, 0.3);
    log_prob.resize(asked);
    entropy.resize(asked);
    packed.pack(w());
  }
  Tensor w() { return Tensor(weight.data(), {vocab, width}); }
  void forward() {
    log_prob_forward(Tensor(hidden.data(), {rows, width}), packed, inv_temperature, {offsets, targets},
                     log_prob, entropy);
  }
  // Rows [begin, end) alone, with their own offsets.
  void backward(int64_t begin, int64_t end) {
    std::vector<int32_t> own(offsets.begin() + begin, offsets.begin() + end + 1);
    const int32_t first = own.front(), count = own.back() - first;
    for (int32_t& o : own) o -= first;
    const auto part = [&](std::vector<float>& v) { return std::span<float>(v).subspan(first, count); };
    log_prob_forward_backward(Tensor(hidden.data(), {rows, width}).slice(begin, end), packed, w(),
                              inv_temperature, {own, std::span<const int32_t>(targets).subspan(first, count)},
                              {part(seeds), part(entropy_seeds)}, part(log_prob), part(entropy),
                              Tensor(d_hidden.data(), {rows, width}).slice(begin, end),
                              Tensor(d_head.data(), {vocab, width}));
  }
  std::vector<float> all() const {
    std::vector<float> bits = log_prob;
    for (const auto* v : {&entropy, &d_hidden, &d_head}) bits.insert(bits.end(), v->begin(), v->end());
    return bits;
  }

  // The objective sum_r seed_r * log_prob_r + entropy_seed_r * entropy_r, and its gradient, in double.
  double objective(const std::vector<double>& h, const std::vector<double>& w, std::vector<double>* dh,
                   std::vector<double>* dw, std::vector<double>* log_probs) const {
    double sum = 0;
    if (dh) dh->assign(h.size(), 0);
    if (dw) dw->assign(w.size(), 0);
    std::vector<double> logits(vocab), d(vocab);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t v = 0; v < vocab; ++v) {
        logits[v] = 0;
        for (int64_t c = 0; c < width; ++c) logits[v] += h[i * width + c] * w[v * width + c];
      }
      const RowReference r = reference(logits, inv_temperature);
      std::fill(d.begin(), d.end(), 0);
      for (int32_t t = offsets[i]; t < offsets[i + 1]; ++t) {
        const double lp = logits[targets[t]] * inv_temperature - r.lse;
        if (log_probs) log_probs->push_back(lp);
        sum += seeds[t] * lp + entropy_seeds[t] * r.entropy;
        for (int64_t v = 0; v < vocab; ++v) {
          const double logp = logits[v] * inv_temperature - r.lse, p = std::exp(logp);
          d[v] += inv_temperature *
                  (seeds[t] * ((v == targets[t]) - p) - entropy_seeds[t] * p * (logp + r.entropy));
        }
      }
      if (!dh) continue;
      for (int64_t v = 0; v < vocab; ++v)
        for (int64_t c = 0; c < width; ++c) {
          (*dh)[i * width + c] += d[v] * w[v * width + c];
          (*dw)[v * width + c] += d[v] * h[i * width + c];
        }
    }
    return sum;
  }
};

// Catches a wrong term or sign of the log-prob's or the entropy's derivative, targets that share a row, and
// rows without any.
TEST(LogProb, MatchesTheReference) {
  for (const int64_t vocab : {33, 4500}) {
    Head head(10, 24, vocab);
    head.forward();
    const std::vector<float> forward_only = head.log_prob;
    head.backward(0, 10);
    EXPECT_TRUE(same_bits(forward_only, head.log_prob));
    std::vector<double> dh, dw, log_probs;
    head.objective(doubles(head.hidden), doubles(head.weight), &dh, &dw, &log_probs);
    for (size_t r = 0; r < log_probs.size(); ++r) EXPECT_NEAR(head.log_prob[r], log_probs[r], 1e-5);
    EXPECT_LT(relative_error(head.d_hidden, dh), 2e-6);
    EXPECT_LT(relative_error(head.d_head, dw), 2e-6);
  }
}

// Catches an error in the derivation that kernel and reference share.
TEST(LogProb, ReferenceGradientIsTheDerivative) {
  Head head(4, 3, 6);
  const std::vector<double> h = doubles(head.hidden), w = doubles(head.weight);
  std::vector<double> dh, dw;
  head.objective(h, w, &dh, &dw, nullptr);
  expect_gradient(
      [&](const std::vector<double>& x) { return head.objective(x, w, nullptr, nullptr, nullptr); }, h, dh);
  expect_gradient(
      [&](const std::vector<double>& x) { return head.objective(h, x, nullptr, nullptr, nullptr); }, w, dw);
}

// Catches a workspace that grows with the rows, or falls below the kernels' useful height.
TEST(LogProb, WorkspaceIsBounded) {
  for (const int64_t vocab : {64, 49152, 151936, 2000000})
    for (const int64_t rows : {1, 16, 1400, 4096, 100000}) {
      const int64_t tile = head_tile_rows(rows, vocab);
      EXPECT_GE(tile, std::min<int64_t>(rows, 16));
      EXPECT_TRUE(tile <= 16 || tile * vocab * 4 <= kHeadWorkspaceBytes) << tile << " rows of " << vocab;
    }
  EXPECT_EQ(head_tile_rows(4096, 49152), 336);
}

// Catches results that depend on the number of rows, on where tiles end, or on where the gradient's chain is
// cut. The vocabulary is wide enough for several tiles.
TEST(LogProb, RowsMayBeCutAnywhere) {
  constexpr int64_t rows = 50, vocab = 600000;
  ASSERT_LT(head_tile_rows(rows, vocab), rows);
  Head whole(rows, 2, vocab), cut(rows, 2, vocab);
  whole.backward(0, rows);
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 20}, {20, 50}}) cut.backward(begin, end);
  EXPECT_TRUE(same_bits(whole.all(), cut.all()));
  std::vector<float> logits(vocab);  // and the sampler's view of row 4 alone
  matmul(Tensor(whole.hidden.data() + 8, {1, 2}), whole.packed, {}, {}, Tensor(logits.data(), {1, vocab}));
  const LogitStats s = logit_stats(logits.data(), vocab, whole.inv_temperature);
  const int32_t r = whole.offsets[4];
  EXPECT_EQ(whole.log_prob[r], log_prob_of(logits[whole.targets[r]], whole.inv_temperature, s.lse));
  EXPECT_EQ(whole.entropy[r], s.entropy);
}

// Catches reductions that follow the vector width or the team. With 4 threads these rows are few, so the team
// shares each.
TEST(LogProb, SameBitsEverywhere) {
  expect_same_bits_everywhere([] {
    Head head(12, 16, 9001);
    head.backward(0, 12);
    return head.all();
  });
}

// Catches a short cut for rows without entropy seeds that computes something else.
TEST(LogProb, ZeroEntropySeedsAreNoEntropySeeds) {
  Head zero(9, 8, 5001), smallest(9, 8, 5001);
  std::fill(zero.entropy_seeds.begin(), zero.entropy_seeds.end(), 0.0f);
  std::fill(smallest.entropy_seeds.begin(), smallest.entropy_seeds.end(), 1e-37f);
  zero.backward(0, 9);
  smallest.backward(0, 9);
  EXPECT_TRUE(same_bits(zero.all(), smallest.all()));
}

// Catches a wrong coefficient or range reduction of the softmax's exp.
TEST(LogProb, WeightsAreExp) {
  constexpr int64_t n = 200001;
  std::vector<float> x(n), e(n);
  for (int64_t i = 0; i < n; ++i) x[i] = -88.0f * static_cast<float>(i) / (n - 1);
  logit_weights(x.data(), n, 1, 0, e.data());
  EXPECT_EQ(e[0], 1.0f);
  double worst = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    if (x[i] < -87)
      ASSERT_EQ(e[i], 0.0f);
    else
      worst = std::max(worst, std::fabs(e[i] - exact) / exact);
  }
  EXPECT_LT(worst, 0x1p-23);  // one unit in the last place at most
}

// Catches a broken model whose gradient looks like zero.
TEST(LogProb, NanReachesTheGradient) {
  Head head(3, 4, 50);
  head.hidden[4] = std::nanf("");  // row 1
  head.backward(0, 3);
  EXPECT_TRUE(std::isnan(head.log_prob[head.offsets[1]]));
  EXPECT_TRUE(std::isnan(head.d_hidden[4]));
  EXPECT_FALSE(std::isnan(head.d_hidden[0]));
}

// Catches the p * log p of a masked or vanished token (0 * -infinity) turning the entropy's gradient into
// NaN.
TEST(LogProb, VanishedTokensHaveNoGradient) {
  Head head(2, 2, 40);
  for (float& w : head.weight) w *= 500;
  head.backward(0, 2);
  for (const float d : head.d_head) ASSERT_TRUE(std::isfinite(d));
}

TEST(LogProb, RefusesTargetsOutsideTheVocabulary) {  // catches a read outside the logits
  Head head(3, 4, 50);
  head.targets[0] = 50;
  EXPECT_THROW(head.forward(), Error);
  head.targets[0] = -1;
  EXPECT_THROW(head.forward(), Error);
}

}  // namespace
}  // namespace cohort
