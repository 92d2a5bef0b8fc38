// The gradient of an adapter's product at one place of a layer, over a chunk of rows. With t = A x and u =
// s B^T dy:  dx += A^T u,  dA += u x^T,  dB += dy (s t)^T.
#pragma once

#include <vector>

#include "model/lora.h"

namespace cohort {

class LoraGradient {
 public:
  // For `rows` rows. Where `adapter` is null or the place has no target, nothing below does anything.
  void reset(const Adapter* adapter, int64_t layer, LoraPlace place, int64_t rows);
  explicit operator bool() const { return group_ != nullptr; }

  // Of rows at, at + 1, ... of the chunk, by several threads and in any order, both once for every row.
  void put_outputs(int64_t at, const Tensor& dy, Buffer& workspace, Tensor dx);  // adds to dx
  void put_inputs(int64_t at, const Tensor& x, Buffer& workspace);

  // When all rows are there: continues the chains of `gradient`'s A and B. x holds all rows of the input.
  void finish(const GradientOperand& x, const LoraGroup& gradient);

 private:
  const LoraGroup* group_ = nullptr;
  const PackedLora* packed_ = nullptr;
  float scale_ = 0;
  GradientOperand u_;
  std::vector<GradientOperand> dy_, t_;  // by part
};

}  // namespace cohort
