// GGUF files, and the values of their tensors.
#include "base/fuzz_support.h"
#include "tensor/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  fuzz::accept_errors([&] {
    const GgufFile gguf(file.path());
    for (const GgufTensor& tensor : gguf.tensors()) {
      int64_t count = 1;
      for (int64_t n : tensor.shape) count *= n;
      if (count > 1 << 16) continue;
      std::vector<float> values(static_cast<size_t>(count));
      dequantize(tensor.encoding, tensor.bytes, values.data());
    }
  });
  return 0;
}
