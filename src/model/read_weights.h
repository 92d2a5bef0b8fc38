// From tensors as files hold them to the flat buffer of a model's weights.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/weights.h"
#include "tensor/dequantize.h"

namespace cohort {

// A tensor as its file holds it, not yet read.
struct StoredTensor {
  std::string file, name;
  Encoding encoding;
  std::vector<int64_t> shape;
  std::string_view bytes;  // valid while its file is mapped
  // llama in GGUF: the rows of each of this many heads interleave the halves of the head (row 2j + t holds
  // row t * D/2 + j); 0: no.
  int64_t permuted_heads = 0;
};

// Reads tensors into a new flat buffer, in parallel. `stored` is in the order of `list`. Throws Error on a
// shape that is not the parameter's and on NaN or infinity (naming tensor and place).
Buffer read_weights(const std::vector<Parameter>& list, const std::vector<StoredTensor>& stored);

// The parts of the above. Rows [begin, end) of one tensor in the parameter's order, to (end - begin, inputs).
void check_stored(const Parameter& parameter, const StoredTensor& stored);
std::string_view row_bytes(const Parameter& parameter, const StoredTensor& stored, int64_t row);
void read_rows(const Parameter& parameter, const StoredTensor& stored, int64_t begin, int64_t end, float* to);

std::string shape_text(const std::vector<int64_t>& shape);  // (2, 3)

}  // namespace cohort
