#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "data/formats.h"

namespace cohort {
namespace {

constexpr size_t kChunk = 1 << 18;  // bytes

void check_size(const std::string& out, size_t most, const std::string& name) {
  if (out.size() > most) fail("{}: unpacked it has more than {} bytes", name, most);
}

// One gzip member after another.
std::string gunzip(std::string_view bytes, const std::string& name, size_t most) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) fail("{}: zlib cannot be set up", name);
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> closing(&stream, inflateEnd);
  std::string out, chunk(kChunk, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  size_t left = bytes.size();
  for (;;) {
    const size_t piece = std::min(left, kChunk);
    stream.avail_in = static_cast<uInt>(piece);
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    left -= piece - stream.avail_in;
    out.append(chunk, 0, chunk.size() - stream.avail_out);
    check_size(out, most, name);
    if (status == Z_STREAM_END) {
      if (left == 0) return out;
      if (inflateReset(&stream) != Z_OK) fail("{}: zlib cannot be set up", name);
    } else if (status == Z_BUF_ERROR && left == 0) {
      fail("{}: the gzip file ends early, after {} bytes of content", name, out.size());
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail("{}: not valid gzip near byte {}: {}", name, bytes.size() - left, stream.msg ? stream.msg : "broken");
    }
  }
}

std::string unzstd(std::string_view bytes, const std::string& name, size_t most) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  std::string out, chunk(kChunk, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer piece{chunk.data(), chunk.size(), 0};
    const size_t status = ZSTD_decompressStream(stream.get(), &piece, &in);
    if (ZSTD_isError(status))
      fail("{}: not valid zstd near byte {}: {}", name, in.pos, ZSTD_getErrorName(status));
    out.append(chunk, 0, piece.pos);
    check_size(out, most, name);
    if (status == 0 && in.pos == in.size) return out;
    if (in.pos == in.size && piece.pos < piece.size)
      fail("{}: the zstd file ends early, after {} bytes of content", name, out.size());
  }
}

}  // namespace

std::string unpacked(std::string bytes, const std::string& name, size_t most) {
  if (bytes.starts_with("\x1F\x8B")) return gunzip(bytes, name, most);
  if (bytes.starts_with("\x28\xB5\x2F\xFD")) return unzstd(bytes, name, most);
  return bytes;
}

}  // namespace cohort
