#include "ops/packed_weight.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "ops/gemm_pack_cpu.h"
#include "tensor/quantize.h"

namespace cohort {
namespace {

void check_matrix(const Tensor& w) {
  COHORT_CHECK(w.device == Device::cpu, "this build has no CUDA");
  COHORT_CHECK(w.rows() >= 0 && w.cols() >= 0, "a weight of {} x {}", w.rows(), w.cols());
}

float from_bfloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

// One output's row of ggml's blocks (a scale in half precision, 32 values) into column `lane` of its panel.
void put_blocks_row(std::string_view bytes, int64_t lane, Q8Block* panel) {
  const auto block_bytes = static_cast<size_t>(encoding_info(Encoding::q8_0).block_bytes);
  for (size_t b = 0; b < bytes.size() / block_bytes; ++b) {
    const char* const block = bytes.data() + b * block_bytes;
    uint16_t scale;
    std::memcpy(&scale, block, sizeof scale);
    panel[b].scale[lane] = half_to_float(scale);
    for (int64_t i = 0; i < 32; ++i) panel[b].values[i][lane] = static_cast<int8_t>(block[sizeof scale + i]);
  }
}

}  // namespace

int64_t PackedWeight::panel_bytes(int64_t k, Encoding encoding) {
  switch (encoding) {
    case Encoding::f32:
      return k * 32 * 4;
    case Encoding::bf16:
      return k * 32 * 2;
    case Encoding::q8_0:
      return k / 32 * static_cast<int64_t>(sizeof(Q8Block));
    default:
      COHORT_CHECK(false, "{} is no encoding of packed weights", encoding_info(encoding).name);
      return 0;
  }
}

void PackedWeight::reset(int64_t n, int64_t k, Encoding encoding) {
  COHORT_CHECK(encoding != Encoding::q8_0 || k % 32 == 0, "rows of {} values in Q8_0", k);
  n_ = n;
  k_ = k;
  encoding_ = encoding;
  buffer_.reserve((panels() * panel_bytes(k, encoding) + 3) / 4);
}

void PackedWeight::pack(const Tensor& w) {
  check_matrix(w);
  reset(w.rows(), w.cols(), Encoding::f32);
  pack_weight_cpu(w.data, n_, k_, buffer_.data());
}

void PackedWeight::pack_transpose(const Tensor& w) {
  check_matrix(w);
  reset(w.cols(), w.rows(), Encoding::f32);
  pack_transpose_cpu(w.data, w.rows(), w.cols(), buffer_.data());
}

void PackedWeight::pack_transpose(const PackedWeight& w) {
  reset(w.inputs(), w.outputs(), Encoding::f32);
  pack_transpose_cpu(w.view(), w.outputs(), w.inputs(), buffer_.data());
}

void PackedWeight::put(int64_t p, const Tensor& rows) {
  check_matrix(rows);
  const int64_t count = std::min<int64_t>(32, n_ - p * 32);
  COHORT_CHECK(p >= 0 && rows.rows() == count && rows.cols() == k_, "{} x {} for panel {} of {} x {}",
               rows.rows(), rows.cols(), p, n_, k_);
  char* const panel = reinterpret_cast<char*>(buffer_.data()) + p * panel_bytes(k_, encoding_);
  if (encoding_ == Encoding::f32) {
    pack_weight_cpu(rows.data, count, k_, reinterpret_cast<float*>(panel));
    return;
  }
  if (count < 32) std::fill_n(panel, panel_bytes(k_, encoding_), '\0');
  std::string blocks(encoding_ == Encoding::q8_0 ? encoded_bytes(encoding_, k_) : 0, '\0');
  for (int64_t lane = 0; lane < count; ++lane) {
    const float* const row = rows.row(lane);
    if (encoding_ == Encoding::q8_0) {
      quantize(encoding_, {row, static_cast<size_t>(k_)}, blocks.data());
      put_blocks_row(blocks, lane, reinterpret_cast<Q8Block*>(panel));
    } else {
      auto* const to = reinterpret_cast<uint16_t*>(panel) + lane;
      for (int64_t j = 0; j < k_; ++j) to[j * 32] = float_to_bfloat16(row[j]);
    }
  }
}

void PackedWeight::put_blocks(int64_t p, std::span<const std::string_view> rows) {
  const int64_t count = std::min<int64_t>(32, n_ - p * 32);
  COHORT_CHECK(encoding_ == Encoding::q8_0 && std::ssize(rows) == count, "{} rows for panel {} of {}", rows.size(), p, n_);
  char* const panel = reinterpret_cast<char*>(buffer_.data()) + p * panel_bytes(k_, encoding_);
  if (count < 32) std::fill_n(panel, panel_bytes(k_, encoding_), '\0');
  for (int64_t lane = 0; lane < count; ++lane) {
    const std::string_view row = rows[static_cast<size_t>(lane)];
    COHORT_CHECK(std::ssize(row) == encoded_bytes(encoding_, k_), "{} bytes for {} values", row.size(), k_);
    put_blocks_row(row, lane, reinterpret_cast<Q8Block*>(panel));
  }
}

void PackedWeight::read_row(int64_t row, float* values) const {
  COHORT_CHECK(row >= 0 && row < n_, "row {} of {}", row, n_);
  const char* const panel = view().data_of(row / 32);
  const int64_t lane = row % 32;
  for (int64_t j = 0; j < k_; ++j) {
    switch (encoding_) {
      case Encoding::f32:
        values[j] = reinterpret_cast<const float*>(panel)[j * 32 + lane];
        break;
      case Encoding::bf16:
        values[j] = from_bfloat16(reinterpret_cast<const uint16_t*>(panel)[j * 32 + lane]);
        break;
      default: {
        const Q8Block& block = reinterpret_cast<const Q8Block*>(panel)[j / 32];
        values[j] = static_cast<float>(block.values[j % 32][lane]) * block.scale[lane];
      }
    }
  }
}

}  // namespace cohort
