#include "reward/mixture.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "reward/reward.h"

namespace cohort {
namespace {

constexpr std::string_view kOthers = "*";

RewardFunction& named(std::string_view option, const std::string& name, std::span<RewardFunction> functions) {
  for (RewardFunction& f : functions)
    if (f.name == name) return f;
  std::vector<std::string> known;
  for (const RewardFunction& f : functions) known.push_back(f.name);
  fail("{}: expected some of reward_funcs ({}), found \"{}\"", option, fmt::join(known, ", "), name);
}

}  // namespace

bool RewardRoute::leads(const nlohmann::json& fields) const {
  if (kinds.empty()) return true;
  const auto it = fields.find(field);
  const std::string kind = it == fields.end() ? "" : it->is_string() ? it->get<std::string>() : dump_json(*it);
  if (std::ranges::find(kinds, kind) != kinds.end()) return true;
  return std::ranges::find(named, kind) == named.end() && std::ranges::find(kinds, kOthers) != kinds.end();
}

void assign_roles(const RewardSettings& s, std::span<RewardFunction> functions) {
  for (const std::string& name : s.reward_gates)
    named("reward_gates", name, functions).role = RewardRole::gate;
  for (const std::string& name : s.reward_factors) {
    RewardFunction& f = named("reward_factors", name, functions);
    if (f.role == RewardRole::gate) fail("reward_factors: \"{}\" is one of reward_gates already", name);
    f.role = RewardRole::factor;
  }
  const auto is_term = [](const RewardFunction& f) { return f.role == RewardRole::term; };
  if (!functions.empty() && std::ranges::none_of(functions, is_term))
    fail("{}: expected a reward that is neither gate nor factor, which they open or multiply, found none",
         s.reward_factors.empty() ? "reward_gates" : "reward_factors");
  std::vector<std::string> kinds;
  for (const std::string& route : s.reward_routes) {
    const size_t equals = route.find('=');
    if (equals == std::string::npos || equals == 0)
      fail("reward_routes: expected KIND=NAME, such as math=last_number, found \"{}\"", route);
    kinds.push_back(route.substr(0, equals));
    RewardRoute& own = named("reward_routes", route.substr(equals + 1), functions).route;
    own.field = s.route_field;
    own.kinds.push_back(kinds.back());
  }
  for (RewardFunction& f : functions) f.route.named = kinds;
}

double mixed_reward(std::span<const RewardFunction> functions,
                    std::span<const std::pair<std::string, double>> rewards) {
  double gates = 0, terms = 0, factors = 1;
  bool open = true;
  auto function = functions.begin();
  for (const auto& [name, value] : rewards) {
    while (function != functions.end() && function->name != name) ++function;
    COHORT_CHECK(function != functions.end(), "a reward of no function: {}", name);
    if (function->weight == 0 && function->role == RewardRole::term) continue;  // shown, and not counted
    const double weighted = function->weight * value;
    switch (function->role) {
      case RewardRole::gate:
        gates += weighted;
        open = open && !(value < 1);
        break;
      case RewardRole::factor:
        factors *= weighted;
        break;
      case RewardRole::term:
        terms += weighted;
        break;
    }
  }
  return open ? gates + terms * factors : gates;
}

}  // namespace cohort
