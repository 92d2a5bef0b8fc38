#include "tensor/gguf_write.h"

#include "base/check.h"
#include "tensor/gguf.h"
#include "tensor/quantize.h"

namespace cohort {
namespace {

constexpr uint64_t kAlignment = 32;  // where the metadata do not say otherwise

template <class T>
void add(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

uint32_t type_of(GgufType type) { return static_cast<uint32_t>(type); }

std::string padding(uint64_t size) {
  return std::string((kAlignment - size % kAlignment) % kAlignment, '\0');
}

}  // namespace

void GgufWriter::text(std::string_view bytes) {
  add<uint64_t>(metadata_, bytes.size());
  metadata_ += bytes;
}

void GgufWriter::key(std::string_view key, uint32_t type) {
  ++pairs_;
  text(key);
  add(metadata_, type);
}

void GgufWriter::uint32(std::string_view name, uint32_t value) {
  key(name, type_of(GgufType::uint32));
  add(metadata_, value);
}

void GgufWriter::float32(std::string_view name, double value) {
  key(name, type_of(GgufType::float32));
  add(metadata_, static_cast<float>(value));
}

void GgufWriter::boolean(std::string_view name, bool value) {
  key(name, type_of(GgufType::boolean));
  add<uint8_t>(metadata_, value);
}

void GgufWriter::string(std::string_view name, std::string_view value) {
  key(name, type_of(GgufType::string));
  text(value);
}

void GgufWriter::strings(std::string_view name, std::span<const std::string> values) {
  key(name, type_of(GgufType::array));
  add(metadata_, type_of(GgufType::string));
  add<uint64_t>(metadata_, values.size());
  for (const std::string& value : values) text(value);
}

void GgufWriter::int32s(std::string_view name, std::span<const int32_t> values) {
  key(name, type_of(GgufType::array));
  add(metadata_, type_of(GgufType::int32));
  add<uint64_t>(metadata_, values.size());
  for (const int32_t value : values) add(metadata_, value);
}

void GgufWriter::floats(std::string_view name, std::span<const float> values) {
  key(name, type_of(GgufType::array));
  add(metadata_, type_of(GgufType::float32));
  add<uint64_t>(metadata_, values.size());
  for (const float value : values) add(metadata_, value);
}

void GgufWriter::tensor(const std::string& name, Encoding encoding, const std::vector<int64_t>& shape) {
  COHORT_CHECK(name.size() <= 63 && !shape.empty(), "tensor '{}'", name);
  std::string record;
  add<uint64_t>(record, name.size());
  record += name;
  add(record, static_cast<uint32_t>(shape.size()));
  int64_t values = 1;
  for (auto d = shape.rbegin(); d != shape.rend(); ++d) {
    add(record, *d);
    values *= *d;
  }
  encoded_bytes(encoding, shape.back());
  add(record, gguf_tensor_type(encoding));
  tensors_.push_back({std::move(record), encoded_bytes(encoding, values)});
}

int64_t GgufWriter::tensor_bytes() const {
  int64_t bytes = 0;
  for (const Declared& t : tensors_) bytes += t.bytes;
  return bytes;
}

GgufWriter GgufWriter::metadata_only() const {
  GgufWriter other;
  other.metadata_ = metadata_;
  other.pairs_ = pairs_;
  return other;
}

void GgufWriter::begin(const std::filesystem::path& path) {
  std::string header = "GGUF";
  add<uint32_t>(header, 3);
  add<uint64_t>(header, tensors_.size());
  add(header, pairs_);
  header += metadata_;
  uint64_t offset = 0;
  for (const Declared& t : tensors_) {
    header += t.record;
    add(header, offset);
    offset += static_cast<uint64_t>(t.bytes);
    offset += padding(offset).size();
  }
  header += padding(header.size());
  file_ = AppendLog(path, 0);
  file_.append(header);
}

void GgufWriter::append(std::string_view bytes) {
  if (bytes.empty()) return;
  COHORT_CHECK(current_ < tensors_.size(), "{} bytes after the last tensor", bytes.size());
  const int64_t size = tensors_[current_].bytes;
  written_ += static_cast<int64_t>(bytes.size());
  COHORT_CHECK(written_ <= size, "{} bytes of a tensor of {}", written_, size);
  file_.append(bytes);
  if (written_ < size) return;
  file_.append(padding(static_cast<uint64_t>(size)));
  ++current_;
  written_ = 0;
}

void GgufWriter::finish() {
  COHORT_CHECK(current_ == tensors_.size(), "{} of {} tensors", current_, tensors_.size());
  file_.sync();
}

}  // namespace cohort
