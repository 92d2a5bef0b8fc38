#pragma once

#include <cstring>

namespace cohort {

// A value of plain bytes, wherever they stand.
template <class T>
T load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// The same back.
template <class T>
void store(char* bytes, T value) {
  std::memcpy(bytes, &value, sizeof value);
}

}  // namespace cohort
