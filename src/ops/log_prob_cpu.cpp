#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/head_tile.h"
#include "ops/kernels.h"
#include "ops/logits.h"

namespace cohort::cpu {
namespace {

// The passes over one tile. d log p(t) / d logit_j = inv_t * ([j = t] - p_j); d entropy / d logit_j = -inv_t
// * p_j * (log p_j + entropy). So a row's gradient is p_j * (a + b * (log p_j + entropy)), plus the seeds at
// the targets.
class HeadTile {
 public:
  HeadTile(Tensor logits, float inv_temperature, const HeadTargets& targets, const HeadSeeds* seeds,
           int64_t begin, std::span<float> log_prob, std::span<float> entropy)
      : logits_(logits),
        inv_temperature_(inv_temperature),
        targets_(targets),
        seeds_(seeds),
        begin_(begin),
        log_prob_(log_prob),
        entropy_(entropy),
        chunks_(logit_chunks(logits.cols())),
        rows_(logits.rows()),
        parts_(rows_.size() * chunks_) {}

  int64_t chunks() const { return chunks_; }

  // Notes the targets' logits and the row's coefficients, before the logits are overwritten.
  void open(int64_t row) {
    Row& r = rows_[row];
    for (int32_t t = first(row); t < last(row); ++t) {
      log_prob_[t] = logits_.row(row)[targets_.targets[t]];
      if (seeds_) r.a -= seeds_->log_prob[t];
      if (seeds_ && !seeds_->entropy.empty()) r.b -= seeds_->entropy[t];
    }
    r.a *= inv_temperature_;
    r.b *= inv_temperature_;
  }

  void measure(int64_t row, int64_t chunk) {
    float* x = logits_.row(row) + chunk * kLogitChunk;
    parts_[row * chunks_ + chunk] = keeps_weights(row)
                                        ? logit_chunk_in_place(x, count(chunk), inv_temperature_)
                                        : logit_chunk(x, count(chunk), inv_temperature_);
  }

  void merge(int64_t row) {
    Row& r = rows_[row];
    r.stats = merge_logit_chunks({parts_.data() + row * chunks_, static_cast<size_t>(chunks_)});
    if (std::isnan(r.stats.lse)) r.a = r.stats.lse;  // a broken row must not look like a zero gradient
    for (int32_t t = first(row); t < last(row); ++t) {
      log_prob_[t] = log_prob_of(log_prob_[t], inv_temperature_, r.stats.lse);
      if (!entropy_.empty()) entropy_[t] = r.stats.entropy;
    }
  }

  void differentiate(int64_t row, int64_t chunk) {
    if (!seeds_) return;
    const Row& r = rows_[row];
    const LogitChunk& part = parts_[row * chunks_ + chunk];
    float* x = logits_.row(row) + chunk * kLogitChunk;
    if (keeps_weights(row))
      weights_gradient(x, count(chunk), part, r.stats, r.a);
    else
      logit_gradient(x, count(chunk), inv_temperature_, part, r.stats, r.a, r.b);
    for (int32_t t = first(row); t < last(row); ++t) {
      const int64_t j = targets_.targets[t] - chunk * kLogitChunk;
      if (j >= 0 && j < count(chunk)) x[j] += inv_temperature_ * seeds_->log_prob[t];
    }
  }

 private:
  struct Row {
    float a = 0, b = 0;
    LogitStats stats{};
  };
  int32_t first(int64_t row) const { return targets_.offsets[begin_ + row]; }
  int32_t last(int64_t row) const { return targets_.offsets[begin_ + row + 1]; }
  int64_t count(int64_t chunk) const { return std::min(kLogitChunk, logits_.cols() - chunk * kLogitChunk); }
  bool keeps_weights(int64_t row) const { return seeds_ && rows_[row].b == 0; }

  const Tensor logits_;
  const float inv_temperature_;
  const HeadTargets& targets_;
  const HeadSeeds* seeds_;
  const int64_t begin_;
  const std::span<float> log_prob_, entropy_;
  const int64_t chunks_;
  std::vector<Row> rows_;
  std::vector<LogitChunk> parts_;
};

}  // namespace

void head_tile(Tensor logits, float inv_temperature, const HeadTargets& targets, const HeadSeeds* seeds,
               int64_t begin, std::span<float> log_prob, std::span<float> entropy) {
  HeadTile tile(logits, inv_temperature, targets, seeds, begin, log_prob, entropy);
  const int64_t rows = logits.rows(), chunks = tile.chunks();
  const bool few =
      rows < 4 * omp_get_max_threads();  // then the team shares rows, else a row stays in one cache
#pragma omp parallel if (worth_a_team(4 * rows * logits.cols()))
  if (few) {
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) tile.open(row);
#pragma omp for schedule(static)
    for (int64_t i = 0; i < rows * chunks; ++i) tile.measure(i / chunks, i % chunks);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) tile.merge(row);
#pragma omp for schedule(static)
    for (int64_t i = 0; i < rows * chunks; ++i) tile.differentiate(i / chunks, i % chunks);
  } else {
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      tile.open(row);
      for (int64_t chunk = 0; chunk < chunks; ++chunk) tile.measure(row, chunk);
      tile.merge(row);
      for (int64_t chunk = 0; chunk < chunks; ++chunk) tile.differentiate(row, chunk);
    }
  }
}

}  // namespace cohort::cpu
