#include "ops/log_prob.h"

#include <algorithm>

#include "ops/head_tile.h"
#include "ops/kernels.h"

namespace cohort {
namespace {

void check(const Tensor& hidden, const PackedWeight& head, const HeadTargets& targets,
           std::span<float> log_prob, std::span<float> entropy) {
  COHORT_CHECK(hidden.cols() == head.inputs(), "hidden ({}, {}), head ({}, {})", hidden.rows(), hidden.cols(),
               head.outputs(), head.inputs());
  COHORT_CHECK(static_cast<int64_t>(targets.offsets.size()) == hidden.rows() + 1, "{} offsets for {} rows",
               targets.offsets.size(), hidden.rows());
  const size_t asked = targets.targets.size();
  COHORT_CHECK(log_prob.size() == asked && (entropy.empty() || entropy.size() == asked),
               "{} targets, {} and {} results", asked, log_prob.size(), entropy.size());
  COHORT_CHECK(targets.offsets.front() == 0 && targets.offsets.back() == static_cast<int32_t>(asked) &&
                   std::is_sorted(targets.offsets.begin(), targets.offsets.end()),
               "offsets from {} to {} for {} targets", targets.offsets.front(), targets.offsets.back(),
               asked);
  for (const int32_t t : targets.targets)
    COHORT_CHECK(t >= 0 && t < head.outputs(), "target {} of a vocabulary of {}", t, head.outputs());
  require_cpu("log_prob", hidden.device);
}

// use(tile, begin, end) for each tile of rows, with its logits.
template <class Use>
void for_each_tile(const Tensor& hidden, const PackedWeight& head, Use use) {
  const int64_t rows = hidden.rows(), vocab = head.outputs(), tile_rows = head_tile_rows(rows, vocab);
  Buffer workspace(std::min(rows, tile_rows) * vocab, hidden.device);
  for (int64_t begin = 0; begin < rows; begin += tile_rows) {
    const int64_t end = std::min(rows, begin + tile_rows);
    const Tensor logits = workspace.tensor({end - begin, vocab});
    matmul(hidden.slice(begin, end), head, {}, {}, logits);
    use(logits, begin, end);
  }
}

}  // namespace

int64_t head_tile_rows(int64_t rows, int64_t vocab) {
  constexpr int64_t step = 42;  // whole blocks of the matrix kernels, 14 rows or 6
  const int64_t fit = kHeadWorkspaceBytes / (vocab * static_cast<int64_t>(sizeof(float)));
  const int64_t most = fit < step ? std::max<int64_t>(16, fit) : fit / step * step;
  const int64_t tiles = std::max<int64_t>(1, (rows + most - 1) / most);
  const int64_t equal = (rows + tiles - 1) / tiles;  // tiles of equal height
  return std::min(most, (equal + step - 1) / step * step);
}

void log_prob_forward(const Tensor& hidden, const PackedWeight& head, float inv_temperature,
                      const HeadTargets& targets, std::span<float> log_prob, std::span<float> entropy) {
  check(hidden, head, targets, log_prob, entropy);
  for_each_tile(hidden, head, [&](const Tensor& logits, int64_t begin, int64_t end) {
    cpu::head_tile(logits, inv_temperature, targets, nullptr, begin, log_prob, entropy);
  });
}

void log_prob_forward_backward(const Tensor& hidden, const PackedWeight& head, const Tensor& head_weight,
                               float inv_temperature, const HeadTargets& targets, const HeadSeeds& seeds,
                               std::span<float> log_prob, std::span<float> entropy, Tensor d_hidden,
                               Tensor d_head) {
  check(hidden, head, targets, log_prob, entropy);
  COHORT_CHECK(seeds.log_prob.size() == targets.targets.size() &&
                   (seeds.entropy.empty() || seeds.entropy.size() == targets.targets.size()),
               "{} targets, {} and {} seeds", targets.targets.size(), seeds.log_prob.size(),
               seeds.entropy.size());
  COHORT_CHECK(d_hidden.size() == hidden.size() && (!d_head || d_head.size() == head.outputs() * head.inputs()) &&
                   (!head_weight || (head_weight.rows() == head.outputs() && head_weight.cols() == head.inputs())),
               "d_hidden {}, d_head {}, head ({}, {})", d_hidden.size(), d_head.size(), head_weight.rows(),
               head_weight.cols());
  for_each_tile(hidden, head, [&](const Tensor& logits, int64_t begin, int64_t end) {
    cpu::head_tile(logits, inv_temperature, targets, &seeds, begin, log_prob, entropy);
    if (head_weight)
      matmul_dx(logits, head_weight, d_hidden.slice(begin, end));
    else
      matmul_dx(logits, head, d_hidden.slice(begin, end));
    if (d_head) matmul_dw(logits, hidden.slice(begin, end), d_head);
  });
}

}  // namespace cohort
