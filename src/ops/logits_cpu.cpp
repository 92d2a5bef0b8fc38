#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/math.h"
#include "ops/logits.h"

#ifndef COHORT_OPS_LOGITS_CPU_ONCE
#define COHORT_OPS_LOGITS_CPU_ONCE
namespace cohort {
// The probability that a weight of 1 in this chunk stands for.
inline float chunk_share(const LogitChunk& chunk, const LogitStats& stats) {
  return static_cast<float>(exp(static_cast<double>(chunk.max) - stats.lse));
}
}  // namespace cohort
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/logits_cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/exp-inl.h"
#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// With `keep`, the logits are replaced by their e_i.
template <bool keep>
LogitChunk ChunkOf(float* logits, int64_t count, float inv_temperature) {
  constexpr float infinity = std::numeric_limits<float>::infinity(),
                  nan = std::numeric_limits<float>::quiet_NaN();
  const LaneTag d;
  Lanes16 max(d, -infinity);
  ForEachGroup(count, logits, -infinity, [&](const float* p) HWY_ATTR {
    for (int k = 0; k < kLaneVectors; ++k) max.v[k] = hn::Max(max.v[k], hn::LoadU(d, p + k * kVectorLanes));
  });
  HWY_ALIGN float lanes[16];
  max.Store(lanes);
  const float m = *std::max_element(lanes, lanes + 16) * inv_temperature;
  if (m == -infinity)  // nothing but masks, unless a NaN was lost among them
    return {std::any_of(logits, logits + count, [](float x) { return std::isnan(x); }) ? nan : m, 0, 0};

  const auto scale = hn::Set(d, inv_temperature), top = hn::Set(d, m), low = hn::Set(d, kExpLowest);
  Lanes16 sum(d, 0.0f), dot(d, 0.0f);
  const auto add = [&](const float* p, float* kept) HWY_ATTR {
    for (int k = 0; k < kLaneVectors; ++k) {
      const auto x = hn::Sub(hn::Mul(hn::LoadU(d, p + k * kVectorLanes), scale), top);
      const auto e = ExpOrZero(d, x);
      sum.v[k] = hn::Add(sum.v[k], e);
      // -infinity must not meet the 0 of its e; NaN, and infinity minus infinity, must.
      dot.v[k] = hn::MulAdd(e, hn::IfThenElse(hn::Lt(x, low), low, x), dot.v[k]);
      if (keep) hn::StoreU(e, d, kept + k * kVectorLanes);
    }
  };
  if (keep)
    TransformGroups(count, logits, logits, -infinity, add);
  else
    ForEachGroup(count, logits, -infinity, [&](const float* p) HWY_ATTR { add(p, nullptr); });
  LogitChunk chunk{m, 0, 0};
  sum.Store(lanes);
  chunk.sum = fold_lanes(lanes);
  dot.Store(lanes);
  chunk.dot = fold_lanes(lanes);
  if (!(chunk.dot <= 0)) chunk.max = nan;
  return chunk;
}

LogitChunk Chunk(const float* logits, int64_t count, float inv_temperature) {
  return ChunkOf<false>(const_cast<float*>(logits), count, inv_temperature);
}
LogitChunk ChunkKeeping(float* logits, int64_t count, float inv_temperature) {
  return ChunkOf<true>(logits, count, inv_temperature);
}

void Weights(const float* logits, int64_t count, float inv_temperature, float max, float* weights) {
  const LaneTag d;
  const auto scale = hn::Set(d, inv_temperature), top = hn::Set(d, max);
  TransformGroups(count, logits, weights, 0.0f, [&](const float* from, float* to) HWY_ATTR {
    for (int k = 0; k < kLaneVectors; ++k) {
      const auto x = hn::Sub(hn::Mul(hn::LoadU(d, from + k * kVectorLanes), scale), top);
      hn::StoreU(ExpOrZero(d, x), d, to + k * kVectorLanes);
    }
  });
}

