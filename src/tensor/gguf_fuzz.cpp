// GGUF files: every value read as every type, and the values of their tensors.
#include "base/fuzz_support.h"
#include "tensor/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  fuzz::accept_errors([&] {
    const GgufFile gguf(file.path());
    for (const auto& item : gguf.metadata()) {
      const std::string& key = item.first;
      fuzz::accept_errors([&] { gguf.string(key); });
      fuzz::accept_errors([&] { gguf.boolean(key); });
      fuzz::accept_errors([&] { gguf.integer(key); });
      fuzz::accept_errors([&] { gguf.number(key); });
      fuzz::accept_errors([&] { gguf.strings(key); });
      fuzz::accept_errors([&] { gguf.int32s(key); });
      fuzz::accept_errors([&] { gguf.floats(key); });
    }
    fuzz::accept_errors([&] { gguf.string("general.nothing"); });
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
