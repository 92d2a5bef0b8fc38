#include "rl/step_labels.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.h"

namespace cohort {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Tokenizer tokenizer_of() { return Tokenizer::characters("abcd;", {"<end>", "a;", ";b;c"}, "<end>"); }

// Solutions of one problem with a prompt of two tokens, and their rewards.
Group group_of(const Tokenizer& t, const std::vector<std::pair<std::string, double>>& solutions) {
  Group group;
  for (const auto& [text, reward] : solutions) {
    Sample s;
    s.prompt_index = 3;
    s.sample_index = static_cast<uint32_t>(group.samples.size());
    s.prompt = "\"dd";
    s.prompt_ids = t.encode("dd", false);
    s.completion_ids = t.encode(text, false);
    s.rewards = {{"r", reward}};
    s.reward = reward;
    group.samples.push_back(s);
  }
  return group;
}

const LabelOptions kOptions{";", 4, 100};
using Ints = std::vector<int32_t>;
using Labels = std::vector<double>;

// Catches: prefixes that are rolled out twice or not at all, forks one token off, random numbers that two
// forks share, duplicates and solutions without text or verdict that are labelled.
TEST(StepLabels, EachPrefixOfAGroupIsRolledOutOnce) {
  const Tokenizer t = tokenizer_of();
  const Group group = group_of(t, {{"b;c;d<end>", 1},
                                   {"b;d<end>", 0},
                                   {"b;c;d<end>", 1},  // a duplicate
                                   {"<end>", 0},       // without text
                                   {"b;c;a<end>", 0},  // nothing that is new to roll out
                                   {"c;b;d", 0},
                                   {"c;d<end>", kNone},  // not judged
                                   {"d<end>", 1}});      // one step
  const LabelPlan plan = plan_labels(group, t, kOptions);
  EXPECT_EQ(plan.duplicates, 1);
  EXPECT_EQ(plan.empty, 1);
  EXPECT_EQ(plan.unjudged, 1);
  std::vector<uint32_t> samples;
  std::vector<Ints> ends, prefixes;
  for (const LabelPlan::Solution& s : plan.solutions) {
    samples.push_back(s.sample->sample_index);
    ends.push_back(s.ends);
    prefixes.push_back(s.prefixes);
  }
  EXPECT_EQ(samples, (std::vector<uint32_t>{0, 1, 4, 5, 7}));
  EXPECT_EQ(ends, (std::vector<Ints>{{2, 4, 6}, {2, 4}, {2, 4, 6}, {2, 4, 5}, {2}}));
  EXPECT_EQ(prefixes, (std::vector<Ints>{{0, 1}, {0}, {0, 1}, {2, 3}, {}}));
  ASSERT_EQ(plan.requests.size(), 2u);
  const auto expect = [&](const GenerationRequest& r, std::string_view path, const std::vector<Fork>& forks) {
    EXPECT_EQ(r.prompt_ids, t.encode(path, false));
    EXPECT_EQ(r.prompt_index, 3u);
    EXPECT_EQ(r.prompt_length, 2);
    EXPECT_EQ(r.num_generations, 4);
    ASSERT_EQ(r.forks.size(), forks.size());
    for (size_t f = 0; f < forks.size(); ++f) {
      EXPECT_EQ(r.forks[f].at, forks[f].at);
      EXPECT_EQ(r.forks[f].sample_index, forks[f].sample_index);
    }
  };
  // (sample * 100 tokens + end) * 4 roll-outs
  expect(plan.requests[0], "ddb;c;", {{4, 8}, {6, 16}});
  expect(plan.requests[1], "ddc;b;", {{4, 2008}, {6, 2016}});
}

// Catches: hard and soft mixed up, a share of the asked instead of the judged, the last step judged by
// roll-outs, labels of another prefix.
TEST(StepLabels, HardAndSoftByHand) {
  EXPECT_EQ(step_label({0, 4}, true), 0);
  EXPECT_EQ(step_label({1, 4}, true), 1);
  EXPECT_EQ(step_label({1, 4}, false), 0.25);
  EXPECT_EQ(step_label({1, 2}, false), 0.5);
  EXPECT_EQ(step_label({4, 4}, false), 1);
  EXPECT_NE(step_label({0, 0}, true), step_label({0, 0}, true));  // NaN

  const std::vector<Outcomes> outcomes{{1, 4}, {0, 4}, {3, 4}};
  const LabelPlan::Solution solution{nullptr, {2, 4, 6}, {2, 1}};
  EXPECT_EQ(step_labels(solution, outcomes, true, false), (Labels{0.75, 0, 1}));
  EXPECT_EQ(step_labels(solution, outcomes, true, true), (Labels{1, 0, 1}));
  EXPECT_EQ(step_labels(solution, outcomes, false, true), (Labels{1, 0, 0}));
  EXPECT_EQ(step_labels({nullptr, {2}, {}}, {}, false, false), (Labels{0}));
}

// Catches: a roll-out from behind the end of a solution, where its last token holds separators.
TEST(StepLabels, SeparatorsInTheLastTokenLeaveNothingToRollOut) {
  const Tokenizer t = tokenizer_of();
  Group group = group_of(t, {{"a", 1}});
  group.samples[0].completion_ids = {1, t.token_id("d"), 2};  // "a;" "d" ";b;c"
  const LabelPlan plan = plan_labels(group, t, kOptions);
  ASSERT_EQ(plan.solutions.size(), 1u);
  EXPECT_EQ(plan.solutions[0].ends, (Ints{1, 3, 3, 3}));
  EXPECT_EQ(plan.solutions[0].prefixes, (Ints{0, -1, -1}));
  const std::vector<Outcomes> outcomes{{1, 4}};
  EXPECT_EQ(step_labels(plan.solutions[0], outcomes, true, false), (Labels{0.25, 1, 1, 1}));
  EXPECT_EQ(step_labels(plan.solutions[0], outcomes, false, true), (Labels{1, 0, 0, 0}));
}

// Catches: rows that TRL's stepwise format does not have, text that breaks the line, numbers for hard labels.
TEST(StepLabels, RowsAreStepwiseSupervision) {
  const Tokenizer t = tokenizer_of();
  const Group group = group_of(t, {{"b;c;;d<end>", 1}});
  const LabelPlan plan = plan_labels(group, t, kOptions);
  const auto row = [&](const Labels& labels, bool hard) {
    return nlohmann::json::parse(label_row(plan.solutions[0], t, ";", labels, hard));
  };
  const nlohmann::json hard = row({1, 0, 1}, true);
  EXPECT_EQ(hard["prompt"], "\"dd");
  EXPECT_EQ(hard["completions"], (std::vector<std::string>{"b", "c", ";d"}));
  EXPECT_EQ(hard["labels"], nlohmann::json({true, false, true}));
  EXPECT_EQ(hard["step_ends"], (Ints{2, 4, 7}));
  EXPECT_EQ(hard["completion_ids"], group.samples[0].completion_ids);
  EXPECT_EQ(hard["prompt_ids"], group.samples[0].prompt_ids);
  const std::string soft = label_row(plan.solutions[0], t, ";", Labels{0.25, 0, 1}, false);
  EXPECT_NE(soft.find("\"labels\":[0.25,0.0,1.0],"), std::string::npos) << soft;  // numbers of one type
}

// Catches: an endless or empty cut, and indices that wrap around so that two prefixes share their random
// numbers.
TEST(StepLabels, WhatCannotBeDoneIsRefused) {
  const Tokenizer t = tokenizer_of();
  const Group group = group_of(t, {{"b;c<end>", 1}, {"c;c<end>", 1}});
  EXPECT_THROW(plan_labels(group, t, {"", 4, 100}), Error);
  EXPECT_THROW(plan_labels(group, t, {";", 100'000, 50'000}), Error);
  EXPECT_NO_THROW(plan_labels(group, t, {";", 100'000, 40'000}));
}

}  // namespace
}  // namespace cohort
