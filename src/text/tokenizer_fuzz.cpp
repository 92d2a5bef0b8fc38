// A tokenizer.json up to the first byte 0, and a text to encode and decode by it.
#include <filesystem>
#include <fstream>

#include "base/fuzz_support.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  static const std::filesystem::path folder = [] {
    const auto path = std::filesystem::path("/dev/shm") / ("cohort_fuzz_" + std::to_string(getpid()));
    std::filesystem::create_directory(path);
    return path;
  }();
  const std::string_view bytes = fuzz::text_of(data, size);
  const size_t cut = std::min(bytes.find('\0'), bytes.size());
  std::ofstream(folder / "tokenizer.json", std::ios::binary) << bytes.substr(0, cut);
  fuzz::accept_errors([&] {
    const Tokenizer tokenizer = Tokenizer::from_folder(folder);
    const std::vector<int32_t> ids = tokenizer.encode(bytes.substr(std::min(cut + 1, bytes.size())), true);
    tokenizer.decode(ids, true);
  });
  return 0;
}
