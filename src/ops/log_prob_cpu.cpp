#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/head_tile.h"
#include "ops/kernels.h"
#include "ops/logits.h"

namespace cohort::cpu {
namespace {

// d log p(t) / d logit_j = inv_t * ([j = t] - p_j); d entropy / d logit_j = -inv_t * p_j * (log p_j +
// entropy). So the row is p_j * (a + b * (log p_j + entropy)), plus the seeds at the targets.
struct RowSeeds {
  float a, b;
};

RowSeeds row_seeds(const HeadSeeds& seeds, int32_t first, int32_t last, float inv_temperature,
                   const LogitStats& stats) {
  float log_prob = 0, entropy = 0;
  for (int32_t r = first; r < last; ++r) log_prob += seeds.log_prob[r];
  if (!seeds.entropy.empty())
    for (int32_t r = first; r < last; ++r) entropy += seeds.entropy[r];
  if (std::isnan(stats.lse)) return {stats.lse, 0};  // a broken row must not look like a zero gradient
  return {-inv_temperature * log_prob, -inv_temperature * entropy};
}

}  // namespace

void head_tile(Tensor logits, float inv_temperature, const HeadTargets& targets, const HeadSeeds* seeds,
               int64_t begin, std::span<float> log_prob, std::span<float> entropy) {
  const int64_t rows = logits.rows(), vocab = logits.cols(), chunks = logit_chunks(vocab);
  std::vector<LogitChunk> parts(static_cast<size_t>(rows * chunks));
  std::vector<LogitStats> stats(static_cast<size_t>(rows));
  // Rows and chunks are one list of work, so a few long rows use the whole team too.
#pragma omp parallel if (worth_a_team(4 * rows * vocab))
  {
#pragma omp for schedule(static)
    for (int64_t i = 0; i < rows * chunks; ++i) {
      const int64_t at = i % chunks * kLogitChunk;
      parts[i] = logit_chunk(logits.row(i / chunks) + at, std::min(kLogitChunk, vocab - at), inv_temperature);
    }
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      stats[row] = merge_logit_chunks({parts.data() + row * chunks, static_cast<size_t>(chunks)});
      for (int32_t r = targets.offsets[begin + row]; r < targets.offsets[begin + row + 1]; ++r) {
        log_prob[r] = log_prob_of(logits.row(row)[targets.targets[r]], inv_temperature, stats[row].lse);
        if (!entropy.empty()) entropy[r] = stats[row].entropy;
      }
    }
    if (seeds) {
#pragma omp for schedule(static)
      for (int64_t i = 0; i < rows * chunks; ++i) {
        const int64_t row = i / chunks, at = i % chunks * kLogitChunk,
                      count = std::min(kLogitChunk, vocab - at);
        const int32_t first = targets.offsets[begin + row], last = targets.offsets[begin + row + 1];
        const RowSeeds s = row_seeds(*seeds, first, last, inv_temperature, stats[row]);
        float* x = logits.row(row) + at;
        logit_gradient(x, count, inv_temperature, stats[row], s.a, s.b);
        for (int32_t r = first; r < last; ++r) {
          const int64_t j = targets.targets[r] - at;
          if (j >= 0 && j < count) x[j] += inv_temperature * seeds->log_prob[r];
        }
      }
    }
  }
}

}  // namespace cohort::cpu
