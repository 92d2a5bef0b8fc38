#include "data/unpack.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace cohort {
namespace {

constexpr size_t kPart = 1 << 18;  // bytes
constexpr std::string_view kGzip = "\x1F\x8B", kZstd = "\x28\xB5\x2F\xFD";
constexpr std::string_view kSkippable = "\x2A\x4D\x18";  // behind a byte 0x50 to 0x5F: a frame of zstd that holds no content, as pzstd begins with

bool is_zstd(std::string_view bytes) {
  return bytes.starts_with(kZstd) || (bytes.size() > 3 && (bytes[0] & 0xF0) == 0x50 && bytes.substr(1, 3) == kSkippable);
}

// One gzip member after another, and zeros behind them, which tapes and block devices leave.
void gunzip(std::string_view bytes, const std::string& name, const TakePart& take) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) fail("{}: zlib cannot be set up", name);
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> closing(&stream, inflateEnd);
  std::string part(kPart, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  size_t left = bytes.size(), made = 0;
  for (;;) {
    const size_t piece = std::min(left, kPart);
    stream.avail_in = static_cast<uInt>(piece);
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    left -= piece - stream.avail_in;
    const std::string_view content(part.data(), part.size() - stream.avail_out);
    made += content.size();
    if (!content.empty() && !take(content, bytes.size() - left)) return;
    if (status == Z_STREAM_END) {
      if (bytes.find_first_not_of('\0', bytes.size() - left) == bytes.npos) return;
      if (inflateReset(&stream) != Z_OK) fail("{}: zlib cannot be set up", name);
    } else if (status == Z_BUF_ERROR && left == 0) {
      fail("{}: the gzip file ends early, after {} bytes of content", name, made);
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail("{}: not valid gzip near byte {}: {}", name, bytes.size() - left, stream.msg ? stream.msg : "broken");
    }
  }
}

void unzstd(std::string_view bytes, const std::string& name, const TakePart& take) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  std::string part(kPart, '\0');
  size_t made = 0;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{part.data(), part.size(), 0};
    const size_t status = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(status))
      fail("{}: not valid zstd near byte {}: {}", name, in.pos, ZSTD_getErrorName(status));
    made += out.pos;
    if (out.pos > 0 && !take({part.data(), out.pos}, in.pos)) return;
    if (status == 0 && in.pos == in.size) return;
    if (in.pos == in.size && out.pos < out.size)
      fail("{}: the zstd file ends early, after {} bytes of content", name, made);
  }
}

}  // namespace

bool is_packed(std::string_view bytes) { return bytes.starts_with(kGzip) || is_zstd(bytes); }

void unpack(std::string_view bytes, const std::string& name, const TakePart& take) {
  if (bytes.starts_with(kGzip)) return gunzip(bytes, name, take);
  unzstd(bytes, name, take);
}

}  // namespace cohort
