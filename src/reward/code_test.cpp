// The code reward: rows' tests in every form, blocks of code, comparison, and verdicts of whole programs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "reward/code_compare.h"
#include "reward/code_program.h"
#include "reward/code_tests.h"
#include "reward/rules.h"
#include "sandbox/pool.h"
#include "sandbox/probe.h"

namespace cohort {
namespace {

using nlohmann::json;

// Catches: white space, numbers or lines that make right wrong, or wrong right.
TEST(CodeCompare, Output) {
  const std::pair<const char*, const char*> same[] = {{"1 2\n3", "1 2\n3\n"},
                                                      {"1  2 \r\n3\n\n\n", "1 2\n3"},
                                                      {"", "\n"},
                                                      {"0.3333333", "0.33333333"},
                                                      {"3.0", "3"},
                                                      {"1e-7", "0.0"},
                                                      {"YES", "YES"},
                                                      {"1000000.4", "1000000.5"},
                                                      {"+2.50", "2.5"}};
  for (const auto& [given, expected] : same) EXPECT_TRUE(same_output(given, expected)) << given;
  const std::pair<const char*, const char*> other[] = {
      {"1 2 3", "1 2\n3"},   {"\n1", "1"},   {"yes", "YES"},
      {"12", "1 2"},         {"", "0"},      {"3.0000001", "3"},
      {"0.3334", "0.33333"}, {"007", "7"},   {"12345678901234567891", "12345678901234567890"},
      {"nan", "0.0"},        {"inf", "1e9"}, {"9007199254740993.0", "9007199254740992"}};
  for (const auto& [given, expected] : other) EXPECT_FALSE(same_output(given, expected)) << given;
}

// Catches: Python's 1 == 1.0, APPS's wrapped results, or results that are no JSON at all.
TEST(CodeCompare, Result) {
  EXPECT_TRUE(same_result("[1, 2.0000000001]", json::parse("[1.0, 2]"), false));
  EXPECT_TRUE(same_result(R"({"a": [null, true]})", json::parse(R"({"a": [null, true]})"), false));
  EXPECT_TRUE(same_result("[0, 1]", json::parse("[[0, 1]]"), true));
  EXPECT_FALSE(same_result("[0, 1]", json::parse("[[0, 1]]"), false));
  EXPECT_FALSE(same_result("1", json("1"), false));
  EXPECT_FALSE(same_result("true", json(1), false));
  EXPECT_FALSE(same_result("10000000000000000", json::parse("10000000000000001"), false));
  for (const char* junk : {"", "nothing", "[1", "NaN", "1 2", "\xff"})
    EXPECT_FALSE(same_result(junk, json(1), false));
  // Comparing is recursive: so deep a value would end the program that trains.
  EXPECT_FALSE(same_result(std::string(1000000, '['), json(1), false));
  EXPECT_FALSE(same_result(std::string(500000, '[') + std::string(500000, ']'), json(1), false));
}

// Catches: a form of tests that data sets have and that is read as another, or not at all.
TEST(CodeTests, Forms) {
  const auto read = [](const char* text) { return read_code_tests(json::parse(text)); };
  CodeTests t =
      read(R"({"tests": [{"input": "1\n", "output": "2\n"}, {"input": ["a", "b"], "output": "c"}]})");
  ASSERT_EQ(t.tests.size(), 2u);
  EXPECT_EQ(t.tests[0].input, "1\n");
  EXPECT_EQ(t.tests[1].input, "a\nb\n");
  EXPECT_FALSE(t.exposed());
  t = read(R"({"tests": "{\"inputs\": [\"1\", \"2\"], \"outputs\": [\"3\", \"4\"]}"})");
  EXPECT_EQ(t.tests[1].output, "4");
  EXPECT_EQ(t.tests[1].kind, CodeTestKind::io);
  t = read(R"({"input_output": {"fn_name": "f", "inputs": [[[1, 2], 3]], "outputs": [[[0, 1]]]}})");
  EXPECT_EQ(t.fn_name, "f");
  EXPECT_EQ(t.tests[0].input, "[[1,2],3]");
  EXPECT_TRUE(t.tests[0].wrapped);
  t = read(
      R"({"fn_name": "f", "reward_model": {"ground_truth": "{\"inputs\": [\"[1]\\n\\\"x\\\"\"], \"outputs\": [\"[2]\"]}"}})");
  EXPECT_EQ(t.tests[0].input, "[[1],\"x\"]");
  EXPECT_EQ(t.tests[0].expected, json::parse("[2]"));
  t = read(
      R"({"verification_info": {"language": "cpp", "test_cases": [{"input": "1", "output": "1", "type": "stdin_stdout"}]}})");
  EXPECT_EQ(t.language, "cpp");
  EXPECT_EQ(t.tests[0].kind, CodeTestKind::io);
  t = read(R"({"test_list": ["assert f(1) == 2", "assert f(2) == 3"]})");
  EXPECT_EQ(t.tests.size(), 2u);
  EXPECT_TRUE(t.exposed());
  t = read(R"({"test": "def check(candidate):\n  assert candidate(1) == 2", "entry_point": "f"})");
  EXPECT_TRUE(t.tests[0].input.ends_with("\ncheck(f)\n"));
  // LeetCodeDataset has the same cases in words beside what checks the entry point.
  t = read(R"({"test": "def check(candidate):\n  assert candidate(1) == 2", "entry_point": "Solution().f",
               "input_output": [{"input": "x = 1", "output": "2"}]})");
  EXPECT_TRUE(t.tests.at(0).input.ends_with("\ncheck(Solution().f)\n"));
  EXPECT_EQ(t.tests.size(), 1u);
  t = read(R"({"public_tests": {"input": ["1"], "output": ["2"]}, "private_tests": {"input": [], "output": []},
               "generated_tests": {"input": ["3", "4"], "output": ["5", "6"]}})");
  EXPECT_EQ(t.tests.size(), 3u);
  EXPECT_EQ(t.tests[2].output, "6");
  t = read(R"({"metadata": "{\"func_name\": \"f\"}", "private_test_cases": null,
               "public_test_cases": "[{\"input\": \"[1, 2]\\n3\", \"output\": \"[3]\", \"testtype\": \"functional\"}]"})");
  EXPECT_EQ(t.fn_name, "f");
  EXPECT_EQ(t.tests.at(0).input, "[[1,2],3]");
  EXPECT_THROW(read(R"({"public_test_cases": [{"input": "1", "output": "1"}], "private_test_cases": "eJxrYJk="})"), Error);
  for (const char* bad : {R"({})", R"({"tests": []})", R"({"tests": 3})", R"({"tests": [{"input": "1"}]})",
                          R"({"tests": {"inputs": ["1"], "outputs": []}})", R"({"tests": [1]})",
                          R"({"tests": [{"input": "1", "output": "2", "testtype": "functional"}]})"})
    EXPECT_THROW(read(bad), Error) << bad;
}

