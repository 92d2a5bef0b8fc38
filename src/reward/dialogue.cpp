#include "reward/dialogue.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"

namespace cohort {
namespace {

constexpr int kMostDeaths = 3;                      // in a row without an answer between them
constexpr size_t kLongestAnswer = size_t{1} << 20;  // bytes
constexpr int kMostStrayLines = 1000;               // between two answers

// Whose answer the line is; throws Error where that is no open question.
size_t answered(const nlohmann::json& json, const std::string& line, const std::vector<char>& open) {
  if (!json.contains("id") || !json["id"].is_number_unsigned())
    fail("expected an object with \"id\", found {:.200}", line);
  const size_t id = json["id"].get<size_t>();
  if (id >= open.size() || !open[id]) fail("answered id {}, which is no open question", id);
  return id;
}

}  // namespace

void Dialogue::start() {
  if (child_) return;
  child_ = std::make_unique<Child>(options_.words);
  child_->send(options_.greeting);
}

void Dialogue::run(size_t count, const Ask& ask, const Take& take, const GiveUp& give_up) {
  std::vector<char> open(count, 1);
  for (int deaths = 0;;) {
    const auto left = std::ranges::count(open, 1);
    const bool fresh = !child_;
    const std::string fault = left == 0 ? std::string() : converse(ask, take, open);
    if (fault.empty()) return;
    child_.reset();
    // One that ended while nobody asked it anything is no question's fault.
    if (!fresh && std::ranges::count(open, 1) == left) continue;
    deaths = std::ranges::count(open, 1) < left ? 1 : deaths + 1;
    const auto first = std::ranges::find(open, 1);
    if (first == open.end()) return;
    *first = 0;
    give_up(static_cast<size_t>(first - open.begin()), fault);
    if (deaths < kMostDeaths && !cancelled_) continue;
    for (size_t i = 0; i < count; ++i)
      if (open[i]) give_up(i, fault + " (and given up, after it failed again and again)");
    return;
  }
}

Child::Read Dialogue::read_line(std::string& line) {
  constexpr double kSlice = 0.2;  // seconds
  for (double left = options_.timeout;; left -= kSlice) {
    const Child::Read read = child_->read_line(std::min(left, kSlice), kLongestAnswer, line);
    if (read != Child::Read::silent || left <= kSlice || cancelled_) return read;
  }
}

// Asks all open questions and takes their answers; why it broke off, or nothing.
std::string Dialogue::converse(const Ask& ask, const Take& take, std::vector<char>& open) {
  start();
  std::string questions;
  for (size_t i = 0; i < open.size(); ++i)
    if (open[i]) questions += ask(i) + "\n";
  child_->send(std::move(questions));
  int stray = 0;
  for (auto left = std::ranges::count(open, 1); left > 0;) {
    std::string line;
    switch (read_line(line)) {
      case Child::Read::line:
        break;
      case Child::Read::silent:
        return fmt::format("{} gave no answer for {} seconds", options_.name, options_.timeout);
      case Child::Read::ended:
        return fmt::format("{} {}", options_.name, child_->wait());
      case Child::Read::too_long:
        return fmt::format("{} wrote a line of more than {} bytes", options_.name, kLongestAnswer);
    }
    const nlohmann::json json = try_parse_json(line);
    if (!json.is_object()) {  // programs print for their authors, too
      if (++stray > kMostStrayLines)
        return fmt::format("{} wrote {} lines without an answer", options_.name, stray);
      if (++stray_lines_ <= 3)
        log_warning("{} wrote a line that is no answer; it is passed over: {:.200}{}", options_.name, line,
                 stray_lines_ == 3 ? " (more of this is not shown)" : "");
      continue;
    }
    try {
      const size_t id = answered(json, line, open);
      take(id, json);
      open[id] = 0;
      --left;
      stray = 0;
    } catch (const std::exception& error) {  // nonsense in its fields
      return fmt::format("{} {}", options_.name, error.what());
    }
  }
  return {};
}

}  // namespace cohort
