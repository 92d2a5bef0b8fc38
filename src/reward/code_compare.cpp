#include "reward/code_compare.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace cohort {
namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-6;

constexpr double kExact = 9007199254740992;  // 2^53: numbers from here on are whole, and compared as they are

bool close(double a, double b) {
  const double size = std::max(std::abs(a), std::abs(b));
  return a == b || (size < kExact && std::abs(a - b) <= kTolerance * std::max(1.0, size));
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; (at = text.find_first_not_of(separators, at)) != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end;
  }
  return parts;
}

// Lines, without those at the end that hold nothing but white space.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  const size_t last = text.find_last_not_of(" \t\r\n\f\v");
  text = last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::optional<double> decimal(std::string_view word) {
  if (!word.empty() && word[0] == '+') word.remove_prefix(1);
  double value;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool same_word(std::string_view given, std::string_view expected) {
  if (given == expected) return true;
  const bool whole = expected.find_first_of(".eE") == std::string_view::npos;
  if (whole && given.find_first_of(".eE") == std::string_view::npos) return false;
  const std::optional<double> a = decimal(given), b = decimal(expected);
  return a && b && (whole ? *a == *b && std::abs(*b) < kExact : close(*a, *b));
}

bool same_json(const json& a, const json& b) {
  if (a.is_number_integer() && b.is_number_integer()) return a == b;
  if (a.is_number() && b.is_number()) return close(a.get<double>(), b.get<double>());
  if (a.is_array() && b.is_array())
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same_json);
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a.items()) {
      const auto it = b.find(key);
      if (it == b.end() || !same_json(value, *it)) return false;
    }
    return true;
  }
  return a == b;
}

}  // namespace

bool same_output(std::string_view given, std::string_view expected) {
  const std::vector<std::string_view> a = lines_of(given), b = lines_of(expected);
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const std::vector<std::string_view> x = split(a[i], " \t\r\f\v"), y = split(b[i], " \t\r\f\v");
    if (x.size() != y.size() || !std::equal(x.begin(), x.end(), y.begin(), same_word)) return false;
  }
  return true;
}

bool same_result(std::string_view given, const json& expected, bool wrapped) {
  const json value = try_parse_json(given);
  if (value.is_discarded()) return false;
  return same_json(value, expected) || (wrapped && same_json(value, expected[0]));
}

}  // namespace cohort
