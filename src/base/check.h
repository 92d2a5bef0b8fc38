// Errors. Bad input is reported by throwing Error with a message that names the file or option, the place,
// what was expected and what was found; main() prints it and exits with status 1.
// COHORT_CHECK guards what the program itself must keep true; it prints the condition and its values.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace cohort {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cohort

// COHORT_CHECK(a == b, "a is {}, b is {}", a, b): throws Error when the condition is false.
#define COHORT_CHECK(condition, ...)                                                              \
  do {                                                                                            \
    if (!(condition)) [[unlikely]]                                                                \
      ::cohort::fail("{}:{}: internal check failed: {}: {}", __FILE_NAME__, __LINE__, #condition, \
                     ::fmt::format(__VA_ARGS__));                                                 \
  } while (false)

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif
