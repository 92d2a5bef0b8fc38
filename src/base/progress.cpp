#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"

namespace cohort {
namespace {

// Cut to the terminal's width, so that redrawing stays on one line; a UTF-8 character is not cut in two.
std::string fitted(std::string line) {
  winsize size{};
  const size_t width = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  if (line.size() < width) return line;
  line.resize(width - 1);
  while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0) == 0x80) line.pop_back();
  if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xC0) line.pop_back();
  return line;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto s = static_cast<int64_t>(std::clamp(seconds, 0.0, 1e9) + 0.5);
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m {:02}s", s / 60, s % 60);
  return fmt::format("{}h {:02}m", s / 3600, s / 60 % 60);
}

std::string progress_text(const std::string& label, int64_t done, int64_t start, int64_t total,
                          const std::string& unit, double elapsed, const std::string& note) {
  std::string text =
      total > 0 ? fmt::format("{}  {}/{}", label, done, total) : fmt::format("{}  {}", label, done);
  if (!unit.empty()) text += " " + unit;
  if (total > 0) {
    text += fmt::format("  {}%", std::clamp<int64_t>(done * 100 / total, 0, 100));
    if (done > start && done < total)
      text += fmt::format("  {} left", format_duration(elapsed * static_cast<double>(total - done) /
                                                       static_cast<double>(done - start)));
  }
  if (!note.empty()) text += "  " + note;
  return text;
}

Progress::Progress(std::string label, int64_t total, std::string unit)
    : label_(std::move(label)), unit_(std::move(unit)), total_(total) {}

Progress::~Progress() {
  if (stderr_is_terminal()) set_status_line("");
}

void Progress::update(int64_t done, const std::string& note) {
  const Clock::time_point now = Clock::now();
  const bool terminal = stderr_is_terminal();
  // A terminal is redrawn ten times a second at most; elsewhere the first line comes after the pause too, so
  // short work stays quiet.
  const Clock::time_point last = last_ == Clock::time_point{} && !terminal ? begin_ : last_;
  if (now - last < (terminal ? std::chrono::milliseconds(100) : std::chrono::seconds(5))) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - begin_).count();
  std::string text = progress_text(label_, done, start_, total_, unit_, elapsed, note);
  if (terminal)
    set_status_line(fitted(std::move(text)));
  else
    log_line(LogLevel::info, text);
}

}  // namespace cohort
