// A tokenizer.json, a text to encode and decode by it, and a tokenizer_config.json, with a byte 0 between.
#include "text/tokenizer_fuzz.h"

#include "base/fuzz_support.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  std::string_view rest = fuzz::text_of(data, size);
  const auto part = [&] {
    const std::string_view out = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(out.size() + 1, rest.size()));
    return out;
  };
  const std::string_view json = part(), text = part();
  const fuzz::TokenizerFolder folder(
      {{"tokenizer.json", json}, {"tokenizer_config.json", rest.empty() ? "{}" : rest}});
  fuzz::accept_errors([&] { fuzz::use(Tokenizer::from_folder(folder.path()), text); });
  return 0;
}
