#include "base/fuzz_support.h"
#include "tensor/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  fuzz::accept_errors([&] {
    const SafetensorsFile tensors(file.path());
    for (const SafetensorsEntry& entry : tensors.entries())
      fuzz::accept_errors([&] { float_encoding(entry, "file"); });
    float floats[4];
    fuzz::accept_errors([&] { tensors.read_floats("a", floats); });
  });
  return 0;
}
