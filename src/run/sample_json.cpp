#include "run/sample_json.h"

#include <fmt/ranges.h>

#include <cmath>

#include "base/json.h"

namespace cohort {
namespace {

// A float's shortest text, not that of its double: half the bytes.
void append_floats(std::string& out, const char* name, const std::vector<float>& values) {
  out += fmt::format(",\"{}\":[", name);
  for (size_t i = 0; i < values.size(); ++i) {
    if (i) out += ',';
    out += std::isfinite(values[i]) ? fmt::format("{}", values[i]) : "null";
  }
  out += ']';
}

void append_ids(std::string& out, const char* name, const std::vector<int32_t>& values) {
  out += fmt::format(",\"{}\":[{}]", name, fmt::join(values, ","));
}

// Where tokens were inserted, not sampled: [[begin, end], ...]; nothing where none was.
void append_inserted(std::string& out, const std::vector<TokenSpan>& spans) {
  std::string list;
  for (const TokenSpan& s : spans)
    if (!s.sampled) list += fmt::format("{}[{},{}]", list.empty() ? "" : ",", s.begin, s.end);
  if (!list.empty()) out += ",\"inserted\":[" + list + "]";
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

}  // namespace

std::string sample_json(const Sample& s, int64_t step) {
  std::string out = "{";
  if (step >= 0) out += fmt::format("\"step\":{},", step);
  out += fmt::format("\"prompt_index\":{},\"sample_index\":{},\"prompt\":{},\"completion\":{}",
                     s.prompt_index, s.sample_index, json_text(s.prompt), json_text(s.completion));
  append_ids(out, "prompt_ids", s.prompt_ids);
  append_ids(out, "completion_ids", s.completion_ids);
  append_inserted(out, s.spans);
  append_floats(out, "log_probs", s.log_probs);
  if (!s.ref_log_probs.empty()) append_floats(out, "ref_log_probs", s.ref_log_probs);
  out += fmt::format(",\"finish_reason\":{}", json_text(s.finish_reason));
  if (!s.rewards.empty()) {
    out += ",\"rewards\":{";
    for (size_t i = 0; i < s.rewards.size(); ++i)
      out += fmt::format("{}{}:{}", i ? "," : "", json_text(s.rewards[i].first), number(s.rewards[i].second));
    out += fmt::format("}},\"reward\":{}", number(s.reward));
  }
  if (!s.advantages.empty()) append_floats(out, "advantages", s.advantages);
  return out + "}";
}

}  // namespace cohort
