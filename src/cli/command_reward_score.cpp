#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "base/row_writer.h"
#include "data/row_file.h"
#include "data/row_pass.h"
#include "reward/reward.h"
#include "run/run_files.h"

namespace cohort {
namespace {

struct RewardScoreSettings {
  std::vector<std::string> reward;
  std::string data, output;
  bool overwrite = false;
  int64_t max_completion_length = 0;
  RewardSettings rewards;
};

void declare(OptionTable& t, RewardScoreSettings& s) {
  t.section("Rows");
  t.add("reward", &s.reward, "reward functions by name, as reward_funcs");
  t.add("data", &s.data,
        "a JSONL file: completion, and what the rewards read (answer, prompt, completion_tokens)")
      .shown_as("FILE");
  t.add("output", &s.output, "write the rows here; otherwise to the terminal").shown_as("FILE");
  t.add("overwrite", &s.overwrite, "replace the output file");
  t.add("max_completion_length", &s.max_completion_length, "tokens, for rewards of length").at_least(0);
  add_reward_settings(t, s.rewards);
}

// What the row's completion says: a text, or the last thing that the assistant says in a list of messages.
std::string completion_of(const Row& row, const std::string& data) {
  if (const auto text = row.fields->find("completion"); text != row.fields->end() && text->is_string()) return *text;
  for (const char* name : {"completion", "messages"}) {
    const auto list = row.fields->find(name);
    if (list == row.fields->end() || !list->is_array()) continue;
    for (auto message = list->rbegin(); message != list->rend(); ++message)
      if (message->is_object() && message->value("role", "") == "assistant" && (*message)["content"].is_string())
        return (*message)["content"];
    fail("{}:{}: \"{}\" has no message of the assistant's with a text", data, row.line, name);
  }
  fail("{}:{}: expected \"completion\" or \"messages\": ids alone cannot be read without a model", data, row.line);
}

struct Judged {
  int64_t right = 0, wrong = 0, unjudged = 0;
};

int64_t completion_tokens(const Row& row) {
  const auto it = row.fields->find("completion_tokens");
  if (it != row.fields->end() && it->is_number_unsigned()) return it->get<int64_t>();
  return row.completion_ids.empty() ? kUnknownLength : std::ssize(row.completion_ids);
}

// All rows in the order of the file, a chunk at a time: rewards that judge many at once get many.
void judge_rows(std::span<Row> rows, const std::string& data, std::span<const RewardFunction> functions, Judged& counts,
                RowWriter& writer) {
  std::vector<RewardInput> inputs;
  for (Row& row : rows) row.completion = completion_of(row, data);
  for (const Row& row : rows)
    inputs.push_back({*row.fields, row.prompt, row.completion, completion_tokens(row), row.prompt_ids,
                      row.completion_ids});
  const std::vector<Score> scores = score(functions, inputs);
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Score& s = scores[i];
    out += fmt::format("{{\"line\":{},\"reward\":{}", rows[i].line, json_number(s.reward));
    for (const auto& [name, value] : s.rewards)
      out += fmt::format(",{}:{}", json_text(name), json_number(value));
    out += ",\"reasons\":[";
    std::vector<std::string> reasons = s.notes;
    reasons.insert(reasons.end(), s.reasons.begin(), s.reasons.end());
    for (size_t k = 0; k < reasons.size(); ++k) out += (k ? "," : "") + json_text(reasons[k]);
    out += "]}\n";
    (std::isnan(s.reward) ? counts.unjudged : s.reward >= 1 ? counts.right : counts.wrong)++;
  }
  writer.append(out);
}

int run_reward_score(std::span<const std::string> arguments) {
  RewardScoreSettings s = read_options<RewardScoreSettings, declare>("reward score", arguments);
  require_option("reward score", "data", !s.data.empty(), "a JSONL file");
  if (!s.reward.empty()) {
    if (!s.rewards.reward_funcs.empty())
      fail("reward score: --reward and --reward_funcs are the same option: give one of them");
    s.rewards.reward_funcs = s.reward;
  }
  require_option("reward score", "reward", !s.rewards.reward_funcs.empty(), kRewardsExpected);
  for (const std::string& name : s.rewards.reward_funcs)
    if (name.starts_with(kModelReward))
      fail("reward score: {}: a reward model judges with `cohort reward eval` or in a run", name);
  const std::vector<RewardFunction> functions = make_rewards(s.rewards, s.max_completion_length);
  check_new_file(s.output, s.overwrite);
  RowFile file(s.data, {{}, Conversations::chat});
  check_rows(file, s.data);
  RowWriter writer(s.output);
  Judged counts;
  const double start = seconds();
  constexpr int64_t kChunk = 1024;
  for (int64_t i = 0; i < file.size(); i += kChunk) {
    std::vector<Row> rows;
    while (std::ssize(rows) < std::min(kChunk, file.size() - i)) rows.push_back(file.row(i + std::ssize(rows)));
    judge_rows(rows, s.data, functions, counts, writer);
  }
  const double took = std::max(seconds() - start, 1e-9);
  writer.finish();
  fmt::print(stderr, "{} rows: {} right, {} not, {} could not be judged; {:.0f} rows/s\n", file.size(),
             counts.right, counts.wrong, counts.unjudged, static_cast<double>(file.size()) / took);
  return 0;
}

}  // namespace

const Command kRewardScoreCommand = {
    "score",
    "judge the completions of a file by reward functions, with the reason of each verdict",
    "cohort reward score --reward NAME --data FILE [--output FILE] [--option value]...",
    "cohort reward score --reward math --data answers.jsonl",
    options_help<RewardScoreSettings, declare>,
    run_reward_score};

}  // namespace cohort
