// Messages between the program and its sandbox runners: numbers and byte strings, each message with its
// length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "sandbox/job.h"

namespace cohort {

class Packer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view text) {
    number<uint64_t>(text.size());
    bytes_ += text;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Throws Error where the bytes end early.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    take(sizeof value).copy(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number<uint64_t>())); }

 private:
  std::string_view take(uint64_t count);
  std::string_view bytes_;
};

std::string pack(const Job& job);
Job unpack_job(std::string_view bytes);
std::string pack(const JobResult& result);
JobResult unpack_result(std::string_view bytes);

// Whole messages through a socket or pipe, waiting as long as it takes. False, or nothing: the other side is
// gone.
bool send_message(int fd, std::string_view bytes);
std::optional<std::string> receive_message(int fd);

}  // namespace cohort
