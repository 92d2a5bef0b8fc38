#include "parquet/delta.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "parquet/bits.h"

namespace cohort::parquet {
namespace {

constexpr uint64_t kMaxBlock = 1 << 20;  // values; writers have 128 to 2048
constexpr size_t kMaxString = size_t{1} << 30;

int64_t zigzag(uint64_t value) { return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1))); }

// Numbers in blocks: each has the least difference, a width for each of its miniblocks, and the miniblocks
// with what the differences are above the least.
class DeltaNumbers {
 public:
  DeltaNumbers() = default;
  explicit DeltaNumbers(std::string_view bytes) : bytes_(bytes) {
    if (bytes.empty()) return;  // all are null
    const uint64_t block = varint_at(bytes_, at_);
    miniblocks_ = varint_at(bytes_, at_);
    left_ = varint_at(bytes_, at_);
    value_ = static_cast<uint64_t>(zigzag(varint_at(bytes_, at_)));
    if (miniblocks_ == 0 || miniblocks_ > block || block > kMaxBlock || block % miniblocks_ != 0 ||
        block / miniblocks_ % 8 != 0)
      fail("a page has blocks of {} differences in {} parts", block, miniblocks_);
    values_ = block / miniblocks_;
    first_ = true;
  }

  bool done() const { return left_ == 0; }

  uint64_t next() {
    if (left_ == 0) fail("a page's values end early");
    --left_;
    if (first_) {
      first_ = false;
      return value_;
    }
    if (in_miniblock_ == 0) begin_miniblock();
    --in_miniblock_;
    bit_ += width_;
    return value_ += least_ + bits_at(bytes_, bit_ - width_, width_);
  }

  // The bytes behind these numbers, of which none was read yet.
  std::string_view rest() const {
    DeltaNumbers skipped = *this;
    if (left_ == 0) return bytes_.substr(at_);
    for (uint64_t numbers = left_ - 1; numbers > 0; numbers -= std::min(numbers, values_)) {
      skipped.begin_miniblock();
      skipped.in_miniblock_ = 0;
    }
    return bytes_.substr(std::min<uint64_t>(skipped.at_, bytes_.size()));
  }

 private:
  void begin_miniblock() {
    if (miniblock_ == 0) {
      least_ = static_cast<uint64_t>(zigzag(varint_at(bytes_, at_)));
      if (miniblocks_ > bytes_.size() - at_) fail("a page's values end early");
      widths_ = at_;
      at_ += miniblocks_;
    }
    width_ = static_cast<uint8_t>(bytes_[widths_ + miniblock_]);
    if (width_ > 64) fail("a page has differences of {} bits", width_);
    miniblock_ = miniblock_ + 1 == miniblocks_ ? 0 : miniblock_ + 1;
    bit_ = at_ * 8;
    at_ = std::min<uint64_t>(at_ + values_ * width_ / 8, bytes_.size());  // the last may be cut
    in_miniblock_ = values_;
  }

  std::string_view bytes_;
  size_t at_ = 0, widths_ = 0;
  uint64_t miniblocks_ = 0, values_ = 0;  // in a block, in a miniblock
  uint64_t left_ = 0, value_ = 0, least_ = 0, miniblock_ = 0, in_miniblock_ = 0, bit_ = 0;
  int width_ = 0;
  bool first_ = false;
};

class Numbers : public Decoder {
 public:
  Numbers(std::string_view bytes, bool narrow) : numbers_(bytes), narrow_(narrow) {}
  Value next() override {
    const uint64_t value = numbers_.next();
    return {narrow_ ? static_cast<uint64_t>(int64_t{static_cast<int32_t>(value)}) : value, {}};
  }

 private:
  DeltaNumbers numbers_;
  const bool narrow_;
};

class Lengths : public Decoder {
 public:
  explicit Lengths(std::string_view bytes) : lengths_(bytes), bytes_(lengths_.rest()) {}
  Value next() override {
    const auto size = static_cast<uint32_t>(lengths_.next());
    if (size > bytes_.size()) fail("a page has a value of {} bytes, where {} remain", size, bytes_.size());
    const std::string_view value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return {0, value};
  }

 private:
  DeltaNumbers lengths_;
  std::string_view bytes_;
};

class Prefixed : public Decoder {
 public:
  Prefixed(std::string_view bytes, int32_t length)
      : prefixes_(bytes), suffixes_(prefixes_.rest()), length_(length) {}
  Value next() override {
    const auto prefix = static_cast<uint32_t>(prefixes_.next());
    if (prefix > value_.size())
      fail("a page has a value that begins as {} bytes of the one before, which has {}", prefix,
           value_.size());
    value_.resize(prefix);
    value_ += suffixes_.next().bytes;
    if (value_.size() > kMaxString)
      fail("a page has a value of {} bytes, more than {}", value_.size(), kMaxString);
    if (length_ != 0 && value_.size() != static_cast<size_t>(length_))
      fail("a page has a value of {} bytes, expected {}", value_.size(), length_);
    return {0, value_};
  }

 private:
  DeltaNumbers prefixes_;
  Lengths suffixes_;
  const int32_t length_;
  std::string value_;
};

}  // namespace

std::unique_ptr<Decoder> make_delta_numbers(std::string_view bytes, bool narrow) {
  return std::make_unique<Numbers>(bytes, narrow);
}
std::unique_ptr<Decoder> make_delta_lengths(std::string_view bytes) {
  return std::make_unique<Lengths>(bytes);
}
std::unique_ptr<Decoder> make_delta_bytes(std::string_view bytes, int32_t length) {
  return std::make_unique<Prefixed>(bytes, length);
}

}  // namespace cohort::parquet
