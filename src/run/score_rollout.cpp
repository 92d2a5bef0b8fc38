#include "run/score_rollout.h"

#include "base/checksum.h"
#include "base/log.h"

namespace cohort {

void score_rollout(std::span<const Drawn> drawn, std::span<const RewardFunction> rewards, int64_t first_step,
                   int64_t draw, RewardJournal& journal, std::span<Group> groups) {
  uint64_t key = 0;
  for (const Group& g : groups)
    for (const Sample& s : g.samples) {
      const std::string_view ids(reinterpret_cast<const char*>(s.completion_ids.data()),
                                 s.completion_ids.size() * 4);
      key = checksum64(fmt::format("{:x} {:x}", key, checksum64(ids)));
    }
  const std::string key_text = fmt::format("{:016x}", key);
  std::vector<Sample*> samples;
  for (Group& g : groups)
    for (Sample& s : g.samples) samples.push_back(&s);
  if (const auto journaled = journal.find(first_step, draw, key_text)) {
    for (size_t i = 0; i < samples.size(); ++i) {
      samples[i]->rewards.clear();
      samples[i]->reward = 0;
      for (size_t f = 0; f < rewards.size(); ++f) {
        const double value = (*journaled)[f].second.at(i);
        samples[i]->rewards.emplace_back(rewards[f].name, value);
        samples[i]->reward += rewards[f].weight * value;
      }
    }
  } else {
    const RewardFaults faults = score_groups(drawn, rewards, groups);
    if (faults.count > 0) {
      log_warning("step {}: {} rewards could not be computed; they count as missing, not as 0", first_step,
                  faults.count);
      for (const std::string& reason : faults.reasons) log_warning("  {}", reason);
    }
    RewardJournal::Rewards rows;
    for (const RewardFunction& f : rewards) rows.emplace_back(f.name, std::vector<double>());
    for (const Sample* s : samples)
      for (size_t f = 0; f < rewards.size(); ++f) rows[f].second.push_back(s->rewards[f].second);
    journal.record(first_step, draw, key_text, rows);
  }
}

}  // namespace cohort
