#include "rl/reward_faults.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace cohort {
namespace {

constexpr size_t kMostReasons = 20, kMostSamples = 100;

}  // namespace

void RewardFaults::add(const std::string& sample, const std::string& reason) {
  ++count_;
  auto known = std::ranges::find(reasons_, reason, &Reason::text);
  if (known == reasons_.end()) {
    if (reasons_.size() == kMostReasons) {
      ++without_line_;
      return;
    }
    known = reasons_.insert(known, {reason, {}});
  }
  if (known->samples.size() < kMostSamples)
    known->samples.push_back(sample);
  else
    ++known->more;
}

RewardFaults& RewardFaults::operator+=(const RewardFaults& later) {
  for (const Reason& r : later.reasons_) {
    for (const std::string& sample : r.samples) add(sample, r.text);
    if (r.more == 0) continue;
    count_ += r.more;
    const auto known = std::ranges::find(reasons_, r.text, &Reason::text);
    (known == reasons_.end() ? without_line_ : known->more) += r.more;
  }
  count_ += later.without_line_;
  without_line_ += later.without_line_;
  return *this;
}

std::vector<std::string> RewardFaults::lines() const {
  std::vector<std::string> lines;
  for (const Reason& r : reasons_)
    lines.push_back(fmt::format("{}{}: {}", fmt::join(r.samples, ", "),
                                r.more > 0 ? fmt::format(" and {} more", r.more) : "", r.text));
  if (without_line_ > 0) lines.push_back(fmt::format("and {} more, for other reasons", without_line_));
  return lines;
}

std::string sample_name(uint64_t prompt_index, uint32_t sample_index, const nlohmann::json& row) {
  const auto id = row.find("id");
  const bool named = id != row.end() && (id->is_string() || id->is_number());
  return fmt::format("prompt {}{} sample {}", prompt_index,
                     !named            ? std::string()
                     : id->is_string() ? fmt::format(" (id {})", id->get<std::string>().substr(0, 80))
                                       : fmt::format(" (id {})", dump_json(*id)),
                     sample_index);
}

}  // namespace cohort
