// A GGUF file's vocabulary, used and saved as a tokenizer.json.
#include "base/fuzz_support.h"
#include "tensor/gguf.h"
#include "text/tokenizer_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  fuzz::accept_errors([&] {
    const Tokenizer tokenizer = Tokenizer::from_gguf(GgufFile(file.path()));
    fuzz::use(tokenizer, "  The  quick\tb\u00e9 \u00bd 1234 key<|im_start|> \xff\xf0\x9f\x98\x80 ");
    const auto folder = fuzz::TokenizerFolder::path();
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    tokenizer.save(folder);
  });
  return 0;
}
