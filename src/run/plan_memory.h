// What plans are made of: bytes of a model, of a training pass, of the machine.
#pragma once

#include <cstdint>

#include "model/config.h"

namespace cohort {

struct ModelSize {
  int64_t parameters;
  int64_t weights;  // bytes: fp32, as gradients and each of AdamW's two moments
  int64_t packed;   // bytes of the copies of the matrices that forward reads
};
ModelSize model_size(const ModelConfig& config);

// Parameters of the layers' matrices.
double matrix_parameters(const ModelConfig& config);

// One training pass, in the worst case.
struct PassShape {
  int64_t micro_tokens;  // tree nodes of a micro-batch
  int64_t head_rows;     // of them, those whose output is wanted
  int64_t step_tokens;   // tree nodes of the optimizer step
  bool gradient_checkpointing;
};
int64_t scratch_bytes(const ModelConfig& config, const PassShape& shape);
int64_t activation_bytes(const ModelConfig& config, const PassShape& shape);

// Bytes of `gb` (1e9 each), or with 0 what the machine has available.
int64_t memory_limit(double gb);

}  // namespace cohort
