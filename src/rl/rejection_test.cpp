#include "rl/rejection.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace cohort {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Given {
  double reward;
  int32_t token;
  bool cut = false;
};

Group group_of(uint32_t prompt, std::vector<Given> samples) {
  Group group;
  for (const Given& g : samples) {
    Sample s;
    s.prompt_index = prompt;
    s.sample_index = static_cast<uint32_t>(group.samples.size());
    s.prompt_ids = {1, 2};
    s.completion_ids = {g.token, 9};
    s.finish_reason = g.cut ? "length" : "stop";
    s.rewards = {{"r", g.reward}};
    s.reward = g.reward;
    group.samples.push_back(s);
  }
  return group;
}

// prompt_index.sample_index of what is kept.
std::string kept_of(const Rejection& r) {
  std::string text;
  for (const Sample* s : r.kept)
    text += std::to_string(s->prompt_index) + "." + std::to_string(s->sample_index) + " ";
  return text;
}

RejectionCounts sum_of(const Rejection& r) {
  RejectionCounts sum;
  for (const RejectionCounts& c : r.counts) sum += c;
  return sum;
}

const std::vector<Group> kGroups = {
    group_of(0, {{1, 5}, {0, 6}, {1, 5}, {2, 7}, {2, 8}, {1, 10, true}}),
    group_of(1, {{0.999, 5}, {kNone, 6}, {kNone, 7, true}}),
    group_of(2, {{1, 5}, {1, 6}, {3, 5}}),
};

// Catches: a threshold that is exclusive, NaN kept or counted as wrong, a cut completion kept, duplicates of
// another prompt removed, and samples that are counted twice or nowhere.
TEST(Rejection, AllRightOnes) {
  const Rejection r = reject(kGroups, {});
  EXPECT_EQ(kept_of(r), "0.0 0.3 0.4 2.0 2.1 ");
  const RejectionCounts c = sum_of(r);
  EXPECT_EQ(c.prompts, 3);
  EXPECT_EQ(c.samples, 12);
  EXPECT_EQ(c.uncomputed, 1);
  EXPECT_EQ(c.truncated, 2);
  EXPECT_EQ(c.below_threshold, 2);
  EXPECT_EQ(c.accepted, 7);
  EXPECT_EQ(c.duplicates, 2);
  EXPECT_EQ(c.over_cap, 0);
  EXPECT_EQ(c.kept, 5);
  EXPECT_EQ(c.prompts_lost, 1);
  EXPECT_EQ(r.counts[1].prompts_lost, 1);
  EXPECT_EQ(r.counts[1].kept, 0);
}

// Catches: a cap applied before duplicates are gone, or over all prompts together.
TEST(Rejection, CapPerPrompt) {
  const Rejection r = reject(kGroups, {.max_per_prompt = 2});
  EXPECT_EQ(kept_of(r), "0.0 0.3 2.0 2.1 ");
  EXPECT_EQ(sum_of(r).over_cap, 1);
  EXPECT_EQ(sum_of(r).duplicates, 2);
}

// Catches: best of n that takes the last of equals, ignores the threshold, or keeps more than one without a
// cap.
TEST(Rejection, BestOfN) {
  EXPECT_EQ(kept_of(reject(kGroups, {.best = true})), "0.3 2.0 ");
  EXPECT_EQ(kept_of(reject(kGroups, {.best = true, .max_per_prompt = 3})), "0.3 0.4 0.0 2.0 2.1 ");
  EXPECT_EQ(kept_of(reject(kGroups, {.best = true, .reward_threshold = 0.5})), "0.3 1.0 2.0 ");
  EXPECT_EQ(kept_of(reject(kGroups, {.best = true, .reward_threshold = 2.5})), "2.2 ");
}

// Catches: cut completions dropped though they were asked for.
TEST(Rejection, CutCompletionsWhereAsked) {
  const Rejection r = reject(kGroups, {.keep_truncated = true});
  EXPECT_EQ(kept_of(r), "0.0 0.3 0.4 0.5 2.0 2.1 ");
  EXPECT_EQ(sum_of(r).truncated, 0);
  EXPECT_EQ(sum_of(r).uncomputed, 2);
}

// Catches: a result that depends on how the prompts were chunked.
TEST(Rejection, ChunksAddUp) {
  RejectionCounts sum;
  std::string text;
  for (const Group& g : kGroups) {
    const Rejection r = reject({&g, 1}, {.max_per_prompt = 2});
    sum += sum_of(r);
    text += kept_of(r);
  }
  const Rejection whole = reject(kGroups, {.max_per_prompt = 2});
  EXPECT_EQ(text, kept_of(whole));
  EXPECT_EQ(sum.kept, sum_of(whole).kept);
  EXPECT_EQ(sum.samples, 12);
}

// Catches: text that breaks the line or the JSON, numbers that do not read back, a field that is missing.
TEST(Rejection, RowReadsBack) {
  Sample s = kGroups[0].samples[4];
  s.prompt = "a \"b\"\n\xff";
  s.completion = "\xE2\x82\xAC\\";
  s.reward = 0.1 + 0.2;
  s.rewards = {{"x", 0.1}, {"y", 0.2}};
  const std::string line = rejection_row(s);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const nlohmann::json row = nlohmann::json::parse(line);
  EXPECT_EQ(row["prompt"], "a \"b\"\n\xEF\xBF\xBD");  // what is no UTF-8 is replaced; prompt_ids are exact
  EXPECT_EQ(row["completion"], s.completion);
  EXPECT_EQ(row["prompt_ids"].get<std::vector<int32_t>>(), s.prompt_ids);
  EXPECT_EQ(row["completion_ids"].get<std::vector<int32_t>>(), s.completion_ids);
  EXPECT_EQ(row["reward"].get<double>(), s.reward);
  EXPECT_EQ(row["rewards"]["y"].get<double>(), 0.2);
  EXPECT_EQ(row["prompt_index"], 0);
  EXPECT_EQ(row["sample_index"], 4);
}

}  // namespace
}  // namespace cohort
