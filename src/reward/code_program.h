// From a completion's text to jobs for the sandbox.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reward/code_tests.h"
#include "sandbox/job.h"

namespace cohort {

struct CodeLanguage {
  std::string name;
  std::vector<std::string> tags;     // of fenced blocks, lower case
  std::string file;                  // the source's name
  std::vector<std::string> compile;  // empty: nothing to compile; it makes the file "program"
  std::vector<std::string> run;
};

// Python, C++ (g++ -std=c++20 -O2), sh and bash, and what `commands` add, each "TAG: COMMAND WORD ...", to
// which the source's file is appended. A tag named again takes the place of the one before it. Throws Error.
std::vector<CodeLanguage> code_languages(std::span<const std::string> commands);

// By name or tag, in any case; null where there is none.
const CodeLanguage* find_language(std::span<const CodeLanguage> languages, std::string_view tag);

struct CodeBlock {
  const CodeLanguage* language = nullptr;
  std::string source;
};

// The last fenced block (``` and a tag on a line, to a line of as many `) whose tag is one of a language in
// question: `wanted`, or any where that is empty. Where there is none, the last block without a tag, as the
// wanted language, or Python. A block that is not closed does not count. `wanted` may be a tag of a language.
// Throws Error where there is no such language.
std::optional<CodeBlock> last_code_block(std::string_view completion, std::span<const CodeLanguage> languages,
                                         std::string_view wanted);

// One test of a program: `compiled` is what the compiler left, where there is one.
Job test_job(const CodeBlock& block, const CodeTests& tests, const CodeTest& test,
             const std::string& compiled, const JobLimits& limits);
Job compile_job(const CodeBlock& block);

// Whether a test is a text without an assertion, or no Python: it says nothing about the program.
bool tests_nothing(const CodeTest& test, std::string_view out);

// Whether the test was passed, by what its job gave (which ended well).
bool passed(const CodeTest& test, std::string_view out);

}  // namespace cohort
