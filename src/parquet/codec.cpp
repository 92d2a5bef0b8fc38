#include "parquet/codec.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace cohort::parquet {
namespace {

// Bytes in, and out to a place of known size: what snappy and LZ4 share.
class Copier {
 public:
  Copier(std::string_view in, char* out, size_t size) : in_(in), out_(out), size_(size) {}

  bool done() const { return in_.empty(); }
  bool full() const { return at_ == size_; }

  uint32_t number(size_t bytes) {  // little-endian, of 4 bytes at most
    need(bytes <= in_.size());
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i)
      value |= static_cast<uint32_t>(static_cast<uint8_t>(in_[i])) << (8 * i);
    in_.remove_prefix(bytes);
    return value;
  }

  void literal(size_t n) {
    need(n <= in_.size() && n <= size_ - at_);
    std::memcpy(out_ + at_, in_.data(), n);
    at_ += n;
    in_.remove_prefix(n);
  }

  // n bytes from `back` bytes ago, which may reach into what they become.
  void repeat(size_t back, size_t n) {
    need(back > 0 && back <= at_ && n <= size_ - at_);
    while (n > 0) {
      const size_t part = std::min(back, n);
      std::memcpy(out_ + at_, out_ + at_ - back, part);
      at_ += part;
      n -= part;
    }
  }

  void need(bool fits) const {
    if (!fits) fail("a page is broken: what it was packed into does not fit");
  }

 private:
  std::string_view in_;
  char* out_;
  size_t size_, at_ = 0;
};

// google/snappy, format_description.txt.
void unpack_snappy(std::string_view bytes, char* out, size_t size) {
  Copier copier(bytes, out, size);
  uint64_t stated = 0;
  for (int shift = 0;; shift += 7) {
    const uint64_t part = copier.number(1);
    stated |= (part & 127) << shift;
    if (part < 128) break;
    copier.need(shift < 28);
  }
  copier.need(stated == size);
  while (!copier.done()) {
    const uint32_t tag = copier.number(1), length = (tag >> 2) + 1;
    if ((tag & 3) == 0)
      copier.literal(length <= 60 ? length : size_t{copier.number(length - 60)} + 1);
    else if ((tag & 3) == 1)
      copier.repeat((tag >> 5 << 8) | copier.number(1), (tag >> 2 & 7) + 4);
    else
      copier.repeat(copier.number((tag & 3) == 2 ? 2 : 4), length);
  }
  copier.need(copier.full());
}

// lz4/lz4, lz4_Block_format.md.
void unpack_lz4(std::string_view bytes, char* out, size_t size) {
  Copier copier(bytes, out, size);
  const auto length = [&](size_t n) {
    if (n < 15) return n;
    for (size_t more = 255; more == 255; n += more) more = copier.number(1);
    return n;
  };
  while (!copier.done()) {
    const uint32_t token = copier.number(1);
    copier.literal(length(token >> 4));
    if (copier.done()) break;
    const uint32_t back = copier.number(2);
    copier.repeat(back, length(token & 15) + 4);
  }
  copier.need(copier.full());
}

// gzip, or zlib as some writers have it; several members too.
void unpack_gzip(std::string_view bytes, char* out, size_t size) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) fail("zlib cannot be set up");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> closing(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out);
  stream.avail_out = static_cast<uInt>(size);
  for (;;) {
    const int status = inflate(&stream, Z_FINISH);
    if (status != Z_STREAM_END)
      fail("a page is not valid gzip: {}", stream.msg ? stream.msg : "it ends early, or late");
    if (stream.avail_in == 0) break;
    if (inflateReset(&stream) != Z_OK) fail("zlib cannot be set up");
  }
  if (stream.avail_out != 0) fail("a page has {} bytes fewer than its header says", stream.avail_out);
}

void unpack_zstd(std::string_view bytes, char* out, size_t size) {
  const size_t got = ZSTD_decompress(out, size, bytes.data(), bytes.size());
  if (ZSTD_isError(got)) fail("a page is not valid zstd: {}", ZSTD_getErrorName(got));
  if (got != size) fail("a page has {} bytes, its header says {}", got, size);
}

}  // namespace

std::string_view unpack_page(Codec codec, std::string_view bytes, size_t size, Buffer& buffer) {
  if (codec == Codec::none && bytes.size() != size)
    fail("a page has {} bytes, its header says {}", bytes.size(), size);
  if (codec == Codec::none || size == 0) return bytes.substr(0, size);
  char* const out = buffer.room(size);
  switch (codec) {
    case Codec::none:
      break;
    case Codec::snappy:
      unpack_snappy(bytes, out, size);
      break;
    case Codec::gzip:
      unpack_gzip(bytes, out, size);
      break;
    case Codec::zstd:
      unpack_zstd(bytes, out, size);
      break;
    case Codec::lz4:
      unpack_lz4(bytes, out, size);
      break;
    case Codec::lzo:
      fail("packed by LZO; Cohort reads pages packed by snappy, gzip, zstd and LZ4_RAW");
    case Codec::brotli:
      fail("packed by Brotli; Cohort reads pages packed by snappy, gzip, zstd and LZ4_RAW");
    case Codec::lz4_hadoop:
      fail("packed by LZ4 as Hadoop had it; Cohort reads pages packed by snappy, gzip, zstd and LZ4_RAW");
  }
  return {out, size};
}

}  // namespace cohort::parquet
