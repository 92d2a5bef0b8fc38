// GGUF files (ggml's docs/gguf.md), versions 2 and 3, little-endian: a header of typed key-value pairs, a
// list of tensors, aligned tensor data. The file is mapped; every count, length and offset is checked against
// what remains before it is used. Every error names the file and the key or tensor.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/dequantize.h"

namespace cohort {

enum class GgufType : uint32_t {  // the numbers of the file format
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  string,
  array,
  uint64,
  int64,
  float64
};

// ggml's number of an encoding as a tensor's type.
uint32_t gguf_tensor_type(Encoding encoding);

// One metadata value as it lies in the file.
struct GgufValue {
  GgufType type;  // of the value, or of an array's elements
  bool is_array;
  int64_t count;                          // elements; 1 where it is no array
  std::string_view bytes;                 // of numbers and booleans: count little-endian elements, unaligned
  std::vector<std::string_view> strings;  // of strings: count views into the file
};

// Element i of a number or boolean as text.
std::string gguf_element_text(const GgufValue& value, int64_t i);

struct GgufTensor {
  std::string name;
  Encoding encoding;
  std::vector<int64_t> shape;  // row-major as in PyTorch (the reverse of the file's order)
  std::string_view bytes;
};

// Views and string_views stay valid while the GgufFile lives, moved or not.
class GgufFile {
 public:
  explicit GgufFile(const std::filesystem::path& path);

  const std::string& path() const { return path_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }  // in file order

  const GgufValue* find(std::string_view key) const;  // nullptr where there is none
  const GgufTensor* find_tensor(std::string_view name) const;

  // Typed access; each throws Error naming file, key, expected and found type where the key is missing or of
  // another kind. Strings are bytes: their UTF-8 is not checked.
  std::string string(std::string_view key) const;
  bool boolean(std::string_view key) const;
  int64_t integer(std::string_view key) const;  // any integer type whose value fits
  double number(std::string_view key) const;    // any integer or floating type
  std::vector<std::string> strings(std::string_view key) const;
  std::vector<int32_t> int32s(std::string_view key) const;  // any integer element type whose values fit
  std::vector<float> floats(std::string_view key) const;    // float32 elements

 private:
  const GgufValue& value(std::string_view key, bool is_array, const char* expected) const;
  std::string path_;
  MappedFile file_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string_view, size_t> tensor_index_;
};

}  // namespace cohort
