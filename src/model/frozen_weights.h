// The matrices of a model that is not trained (the base of an adapter, a model that only answers): read from
// their files into panels, in the precision that is asked for, with no copy in fp32 beside them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "model/read_weights.h"
#include "ops/packed_weight.h"

namespace cohort {

// How they are held. `automatic` is what changes no value: a matrix of BF16 or Q8_0 files as it is, others in
// fp32. bfloat16 rounds to nearest even, q8_0 as ggml does, in blocks of 32 inputs.
enum class FrozenDtype { automatic, float32, bfloat16, q8_0 };
std::span<const std::string_view> dtype_names();  // auto, float32, bfloat16, q8_0
FrozenDtype parse_dtype(std::string_view name);   // throws Error "dtype: ..."

// One packed weight: tensors `first` .. `first + count - 1` of parameter_list one under another.
struct FrozenMatrix {
  size_t first, count;
  int64_t rows, cols;
  Encoding encoding;
};

// The embedding; of each layer qkv, attention_out, gate_up, down; and the head where it is not the embedding.
// `stored` in the order of parameter_list; empty where the files are not there: automatic is then fp32. Throws
// Error where rows are no whole blocks of q8_0.
std::vector<FrozenMatrix> frozen_matrices(const ModelConfig& config, const std::vector<StoredTensor>& stored,
                                          FrozenDtype dtype);

// Throws Error as read_weights does, and at a value beyond what the encoding can hold.
void read_matrix(const FrozenMatrix& matrix, const std::vector<Parameter>& list,
                 const std::vector<StoredTensor>& stored, PackedWeight& packed);

// Bytes of a model held so, its norms and biases included.
int64_t frozen_bytes(const ModelConfig& config, const std::vector<FrozenMatrix>& matrices);

}  // namespace cohort