// Catches: the wrong block, or text around it, taken for the program.
TEST(CodeBlocks, Last) {
  const std::vector<CodeLanguage> all = code_languages({});
  const auto last = [&](const char* text, const char* wanted = "") {
    const std::optional<CodeBlock> block = last_code_block(text, all, wanted);
    return block ? block->language->name + "|" + block->source : "none";
  };
  EXPECT_EQ(last("a\n```python\nx = 1\n```\nb"), "python|x = 1\n");
  EXPECT_EQ(last("```py\n1\n```\n```cpp\n2\n```"), "cpp|2\n");
  EXPECT_EQ(last("```py\n1\n```\n```cpp\n2\n```", "python"), "python|1\n");
  EXPECT_EQ(last("```py\n1\n```\n```\noutput\n```"), "python|1\n");
  EXPECT_EQ(last("```\n1\n```"), "python|1\n");
  EXPECT_EQ(last("```\n1\n```", "cpp"), "cpp|1\n");
  EXPECT_EQ(last("```Python title=x\r\n1\r\n```\r\n"), "python|1\r\n");
  EXPECT_EQ(last("````sh\n```\n````"), "sh|```\n");
  EXPECT_EQ(last("```python\n1\n```\n```python\n2"), "python|1\n");
  EXPECT_EQ(last("```python\n```"), "python|");
  for (const char* text : {"", "x = 1", "```python\nx", "`x`", "```text\nx\n```", "```"})
    EXPECT_EQ(last(text), "none") << text;
  EXPECT_THROW(last("", "cobol"), Error);
  const std::vector<std::string> commands = {"cobol: run-cobol -q", "sh: dash"};
  const std::vector<CodeLanguage> more = code_languages(commands);
  EXPECT_EQ(last_code_block("```cobol\nx\n```", more, "cobol")->language->run,
            (std::vector<std::string>{"run-cobol", "-q", "main.cobol"}));
  EXPECT_EQ(last_code_block("```sh\nx\n```", more, "")->language->run[0], "dash");
  for (const char* bad : {"", "sh", "sh:", ": x", "a b: c"})
    EXPECT_THROW(code_languages(std::vector<std::string>{bad}), Error);
}

