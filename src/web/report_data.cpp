#include "web/report_data.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"

namespace cohort {
namespace {

using OrderedJson = nlohmann::ordered_json;
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kShown = 6;             // samples, or pairs of them
constexpr size_t kScanned = 4096;        // rows read from either end of a log of samples
constexpr size_t kLongestRow = 1 << 20;  // bytes of a sample; a longer row is left out

OrderedJson try_parse(std::string_view line) {
  try {
    return parse_ordered_json(line);
  } catch (const OrderedJson::exception&) {
    return OrderedJson::value_t::discarded;
  }
}

// A row as JSON; bytes that are no UTF-8 are let through as U+FFFD. Nothing where it is no object with a
// step.
std::optional<OrderedJson> parsed_row(std::string_view line) {
  OrderedJson row = try_parse(line);
  if (row.is_discarded()) {
    // nlohmann refuses invalid UTF-8: once more with every byte above ASCII replaced, so that the rest can be
    // read.
    std::string ascii(line);
    for (char& c : ascii)
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    row = try_parse(ascii);
  }
  if (row.is_discarded() || !row.is_object()) return std::nullopt;
  const auto step = row.find("step");
  if (step == row.end() || !step->is_number_integer()) return std::nullopt;
  const double number = step->get<double>();
  if (number < 0 || number > 1e15) return std::nullopt;
  return row;
}

// Calls f(line) for the lines from the front, or from the back, until it returns false.
template <class F>
void each_line(std::string_view text, bool backwards, F f) {
  while (!text.empty()) {
    std::string_view line;
    if (!backwards) {
      const size_t end = std::min(text.find('\n'), text.size());
      line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
    } else {
      if (text.back() == '\n') text.remove_suffix(1);
      const size_t newline = text.rfind('\n');
      const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
      line = text.substr(begin);
      text = text.substr(0, begin);
    }
    if (!line.empty() && !f(line)) return;
  }
}

std::string text_field(const OrderedJson& row, const char* name) {
  const auto field = row.find(name);
  return field != row.end() && field->is_string() ? field->get<std::string>() : std::string();
}

ReportSample sample_of(const OrderedJson& row) {
  ReportSample sample;
  sample.step = row["step"].get<int64_t>();
  sample.prompt = text_field(row, "prompt");
  sample.completion = text_field(row, "completion");
  sample.finish_reason = text_field(row, "finish_reason");
  const auto reward = row.find("reward");
  sample.reward = reward != row.end() && reward->is_number() ? reward->get<double>() : kNoNumber;
  if (const auto rewards = row.find("rewards"); rewards != row.end() && rewards->is_object())
    for (const auto& [name, value] : rewards->items())
      sample.rewards.emplace_back(name, value.is_number() ? value.get<double>() : kNoNumber);
  return sample;
}

// The first sample of each prompt among the rows of the log's first step, or of its last; in the order of the
// file.
std::vector<ReportSample> samples_of_one_step(std::string_view log, bool last,
                                              std::set<const char*>& broken) {
  std::vector<ReportSample> samples;
  std::optional<int64_t> step;
  size_t scanned = 0;
  each_line(log, last, [&](std::string_view line) {
    if (++scanned > kScanned) return false;
    if (line.size() > kLongestRow) return true;
    const std::optional<OrderedJson> row = parsed_row(line);
    if (!row) {
      broken.insert(line.data());
      return true;
    }
    if (!row->contains("completion")) return true;  // the values of a reward model
    ReportSample sample = sample_of(*row);
    if (!step) step = sample.step;
    if (sample.step != *step) return false;
    samples.push_back(std::move(sample));
    return true;
  });
  if (last) std::reverse(samples.begin(), samples.end());
  std::vector<ReportSample> first_of_prompt;
  std::map<std::string, bool> seen;
  for (ReportSample& sample : samples)
    if (!std::exchange(seen[sample.prompt], true)) first_of_prompt.push_back(std::move(sample));
  return first_of_prompt;
}

std::map<int64_t, std::map<std::string, double>> numbers_of(const std::filesystem::path& path,
                                                            int64_t& broken) {
  std::map<int64_t, std::map<std::string, double>> rows;
  if (!std::filesystem::exists(path)) return rows;
  const MappedFile file(path);
  each_line(file.bytes(), false, [&](std::string_view line) {
    const std::optional<OrderedJson> row = parsed_row(line);
    if (!row) {
      ++broken;
      return true;
    }
    auto& values = rows[(*row)["step"].get<int64_t>()];
    for (const auto& [name, value] : row->items())
      if (name != "step" && value.is_number()) values[name] = value.get<double>();
    return true;
  });
  return rows;
}

std::map<std::string, std::string> settings_of(std::string_view recipe) {
  std::map<std::string, std::string> settings;
  each_line(recipe, false, [&](std::string_view line) {
    const size_t equals = line.find(" = ");
    if (line[0] == '#' || equals == std::string_view::npos) return true;
    std::string_view value = line.substr(equals + 3);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    settings[std::string(line.substr(0, equals))] = value;
    return true;
  });
  return settings;
}

}  // namespace

std::vector<std::pair<double, double>> ReportData::values(const std::string& metric) const {
  std::vector<std::pair<double, double>> found;
  for (const auto& [step, row] : rows)
    if (const auto value = row.find(metric); value != row.end())
      found.emplace_back(static_cast<double>(step), value->second);
  return found;
}

ReportData load_report_data(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) fail("{}: expected a run folder, found none", folder.string());
  const bool has_recipe = std::filesystem::exists(folder / "recipe.toml");
  if (!has_recipe && !std::filesystem::exists(folder / "metrics.jsonl"))
    fail("{}: expected a run folder with recipe.toml or metrics.jsonl, found neither", folder.string());
  ReportData data;
  data.name = std::filesystem::absolute(folder / ".").lexically_normal().parent_path().filename().string();
  if (has_recipe) data.recipe = read_file(folder / "recipe.toml");
  data.settings = settings_of(data.recipe);
  data.rows = numbers_of(folder / "metrics.jsonl", data.broken_rows);
  data.timings = numbers_of(folder / "timings.jsonl", data.broken_rows);
  for (const char* name : {"eval_samples.jsonl", "samples.jsonl"}) {
    if (!std::filesystem::exists(folder / name)) continue;
    const MappedFile file(folder / name);
    std::set<const char*> broken;
    data.before = samples_of_one_step(file.bytes(), false, broken);
    data.after = samples_of_one_step(file.bytes(), true, broken);
    data.broken_rows += static_cast<int64_t>(broken.size());
    if (!data.before.empty()) {
      data.held_out = std::string_view(name) == "eval_samples.jsonl";
      break;
    }
  }
  if (!data.before.empty() && !data.after.empty() && data.before[0].step == data.after[0].step)
    data.after.clear();
  if (data.held_out)
    for (const ReportSample& before : data.before)
      for (const ReportSample& after : data.after)
        if (before.prompt == after.prompt && data.pairs.size() < kShown)
          data.pairs.emplace_back(before, after);
  data.before.resize(std::min(data.before.size(), kShown));
  data.after.resize(std::min(data.after.size(), kShown));
  return data;
}

}  // namespace cohort
