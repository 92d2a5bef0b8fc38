#include "run/run_files.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/options.h"
#include "run/event_file.h"

namespace cohort {
namespace {

using Json = nlohmann::ordered_json;

std::string json_row(int64_t step, const NamedValues& values) {
  std::string row = fmt::format("{{\"step\":{}", step);
  for (const auto& [name, value] : values) row += fmt::format(",{}:{}", json_text(name), json_number(value));
  return row + "}\n";
}

// transformers' names of TensorBoard tags: eval_x is eval/x, everything else train/x.
NamedValues tagged(const NamedValues& values) {
  NamedValues tags;
  for (const auto& [name, value] : values)
    tags.emplace_back(name.starts_with("eval_") ? "eval/" + name.substr(5) : "train/" + name, value);
  return tags;
}

// Says which settings a resumed run changes.
void log_changes(const std::filesystem::path& path, std::string_view before, std::string_view after) {
  const auto settings = [](std::string_view text) {
    std::map<std::string, std::string> values;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const std::string_view line = text.substr(begin, end - begin);
      if (const size_t equals = line.find(" = "); !line.starts_with('#') && equals != std::string_view::npos)
        values[std::string(line.substr(0, equals))] = line.substr(equals + 3);
      begin = end + 1;
    }
    return values;
  };
  const auto old_values = settings(before);
  for (const auto& [name, value] : settings(after)) {
    const auto old_value = old_values.find(name);
    const std::string was = old_value == old_values.end() ? "not there" : old_value->second;
    if (was != value) log_warning("{}: resumed with {} = {}, which was {}", path.string(), name, value, was);
  }
}

}  // namespace

std::string json_number(double value) { return std::isfinite(value) ? format_double(value) : "null"; }

RewardJournal::RewardJournal(const std::filesystem::path& path, bool resume) : path_(path) {
  const int64_t length = resume ? whole_rows(path) : 0;
  if (length > 0) {
    const MappedFile file(path);
    std::string_view rest = file.bytes().substr(0, static_cast<size_t>(length));
    for (int64_t line = 1; !rest.empty(); ++line) {
      const size_t end = rest.find('\n');
      try {
        const Json row = parse_ordered_json(rest.substr(0, end));
        Rewards rewards;
        for (const auto& [name, values] : row.at("rewards").items()) {
          std::vector<double>& list = rewards.emplace_back(name, std::vector<double>()).second;
          for (const Json& value : values)
            list.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>());
        }
        const int64_t step = row.at("step"), draw = row.value("draw", int64_t{0});
        rows_[{step, draw}] = {row.at("key").get<std::string>(), std::move(rewards)};
      } catch (const Json::exception& error) {
        fail("{}:{}: expected a row of rewards, found: {}", path.string(), line, error.what());
      }
      rest.remove_prefix(end + 1);
    }
  }
  log_ = AppendLog(path, length);
}

std::optional<RewardJournal::Rewards> RewardJournal::find(int64_t step, int64_t draw,
                                                          std::string_view key) const {
  const auto row = rows_.find({step, draw});
  if (row == rows_.end()) return std::nullopt;
  if (row->second.first != key)
    fail(
        "{}: step {} was judged on other completions (key {}, now {}): the recipe or the program has changed "
        "since; "
        "resume with what began the run, or start a new output_dir",
        path_.string(), step, row->second.first, key);
  return row->second.second;
}

void RewardJournal::record(int64_t step, int64_t draw, std::string_view key, const Rewards& rewards) {
  const std::pair place(step, draw);
  COHORT_CHECK(rows_.empty() || place > rows_.rbegin()->first, "step {} after {}", step,
               rows_.rbegin()->first.first);
  std::string row = fmt::format("{{\"step\":{},", step);
  if (draw > 0) row += fmt::format("\"draw\":{},", draw);
  row += fmt::format("\"key\":{},\"rewards\":{{", json_text(key));
  for (size_t f = 0; f < rewards.size(); ++f) {
    row += fmt::format("{}{}:[", f ? "," : "", json_text(rewards[f].first));
    for (size_t i = 0; i < rewards[f].second.size(); ++i)
      row += (i ? "," : "") + json_number(rewards[f].second[i]);
    row += "]";
  }
  log_.append(row + "}}\n");
  log_.sync();
  rows_[place] = {std::string(key), rewards};
}

RunWriter::RunWriter(const std::filesystem::path& folder, std::string_view recipe) : folder_(folder) {
  if (std::filesystem::exists(folder / "recipe.toml"))
    fail("{}: holds a run already: continue it with --resume, or give another --output_dir", folder.string());
  open(recipe, false, 0, {});
}

RunWriter::RunWriter(const std::filesystem::path& folder, std::string_view recipe, int64_t step,
                     const RunLengths& lengths)
    : folder_(folder) {
  open(recipe, true, step, lengths);
}

RunWriter::~RunWriter() = default;

void RunWriter::open(std::string_view recipe, bool resume, int64_t step, const RunLengths& lengths) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) fail("{}: the run folder cannot be made: {}", folder_.string(), error.message());
  const std::filesystem::path recipe_path = folder_ / "recipe.toml";
  const std::string before =
      std::filesystem::exists(recipe_path) ? read_file(recipe_path) : std::string(recipe);
  if (before != recipe) log_changes(recipe_path, before, recipe);
  // All checked before the first is cut.
  const std::pair<const char*, int64_t> logs[] = {{"metrics.jsonl", lengths.metrics},
                                                  {"samples.jsonl", lengths.samples},
                                                  {"eval_samples.jsonl", lengths.eval_samples}};
  for (const auto& [name, length] : logs) {
    const auto size = std::filesystem::file_size(folder_ / name, error);
    if (length > (error ? 0 : static_cast<int64_t>(size)))
      fail("{}: expected at least {} bytes (what the checkpoint recorded), found {}",
           (folder_ / name).string(), length, error ? 0 : size);
  }
  rewards_ = std::make_unique<RewardJournal>(folder_ / "rewards.jsonl", resume);
  metrics_ = AppendLog(folder_ / "metrics.jsonl", lengths.metrics);
  samples_ = AppendLog(folder_ / "samples.jsonl", lengths.samples);
  eval_samples_ = AppendLog(folder_ / "eval_samples.jsonl", lengths.eval_samples);
  timings_ = AppendLog(folder_ / "timings.jsonl", resume ? whole_rows(folder_ / "timings.jsonl") : 0);
  events_ = std::make_unique<EventFile>(folder_, resume ? step + 1 : 0);
  write_file(recipe_path, recipe);
}

void RunWriter::log_metrics(int64_t step, const NamedValues& values) {
  metrics_.append(json_row(step, values));
  events_->add_scalars(step, tagged(values));
}

void RunWriter::log_timings(int64_t step, const NamedValues& values) {
  timings_.append(json_row(step, values));
  events_->add_scalars(step, tagged(values));
}

void RunWriter::log_sample(std::string_view json) { samples_.append(std::string(json) + "\n"); }
void RunWriter::log_eval_sample(std::string_view json) { eval_samples_.append(std::string(json) + "\n"); }

RunLengths RunWriter::lengths() const {
  return {metrics_.length(), samples_.length(), eval_samples_.length()};
}

void RunWriter::sync() {
  metrics_.sync();
  samples_.sync();
  eval_samples_.sync();
}

}  // namespace cohort
