// The tests of a row for the code reward, in the forms that data sets have them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cohort {

enum class CodeTestKind : uint8_t {
  io,       // standard input in, standard output compared
  call,     // a function's arguments in, its result compared as JSON
  asserts,  // Python code that runs after the program and raises where it is wrong: the program can read it
};

struct CodeTest {
  CodeTestKind kind = CodeTestKind::io;
  std::string input;        // io: standard input; call: a JSON array of arguments; asserts: code
  std::string output;       // io: what standard output should be
  nlohmann::json expected;  // call
  bool wrapped =
      false;  // call: every result of the row is an array of one, as APPS writes them; the one counts too
};

struct CodeTests {
  std::string language;  // that the row asks for; empty: any
  std::string fn_name;   // of kind call
  std::vector<CodeTest> tests;
  bool exposed() const;  // some are asserts
};

// From `test` where the row has an entry_point too, else from the first of these fields that it has: tests, test_cases,
// verification_info, input_output, test_list, test, ground_truth, reward_model.ground_truth; else from all of public_tests,
// private_tests, generated_tests (CodeContests), public_test_cases, private_test_cases (LiveCodeBench). As JSON or as text
// that holds JSON:
//   [{"input": ..., "output": ...}, ...]                        each with "fn_name" for calls
//   {"inputs": [...], "outputs": [...], "fn_name": ...}         APPS, TACO, verl
//   {"language": ..., "test_cases": [...]}                      open-r1
//   ["assert ...", ...] or text that is no JSON                 Python code
// fn_name (or func_name) may also stand in the row or its metadata. An input of calls is an array of arguments,
// or text with one argument's JSON per line. Throws Error that says what is wrong with the row.
CodeTests read_code_tests(const nlohmann::json& row);

}  // namespace cohort
