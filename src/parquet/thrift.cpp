#include "parquet/thrift.h"

#include <limits>

#include "base/check.h"

namespace cohort::parquet {

uint8_t ThriftReader::byte() {
  if (at_ == bytes_.size()) fail("a header ends early, after {} bytes", at_);
  return static_cast<uint8_t>(bytes_[at_++]);
}

uint64_t ThriftReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint64_t part = byte();
    value |= (part & 127) << shift;
    if (part < 128) return value;
  }
  fail("a header has a number of more than 64 bits before its byte {}", at_);
}

int64_t ThriftReader::zigzag() {
  const uint64_t value = varint();
  return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1)));
}

size_t ThriftReader::counted(uint64_t count) const {
  if (count > bytes_.size() - at_)
    fail("a header counts {} items or bytes at its byte {}, where {} bytes remain", count, at_,
         bytes_.size() - at_);
  return count;
}

std::string_view ThriftReader::take(uint64_t size) {
  const std::string_view out = bytes_.substr(at_, counted(size));
  at_ += size;
  return out;
}

void ThriftReader::enter() {
  if (++depth_ > kMaxDepth) fail("a header's structures are nested deeper than {}", kMaxDepth);
}

void ThriftReader::expect(uint8_t type) {
  if (type_ != type)
    fail("a header has a value of type {} before its byte {}, expected {}", type_, at_, type);
  taken_ = true;
}

bool ThriftReader::next_field(int& id) {
  const uint8_t header = byte();
  if (header == 0) return false;
  id = header >> 4 ? id + (header >> 4) : static_cast<int16_t>(zigzag());
  type_ = header & 15;
  taken_ = false;
  return true;
}

int64_t ThriftReader::integer() {
  if (type_ < kByte || type_ > kInt64) expect(kInt64);
  taken_ = true;
  return type_ == kByte ? static_cast<int8_t>(byte()) : zigzag();
}

int32_t ThriftReader::small() {
  const int64_t value = integer();
  if (value != static_cast<int32_t>(value))
    fail("a header has the number {} before its byte {}, too large", value, at_);
  return static_cast<int32_t>(value);
}

bool ThriftReader::boolean() {
  if (type_ != kFalse) expect(kTrue);
  taken_ = true;
  return type_ == kTrue;
}

std::string_view ThriftReader::binary() {
  expect(kBinary);
  return take(varint());
}

void ThriftReader::skip_item(uint8_t type) {
  type_ = type;
  if (type == kTrue || type == kFalse)
    byte();
  else
    skip();
}

void ThriftReader::skip() {
  switch (type_) {
    case kTrue:
    case kFalse:
      break;
    case kByte:
    case kInt16:
    case kInt32:
    case kInt64:
      integer();
      break;
    case kDouble:
      take(8);
      break;
    case kBinary:
      binary();
      break;
    case kSet:
      type_ = kList;
      [[fallthrough]];
    case kList:
      list([&] {
        skip_item(type_);
        taken_ = true;
      });
      break;
    case kMap: {
      enter();
      const size_t count = counted(varint());
      const uint8_t types = count > 0 ? byte() : 0;
      for (size_t i = 0; i < count; ++i) {
        skip_item(types >> 4);
        skip_item(types & 15);
      }
      --depth_;
      break;
    }
    case kStruct:
      structure([](int) {});
      break;
    default:
      fail("a header has a value of unknown type {} before its byte {}", type_, at_);
  }
}

}  // namespace cohort::parquet
