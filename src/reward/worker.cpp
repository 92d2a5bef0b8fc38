#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "reward/rules.h"
#include "reward/workers.h"

namespace cohort {
namespace {

// A comparison that wants more ends this process, not the run.
constexpr rlim_t kMemory = rlim_t{4} << 30;  // bytes

nlohmann::json judged(const RewardFunction& function, const RewardInput& input) {
  RewardResult result;
  try {
    result = function.call ? function.call(input) : function.call_all({&input, 1})[0];
  } catch (const std::exception& error) {
    result = not_computed(error.what());
  }
  nlohmann::json out{{"value", nullptr}, {"reason", result.reason}};
  if (result.computed) out["value"] = result.value;
  return out;
}

}  // namespace

int run_reward_worker() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
  rlimit memory{};
  getrlimit(RLIMIT_AS, &memory);
  memory.rlim_cur = std::min(memory.rlim_max, kMemory);  // the soft limit: a sandboxed program has its own
  setrlimit(RLIMIT_AS, &memory);
#endif
  std::string line;
  if (!std::getline(std::cin, line)) return 0;
  const nlohmann::json greeting = parse_json(line);
  RewardSettings settings;
  OptionTable table;
  add_reward_settings(table, settings);
  table.read_toml(greeting["settings"].get<std::string>(), "the settings of a reward worker");
  std::vector<RewardFunction> costly;
  for (RewardFunction& f : make_rewards(settings, greeting["max_completion_length"].get<int64_t>()))
    if (const RewardRule* rule = find_reward_rule(f.name); rule && rule->costly) costly.push_back(std::move(f));
  while (std::getline(std::cin, line)) {
    const nlohmann::json question = parse_json(line);
    const auto prompt = question["prompt"].get<std::string>(), completion = question["completion"].get<std::string>();
    const RewardInput input{question["row"], prompt, completion, question["completion_tokens"].get<int64_t>()};
    nlohmann::json results = nlohmann::json::array();
    for (const RewardFunction& f : costly)
      results.push_back(f.route.leads(input.fields) ? judged(f, input) : nlohmann::json());
    std::cout << dump_json(nlohmann::json{{"id", question["id"]}, {"results", results}}) << '\n' << std::flush;
  }
  return 0;
}

}  // namespace cohort
