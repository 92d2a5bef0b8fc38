// Messages between the program and its sandbox runners: numbers and byte strings, each message with its
// length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sandbox/job.h"

namespace cohort {

// Both take fields of one message in one order: numbers, enumerations, byte strings, and lists of what `each` packs.
class Packer {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void field(const T& value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void field(const std::string& text) {
    field(uint64_t{text.size()});
    bytes_ += text;
  }
  template <class T, class Each>
  void list(const std::vector<T>& values, Each each) {
    field(uint64_t{values.size()});
    for (const T& value : values) each(value);
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
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void field(T& value) { take(sizeof value).copy(reinterpret_cast<char*>(&value), sizeof value); }
  void field(std::string& text) {
    uint64_t size = 0;
    field(size);
    text = take(size);
  }
  template <class T, class Each>
  void list(std::vector<T>& values, Each each) {
    uint64_t count = 0;
    for (field(count); count > 0; --count) each(values.emplace_back());
  }

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
