// For tests of file readers: a scratch file, the external cases of whole files, and systematic damage.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/check.h"
#include "base/external_cases.h"
#include "base/file.h"
#include "base/philox.h"

namespace cohort {

// A path of this test and process alone; removed at the end.
class Scratch {
 public:
  Scratch() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = fmt::format("cohort_{}_{}_{}", ::getpid(), info->test_suite_name(), info->name());
    std::replace(name.begin(), name.end(), '/', '_');  // of parametrised tests
    path_ = std::filesystem::temp_directory_path() / name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }
  // Not synced and not over the old file (file systems flush a file that was cut): tests write thousands.
  const std::filesystem::path& write(std::string_view bytes) const {
    std::filesystem::remove(path_);
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path_;
  }

 private:
  std::filesystem::path path_;
};

struct FileCase {
  std::string name, bytes;
  bool accept;
};

// Rows {name, hex, expect} of ../shared/cases/NAME; empty where the folder is absent.
inline std::vector<FileCase> file_cases(const std::string& name) {
  std::ifstream file(external_cases(name));
  std::vector<FileCase> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    const auto row = nlohmann::json::parse(line);
    const std::string hex = row["hex"], expect = row["expect"];
    FileCase c{row["name"], {}, expect.starts_with("accept")};
    for (size_t i = 0; i < hex.size(); i += 2)
      c.bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    cases.push_back(std::move(c));
  }
  return cases;
}

// Calls `read`; true where it accepted the file, false where it threw Error. Any other exception fails the
// test.
inline bool accepts(const std::function<void()>& read) {
  try {
    read();
    return true;
  } catch (const Error&) {
    return false;
  } catch (const std::exception& e) {
    ADD_FAILURE() << "expected Error, found another exception: " << e.what();
    return false;
  }
}

// Overwrites, flips, removes and inserts a few bytes; a pure function of `seed`.
inline std::string damaged(std::string bytes, uint32_t seed) {
  uint32_t n = 0;
  const auto below = [&](size_t limit) {
    return static_cast<size_t>(uniform53(1, Stream::shuffle, seed, 0, 0, n++) * static_cast<double>(limit));
  };
  for (size_t edits = 1 + below(3); edits > 0 && !bytes.empty(); --edits) {
    const size_t at = below(bytes.size());
    switch (below(5)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
        break;
      case 1:
        bytes[at] = static_cast<char>(below(256));
        break;
      case 2:
        bytes[at] = static_cast<char>(0xFF);
        break;
      case 3:
        bytes.erase(at, 1 + below(8));
        break;
      default:
        bytes.insert(at, 1 + below(8), static_cast<char>(below(256)));
    }
  }
  return bytes;
}

}  // namespace cohort
