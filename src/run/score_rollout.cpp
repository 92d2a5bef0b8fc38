#include "run/score_rollout.h"

#include <limits>

#include "base/check.h"
#include "base/checksum.h"
#include "base/log.h"

namespace cohort {

void score_rollout(std::span<const Drawn> drawn, std::span<const RewardFunction> rewards, int64_t first_step,
                   int64_t draw, bool stop_on_error, RewardJournal& journal, std::span<Group> groups) {
  uint64_t key = 0;
  for (const Group& g : groups)
    for (const Sample& s : g.samples) {
      const std::string_view ids(reinterpret_cast<const char*>(s.completion_ids.data()),
                                 s.completion_ids.size() * 4);
      key = checksum64(fmt::format("{:x} {:x}", key, checksum64(ids)));
    }
  const std::string key_text = fmt::format("{:016x}", key);
  std::vector<Sample*> samples;
  std::vector<const nlohmann::json*> rows_of;  // of each sample
  for (size_t g = 0; g < groups.size(); ++g)
    for (Sample& s : groups[g].samples) {
      samples.push_back(&s);
      rows_of.push_back(drawn[g].problem->row.fields.get());
    }
  if (const auto journaled = journal.find(first_step, draw, key_text)) {
    for (size_t i = 0; i < samples.size(); ++i) {
      samples[i]->rewards.clear();
      for (size_t f = 0; f < rewards.size(); ++f)
        if (rewards[f].route.leads(*rows_of[i]))
          samples[i]->rewards.emplace_back(rewards[f].name, (*journaled)[f].second.at(i));
      samples[i]->reward = mixed_reward(rewards, samples[i]->rewards);
    }
  } else {
    const RewardFaults faults = score_groups(drawn, rewards, groups);
    if (faults.count() > 0) {
      log_warning("step {}: {} rewards could not be computed; they count as missing, not as 0", first_step,
                  faults.count());
      const std::vector<std::string> lines = faults.lines();
      for (const std::string& line : lines) log_warning("  {}", line);
      if (stop_on_error) fail("step {}: {} (reward_errors is stop)", first_step, lines.front());
    }
    RewardJournal::Rewards rows;
    for (const RewardFunction& f : rewards) rows.emplace_back(f.name, std::vector<double>());
    for (const Sample* s : samples) {
      auto own = s->rewards.begin();
      for (size_t f = 0; f < rewards.size(); ++f) {
        const bool judged = own != s->rewards.end() && own->first == rewards[f].name;
        rows[f].second.push_back(judged ? (own++)->second : std::numeric_limits<double>::quiet_NaN());
      }
    }
    journal.record(first_step, draw, key_text, rows);
  }
}

}  // namespace cohort
