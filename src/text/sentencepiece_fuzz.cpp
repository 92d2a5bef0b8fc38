// A SentencePiece tokenizer.model; what follows the last byte 0 is a text too.
#include "base/fuzz_support.h"
#include "text/tokenizer_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  const std::string_view bytes = fuzz::text_of(data, size);
  const fuzz::TokenizerFolder folder({{"tokenizer.model", bytes}});
  fuzz::accept_errors([&] {
    const Tokenizer tokenizer = Tokenizer::from_folder(folder.path());
    fuzz::use(tokenizer, "  The  quick\tb\u00e9 \u00bd\u3000key<|im_start|> \xff\xf0\x9f\x98\x80 ");
    fuzz::use(tokenizer, bytes.substr(bytes.rfind('\0') + 1));
  });
  return 0;
}
