// Rewards for programs: tests that run in the sandbox, all of which must be passed, or the share that is.
#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/utf8.h"
#include "reward/code_program.h"
#include "reward/code_tests.h"
#include "reward/rules.h"
#include "sandbox/pool.h"

namespace cohort {
namespace {

// What a program wrote, as a part of a reason: at most 160 bytes, valid UTF-8, no control characters.
std::string quoted(std::string_view text) {
  std::string out = replace_invalid_utf8(text.substr(0, 160));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

// The last line of what a program said of its failure.
std::string last_words(std::string_view err) {
  const size_t last = err.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return {};
  err = err.substr(0, last + 1);
  err = err.substr(err.rfind('\n') + 1);  // npos + 1: all of it
  return quoted(err);
}

std::string first_error(std::string_view err) {
  const size_t at = err.find("error: ");
  if (at == std::string_view::npos) return last_words(err);
  return quoted(err.substr(at + 7, std::min(err.find('\n', at), err.size()) - at - 7));
}

bool python_would_not_compile(const CodeBlock& block, std::string_view words) {
  return block.language->name == "python" &&
         (words.starts_with("SyntaxError") || words.starts_with("IndentationError") ||
          words.starts_with("TabError"));
}

// The row's own "language" where it is one of programs (rows also name people's languages so); empty: any.
std::string row_language(const nlohmann::json& row, const std::vector<CodeLanguage>& languages) {
  const auto it = row.find("language");
  if (it == row.end() || !it->is_string()) return {};
  const CodeLanguage* language = find_language(languages, it->get<std::string>());
  return language ? language->name : std::string();
}

constexpr size_t kMostTimeouts = 3;  // then the tests that are left count as failed, not to be waited for

// One completion on its way through the compiler and the tests.
class Judge {
 public:
  Judge(const RewardInput& input, const std::vector<CodeLanguage>& languages, const JobLimits& limits,
        bool fraction)
      : limits_(limits), fraction_(fraction) {
    try {
      tests_ = read_code_tests(input.fields);
      const bool python_only =
          std::ranges::any_of(tests_.tests, [](const CodeTest& t) { return t.kind != CodeTestKind::io; });
      std::string wanted = tests_.language;
      if (wanted.empty()) wanted = python_only ? "python" : row_language(input.fields, languages);
      block_ = last_code_block(input.completion, languages, wanted);
      if (!block_) finish(0, wanted.empty() ? "no code block" : fmt::format("no code block of {}", wanted));
    } catch (const std::exception& e) {
      result_ = not_computed(e.what());
      finished_ = true;
    }
  }

  std::optional<Job> next(const JobResult* previous) {
    try {
      if (previous) take(*previous);
      if (finished_) return std::nullopt;
      if (!block_->language->compile.empty() && compiled_.empty()) return compile_job(*block_);
      return test_job(*block_, tests_, tests_.tests[at_], compiled_, limits_);
    } catch (const std::exception& e) {
      result_ = not_computed(e.what());
      finished_ = true;
      return std::nullopt;
    }
  }

  const RewardResult& result() const { return result_; }

 private:
  void finish(double value, std::string reason) {
    result_ = computed(value);
    if (tests_.exposed()) reason += " (exposed: the program could read these tests)";
    result_.reason = std::move(reason);
    finished_ = true;
  }

  void take(const JobResult& r) {
    if (r.outcome == JobOutcome::refused) {
      result_ = not_computed("could not judge: " + r.reason);
      finished_ = true;
      return;
    }
    if (!block_->language->compile.empty() && compiled_.empty()) {
      compiled_ = r.fetched;
      if (r.outcome != JobOutcome::ok || compiled_.empty())
        finish(0, r.outcome == JobOutcome::nonzero_exit ? "compile error: " + first_error(r.err)
                                                        : "compile error: the compiler: " + failure(r));
      return;
    }
    const size_t count = tests_.tests.size();
    if (r.outcome == JobOutcome::ok && tests_nothing(tests_.tests[at_], r.out)) {
      result_ = not_computed(fmt::format("test {} of {}: a text that asserts nothing, or no Python", at_ + 1, count));
      finished_ = true;
      return;
    }
    const bool right = r.outcome == JobOutcome::ok && passed(tests_.tests[at_], r.out);
    if (right) {
      ++passed_;
    } else {
      const std::string words = last_words(r.err);
      if (r.outcome == JobOutcome::nonzero_exit && python_would_not_compile(*block_, words))
        return finish(0, "compile error: " + words);
      if (first_failure_.empty())
        first_failure_ = fmt::format("test {} of {}: {}", at_ + 1, count,
                                     r.outcome == JobOutcome::ok ? std::string("wrong answer") : failure(r));
    }
    if (r.outcome == JobOutcome::timeout) ++timeouts_;
    if (++at_ < count && (right || fraction_) && timeouts_ < kMostTimeouts) return;
    if (first_failure_.empty()) return finish(1, fmt::format("passed {} of {} tests", count, count));
    finish(fraction_ ? static_cast<double>(passed_) / static_cast<double>(count) : 0,
           fraction_ ? fmt::format("passed {} of {} tests; {}", passed_, count, first_failure_)
                     : first_failure_);
  }

  static std::string failure(const JobResult& r) {
    const std::string words = r.outcome == JobOutcome::nonzero_exit ? last_words(r.err) : std::string();
    const std::string_view name = r.outcome == JobOutcome::nonzero_exit ? "" : job_outcome_name(r.outcome);
    return fmt::format("{}{}{}{}{}", name, name.empty() ? "" : ": ", r.reason, words.empty() ? "" : ": ",
                       words);
  }

  const JobLimits& limits_;
  const bool fraction_;
  CodeTests tests_;
  std::optional<CodeBlock> block_;
  RewardResult result_;
  std::string compiled_, first_failure_;
  size_t at_ = 0, passed_ = 0, timeouts_ = 0;
  bool finished_ = false;
};

void make(const RewardSettings& s, RewardFunction& function, bool fraction) {
  SandboxOptions options;
  options.workers = 1;
  options.read_only = s.code_read_only;
  JobLimits limits;
  limits.cpu_seconds = s.code_cpu_seconds;
  limits.wall_seconds = 5 * s.code_cpu_seconds;
  limits.memory = s.code_memory_mb << 20;
  struct State {
    State(std::span<const std::string> commands, const JobLimits& job_limits, const SandboxOptions& options)
        : languages(code_languages(commands)), limits(job_limits), sandbox(options) {}
    std::vector<CodeLanguage> languages;
    JobLimits limits;
    SandboxOptions sandbox;
    std::optional<SandboxPool> pool;  // since the first completion: whoever only starts workers needs none
  };
  const auto state = std::make_shared<State>(s.code_commands, limits, options);
  function.call_all = [state, fraction](std::span<const RewardInput> inputs) {
    std::vector<Judge> judges;
    for (const RewardInput& input : inputs)
      judges.emplace_back(input, state->languages, state->limits, fraction);
    std::vector<JobChain> chains;
    for (Judge& judge : judges) chains.emplace_back([&judge](const JobResult* r) { return judge.next(r); });
    if (!state->pool) state->pool.emplace(state->sandbox);
    state->pool->run_chains(chains);
    std::vector<RewardResult> results;
    for (const Judge& judge : judges) results.push_back(judge.result());
    return results;
  };
}

}  // namespace

const RewardRule kCodeRule = {
    "code", "1 where the last fenced block of code passes all of the row's tests (docs/sandbox.md)",
    [](const RewardSettings& s, int64_t, RewardFunction& f) { make(s, f, false); },
    true};

const RewardRule kCodeFractionRule = {
    "code_fraction", "the share of the row's tests that the last fenced block of code passes",
    [](const RewardSettings& s, int64_t, RewardFunction& f) { make(s, f, true); },
    true};

}  // namespace cohort
