#include "model/frozen_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"

namespace cohort {
namespace {

constexpr std::string_view kNames[] = {"auto", "float32", "bfloat16", "q8_0"};

Encoding encoding_of(FrozenDtype dtype, std::span<const StoredTensor> stored) {
  if (dtype == FrozenDtype::bfloat16) return Encoding::bf16;
  if (dtype == FrozenDtype::q8_0) return Encoding::q8_0;
  if (dtype == FrozenDtype::float32 || stored.empty()) return Encoding::f32;
  const Encoding encoding = stored[0].encoding;
  const bool same = std::ranges::all_of(stored, [&](const StoredTensor& t) { return t.encoding == encoding; });
  return same && (encoding == Encoding::bf16 || encoding == Encoding::q8_0) ? encoding : Encoding::f32;
}

// The largest magnitude that stays finite.
float largest(Encoding encoding) {
  switch (encoding) {
    case Encoding::bf16:
      return 0x1.FEp127f;
    case Encoding::q8_0:
      return 127 * 65504.0f;
    default:
      return std::numeric_limits<float>::max();
  }
}

}  // namespace

std::span<const std::string_view> dtype_names() { return kNames; }

FrozenDtype parse_dtype(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) fail("dtype: expected one of {}, found '{}'", fmt::join(kNames, ", "), name);
  return static_cast<FrozenDtype>(found - std::begin(kNames));
}

std::vector<FrozenMatrix> frozen_matrices(const ModelConfig& config, const std::vector<StoredTensor>& stored,
                                          FrozenDtype dtype) {
  const std::vector<Parameter> list = parameter_list(config);
  COHORT_CHECK(stored.empty() || stored.size() == list.size(), "{} tensors for {}", stored.size(), list.size());
  std::vector<FrozenMatrix> matrices;
  for (size_t i = 0; i < list.size(); ++i) {
    const Parameter& p = list[i];
    if (p.shape.size() != 2) continue;
    const bool joins = p.name.ends_with(".k_proj.weight") || p.name.ends_with(".v_proj.weight") ||
                       p.name.ends_with(".up_proj.weight");
    if (joins) {
      ++matrices.back().count;
      matrices.back().rows += p.shape[0];
    } else {
      matrices.push_back({i, 1, p.shape[0], p.shape[1], Encoding::f32});
    }
  }
  for (FrozenMatrix& m : matrices) {
    const auto own = stored.empty() ? std::span<const StoredTensor>() : std::span(stored).subspan(m.first, m.count);
    m.encoding = encoding_of(dtype, own);
    if (m.encoding == Encoding::q8_0 && m.cols % 32 != 0)
      fail("{}dtype: rows of {} values ({}) cannot be held in q8_0, whose blocks have 32; expected bfloat16 or float32",
           stored.empty() ? "" : stored[m.first].file + ": ", m.cols, list[m.first].name);
  }
  return matrices;
}

void read_matrix(const FrozenMatrix& m, const std::vector<Parameter>& list,
                 const std::vector<StoredTensor>& stored, PackedWeight& packed) {
  std::vector<int64_t> begins{0};  // of each tensor's rows
  for (size_t i = m.first; i < m.first + m.count; ++i) {
    check_stored(list[i], stored[i]);
    begins.push_back(begins.back() + list[i].shape[0]);
  }
  packed.reset(m.rows, m.cols, m.encoding);
  in_parallel(packed.panels(), [&](int64_t panel) {
    const int64_t begin = panel * 32, end = std::min(m.rows, begin + 32);
    thread_local Buffer buffer;
    const Tensor rows(buffer.reserve(32 * m.cols), {end - begin, m.cols});
    std::vector<std::string_view> blocks;  // where the file has them as they shall be
    for (size_t i = 0; i < m.count; ++i) {
      const int64_t first = std::max(begin, begins[i]), last = std::min(end, begins[i + 1]);
      if (first >= last) continue;
      const Parameter& p = list[m.first + i];
      const StoredTensor& t = stored[m.first + i];
      float* const to = rows.row(first - begin);
      read_rows(p, t, first - begins[i], last - begins[i], to);
      if (t.encoding == m.encoding) {
        if (m.encoding == Encoding::q8_0)
          for (int64_t r = first; r < last; ++r) blocks.push_back(row_bytes(p, t, r - begins[i]));
        continue;
      }
      const float most = largest(m.encoding);
      for (int64_t at = 0; at < (last - first) * m.cols; ++at)
        if (std::fabs(to[at]) > most)
          fail("{}: tensor '{}': value {} of {} is {}, beyond what {} can hold; expected dtype float32", t.file, t.name,
               (first - begins[i]) * m.cols + at, shape_text(p.shape), to[at], encoding_info(m.encoding).name);
    }
    if (std::ssize(blocks) == end - begin)
      packed.put_blocks(panel, blocks);
    else
      packed.put(panel, rows);
  });
}

int64_t frozen_bytes(const ModelConfig& config, const std::vector<FrozenMatrix>& matrices) {
  int64_t bytes = 4 * parameter_floats(vector_parameters(config));
  for (const FrozenMatrix& m : matrices)
    bytes += (m.rows + 31) / 32 * PackedWeight::panel_bytes(m.cols, m.encoding);
  return bytes;
}

}  // namespace cohort
