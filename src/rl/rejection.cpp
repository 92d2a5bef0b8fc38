#include "rl/rejection.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/check.h"
#include "base/json.h"

namespace cohort {

RejectionCounts& RejectionCounts::operator+=(const RejectionCounts& other) {
  prompts += other.prompts;
  samples += other.samples;
  uncomputed += other.uncomputed;
  truncated += other.truncated;
  below_threshold += other.below_threshold;
  accepted += other.accepted;
  duplicates += other.duplicates;
  over_cap += other.over_cap;
  kept += other.kept;
  prompts_lost += other.prompts_lost;
  return *this;
}

Rejection reject(std::span<const Group> groups, const RejectionOptions& options) {
  COHORT_CHECK(options.max_per_prompt >= 0, "max_per_prompt {}", options.max_per_prompt);
  const auto cap = static_cast<size_t>(options.max_per_prompt > 0 ? options.max_per_prompt
                                       : options.best             ? 1
                                                                  : INT64_MAX);
  Rejection out;
  for (const Group& group : groups) {
    RejectionCounts& counts = out.counts.emplace_back();
    counts.prompts = 1;
    std::set<std::vector<int32_t>> seen;
    std::vector<const Sample*> fresh;
    for (const Sample& s : group.samples) {
      COHORT_CHECK(!s.rewards.empty(), "prompt {} sample {} has no rewards", s.prompt_index, s.sample_index);
      ++counts.samples;
      if (s.finish_reason == "length" && !options.keep_truncated) {
        ++counts.truncated;
      } else if (std::isnan(s.reward)) {
        ++counts.uncomputed;
      } else if (s.reward < options.reward_threshold) {
        ++counts.below_threshold;
      } else {
        ++counts.accepted;
        if (seen.insert(s.completion_ids).second)
          fresh.push_back(&s);
        else
          ++counts.duplicates;
      }
    }
    if (options.best)
      std::ranges::stable_sort(fresh, std::ranges::greater{}, [](const Sample* s) { return s->reward; });
    const size_t kept = std::min(cap, fresh.size());
    counts.kept = static_cast<int64_t>(kept);
    counts.over_cap = static_cast<int64_t>(fresh.size() - kept);
    counts.prompts_lost = kept == 0;
    out.kept.insert(out.kept.end(), fresh.begin(), fresh.begin() + counts.kept);
  }
  return out;
}

std::string rejection_row(const Sample& s) {
  std::string rewards;
  for (const auto& [name, value] : s.rewards)
    rewards += fmt::format("{}{}:{}", rewards.empty() ? "" : ",", json_text(name), value);
  return fmt::format(
      "{{\"prompt\":{},\"completion\":{},\"prompt_ids\":[{}],\"completion_ids\":[{}],\"reward\":{},"
      "\"rewards\":{{{}}},\"prompt_index\":{},\"sample_index\":{}}}",
      json_text(s.prompt), json_text(s.completion), fmt::join(s.prompt_ids, ","),
      fmt::join(s.completion_ids, ","), s.reward, rewards, s.prompt_index, s.sample_index);
}

}  // namespace cohort
