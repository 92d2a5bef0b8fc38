#include "model/convert_tensor.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/parallel.h"
#include "tensor/quantize.h"

namespace cohort {

std::string convert_tensor(const Parameter& parameter, const StoredTensor& stored, Encoding encoding,
                           int64_t permuted_heads, ConversionError* error) {
  Parameter alone = parameter;
  alone.offset = 0;
  const Buffer values = read_weights({alone}, {stored});
  const int64_t rows = parameter.shape[0], cols = parameter.size() / rows;
  const int64_t head = permuted_heads ? rows / permuted_heads : 0;
  // A vector is one row unless its values are permuted as rows are.
  const bool vector = parameter.shape.size() == 1;
  const int64_t row_bytes = vector ? encoding_info(encoding).block_bytes : encoded_bytes(encoding, cols);
  std::string bytes(static_cast<size_t>(encoded_bytes(encoding, parameter.size())), '\0');
  const int64_t step = std::max<int64_t>(1, (1 << 18) / cols), jobs = (rows + step - 1) / step;
  std::vector<ConversionError> errors(static_cast<size_t>(jobs));
  in_parallel(jobs, [&](int64_t job) {
    std::vector<float> back(static_cast<size_t>(cols));
    ConversionError& sum = errors[static_cast<size_t>(job)];
    for (int64_t row = job * step; row < std::min(rows, (job + 1) * step); ++row) {
      int64_t from = row;
      if (head) from = row / head * head + row % head % 2 * (head / 2) + row % head / 2;
      const std::span<const float> source(values.data() + from * cols, static_cast<size_t>(cols));
      char* out = bytes.data() + row * row_bytes;
      quantize(encoding, source, out);
      dequantize(encoding, {out, static_cast<size_t>(row_bytes)}, back.data());
      for (size_t i = 0; i < source.size(); ++i) {
        if (!std::isfinite(back[i]))
          fail("{}: tensor '{}': value {} of row {} ({}) is beyond what {} can hold", stored.file,
               stored.name, i, from, source[i], encoding_info(encoding).name);
        const double x = source[i], difference = x - back[i];
        sum.squares += x * x;
        sum.errors += difference * difference;
      }
    }
  });
  for (const ConversionError& e : errors) {
    error->squares += e.squares;
    error->errors += e.errors;
  }
  return bytes;
}

}  // namespace cohort
