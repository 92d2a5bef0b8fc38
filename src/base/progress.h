// Progress of long work with the time left. On a terminal one line is redrawn in place; elsewhere a line is
// printed at most every few seconds, so that a log stays short.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace cohort {

class Progress {
 public:
  // "train  120/500 steps  24%  1m 40s left  NOTE"; total 0: unknown.
  Progress(std::string label, int64_t total, std::string unit = "");
  ~Progress();  // takes its line off the terminal
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` so far, out of total; a resumed run passes where it started to start_at() first.
  void update(int64_t done, const std::string& note = "");
  void start_at(int64_t done) { start_ = done; }

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_, unit_;
  int64_t total_, start_ = 0;
  Clock::time_point begin_ = Clock::now(), last_ = {};
};

// "12s", "3m 05s", "2h 07m".
std::string format_duration(double seconds);

// The text of a progress line; `elapsed` seconds were spent on `done - start`.
std::string progress_text(const std::string& label, int64_t done, int64_t start, int64_t total,
                          const std::string& unit, double elapsed, const std::string& note);

}  // namespace cohort