void Gradient(float* logits, int64_t count, float inv_temperature, const LogitChunk& chunk,
              const LogitStats& stats, float a, float b) {
  const LaneTag d;
  const auto scale = hn::Set(d, inv_temperature), lse = hn::Set(d, stats.lse),
             entropy = hn::Set(d, stats.entropy);
  const auto top = hn::Set(d, chunk.max), share = hn::Set(d, chunk_share(chunk, stats));
  const auto va = hn::Set(d, a), vb = hn::Set(d, b), low = hn::Set(d, kExpLowest);
  TransformGroups(count, logits, logits, 0.0f, [&](const float* from, float* to) HWY_ATTR {
    for (int k = 0; k < kLaneVectors; ++k) {
      const auto x = hn::Mul(hn::LoadU(d, from + k * kVectorLanes), scale);
      const auto p = hn::Mul(ExpOrZero(d, hn::Sub(x, top)), share);
      const auto log_p = hn::Max(hn::Sub(x, lse), low);
      hn::StoreU(hn::Mul(p, hn::MulAdd(vb, hn::Add(log_p, entropy), va)), d, to + k * kVectorLanes);
    }
  });
}

int64_t AtLeast(const float* logits, int64_t count, float inv_temperature, float bound, int32_t* indices) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto scale = hn::Set(d, inv_temperature), low = hn::Set(d, bound);
  int64_t found = 0, i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto mask = hn::Ge(hn::Mul(hn::LoadU(d, logits + i), scale), low);
    if (hn::AllFalse(d, mask)) continue;
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, mask, bytes);
    for (uint32_t bits = bytes[0] | uint32_t{bytes[1]} << 8; bits; bits &= bits - 1)
      indices[found++] = static_cast<int32_t>(i + std::countr_zero(bits));
  }
  for (; i < count; ++i)
    if (logits[i] * inv_temperature >= bound) indices[found++] = static_cast<int32_t>(i);
  return found;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cohort {

HWY_EXPORT(Chunk);
HWY_EXPORT(ChunkKeeping);
HWY_EXPORT(Weights);
HWY_EXPORT(Gradient);
HWY_EXPORT(AtLeast);

LogitChunk logit_chunk(const float* logits, int64_t count, float inv_temperature) {
  return HWY_DYNAMIC_DISPATCH(Chunk)(logits, count, inv_temperature);
}
LogitChunk logit_chunk_in_place(float* logits, int64_t count, float inv_temperature) {
  return HWY_DYNAMIC_DISPATCH(ChunkKeeping)(logits, count, inv_temperature);
}
void logit_weights(const float* logits, int64_t count, float inv_temperature, float max, float* weights) {
  HWY_DYNAMIC_DISPATCH(Weights)(logits, count, inv_temperature, max, weights);
}
void logit_gradient(float* logits, int64_t count, float inv_temperature, const LogitChunk& chunk,
                    const LogitStats& stats, float a, float b) {
  HWY_DYNAMIC_DISPATCH(Gradient)(logits, count, inv_temperature, chunk, stats, a, b);
}
void weights_gradient(float* weights, int64_t count, const LogitChunk& chunk, const LogitStats& stats,
                      float a) {
  const float share = chunk_share(chunk, stats);
  for (int64_t i = 0; i < count; ++i) weights[i] = weights[i] * share * a;
}
int64_t logits_at_least(const float* logits, int64_t count, float inv_temperature, float bound,
                        int32_t* indices) {
  return HWY_DYNAMIC_DISPATCH(AtLeast)(logits, count, inv_temperature, bound, indices);
}

LogitStats merge_logit_chunks(std::span<const LogitChunk> chunks) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  float max = -std::numeric_limits<float>::infinity();
  for (const LogitChunk& c : chunks) {
    if (std::isnan(c.max)) return {nan, nan};
    max = std::max(max, c.max);
  }
  double sum = 0, dot = 0;  // of exp(x - max), and of it times (x - max)
  for (const LogitChunk& c : chunks) {
    if (c.sum == 0) continue;
    const double shift = static_cast<double>(c.max) - max, scale = exp(shift);
    sum += scale * c.sum;
    dot += scale * (c.dot + shift * c.sum);
  }
  if (sum == 0) return {nan, nan};  // every logit is -infinity
  const double log_sum = log(sum);
  return {static_cast<float>(max + log_sum), static_cast<float>(std::max(0.0, log_sum - dot / sum))};
}

LogitStats logit_stats(const float* logits, int64_t vocab, float inv_temperature) {
  thread_local std::vector<LogitChunk> chunks;
  chunks.resize(static_cast<size_t>(logit_chunks(vocab)));
  for (size_t c = 0; c < chunks.size(); ++c) {
    const int64_t begin = static_cast<int64_t>(c) * kLogitChunk;
    chunks[c] = logit_chunk(logits + begin, std::min(kLogitChunk, vocab - begin), inv_temperature);
  }
  return merge_logit_chunks(chunks);
}

}  // namespace cohort
#endif
