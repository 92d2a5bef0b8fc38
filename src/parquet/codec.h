// The codecs that pack pages.
#pragma once

#include <memory>
#include <string_view>

#include "base/check.h"
#include "parquet/metadata.h"

namespace cohort::parquet {

// Bytes of memory that all pages and dictionaries of a row group may still take.
struct Budget {
  static constexpr size_t kAll = size_t{4} << 30;
  size_t left = kAll;

  void take(size_t size) {
    if (size > left) fail("the pages need more than {} bytes of memory at once", kAll);
    left -= size;
  }
};

// Room for bytes, kept for the next page where it is large enough.
class Buffer {
 public:
  explicit Buffer(Budget& budget) : budget_(budget) {}

  char* room(size_t size) {
    if (size > size_) {
      budget_.left += size_;
      size_ = 0;
      budget_.take(size);
      bytes_.reset();
      bytes_ = std::make_unique_for_overwrite<char[]>(size);
      size_ = size;
    }
    return bytes_.get();
  }

 private:
  Budget& budget_;
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
};

// `bytes` unpacked, which has `size` bytes: in `buffer`, or `bytes` itself where they are not packed.
// Throws Error where it has another size, is broken, or was packed by a codec that is not read (Brotli,
// LZO, Hadoop's LZ4).
std::string_view unpack_page(Codec codec, std::string_view bytes, size_t size, Buffer& buffer);

}  // namespace cohort::parquet
