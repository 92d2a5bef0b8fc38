#include "tensor/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/json.h"

namespace cohort {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeader = 100'000'000;  // the reference implementation's limit
constexpr int kDeepest = 8;

// Bits of one value; 0 where the dtype is unknown.
int64_t dtype_bits(std::string_view dtype) {
  static constexpr std::pair<std::string_view, int64_t> kBits[] = {
      {"F4", 4},      {"F6_E2M3", 6},     {"F6_E3M2", 6},     {"BOOL", 8}, {"U8", 8},   {"I8", 8},
      {"F8_E5M2", 8}, {"F8_E4M3", 8},     {"F8_E8M0", 8},     {"I16", 16}, {"U16", 16}, {"F16", 16},
      {"BF16", 16},   {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I32", 32}, {"U32", 32}, {"F32", 32},
      {"I64", 64},    {"U64", 64},        {"F64", 64},        {"C64", 64}};
  for (const auto& [name, bits] : kBits)
    if (name == dtype) return bits;
  return 0;
}

// The header as JSON, without duplicate keys and no deeper than the format is.
json parse_header(std::string_view text, const std::string& path) {
  if (text.empty() || text[0] != '{') fail("{}: header: expected a JSON object that starts with '{{'", path);
  if (json_deeper_than(text, kDeepest)) fail("{}: header: nested deeper than the format allows", path);
  try {
    return parse_json_unique_keys(text);
  } catch (const json::exception& e) {
    fail("{}: header is not valid JSON: {}", path, e.what());
  }
}

std::string shown(const json& value) {
  const std::string text = dump_json(value);
  return text.size() <= 60 ? text : text.substr(0, 60) + " ...";
}

// An integer of 0 to 2^63 - 1.
int64_t size_number(const json& value, const std::string& path, const std::string& what) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() >> 63)
    fail("{}: {}: expected an integer of 0 or more, found {}", path, what, shown(value));
  return value.get<int64_t>();
}

const json& field(const json& object, const char* name, const std::string& path, const std::string& what) {
  const auto found = object.find(name);
  if (found == object.end()) fail("{}: {}: '{}' is missing", path, what, name);
  return *found;
}

struct Placed {
  SafetensorsEntry entry;
  int64_t begin, end;
};

Placed read_entry(const std::string& name, const json& info, const std::string& path) {
  const std::string what = fmt::format("tensor '{}'", name);
  if (!info.is_object()) fail("{}: {}: expected an object, found {}", path, what, info.type_name());
  Placed placed{{name, {}, {}, {}}, 0, 0};
  SafetensorsEntry& entry = placed.entry;
  const json& dtype = field(info, "dtype", path, what);
  if (!dtype.is_string())
    fail("{}: {}: expected dtype to be a string, found {}", path, what, dtype.type_name());
  entry.dtype = dtype.get<std::string>();
  int64_t bits = dtype_bits(entry.dtype);
  if (bits == 0) fail("{}: {}: unknown dtype '{}'", path, what, entry.dtype);
  const json& shape = field(info, "shape", path, what);
  if (!shape.is_array())
    fail("{}: {}: expected shape to be an array, found {}", path, what, shape.type_name());
  int64_t values = 1;
  for (const json& d : shape) {
    entry.shape.push_back(size_number(d, path, what + ", shape"));
    if (__builtin_mul_overflow(values, entry.shape.back(), &values))
      fail("{}: {}: its size overflows", path, what);
  }
  if (__builtin_mul_overflow(values, bits, &bits)) fail("{}: {}: its size overflows", path, what);
  if (bits % 8 != 0) fail("{}: {}: {} values of {} do not fill whole bytes", path, what, values, entry.dtype);
  const json& offsets = field(info, "data_offsets", path, what);
  if (!offsets.is_array() || offsets.size() != 2)
    fail("{}: {}: expected data_offsets [begin, end], found {}", path, what, shown(offsets));
  placed.begin = size_number(offsets[0], path, what + ", data_offsets");
  placed.end = size_number(offsets[1], path, what + ", data_offsets");
  if (placed.end < placed.begin || placed.end - placed.begin != bits / 8)
    fail("{}: {}: expected {} bytes (shape and dtype), found data_offsets {} to {}", path, what, bits / 8,
         placed.begin, placed.end);
  return placed;
}

}  // namespace

