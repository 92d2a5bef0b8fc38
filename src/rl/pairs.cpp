#include "rl/pairs.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace cohort {

std::optional<Group> preference_pair(const Group& group) {
  const Sample *best = nullptr, *worst = nullptr;
  for (const Sample& sample : group.samples) {
    if (std::isnan(sample.reward)) continue;
    if (!best || sample.reward > best->reward) best = &sample;
    if (!worst || sample.reward < worst->reward) worst = &sample;
  }
  if (!best || best->reward == worst->reward) return std::nullopt;
  Group pair{{*best, *worst}};
  pair.samples[0].advantages = {1};
  pair.samples[1].advantages = {-1};
  return pair;
}

std::string pair_row(const Group& pair) {
  const Sample &chosen = pair.samples.at(0), &rejected = pair.samples.at(1);
  const nlohmann::ordered_json row{{"prompt", chosen.prompt},
                                   {"prompt_ids", chosen.prompt_ids},
                                   {"chosen", chosen.completion},
                                   {"rejected", rejected.completion}};
  return dump_json(row);
}

void pair_credit(std::span<Group> groups, const CreditOptions&) {
  for (Group& group : groups) {
    COHORT_CHECK(group.samples.size() == 2, "a pair of {} samples", group.samples.size());
    group.samples[0].advantages = {1.0f};
    group.samples[1].advantages = {-1.0f};
  }
}

}  // namespace cohort
