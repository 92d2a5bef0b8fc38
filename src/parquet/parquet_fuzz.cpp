// Parquet files.
#include <nlohmann/json.hpp>

#include "base/fuzz_support.h"
#include "base/json.h"
#include "parquet/parquet.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  size_t lines = 0, bytes = 0;
  fuzz::accept_errors([&] {
    parquet_rows(
        fuzz::text_of(data, size), "file",
        [&](std::string_view line) {
          if (++lines == 1) parse_ordered_json(line);  // throws what is no Error
          bytes += line.size();
          return lines < 1000 && bytes < 100'000;
        },
        100'000);
  });
  return 0;
}