class CodeReward : public testing::Test {
 protected:
  static RewardSettings settings() {
    RewardSettings s;
    s.code_cpu_seconds = 1;
    s.code_memory_mb = 96;
    return s;
  }
  void SetUp() override {
    const SandboxSupport support = sandbox_support();
    REQUIRE_SANDBOX(support);
    kCodeRule.make(settings(), 0, all_);
    kCodeFractionRule.make(settings(), 0, fraction_);
  }
  void need_python() {
    if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "python3 is not installed";
  }
  static std::string verdict(RewardFunction& function, const std::string& row, const std::string& tag,
                             const std::string& source) {
    const json fields = json::parse(row);
    const std::string completion = "Here it is:\n```" + tag + "\n" + source + "\n```\n";
    const RewardInput input{fields, "", completion};
    const RewardResult r = function.call_all({&input, 1})[0];
    return r.computed ? fmt::format("{:.3g}: {}", r.value, r.reason) : r.reason;
  }
  RewardFunction all_, fraction_;
};

constexpr char kDouble[] =
    R"({"tests": [{"input": "1\n", "output": "2\n"}, {"input": "5\n", "output": "10\n"},
                               {"input": "7\n", "output": "14\n"}]})";

// Catches: a text that asserts nothing taken for tests that were passed, test classes and functions that are defined and not run,
// a gold that is no code blamed on the program, and setup that a data set keeps apart.
TEST_F(CodeReward, TextsOfTestsAreRunOrNotJudged) {
  need_python();
  if (IsSkipped()) return;
  const char* right = "def f(x):\n    return x + 1";
  const char* wrong = "def f(x):\n    return x";
  const auto row = [](const char* name, const char* tests) { return json{{name, tests}}.dump(); };
  for (const char* tests : {"import unittest\nclass T(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual(f(1), 2)",
                            "from solution import f\ndef test_f():\n    assert f(1) == 2", "assert f(1) == 2"}) {
    EXPECT_TRUE(verdict(all_, row("test", tests), "python", right).starts_with("1: ")) << tests;
    EXPECT_TRUE(verdict(all_, row("test", tests), "python", wrong).starts_with("0: ")) << tests;
  }
  for (const char* tests : {"72", "def f(x):\n    return x + 1", "def check(candidate):\n    assert candidate(1) == 2",
                            "\\frac{1}{2} asserted"})
    EXPECT_FALSE(verdict(all_, row("ground_truth", tests), "python", right).find(": passed") != std::string::npos ||
                 verdict(all_, row("ground_truth", tests), "python", right).starts_with("0:"))
        << tests << verdict(all_, row("ground_truth", tests), "python", right);
  EXPECT_TRUE(verdict(all_, R"({"test_list": ["assert f(np) == 6"], "test_imports": ["import math"], "test_setup_code": "np = 5"})",
                      "python", right)
                  .starts_with("1: "));
  EXPECT_TRUE(verdict(all_, R"({"tests": {"input": ["1\n", "2\n"], "output": ["1\n", "2\n"]}})", "python", "print(input())")
                  .find("passed 2 of 2") != std::string::npos);
}

// Catches: a block with words before it on its line, one that a tag closes, one in a list, and one within the reasoning that
// counts.
TEST(CodeBlocks, AreFoundAsModelsWriteThem) {
  const std::vector<CodeLanguage> languages = code_languages({});
  const auto source = [&](const char* text) {
    const std::optional<CodeBlock> block = last_code_block(text, languages, "");
    return block ? block->source : "none";
  };
  EXPECT_EQ(source("<think>x</think><answer>```python\nprint(1)\n```</answer>"), "print(1)\n");
  EXPECT_EQ(source("Here is code: ```python\nprint(1)\n``` It prints 1."), "print(1)\n");
  EXPECT_EQ(source("1. So:\n   ```python\n   if 1:\n     print(1)\n   ```"), "if 1:\n  print(1)\n");
  EXPECT_EQ(source("<think>```python\nprint(1)\n```</think>None."), "none");
  EXPECT_EQ(source("<think>use ``` here</think>\n```python\nprint(2)\n```"), "print(2)\n");
}

