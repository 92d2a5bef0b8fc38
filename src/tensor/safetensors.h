// safetensors files (huggingface/safetensors, README "Format"): 8 bytes little-endian header length, a JSON
// object
//   {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ..., "__metadata__": {string:
//   string}}
// and the data. The rules are those of the reference implementation, and duplicate keys are refused as its
// README says: data has no holes and no overlaps, begins after the header and ends with the file.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/dequantize.h"

namespace cohort {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;           // as the file spells it: F32, BF16, I64 ...
  std::vector<int64_t> shape;  // row-major; empty: one value
  std::string_view bytes;
};

// The encoding of a floating dtype (F32, F16, BF16, F64); throws Error naming `source` and the entry for any
// other.
Encoding float_encoding(const SafetensorsEntry& entry, const std::string& source);

// A mapped file. The entries' views stay valid while it lives, moved or not. Errors name the file and the
// tensor.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::string& path() const { return path_; }
  const std::vector<SafetensorsEntry>& entries() const { return entries_; }  // in the order of their data
  const SafetensorsEntry* find(std::string_view name) const;                 // nullptr where there is none
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // The floats of the F32 tensor of this name, of whatever shape. Throws Error where there is none of that
  // size.
  void read_floats(std::string_view name, std::span<float> floats) const;

 private:
  std::string path_;
  MappedFile file_;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string_view, size_t> index_;
  std::map<std::string, std::string> metadata_;
};

// Writes a file tensor by tensor: `entries` (but for their bytes) in the order of their data, in a header padded
// to 8 bytes, then the bytes of each. The file is written in place: for a folder that nobody reads yet.
// PyTorch's loaders want the metadata {"format": "pt"}.
class SafetensorsWriter {
 public:
  SafetensorsWriter(const std::filesystem::path& path, std::span<const SafetensorsEntry> entries,
                    const std::map<std::string, std::string>& metadata);
  void append(std::string_view bytes) { file_.append(bytes); }
  void finish();  // checks that all was written, and syncs

 private:
  AppendLog file_;
  int64_t end_ = 0;
};

// fp32 values to be written; `data` must stay valid until then.
struct NamedFloats {
  std::string name;
  std::vector<int64_t> shape;
  const float* data;
};

// Writes the tensors in the given order as F32, as SafetensorsWriter does.
void save_safetensors(const std::filesystem::path& path, std::span<const NamedFloats> tensors,
                      const std::map<std::string, std::string>& metadata);

}  // namespace cohort
