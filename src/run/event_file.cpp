#include "run/event_file.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>

#include "base/check.h"

namespace cohort {
namespace {

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
    table[i] = crc;
  }
  return table;
}();

void put_fixed(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Fields of a protocol buffer: a key is number * 8 + wire type.
void put_double(std::string& out, int field, double value) {
  put_varint(out, static_cast<uint64_t>(field) << 3 | 1);
  put_fixed(out, std::bit_cast<uint64_t>(value), 8);
}
void put_float(std::string& out, int field, float value) {
  put_varint(out, static_cast<uint64_t>(field) << 3 | 5);
  put_fixed(out, std::bit_cast<uint32_t>(value), 4);
}
void put_int(std::string& out, int field, int64_t value) {
  put_varint(out, static_cast<uint64_t>(field) << 3);
  put_varint(out, static_cast<uint64_t>(value));
}
void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_varint(out, static_cast<uint64_t>(field) << 3 | 2);
  put_varint(out, bytes.size());
  out += bytes;
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

std::string tfrecord(std::string_view data) {
  std::string out;
  put_fixed(out, data.size(), 8);
  put_fixed(out, masked_crc32c(out), 4);
  out += data;
  put_fixed(out, masked_crc32c(data), 4);
  return out;
}

std::string scalar_event(double wall_time, int64_t step,
                         std::span<const std::pair<std::string, double>> values) {
  std::string summary;
  for (const auto& [tag, value] : values) {
    std::string scalar;
    put_bytes(scalar, 1, tag);
    put_float(scalar, 2, static_cast<float>(value));
    put_bytes(summary, 1, scalar);
  }
  std::string event;
  put_double(event, 1, wall_time);
  put_int(event, 2, step);
  put_bytes(event, 5, summary);
  return event;
}

EventFile::EventFile(const std::filesystem::path& folder, int64_t first_step) {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0 || host[0] == 0) host[0] = 'h', host[1] = 0;
  const double time = now();
  // Two starts within one second and process get two names.
  std::filesystem::path path;
  for (int n = 0; path.empty() || std::filesystem::exists(path); ++n)
    path = folder /
           fmt::format("events.out.tfevents.{}.{}.{}.{}", static_cast<int64_t>(time), host, ::getpid(), n);
  log_ = AppendLog(path, 0);
  std::string version, start, session;
  put_double(version, 1, time);
  put_bytes(version, 3, "brain.Event:2");
  put_int(session, 1, 1);
  put_double(start, 1, time);
  put_int(start, 2, first_step);
  put_bytes(start, 7, session);
  log_.append(tfrecord(version) + tfrecord(start));
}

void EventFile::add_scalars(int64_t step, std::span<const std::pair<std::string, double>> values) {
  log_.append(tfrecord(scalar_event(now(), step, values)));
}

}  // namespace cohort