Encoding float_encoding(const SafetensorsEntry& entry, const std::string& source) {
  if (entry.dtype == "F32") return Encoding::f32;
  if (entry.dtype == "BF16") return Encoding::bf16;
  if (entry.dtype == "F16") return Encoding::f16;
  if (entry.dtype == "F64") return Encoding::f64;
  fail("{}: tensor '{}': expected dtype F32, F16, BF16 or F64, found {}", source, entry.name, entry.dtype);
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path.string()), file_(path) {
  static_assert(std::endian::native == std::endian::little);
  const std::string_view bytes = file_.bytes();
  if (bytes.size() < 8)
    fail("{}: expected at least 8 bytes (the header's length), found {}", path_, bytes.size());
  uint64_t header;
  std::memcpy(&header, bytes.data(), 8);
  if (header > kMaxHeader) fail("{}: header of {} bytes; at most {} are allowed", path_, header, kMaxHeader);
  if (header > bytes.size() - 8)
    fail("{}: expected a header of {} bytes, found {} before the end of the file", path_, header,
         bytes.size() - 8);
  const json root = parse_header(bytes.substr(8, header), path_);

  std::vector<Placed> placed;
  for (const auto& [name, info] : root.items()) {
    if (name != "__metadata__") {
      placed.push_back(read_entry(name, info, path_));
      continue;
    }
    if (info.is_null()) continue;
    if (!info.is_object()) fail("{}: __metadata__: expected an object, found {}", path_, info.type_name());
    for (const auto& [key, value] : info.items()) {
      if (!value.is_string())
        fail("{}: __metadata__ '{}': expected a string, found {}", path_, key, value.type_name());
      metadata_.emplace(key, value.get<std::string>());
    }
  }
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  const std::string_view data = bytes.substr(8 + header);
  int64_t next = 0;
  for (Placed& p : placed) {
    if (p.begin != next)
      fail("{}: tensor '{}': expected its data to begin at {} (no holes, no overlaps), found {}", path_,
           p.entry.name, next, p.begin);
    if (static_cast<uint64_t>(p.end) > data.size())
      fail("{}: tensor '{}': expected data up to byte {}, but the file has {}", path_, p.entry.name, p.end,
           data.size());
    p.entry.bytes = data.substr(static_cast<size_t>(p.begin), static_cast<size_t>(p.end - p.begin));
    next = p.end;
    entries_.push_back(std::move(p.entry));
  }
  if (static_cast<uint64_t>(next) != data.size())
    fail("{}: expected {} bytes of data, found {}", path_, next, data.size());
  for (size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].name, i);
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

void SafetensorsFile::read_floats(std::string_view name, std::span<float> floats) const {
  const SafetensorsEntry* entry = find(name);
  if (!entry || entry->dtype != "F32" || entry->bytes.size() != floats.size_bytes())
    fail("{}: expected {} with {} floats, found {}", path_, name, floats.size(),
         entry ? fmt::format("{} bytes of {}", entry->bytes.size(), entry->dtype) : "none");
  std::memcpy(floats.data(), entry->bytes.data(), floats.size_bytes());
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::span<const SafetensorsEntry> entries,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path, 0) {
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const SafetensorsEntry& e : entries) {
    uint64_t bits = static_cast<uint64_t>(dtype_bits(e.dtype));
    for (const int64_t d : e.shape) bits *= static_cast<uint64_t>(d);
    COHORT_CHECK(!header.contains(e.name), "two tensors named '{}'", e.name);
    header[e.name] = {{"dtype", e.dtype}, {"shape", e.shape}, {"data_offsets", {offset, offset + bits / 8}}};
    offset += bits / 8;
  }
  std::string text = header.is_null() ? "{}" : dump_json(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  text.insert(0, reinterpret_cast<const char*>(&length), 8);
  file_.append(text);
  end_ = file_.length() + static_cast<int64_t>(offset);
}

void SafetensorsWriter::finish() {
  COHORT_CHECK(file_.length() == end_, "{} bytes of {}", file_.length(), end_);
  file_.sync();
}

void save_safetensors(const std::filesystem::path& path, std::span<const NamedFloats> tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<SafetensorsEntry> entries;
  for (const NamedFloats& t : tensors) entries.push_back({t.name, "F32", t.shape, {}});
  SafetensorsWriter writer(path, entries, metadata);
  for (const NamedFloats& t : tensors) {
    size_t size = sizeof(float);
    for (const int64_t d : t.shape) size *= static_cast<size_t>(d);
    writer.append({reinterpret_cast<const char*>(t.data), size});
  }
  writer.finish();
}

}  // namespace cohort
