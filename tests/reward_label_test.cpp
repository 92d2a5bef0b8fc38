// Labels of steps by roll-outs through the program itself: against greedy continuations that generate makes,
// and the same bytes whatever the schedule.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "run_support.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::Process;
using testing::run_program;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

constexpr int kLength = 24;  // max_completion_length

class RewardLabel : public ::testing::Test {
 protected:
  Words sampling(const std::string& data, const std::string& output) const {
    return {"--model",
            folder_.file("init").string(),
            "--data",
            folder_.file(data).string(),
            "--output",
            folder_.file(output).string(),
            "--num_threads",
            "1",
            "--max_completion_length",
            std::to_string(kLength)};
  }
  Process::Result label(const std::string& data, const std::string& output, const Words& more = {}) const {
    Words words{"reward", "label", "--reward_funcs", "last_number", "--step_separator", "+"};
    for (const Words& part : {sampling(data, output), more})
      words.insert(words.end(), part.begin(), part.end());
    return run_program(words);
  }
  std::vector<Json> rows(const std::string& name) const { return testing::json_lines(folder_.file(name)); }
  // The likeliest completion of a text, with at most `length` tokens (characters).
  std::string greedy(const std::string& text, int length) const {
    testing::write_text(folder_.file("one.jsonl"), Json{{"prompt", text}}.dump() + "\n");
    Words words{"generate", "--temperature", "0"};
    const Words more = sampling("one.jsonl", "one_out.jsonl");
    words.insert(words.end(), more.begin(), more.end());
    words.back() = std::to_string(length);
    const Process::Result r = run_program(words);
    EXPECT_EQ(r.status, 0) << r.text;
    return rows("one_out.jsonl").at(0)["completion"];
  }
  testing::RunFolder folder_;
};

// The number that a completion of the tiny model's characters ends with, without leading zeros; none: empty.
std::string last_number(const std::string& text) {
  const size_t end = text.find_last_of("0123");
  if (end == std::string::npos) return {};
  const size_t before = text.find_last_not_of("0123", end);
  const std::string digits = text.substr(before + 1, end - before);
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
}

// Catches: continuations of another prefix, of another length, judged without their prefix or by another row;
// labels at the wrong step; a last label that is not the solution's own. At temperature 0 a prefix has one
// continuation, which generate finds by itself, so every label is known.
TEST_F(RewardLabel, AreWhatGreedyContinuationsReach) {
  const Words solutions{"12+3+0", "0+1+2+3", "3", "1+ +22+=0", "20+13+1=", "+2+0+1+"};
  std::string text;
  std::map<std::string, std::string> answers;
  for (size_t i = 0; i < solutions.size(); ++i) {
    // What the first step's continuation reaches, or in every third row the solution itself.
    const std::string prompt = std::to_string(i % 4) + "+" + std::to_string(i / 4) + "=",
                      first = solutions[i].substr(0, solutions[i].find('+', 1) + 1);
    answers[prompt] = last_number(
        i % 3 ? first + greedy(prompt + first, kLength - static_cast<int>(first.size())) : solutions[i]);
    if (answers[prompt].empty()) answers[prompt] = "9";  // which no completion says
    text += Json{{"prompt", prompt}, {"completion", solutions[i]}, {"answer", answers[prompt]}}.dump() + "\n";
  }
  testing::write_text(folder_.file("given.jsonl"), text);
  const Process::Result r = label("given.jsonl", "labels.jsonl",
                                  {"--solutions", "rows", "--temperature", "0", "--num_rollouts", "3"});
  ASSERT_EQ(r.status, 0) << r.text;
  EXPECT_FALSE(fs::exists(folder_.file("labels.jsonl.tmp")));
  const std::vector<Json> found = rows("labels.jsonl");
  ASSERT_EQ(found.size(), solutions.size());
  std::set<bool> own, rolled;
  for (size_t i = 0; i < found.size(); ++i) {
    const Json& row = found[i];
    const std::string prompt = row["prompt"];
    std::string prefix;
    for (size_t j = 0; j < row["completions"].size(); ++j) {
      const bool last = j + 1 == row["completions"].size();
      prefix += row["completions"][j].get<std::string>() + (last ? "" : "+");
      std::string whole = prefix;
      if (!last) whole += greedy(prompt + prefix, kLength - static_cast<int>(prefix.size()));
      const bool right = last_number(whole) == answers[prompt];
      EXPECT_EQ(row["labels"][j], right) << prompt << whole;
      (last ? own : rolled).insert(right);
    }
    EXPECT_EQ(prefix, solutions[i]);
  }
  EXPECT_EQ(own.size(), 2u);  // both verdicts were met
  EXPECT_EQ(rolled.size(), 2u);
}

