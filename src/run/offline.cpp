#include "run/offline.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "run/problem.h"

namespace cohort {
namespace {

std::vector<float> sampler_log_probs(const nlohmann::json& fields, size_t tokens, const std::string& place) {
  const auto it = fields.find("log_probs");
  if (it == fields.end() || !it->is_array() || it->size() != tokens)
    fail("{}: expected \"log_probs\" with one number for each of the completion's {} tokens, found {}", place,
         tokens,
         it == fields.end() ? "none"
         : !it->is_array()  ? it->type_name()
                            : fmt::format("{}", it->size()));
  std::vector<float> values;
  for (const nlohmann::json& value : *it) {
    const float number = value.is_number() ? value.get<float>() : NAN;
    if (!(number <= 0) || std::isinf(number))
      fail("{}: \"log_probs\"[{}] is {:.40}, expected a number of at most 0", place, values.size(),
           dump_json(value));
    values.push_back(number);
  }
  return values;
}

}  // namespace

Problem offline_problem(Row row, const std::string& place, const Tokenizer& tokenizer) {
  Problem p = make_problem(std::move(row), true, tokenizer);
  DrawnElsewhere sample{std::move(p.completion_ids), {}, p.row.text("finish_reason"), p.row.completion};
  p.completion_ids.clear();
  sample.log_probs = sampler_log_probs(*p.row.fields, sample.completion_ids.size(), place);
  if (sample.finish_reason.empty()) sample.finish_reason = "stop";
  if (sample.completion.empty()) sample.completion = tokenizer.decode(sample.completion_ids, true);
  p.samples.push_back(std::move(sample));
  return p;
}

bool OfflineGroups::add(const Problem& row) {
  if (found_ > 0 && found_ < wanted_ && row.prompt_ids == prompt_ids_) {
    ++found_;
    return false;
  }
  if (found_ > 0 && found_ < wanted_)
    fail("{}:{}: the prompt before this one has {} completions, expected num_generations = {} behind one another", data_,
         row.row.line, found_, wanted_);
  prompt_ids_ = row.prompt_ids;
  found_ = 1;
  return true;
}

void OfflineGroups::finish() const {
  if (found_ > 0 && found_ < wanted_)
    fail("{}: the last prompt has {} completions, expected num_generations = {}", data_, found_, wanted_);
}

std::vector<Group> offline_groups(std::span<const Drawn> drawn) {
  std::vector<Group> groups;
  for (const Drawn& d : drawn) {
    Group& group = groups.emplace_back();
    for (const DrawnElsewhere& from : d.problem->samples) {
      Sample& s = group.samples.emplace_back();
      s.prompt_index = d.prompt_index;
      s.sample_index = static_cast<uint32_t>(group.samples.size() - 1);
      s.prompt_ids = d.problem->prompt_ids;
      s.prompt = d.problem->row.prompt;
      s.completion_ids = from.completion_ids;
      s.sampler_log_probs = from.log_probs;
      s.completion = from.completion;
      s.finish_reason = from.finish_reason;
    }
  }
  return groups;
}

}  // namespace cohort
