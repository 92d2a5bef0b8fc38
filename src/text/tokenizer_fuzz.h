// For fuzz targets of tokenizers.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace cohort::fuzz {

// A folder in memory, the same for each input.
class TokenizerFolder {
 public:
  explicit TokenizerFolder(const std::vector<std::pair<const char*, std::string_view>>& files) {
    std::filesystem::create_directories(path());
    for (const auto& [name, bytes] : files) std::ofstream(path() / name, std::ios::binary) << bytes;
  }
  static std::filesystem::path path() { return "/dev/shm/cohort_fuzz_" + std::to_string(getpid()); }
};

inline void use(const Tokenizer& tokenizer, std::string_view text) {
  const std::vector<int32_t> ids = tokenizer.encode(text, true);
  tokenizer.decode(ids, true);
  tokenizer.decode(ids, false);
}

}  // namespace cohort::fuzz
