// For tests that run the program itself: a tiny model and its problems, recipes, processes that can be
// killed, and the files of runs.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "model/checkpoint.h"
#include "model/model.h"
#include "support.h"

namespace cohort::testing {

namespace fs = std::filesystem;
using Environment = std::map<std::string, std::string>;

// A process of the program; all it prints goes to one text.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const Environment& environment = {}) {
    std::string pattern = (fs::temp_directory_path() / "cohort-out-XXXXXX").string();
    output_ = mkstemp(pattern.data());
    if (output_ < 0) fail("{}: cannot be made", pattern);
    unlink(pattern.c_str());
    std::vector<char*> words{const_cast<char*>(COHORT_BINARY)};
    for (const std::string& a : arguments) words.push_back(const_cast<char*>(a.c_str()));
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
      dup2(output_, 1);
      dup2(output_, 2);
      execv(words[0], words.data());
      _exit(127);
    }
    if (pid_ < 0) fail("no process could be started");
  }
  void kill(int signal) { ::kill(pid_, signal); }

  struct Result {
    int status;  // of exit; minus the signal where one ended it
    std::string text;
  };
  Result wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    Result result{WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), {}};
    result.text.resize(static_cast<size_t>(lseek(output_, 0, SEEK_END)));
    if (pread(output_, result.text.data(), result.text.size(), 0) < 0) result.text = "(unreadable)";
    close(output_);
    return result;
  }

 private:
  int output_ = -1;
  pid_t pid_ = -1;
};

inline Process::Result run_program(const std::vector<std::string>& arguments,
                                   const Environment& environment = {}) {
  return Process(arguments, environment).wait();
}

// Sets up the preloaded library fail_nth_write for calls inside `folder`.
inline Environment fault(const fs::path& folder, int64_t at, const std::string& action,
                         const fs::path& trace = {}) {
  Environment e{{"LD_PRELOAD", COHORT_FAULT_LIBRARY},
                {"FAULT_FOLDER", folder.string()},
                {"FAULT_AT", std::to_string(at)},
                {"FAULT_ACTION", action}};
  if (!trace.empty()) e["FAULT_TRACE"] = trace.string();
  return e;
}

inline std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// The rows of a JSONL file.
inline std::vector<nlohmann::json> json_lines(const fs::path& path) {
  std::vector<nlohmann::json> rows;
  for (const std::string& line : lines_of(path)) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

inline void write_text(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

// Characters of the tiny model: few, so that a random model is right now and then.
inline Tokenizer tiny_tokenizer() { return Tokenizer::characters("0123+= ", {"<|end|>"}, "<|end|>"); }

inline ModelConfig tiny_config() {
  ModelConfig c;
  const Tokenizer tokenizer = tiny_tokenizer();
  c.vocab_size = tokenizer.size();
  c.hidden_size = 32;
  c.intermediate_size = 48;
  c.num_hidden_layers = 2;
  c.num_attention_heads = 4;
  c.num_key_value_heads = 2;
  c.head_dim = 8;
  c.max_position_embeddings = 64;
  c.tie_word_embeddings = true;
  c.eos_token_ids = {tokenizer.eos_token_id()};
  return c;
}

inline void make_tiny_model(const fs::path& folder) {
  const ModelConfig c = tiny_config();
  const Buffer weights = random_weights(c, 7, 0.08);
  save_checkpoint(folder, c, weights.data(), tiny_tokenizer());
}

// Twenty questions. The answer is 1 where the model shall learn it within seconds.
inline void make_problems(const fs::path& file) {
  std::string text;
  for (int i = 0; i < 20; ++i)
    text += fmt::format("{{\"prompt\": \"{}+{}{}=\", \"completion\": \" 1\", \"answer\": \"{}\"}}\n", i % 4,
                        i / 4 % 4, i % 3 ? " " : "", i % 5 ? 1 : 2);
  write_text(file, text);
}

// Options as TOML values by name; a folder with the model `init` and the problems `rows.jsonl`.
using Options = std::map<std::string, std::string>;

class RunFolder {
 public:
  RunFolder() {
    make_tiny_model(path() / "init");
    make_problems(path() / "rows.jsonl");
  }
  const fs::path& path() const { return folder_.path(); }
  fs::path file(const std::string& name) const { return path() / name; }

  // 8 steps of 2 prompts x 4 completions, checkpoints at 2, 4, 6, 8, evaluations at 0, 4, 8.
  Options options(const Options& changes = {}) const {
    Options o{{"method", "\"grpo\""},
              {"model", fmt::format("\"{}\"", file("init").string())},
              {"data", fmt::format("\"{}\"", file("rows.jsonl").string())},
              {"holdout_fraction", "0.2"},
              {"reward_funcs", "[\"last_number\"]"},
              {"num_generations", "4"},
              {"train_batch_size", "8"},
              {"max_completion_length", "6"},
              {"learning_rate", "0.003"},
              {"max_steps", "8"},
              {"save_steps", "2"},
              {"eval_steps", "4"},
              {"num_generations_eval", "2"},
              {"num_threads", "1"}};
    for (const auto& [name, value] : changes) o[name] = value;
    return o;
  }

  // `cohort train` into output_dir `run`, with a recipe of these options.
  std::vector<std::string> train(const std::string& run, const Options& o, bool resume = false) const {
    const fs::path recipe = file(run + ".toml");
    std::string text;
    for (const auto& [name, value] : o) text += name + " = " + value + "\n";
    write_text(recipe, text);
    std::vector<std::string> words{"train", recipe.string(), "--output_dir", file(run).string()};
    if (resume) words.push_back("--resume");
    return words;
  }

  // Runs to the end without disturbance; fails the test where the program does.
  void finish(const std::string& run, const Options& o, bool resume = false) const {
    const Environment quick = fault(file(run), 0, "EIO");  // without syncing
    const Process::Result r = run_program(train(run, o, resume), quick);
    EXPECT_EQ(r.status, 0) << r.text;
  }

 private:
  TempFolder folder_;
};

// All files below a folder, by relative path, with their bytes.
inline std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    files[fs::relative(entry.path(), folder).string()] =
        entry.is_regular_file() ? read_file(entry.path()) : "(folder)";
  return files;
}

// What a run promises byte for byte: its logs, and the files of its last checkpoint. Names what differs.
inline ::testing::AssertionResult same_run(const fs::path& expected, const fs::path& found,
                                           int64_t last_step) {
  for (const char* name : {"metrics.jsonl", "samples.jsonl", "eval_samples.jsonl", "rewards.jsonl"}) {
    const std::string a = read_file(expected / name), b = read_file(found / name);
    if (a == b) continue;
    size_t at = 0;
    while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
    const size_t begin = at < 80 ? 0 : at - 80;
    return ::testing::AssertionFailure()
           << name << " differs at byte " << at << " of " << a.size() << " / " << b.size() << ": "
           << a.substr(begin, 160) << "\n  / " << b.substr(begin, 160);
  }
  const std::string folder = fmt::format("checkpoint-{}", last_step);
  const auto a = contents(expected / folder), b = contents(found / folder);
  if (a.empty() || a.size() != b.size())
    return ::testing::AssertionFailure() << folder << ": " << a.size() << " files, " << b.size() << " files";
  for (const auto& [name, bytes] : a)
    if (!b.contains(name) || b.at(name) != bytes)
      return ::testing::AssertionFailure() << folder << "/" << name << " differs";
  if (read_file(found / "latest") != folder + "\n")
    return ::testing::AssertionFailure() << "latest: " << read_file(found / "latest");
  return ::testing::AssertionSuccess();
}

}  // namespace cohort::testing
