#include "template/search.h"

#include <cstring>
#include <string>

#include "template/limits.h"

namespace cohort::jinja {

size_t find_text(std::string_view text, std::string_view what, size_t from) {
  if (from > text.size()) return text.npos;
  // std::string_view::find looks at all of `what` at every place of it; memmem does not.
  const void* found = memmem(text.data() + from, text.size() - from, what.data(), what.size());
  if (!found) {
    spend(steps_for_bytes(text.size() - from));
    return text.npos;
  }
  const auto at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
  spend(steps_for_bytes(at - from + what.size()));
  return at;
}

size_t rfind_text(std::string_view text, std::string_view what) {
  constexpr size_t kShort = 64;
  if (what.size() <= kShort) {
    const size_t at = text.rfind(what);
    spend(steps_for_bytes(text.size() - (at == text.npos ? 0 : at)));
    return at;
  }
  const std::string backwards(text.rbegin(), text.rend()), wanted(what.rbegin(), what.rend());
  spend(steps_for_bytes(text.size()));
  const size_t at = find_text(backwards, wanted);
  return at == text.npos ? at : text.size() - at - what.size();
}

}  // namespace cohort::jinja
