// Questions to a program that answers in JSON lines on its standard output, in any order. It is started once; lines that are no
// JSON objects are passed over, with a warning. Where it dies, falls silent or answers nonsense, the first question without an answer is given up and the program is started
// anew for those that are left.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/child.h"

namespace cohort {

class Dialogue {
 public:
  struct Options {
    std::vector<std::string> words;  // the program and its arguments
    std::string name;                // in reasons: "the command"
    std::string greeting;            // sent first to each program that is started
    double timeout = 60;             // seconds from one answer to the next
  };
  // What is asked about question i: a line of JSON with "id" i.
  using Ask = std::function<std::string(size_t i)>;
  // Takes the answer to question i; throws Error where it is nonsense.
  using Take = std::function<void(size_t i, const nlohmann::json& answer)>;
  using GiveUp = std::function<void(size_t i, const std::string& why)>;

  explicit Dialogue(Options options) : options_(std::move(options)) {}

  // Starts the program now, where it does not run. Throws Error where it cannot be started.
  void start();
  // Makes a run in another thread give up soon, and all later ones at once.
  void cancel() { cancelled_ = true; }
  // Calls take or give_up once for each of 0 .. count - 1. Throws Error where the program cannot be started.
  void run(size_t count, const Ask& ask, const Take& take, const GiveUp& give_up);

 private:
  std::string converse(const Ask& ask, const Take& take, std::vector<char>& open);

  Child::Read read_line(std::string& line);

  Options options_;
  std::atomic<bool> cancelled_ = false;
  int64_t stray_lines_ = 0;
  std::unique_ptr<Child> child_;
};

}  // namespace cohort
