#include "run/sandbox_tool.h"

#include <fmt/format.h>
#include <omp.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/check.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/json.h"
#include "sandbox/pool.h"

namespace cohort {
namespace {

constexpr const char* kScript = "program";

std::string last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return std::string(text.substr(text.rfind('\n') + 1, 300));
}

// The command's words, and the file with the code; hashes of strings are the same in every run.
Job job_of(const Recipe& r, const std::string& code) {
  Job job;
  job.argv = {"env", "PYTHONHASHSEED=0"};
  std::istringstream words(r.tool_command);
  for (std::string word; words >> word;) job.argv.push_back(word);
  job.argv.emplace_back(kScript);
  job.files = {{kScript, code}};
  job.limits.cpu_seconds = r.tool_timeout;
  job.limits.wall_seconds = 4 * r.tool_timeout + 1;
  return job;
}

ToolAnswer answer_of(JobResult result) {
  ToolAnswer answer{std::move(result.out), {}};
  if (result.outcome == JobOutcome::nonzero_exit)
    answer.fault = result.err.empty() ? result.reason : last_line(result.err);
  else if (result.outcome != JobOutcome::ok)
    answer.fault = job_outcome_name(result.outcome);
  return answer;
}

std::string key_of(const ToolCall& c) {
  const uint64_t code = checksum64(fmt::format("{:x} {:x}", checksum64(c.before), checksum64(c.code)));
  return fmt::format("{:x}-{:x}-{:x}-{:016x}", c.step, c.prompt_index, c.sample_index, code);
}

}  // namespace

std::shared_ptr<ToolUse> sandbox_tool(const Recipe& r) {
  if (r.max_tool_calling_iterations == 0) return nullptr;
  const auto pool = std::make_shared<SandboxPool>(SandboxOptions{omp_get_max_threads(), {}});
  if (!pool->support().ok)
    fail("max_tool_calling_iterations: code cannot be run here: {}", pool->support().missing);
  const JobResult empty = pool->run(job_of(r, ""));
  if (empty.outcome != JobOutcome::ok)
    fail("tool_command: \"{}\" does not run an empty program: {} {}", r.tool_command, empty.reason,
         last_line(empty.err));
  auto tools = std::make_shared<ToolUse>();
  tools->fence = r.tool_fence;
  tools->max_calls = static_cast<int32_t>(r.max_tool_calling_iterations);
  tools->output_tokens = static_cast<int32_t>(r.tool_output_length);
  tools->stateful = r.tool_stateful;
  tools->run = [pool, r](std::span<const ToolCall> calls) {
    std::vector<Job> jobs;
    for (const ToolCall& c : calls) jobs.push_back(job_of(r, c.before + c.code));
    std::vector<ToolAnswer> answers;
    for (JobResult& result : pool->run(jobs)) {
      if (result.outcome == JobOutcome::refused) fail("the sandbox refused to run code: {}", result.reason);
      answers.push_back(answer_of(std::move(result)));
    }
    return answers;
  };
  return tools;
}

void journal_answers(const std::filesystem::path& path, bool resume, ToolUse& tools) {
  auto known = std::make_shared<std::map<std::string, ToolAnswer>>();
  const int64_t length = resume ? whole_rows(path) : 0;
  if (length > 0) {
    const MappedFile file(path);
    std::istringstream rows(std::string(file.bytes().substr(0, static_cast<size_t>(length))));
    int64_t line = 0;
    for (std::string row; std::getline(rows, row);) {
      ++line;
      const auto json = try_parse_json(row);
      if (!json.is_object() || !json.contains("key") || !json.contains("printed") || !json.contains("fault"))
        fail("{}:{}: expected a row with key, printed and fault, found {:.100}", path.string(), line, row);
      (*known)[json["key"]] = {json["printed"], json["fault"]};
    }
  }
  auto log = std::make_shared<AppendLog>(path, length);
  tools.run = [known, log, run = tools.run](std::span<const ToolCall> calls) {
    std::vector<ToolCall> fresh;
    for (const ToolCall& c : calls)
      if (!known->contains(key_of(c))) fresh.push_back(c);
    const std::vector<ToolAnswer> answers = fresh.empty() ? std::vector<ToolAnswer>{} : run(fresh);
    for (size_t i = 0; i < fresh.size(); ++i) {
      const nlohmann::ordered_json row{
          {"key", key_of(fresh[i])}, {"printed", answers[i].printed}, {"fault", answers[i].fault}};
      // Bytes that are no UTF-8 become U+FFFD, in the answer that is used too.
      const std::string text = dump_json(row);
      const auto same = parse_json(text);
      (*known)[key_of(fresh[i])] = {same["printed"], same["fault"]};
      log->append(text + "\n");
    }
    if (!fresh.empty()) log->sync();
    std::vector<ToolAnswer> all;
    for (const ToolCall& c : calls) all.push_back(known->at(key_of(c)));
    return all;
  };
}

}  // namespace cohort