// Catches: a verdict or its reason wrong for programs of the shell.
TEST_F(CodeReward, Shell) {
  EXPECT_EQ(verdict(all_, kDouble, "sh", "read x; echo $((2 * x))"), "1: passed 3 of 3 tests");
  EXPECT_EQ(verdict(all_, kDouble, "sh", "read x; echo $((x + 5))"), "0: test 1 of 3: wrong answer");
  EXPECT_EQ(verdict(fraction_, kDouble, "sh", "read x; echo $((x + 5))"),
            "0.333: passed 1 of 3 tests; test 1 of 3: wrong answer");
  EXPECT_EQ(verdict(all_, kDouble, "sh", "while :; do :; done"), "0: test 1 of 3: time-out: 1 s of CPU time");
  EXPECT_EQ(verdict(all_, kDouble, "sh", "read x; echo $((2 * x)); exit 3"), "0: test 1 of 3: exit status 3");
  EXPECT_EQ(verdict(all_, kDouble, "sh", "kill -SEGV $$"),
            "0: test 1 of 3: crash: signal 11 (Segmentation fault)");
  EXPECT_EQ(verdict(all_, kDouble, "sh", "yes"),
            "0: test 1 of 3: output limit: more than 1048576 bytes of standard output");
  EXPECT_EQ(verdict(all_, kDouble, "text", "2"), "0: no code block");
  EXPECT_EQ(verdict(all_, R"({"x": 1})", "sh", ""), "the row has no tests (a field \"tests\", or another that docs/sandbox.md lists)");
  EXPECT_EQ(verdict(all_, R"({"tests": [{"input": "", "output": "\u00e9\n"}]})", "sh", "printf '\\303\\251'"),
            "1: passed 1 of 1 tests");
  EXPECT_EQ(verdict(all_, R"({"tests": [{"input": "", "output": "x"}]})", "sh", "printf '\\377\\0x'"),
            "0: test 1 of 1: wrong answer");
}

// Catches: C++ that is not compiled, compiled for each test, or whose errors are told as wrong answers.
TEST_F(CodeReward, Cpp) {
  EXPECT_EQ(
      verdict(all_, kDouble, "cpp",
              "#include <iostream>\nint main() { long x; std::cin >> x; std::cout << 2 * x << '\\n'; }"),
      "1: passed 3 of 3 tests");
  EXPECT_TRUE(
      verdict(all_, kDouble, "cpp", "int main() { return 0 }").starts_with("0: compile error: expected "));
  const std::string memory = verdict(
      all_, kDouble, "cpp",
      "#include <cstdlib>\n#include <cstring>\nint main() { for (;;) memset(malloc(1 << 20), 1, 1 << 20); }");
  EXPECT_EQ(memory, "0: test 1 of 3: memory: more than 96 MB of memory");
}

// Catches: function calls, classes or results misread; Python's errors not told.
TEST_F(CodeReward, PythonFunctions) {
  need_python();
  if (IsSkipped()) return;
  const char* row =
      R"({"tests": {"fn_name": "twoSum", "inputs": [[[2, 7, 11], 9], [[3, 3], 6]], "outputs": [[[0, 1]], [[0, 1]]]}})";
  const char* right =
      "def twoSum(a, t):\n  print('noise')\n  return next((i, j) for i in range(len(a)) for j in range(i + "
      "1, len(a)) if a[i] + a[j] == t)";
  EXPECT_EQ(verdict(all_, row, "python", right), "1: passed 2 of 2 tests");
  EXPECT_EQ(
      verdict(all_, row, "python",
              "class Solution:\n  def twoSum(self, a: List[int], t: int) -> List[int]:\n    return [0, 1]"),
      "1: passed 2 of 2 tests");
  EXPECT_EQ(verdict(all_, row, "python", "def twoSum(a, t): return []"), "0: test 1 of 2: wrong answer");
  EXPECT_EQ(verdict(all_, row, "python", "def other(): pass"),
            "0: test 1 of 2: exit status 1: KeyError: 'twoSum'");
  EXPECT_EQ(verdict(all_, row, "python", "def twoSum(a, t): return 1 / 0"),
            "0: test 1 of 2: exit status 1: ZeroDivisionError: division by zero");
  EXPECT_EQ(verdict(all_, row, "python", "def twoSum(a, t)\n  return 1"),
            "0: compile error: SyntaxError: expected ':'");
  EXPECT_EQ(verdict(all_, row, "python", "import os\nos._exit(0)"), "0: test 1 of 2: wrong answer");
  EXPECT_EQ(verdict(all_, row, "python", "x = []\nwhile True: x.append(bytearray(1 << 20))"),
            "0: test 1 of 2: memory: more than 96 MB of memory");
  EXPECT_EQ(verdict(all_, row, "cpp", "int main() {}"), "0: no code block of python");
}

