// Files of rows, conversations among them.
#include "base/fuzz_support.h"
#include "data/rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::accept_errors([&] { parse_rows(text, "rows", {}, Conversations::accepted); });
  return 0;
}
