// Writes GGUF files (version 3, little-endian): metadata and a list of tensors are declared, the header is
// written, and then every tensor's bytes follow in that order.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/dequantize.h"

namespace cohort {

class GgufWriter {
 public:
  // Metadata, in the order in which the file is to hold them. A key twice is a fault of the caller.
  void uint32(std::string_view key, uint32_t value);
  void float32(std::string_view key, double value);
  void boolean(std::string_view key, bool value);
  void string(std::string_view key, std::string_view value);
  void strings(std::string_view key, std::span<const std::string> values);
  void int32s(std::string_view key, std::span<const int32_t> values);
  void floats(std::string_view key, std::span<const float> values);

  // `shape` is row-major as in PyTorch; a row holds whole blocks. Names have at most 63 bytes.
  void tensor(const std::string& name, Encoding encoding, const std::vector<int64_t>& shape);

  // Writes the header into a new file in place of any that is there; no more may be declared.
  void begin(const std::filesystem::path& path);
  // The next bytes of the tensors, each of which must be written whole before the next one begins.
  void append(std::string_view bytes);
  // Checks that all tensors were written, and syncs.
  void finish();

  // The metadata declared so far, in a file of its own without tensors.
  GgufWriter metadata_only() const;
  int64_t tensor_bytes() const;  // of all that is declared, without what aligns them

 private:
  void key(std::string_view key, uint32_t type);
  void text(std::string_view bytes);

  struct Declared {
    std::string record;  // its part of the header but for the offset
    int64_t bytes;
  };
  std::string metadata_;
  uint64_t pairs_ = 0;
  std::vector<Declared> tensors_;
  AppendLog file_;
  size_t current_ = 0;   // tensors written whole
  int64_t written_ = 0;  // bytes of the current one
};

}  // namespace cohort
