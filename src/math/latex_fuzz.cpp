// libFuzzer: the first line is the expected answer, the rest the completion. docs/math.md says how to run it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "math/judge.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort::math;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  const std::string_view gold = text.substr(0, line),
                         completion = line == std::string_view::npos ? text : text.substr(line + 1);
  MathOptions options;
  options.work = 20000;
  const MathVerdict v = judge_math(gold, completion, options);
  if (v.outcome == MathVerdict::unjudged && v.reason.empty()) abort();  // always a reason
  canonical_answer(completion, options);
  return 0;
}
