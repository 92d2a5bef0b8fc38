// Mixtures of rewards, and rewards by a program of the user's own.
#include "reward/mixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "reward/reward.h"

namespace cohort {
namespace {

using nlohmann::json;

const char* const kGood = "<think> a </think> <answer> 7 </answer>";

double mixed(const RewardSettings& s, const char* completion, const json& row = {{"answer", "7"}}) {
  const RewardInput inputs[] = {{row, "", completion, 3}};
  return score(make_rewards(s, 10), inputs)[0].reward;
}

// Catches: a gate that opens for others, that adds nothing itself, or behind which a reward that cannot be computed
// still makes the whole one missing.
TEST(Mixture, GatesLetOthersCount) {
  RewardSettings s;
  s.reward_funcs = {"last_number", "think_format"};
  s.reward_weights = {2, 0.5};
  s.reward_gates = {"think_format"};
  EXPECT_EQ(mixed(s, kGood), 2.5);
  EXPECT_EQ(mixed(s, "7"), 0);
  EXPECT_EQ(mixed(s, "<think> a </think> <answer> 8 </answer>"), 0.5);
  EXPECT_TRUE(std::isnan(mixed(s, kGood, json::object())));
  EXPECT_EQ(mixed(s, "7", json::object()), 0);
}

// Catches: factors that are added, or weights left out of the product.
TEST(Mixture, FactorsMultiply) {
  RewardSettings s;
  s.reward_funcs = {"last_number", "tag_count", "think_format"};
  s.reward_weights = {2, 0.5, 1};
  s.reward_factors = {"tag_count"};
  EXPECT_EQ(mixed(s, kGood), (2 + 1) * 0.5);
  EXPECT_EQ(mixed(s, "<think> a </think> 7"), 2 * 0.25);
}

// Catches: rows judged by the wrong functions, and a row that nobody judges taken for 0.
TEST(Mixture, RoutesSendRowsToTheirFunctions) {
  RewardSettings s;
  s.reward_funcs = {"last_number", "answer_tag", "think_format", "tag_count"};
  s.reward_routes = {"math=last_number", "quiz=answer_tag", "*=think_format"};
  const auto functions = make_rewards(s, 10);
  const auto names = [&](const json& row) {
    std::string joined;
    const RewardInput inputs[] = {{row, "", kGood, 3}};
    const Score found = score(functions, inputs)[0];
    for (const auto& [name, value] : found.rewards) joined += name + " ";
    return joined;
  };
  EXPECT_EQ(names({{"answer", "7"}, {"data_source", "math"}}), "last_number tag_count ");
  EXPECT_EQ(names({{"answer", "7"}, {"data_source", "quiz"}}), "answer_tag tag_count ");
  EXPECT_EQ(names({{"answer", "7"}, {"data_source", "chat"}}), "think_format tag_count ");
  EXPECT_EQ(names({{"answer", "7"}}), "think_format tag_count ");
  s.reward_funcs = {"last_number"};
  s.reward_routes = {"math=last_number"};
  EXPECT_EQ(mixed(s, "7", {{"answer", "7"}, {"data_source", "math"}}), 1);
  EXPECT_THROW(mixed(s, "7", {{"answer", "7"}, {"data_source", "code"}}), Error);
}

std::string fault(const RewardSettings& s) {
  try {
    make_rewards(s, 10);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

// Catches: a misspelt name or a mixture of nothing, taken silently.
TEST(Mixture, RefusesWhatCannotBeMeant) {
  RewardSettings s;
  s.reward_funcs = {"last_number", "think_format"};
  s.reward_gates = {"format"};
  EXPECT_EQ(fault(s),
            "reward_gates: expected some of reward_funcs (last_number, think_format), found \"format\"");
  s.reward_gates = {"think_format"};
  s.reward_factors = {"think_format"};
  EXPECT_EQ(fault(s), "reward_factors: \"think_format\" is one of reward_gates already");
  s.reward_factors = {"last_number"};
  EXPECT_NE(fault(s).find("neither gate nor factor"), std::string::npos);
  s.reward_factors = {};
  s.reward_routes = {"last_number"};
  EXPECT_EQ(fault(s), "reward_routes: expected KIND=NAME, such as math=last_number, found \"last_number\"");
}

class Command : public ::testing::Test {
 protected:
  // Completions judged by a shell script.
  std::vector<RewardResult> judge(const std::string& script, const std::vector<std::string>& completions,
                                  double timeout = 20) {
    write_file(path_, script);
    RewardSettings s;
    s.reward_funcs = {"command:sh " + path_.string()};
    s.reward_command_timeout = timeout;
    const auto functions = make_rewards(s);
    const json row{{"answer", "7"}};
    std::vector<RewardInput> inputs;
    for (const std::string& completion : completions) inputs.push_back({row, "q", completion, 1});
    return functions[0].call_all(inputs);
  }
  ~Command() override { std::filesystem::remove(path_); }
  const std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("cohort_command_" + std::to_string(getpid()) + ".sh");
};

// The id of a request.
constexpr const char* kId = "id=${line##*'\"id\":'}; id=${id%%[,\\}]*}\n";

// Catches: a program that is started for each row, answers given to other rows, reasons lost.
TEST_F(Command, AnswersInAnyOrder) {
  const auto found =
      judge(std::string("read -r a; read -r b; n=0\n") + "for line in \"$b\" \"$a\"; do n=$((n+1)); " + kId +
                "echo \"{\\\"id\\\":$id,\\\"reward\\\":$n}\"; done\n"
                "read -r line; " +
                kId + "echo \"{\\\"id\\\":$id,\\\"reward\\\":null,\\\"reason\\\":\\\"no gold\\\"}\"\n",
            {"x", "y", "z"});
  EXPECT_EQ(found[0].value, 2);
  EXPECT_EQ(found[1].value, 1);
  EXPECT_FALSE(found[2].computed);
  EXPECT_EQ(found[2].reason, "no gold");
}

// Catches: one death that takes the other rows with it, and a row that kills the program again and again.
TEST_F(Command, ADeathCostsOneRow) {
  const auto found = judge(std::string("while read -r line; do case $line in *die*) exit 3;; esac; ") + kId +
                               "echo \"{\\\"id\\\":$id,\\\"reward\\\":1}\"; done\n",
                           {"a", "die", "b", "die", "c"});
  for (size_t i : {0, 2, 4}) EXPECT_EQ(found[i].value, 1) << i << " " << found[i].reason;
  for (size_t i : {1, 3}) {
    EXPECT_FALSE(found[i].computed);
    EXPECT_EQ(found[i].reason, "the command ended with status 3");
  }
  const auto dead = judge("exit 127", std::vector<std::string>(10, "a"));
  for (const RewardResult& r : dead) EXPECT_FALSE(r.computed);
  EXPECT_NE(dead[9].reason.find("given up"), std::string::npos) << dead[9].reason;
}

// Catches: a hang that stops the run, children of the command that live on, nonsense taken for a reward, and a
// deadlock where both sides write more than a pipe holds.
TEST_F(Command, SilenceAndNonsenseAreFaults) {
  const double begin = seconds();
  const auto silent = judge("sleep 1000 & sleep 1000", {"a"}, 0.3);
  EXPECT_LT(seconds() - begin, 20);
  EXPECT_EQ(silent[0].reason, "the command gave no answer for 0.3 seconds");
  for (const char* answer : {"{}", "{\\\"id\\\":0}", "{\\\"id\\\":5,\\\"reward\\\":1}",
                             "{\\\"id\\\":0,\\\"reward\\\":\\\"1\\\"}"}) {
    const auto found = judge(fmt::format("read -r line; echo \"{}\"; sleep 9", answer), {"a"});
    EXPECT_FALSE(found[0].computed) << answer;
  }
  const std::string large(300000, 'x');
  const auto both = judge(std::string("pad=$(printf %0200000d 0); while read -r line; do ") + kId +
                              "echo \"{\\\"id\\\":$id,\\\"reward\\\":1,\\\"pad\\\":\\\"$pad\\\"}\"; done\n",
                          {large, large, large});
  for (const RewardResult& r : both) EXPECT_TRUE(r.computed) << r.reason;
}

// Catches: a batch lost to a print left in somebody's reward, and a program that prints for ever.
TEST_F(Command, LinesThatAreNoAnswersArePassedOver) {
  const auto found = judge(std::string("echo loading; while read -r line; do ") + kId +
                               "echo; echo null; echo '[1]'; echo \"{\\\"id\\\":$id,\\\"reward\\\":1}\"; done\n",
                           {"a", "b", "c"});
  for (const RewardResult& r : found) EXPECT_EQ(r.value, 1) << r.reason;
  const auto endless = judge("yes", {"a"});
  EXPECT_EQ(endless[0].reason, "the command wrote 1001 lines without an answer");
}

}  // namespace
}  // namespace cohort