// Catches: assert-style tests that a program leaves before they run, and that are not told as exposed.
TEST_F(CodeReward, PythonAsserts) {
  need_python();
  if (IsSkipped()) return;
  const char* row = R"({"test_list": ["assert f(1) == 2", "assert f(2) == 4"]})";
  const std::string exposed = " (exposed: the program could read these tests)";
  EXPECT_EQ(verdict(all_, row, "python", "def f(x): return 2 * x"), "1: passed 2 of 2 tests" + exposed);
  EXPECT_EQ(verdict(fraction_, row, "python", "def f(x): return x + 1"),
            "0.5: passed 1 of 2 tests; test 2 of 2: exit status 1: AssertionError" + exposed);
  for (const char* cheat :
       {"import os\nos._exit(0)", "import sys\nsys.exit(0)", "raise SystemExit", "exit()"})
    EXPECT_EQ(verdict(all_, row, "python", cheat), "0: test 1 of 2: wrong answer" + exposed) << cheat;
}

// Catches: a program in another language than the row asks for, and a row about people's languages taken to ask for one.
TEST_F(CodeReward, TheRowsOwnLanguage) {
  json row = json::parse(kDouble);
  row["language"] = "Shell";
  EXPECT_EQ(verdict(all_, row.dump(), "python", "print(2 * int(input()))"), "0: no code block of sh");
  EXPECT_EQ(verdict(all_, row.dump(), "sh", "read x; echo $((2 * x))"), "1: passed 3 of 3 tests");
  row["language"] = "ko";
  EXPECT_EQ(verdict(all_, row.dump(), "sh", "read x; echo $((2 * x))"), "1: passed 3 of 3 tests");
}

// Catches: a missing interpreter or sandbox that pays 0.
TEST_F(CodeReward, WhatCannotBeJudgedIsNoZero) {
  RewardFunction f;
  RewardSettings s = settings();
  s.code_commands = {"sh: no-such-shell"};
  kCodeRule.make(s, 0, f);
  EXPECT_EQ(verdict(f, kDouble, "sh", "x"), "could not judge: no-such-shell is not installed");
  s.code_read_only = {"/no/such/folder"};
  kCodeRule.make(s, 0, f);
  EXPECT_EQ(verdict(f, kDouble, "sh", "x"),
            "could not judge: reading /no/such/folder: No such file or directory");
}

// Catches: a program whose dying words break the log or a file of JSON; one that sleeps through every test;
// an output that is right and longer than the usual limit.
TEST_F(CodeReward, Bounds) {
  const std::string words = verdict(all_, kDouble, "sh", "printf 'a\\377\\033[2Jb\\303' >&2; exit 1");
  EXPECT_EQ(words, "0: test 1 of 3: exit status 1: a\xEF\xBF\xBD [2Jb\xEF\xBF\xBD");
  json sleepy;
  for (int i = 0; i < 100; ++i) sleepy["tests"].push_back({{"input", ""}, {"output", "x"}});
  EXPECT_EQ(verdict(fraction_, sleepy.dump(), "sh", "while :; do :; done"),
            "0: passed 0 of 100 tests; test 1 of 100: time-out: 1 s of CPU time");
  const json large = {{"tests", json::array({{{"input", ""}, {"output", std::string(3 << 20, 'x')}}})}};
  EXPECT_EQ(verdict(all_, large.dump(), "sh", "head -c 3145728 /dev/zero | tr '\\0' x"),
            "1: passed 1 of 1 tests");
}

// Catches: verdicts mixed up between completions that are judged together.
TEST_F(CodeReward, ManyTogether) {
  const json fields = json::parse(kDouble);
  std::vector<std::string> completions;
  for (int i = 0; i < 8; ++i)
    completions.push_back(fmt::format("```sh\nread x; echo $(({} * x))\n```", i % 3));
  std::vector<RewardInput> inputs;
  for (const std::string& c : completions) inputs.push_back({fields, "", c});
  const std::vector<RewardResult> results = all_.call_all(inputs);
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(results[i].value, i % 3 == 2 ? 1.0 : 0.0) << results[i].reason;
}

}  // namespace
}  // namespace cohort
