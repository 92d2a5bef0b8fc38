// What plans are made of: bytes of a model, of a training pass, of the machine.
#pragma once

#include <cstdint>
#include <filesystem>

#include "model/frozen_weights.h"
#include "model/lora.h"

namespace cohort {

struct ModelSize {
  int64_t parameters;
  int64_t weights;  // bytes: fp32, as gradients and each of AdamW's two moments
  int64_t packed;   // bytes of the copies of the matrices that forward reads
};
ModelSize model_size(const ModelConfig& config);

// Bytes of a model that is not trained. Where its weights cannot be opened they are taken to be fp32.
int64_t frozen_model_bytes(const std::filesystem::path& folder_or_gguf, const ModelConfig& config,
                           FrozenDtype dtype);

// Parameters of the matrices of `layers` layers.
double matrix_parameters(const ModelConfig& config, int64_t layers);

// What is trained: an adapter (null: the model) and what is frozen of the model.
struct TrainedPart {
  const LoraConfig* lora = nullptr;
  Frozen frozen;
};
struct TrainedSize {
  int64_t parameters;
  int64_t floats;   // bytes of gradients, and of each of AdamW's two moments
  int64_t adapter;  // bytes of an adapter's weights, and packed; 0: none
};
TrainedSize trained_size(const ModelConfig& config, const TrainedPart& part);

// One training pass, in the worst case.
struct PassShape {
  int64_t micro_tokens;  // tree nodes of a micro-batch
  int64_t head_rows;     // of them, those whose output is wanted
  int64_t step_tokens;   // tree nodes of the optimizer step
  bool gradient_checkpointing;
  TrainedPart trained;
};
int64_t scratch_bytes(const ModelConfig& config, const PassShape& shape);
int64_t activation_bytes(const ModelConfig& config, const PassShape& shape);

// Bytes of `gb` (1e9 each), or with 0 what the machine has available.
int64_t memory_limit(double gb);

}  // namespace cohort
