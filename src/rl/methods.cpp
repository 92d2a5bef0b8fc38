#include "rl/methods.h"

#include <string>
#include <vector>

#include "base/check.h"
#include "base/options.h"

namespace cohort {
namespace {

constexpr Method kMethods[] = {
    {"grpo", "group relative policy optimization", Source::policy, group_advantages, clipped_ratio},
    {"sft", "supervised fine-tuning on completions", Source::file, constant_credit, plain},
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

const Method& find_method(std::string_view name) {
  std::vector<std::string> names;
  for (const Method& method : kMethods) {
    if (method.name == name) return method;
    names.emplace_back(method.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("method: expected one of {}, found \"{}\"{}", fmt::join(names, ", "), name,
       nearest.empty() ? "" : fmt::format(" (nearest: {})", nearest));
}

}  // namespace cohort
