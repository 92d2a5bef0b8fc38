#include "model/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/math.h"
#include "base/philox.h"

namespace cohort {
namespace {

void draw_rows(float* table, int64_t known, int64_t rows, int64_t width, uint64_t key, uint32_t which) {
  std::vector<double> mean(width), deviation(width);
  for (int64_t r = 0; r < known; ++r)
    for (int64_t c = 0; c < width; ++c) mean[c] += table[r * width + c];
  for (double& m : mean) m /= static_cast<double>(known);
  for (int64_t r = 0; r < known; ++r)
    for (int64_t c = 0; c < width; ++c) {
      const double d = table[r * width + c] - mean[c];
      deviation[c] += d * d;
    }
  for (double& d : deviation) d = std::sqrt(1e-9 * d / static_cast<double>(known));
  for (int64_t r = known; r < rows; ++r)
    for (int64_t c = 0; c < width; ++c) {
      const auto [u, v] =
          uniforms53(key, {which, 1, static_cast<uint32_t>(r), static_cast<uint32_t>(c)});
      const double normal = std::sqrt(-2.0 * cohort::log(1.0 - u)) * cohort::cos(6.283185307179586 * v);
      table[r * width + c] = static_cast<float>(mean[c] + deviation[c] * normal);
    }
}

}  // namespace

Buffer resized_weights(const ModelConfig& from, const ModelConfig& to, const float* weights, int64_t known,
                       uint64_t seed) {
  COHORT_CHECK(to.vocab_size >= from.vocab_size && known > 0 && known <= from.vocab_size,
               "{} tokens, {} of them known, to {}", from.vocab_size, known, to.vocab_size);
  const std::vector<Parameter> old = parameter_list(from), list = parameter_list(to);
  Buffer resized(parameter_floats(list));
  resized.zero();
  const uint64_t key = stream_key(seed, Stream::init);
  for (size_t i = 0; i < list.size(); ++i) {
    float* const data = resized.data() + list[i].offset;
    std::copy_n(weights + old[i].offset, old[i].size(), data);
    if (list[i].name == "model.embed_tokens.weight" || list[i].name == "lm_head.weight")
      draw_rows(data, known, to.vocab_size, to.hidden_size, key, static_cast<uint32_t>(i));
  }
  return resized;
}

}  // namespace cohort
