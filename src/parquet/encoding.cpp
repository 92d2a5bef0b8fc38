#include "parquet/encoding.h"

#include <cstring>

#include "base/check.h"
#include "parquet/bits.h"
#include "parquet/delta.h"

namespace cohort::parquet {
namespace {

int width_of(const Leaf& leaf) {  // bytes of a value whose size is fixed, else 0
  switch (leaf.type) {
    case Type::int32:
    case Type::float32:
      return 4;
    case Type::int64:
    case Type::float64:
      return 8;
    case Type::int96:
      return 12;
    case Type::fixed_bytes:
      return leaf.length;
    case Type::boolean:
    case Type::bytes:
      break;
  }
  return 0;
}

Value value_of(std::string_view bytes, Type type) {
  if (type == Type::int96 || type == Type::fixed_bytes) return {0, bytes};
  Value out;
  std::memcpy(&out.bits, bytes.data(), bytes.size());
  if (type == Type::int32) out.bits = static_cast<uint64_t>(int64_t{static_cast<int32_t>(out.bits)});
  return out;
}

class PlainBooleans : public Decoder {
 public:
  explicit PlainBooleans(std::string_view bytes) : bytes_(bytes) {}
  Value next() override { return {bits_at(bytes_, at_++, 1), {}}; }

 private:
  std::string_view bytes_;
  uint64_t at_ = 0;
};

class PlainFixed : public Decoder {
 public:
  PlainFixed(std::string_view bytes, const Leaf& leaf)
      : bytes_(bytes), type_(leaf.type), width_(width_of(leaf)) {}
  Value next() override {
    if (bytes_.size() < width_) fail("a page's values end early");
    const std::string_view value = bytes_.substr(0, width_);
    bytes_.remove_prefix(width_);
    return value_of(value, type_);
  }

 private:
  std::string_view bytes_;
  const Type type_;
  const size_t width_;
};

class PlainBytes : public Decoder {
 public:
  explicit PlainBytes(std::string_view bytes) : bytes_(bytes) {}
  Value next() override {
    uint32_t size;
    if (bytes_.size() < sizeof size) fail("a page's values end early");
    std::memcpy(&size, bytes_.data(), sizeof size);
    bytes_.remove_prefix(sizeof size);
    if (bytes_.size() < size) fail("a page has a value of {} bytes, where {} remain", size, bytes_.size());
    const std::string_view value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return {0, value};
  }

 private:
  std::string_view bytes_;
};

class RunsOfBooleans : public Decoder {
 public:
  explicit RunsOfBooleans(std::string_view bytes) : runs_(bytes, 1) {}
  Value next() override { return {runs_.next() & 1, {}}; }

 private:
  RunReader runs_;
};

class DictionaryIndices : public Decoder {
 public:
  DictionaryIndices(std::string_view bytes, int width, const std::vector<Value>& values)
      : indices_(bytes, width), values_(values) {}
  Value next() override {
    const uint32_t index = indices_.next();
    if (index >= values_.size()) fail("a page has the value {} of a dictionary of {}", index, values_.size());
    return values_[index];
  }

 private:
  RunReader indices_;
  const std::vector<Value>& values_;
};

// The first bytes of all values, then the second bytes, and so on.
class StreamSplit : public Decoder {
 public:
  StreamSplit(std::string_view bytes, const Leaf& leaf)
      : bytes_(bytes), type_(leaf.type), value_(width_of(leaf), '\0'), count_(bytes.size() / value_.size()) {}
  Value next() override {
    if (at_ == count_) fail("a page's values end early");
    for (size_t i = 0; i < value_.size(); ++i) value_[i] = bytes_[i * count_ + at_];
    ++at_;
    return value_of(value_, type_);
  }

 private:
  std::string_view bytes_;
  const Type type_;
  std::string value_;
  const size_t count_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(Encoding encoding, const Leaf& leaf, std::string_view bytes,
                                      const std::vector<Value>* dictionary) {
  const Type type = leaf.type;
  switch (encoding) {
    case Encoding::plain:
      if (type == Type::boolean) return std::make_unique<PlainBooleans>(bytes);
      if (type == Type::bytes) return std::make_unique<PlainBytes>(bytes);
      return std::make_unique<PlainFixed>(bytes, leaf);
    case Encoding::plain_dictionary:
    case Encoding::rle_dictionary: {
      if (!dictionary) fail("a page's values stand in a dictionary that is not there");
      const int width = bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);  // empty where all are null
      if (width > 32) fail("a page has indices of {} bits into a dictionary, 32 at most", width);
      return std::make_unique<DictionaryIndices>(bytes.substr(!bytes.empty()), width, *dictionary);
    }
    case Encoding::rle:
      if (type != Type::boolean) break;
      return std::make_unique<RunsOfBooleans>(
          bytes.substr(bytes.size() < 4 ? bytes.size() : 4));  // behind its size
    case Encoding::delta_binary_packed:
      if (type != Type::int32 && type != Type::int64) break;
      return make_delta_numbers(bytes, type == Type::int32);
    case Encoding::delta_length_byte_array:
      if (type != Type::bytes) break;
      return make_delta_lengths(bytes);
    case Encoding::delta_byte_array:
      if (type != Type::bytes && type != Type::fixed_bytes) break;
      return make_delta_bytes(bytes, type == Type::bytes ? 0 : leaf.length);
    case Encoding::byte_stream_split:
      if (type == Type::boolean || type == Type::bytes || type == Type::int96) break;
      return std::make_unique<StreamSplit>(bytes, leaf);
    case Encoding::bit_packed:
      break;
  }
  fail("a page of {} values in the encoding {}, which is not for them", static_cast<int>(type),
       static_cast<int>(encoding));
}

}  // namespace cohort::parquet
