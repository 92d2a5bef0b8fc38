// Thrift's compact protocol, in which Parquet writes its footer and its page headers. Throws Error, without
// a file's name, for bytes that end early, values of another type than asked for, counts above what the
// bytes can hold, and structures nested deeper than kMaxDepth.
#pragma once

#include <cstdint>
#include <string_view>

namespace cohort::parquet {

class ThriftReader {
 public:
  static constexpr int kMaxDepth = 64;

  // `bytes` begin with a structure and may go on behind it.
  explicit ThriftReader(std::string_view bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }  // bytes read

  // The structure that stands here: calls field(id) for each of its fields, which takes the field's value
  // or leaves it to be skipped.
  template <class F>
  void structure(F field) {
    expect(kStruct);
    enter();
    for (int id = 0; next_field(id);) {
      field(id);
      if (!taken_) skip();
    }
    --depth_;
    taken_ = true;
  }

  // The list that stands here: calls item() for each of its items.
  template <class F>
  void list(F item) {
    expect(kList);
    enter();
    const uint8_t header = byte();
    const size_t count = counted(header >> 4 == 15 ? varint() : header >> 4);
    for (size_t i = 0; i < count; ++i) {
      type_ = header & 15;
      taken_ = false;
      item();
      if (!taken_) skip();
    }
    --depth_;
    taken_ = true;
  }

  int64_t integer();  // of any width
  int32_t small();    // an integer that must fit 32 bits
  bool boolean();     // a structure's field
  std::string_view binary();

 private:
  enum : uint8_t {
    kTrue = 1,
    kFalse,
    kByte,
    kInt16,
    kInt32,
    kInt64,
    kDouble,
    kBinary,
    kList,
    kSet,
    kMap,
    kStruct
  };

  bool next_field(int& id);
  void expect(uint8_t type);
  void enter();
  void skip();
  void skip_item(uint8_t type);
  uint8_t byte();
  uint64_t varint();
  int64_t zigzag();
  size_t counted(uint64_t count) const;  // of things that take a byte at least
  std::string_view take(uint64_t size);

  std::string_view bytes_;
  size_t at_ = 0;
  int depth_ = 0;
  uint8_t type_ = kStruct;  // of the value that stands here
  bool taken_ = false;      // it was read
};

}  // namespace cohort::parquet
