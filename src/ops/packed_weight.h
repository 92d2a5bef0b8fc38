// A weight as the kernels read it.
#pragma once

#include <span>
#include <string_view>

#include "tensor/dequantize.h"
#include "tensor/tensor.h"

namespace cohort {

// Of a panel that holds Q8_0: 32 inputs of its 32 outputs. An output's values count its scale.
struct Q8Block {
  float scale[32];
  int8_t values[32][32];  // [input][output]
};

// Panels of 32 outputs in memory: f32 and bf16 as [input][32], q8_0 as Q8Block[inputs / 32].
struct WeightView {
  const void* data = nullptr;
  int64_t panel_bytes = 0;
  Encoding encoding = Encoding::f32;
  const char* data_of(int64_t panel) const { return static_cast<const char*>(data) + panel * panel_bytes; }
  explicit operator bool() const { return data != nullptr; }
};

// A weight W (N, K) in panels of 32 outputs: panel p holds W[32p .. 32p+31, :] as [k][32], zero-padded in the
// last panel. Packed once per optimizer step; used by rollout and training alike. A weight that nothing
// trains may be held smaller: what every product then reads is the fp32 value of what is held, so the bits
// are those of a weight of these values.
class PackedWeight {
 public:
  void pack(const Tensor& w);  // (N, K) in fp32; memory is reused when the shape is unchanged
  // W (N, K) transposed, a weight of K outputs and N inputs: matmul(dy, packed) is the input gradient dy W.
  void pack_transpose(const Tensor& w);
  void pack_transpose(const PackedWeight& w);

  // For put(). `encoding` is f32, bf16 or q8_0, whose blocks of 32 must fill a row.
  void reset(int64_t n, int64_t k, Encoding encoding);
  // The rows of panel p: 32, or as many as the last one has. Each panel once; by several threads. bf16 rounds to
  // nearest even, q8_0 as ggml does.
  void put(int64_t p, const Tensor& rows);
  // The same of rows that are Q8_0's blocks already, as a file has them: no value changes. Each is `row_bytes` long.
  void put_blocks(int64_t p, std::span<const std::string_view> rows);

  int64_t outputs() const { return n_; }
  int64_t inputs() const { return k_; }
  int64_t panels() const { return (n_ + 31) / 32; }
  Encoding encoding() const { return encoding_; }
  WeightView view() const { return {buffer_.data(), panel_bytes(k_, encoding_), encoding_}; }
  void read_row(int64_t row, float* values) const;  // (K)
  Device device() const { return buffer_.device(); }

  static int64_t panel_bytes(int64_t k, Encoding encoding);

 private:
  Buffer buffer_;
  int64_t n_ = 0, k_ = 0;
  Encoding encoding_ = Encoding::f32;
};

}  // namespace cohort