// Catches: labels that depend on threads, on what decodes together, on the memory or on the chunks; equal
// prefixes with different labels; hard labels that are not whether the soft ones are above 0; solutions that
// generate does not sample.
TEST_F(RewardLabel, DependOnTheSeedAlone) {
  const Words few{"--num_generations", "5", "--num_rollouts", "4"};
  const auto with = [&](Words more) {
    more.insert(more.begin(), few.begin(), few.end());
    return more;
  };
  for (const auto& [name, more] :
       std::map<std::string, Words>{{"hard", {}},
                                    {"soft", {"--estimation", "soft"}},
                                    {"threads", {"--num_threads", "3"}},
                                    {"narrow", {"--max_sequences", "2"}},
                                    {"chunks", {"--max_sequences", "7", "--kv_memory_gb", "0.0001"}},
                                    {"seed", {"--seed", "1"}}}) {
    const Process::Result r = label("rows.jsonl", name, with(more));
    ASSERT_EQ(r.status, 0) << r.text;
  }
  const std::string bytes = read_file(folder_.file("hard"));
  for (const char* name : {"threads", "narrow", "chunks"})
    EXPECT_EQ(read_file(folder_.file(name)), bytes) << name;
  EXPECT_NE(read_file(folder_.file("seed")), bytes);

  const std::vector<Json> hard = rows("hard"), soft = rows("soft");
  ASSERT_EQ(hard.size(), soft.size());
  std::map<std::string, double> seen;
  std::set<double> values;
  for (size_t i = 0; i < hard.size(); ++i) {
    std::string prefix = soft[i]["prompt_index"].dump();
    for (size_t j = 0; j < soft[i]["labels"].size(); ++j) {
      const double label = soft[i]["labels"][j];
      EXPECT_EQ(hard[i]["labels"][j].get<bool>(), label > 0);
      prefix += soft[i]["completions"][j].get<std::string>() + "+";
      if (j + 1 == soft[i]["labels"].size()) continue;
      EXPECT_EQ(seen.try_emplace(prefix, label).first->second, label) << prefix;
      values.insert(label);
    }
  }
  EXPECT_GT(values.size(), 2u);  // not all roll-outs of a prefix are one and the same
  for (double value : values) EXPECT_EQ(value * 4, std::floor(value * 4));

  Words words{"generate", "--num_generations", "5"};
  const Words more = sampling("rows.jsonl", "sampled");
  words.insert(words.end(), more.begin(), more.end());
  ASSERT_EQ(run_program(words).status, 0);
  std::map<std::pair<int, int>, Json> sampled;
  for (const Json& s : rows("sampled")) sampled[{s["prompt_index"], s["sample_index"]}] = s["completion_ids"];
  for (const Json& row : hard)
    EXPECT_EQ(row["completion_ids"], (sampled[{row["prompt_index"], row["sample_index"]}]));
}

// Catches: rows that are labelled without an answer or a completion, an option that is let through, a file
// that is replaced or left half written.
TEST_F(RewardLabel, WhatCannotBeLabelledIsAnError) {
  const auto expect = [&](const Process::Result& r, std::string_view part) {
    EXPECT_EQ(r.status, 1);
    EXPECT_NE(r.text.find(part), std::string::npos) << r.text;
    EXPECT_FALSE(fs::exists(folder_.file("out.jsonl")));
    EXPECT_FALSE(fs::exists(folder_.file("out.jsonl.tmp")));
  };
  expect(label("rows.jsonl", "out.jsonl", {"--step_separator", ""}), "--step_separator: expected a text");
  expect(label("rows.jsonl", "out.jsonl", {"--num_rollouts", "0"}), "num_rollouts");
  expect(label("rows.jsonl", "out.jsonl", {"--estimation", "mean"}), "hard, soft");
  testing::write_text(folder_.file("bad.jsonl"), "{\"prompt\": \"1+1=\", \"answer\": \"2\"}\n");
  expect(label("bad.jsonl", "out.jsonl", {"--solutions", "rows"}), "bad.jsonl:1: no field \"completion\"");
  testing::write_text(folder_.file("bad.jsonl"), "{\"prompt\": \"1+1=\", \"completion\": \"1+1\"}\n");
  expect(label("bad.jsonl", "out.jsonl", {"--solutions", "rows"}), "no solution could be labelled");
  testing::write_text(
      folder_.file("bad.jsonl"),
      Json{{"prompt", "1="}, {"completion", std::string(kLength, '1')}, {"answer", 1}}.dump() + "\n");
  expect(label("bad.jsonl", "out.jsonl", {"--solutions", "rows"}),
         "at most max_completion_length 24 tokens, found 25");
  const auto said = [](const char* role, const char* text) {
    return Json{{"role", role}, {"content", text}};
  };
  const Json turns{said("user", "1="), said("assistant", "1"), said("user", "2="), said("assistant", "2")};
  testing::write_text(folder_.file("bad.jsonl"), Json{{"messages", turns}, {"answer", 1}}.dump() + "\n");
  expect(label("bad.jsonl", "out.jsonl", {"--solutions", "rows"}), "no chat template");
  expect(label("bad.jsonl", "out.jsonl", {"--solutions", "rows", "--prompt_suffix", "="}), "found a conversation");
  testing::write_text(folder_.file("old.jsonl"), "old\n");
  const Process::Result r = label("rows.jsonl", "old.jsonl");
  EXPECT_NE(r.text.find("--overwrite"), std::string::npos) << r.text;
  EXPECT_EQ(read_file(folder_.file("old.jsonl")), "old\n");
}

}  // namespace
}  // namespace cohort
