// How several rewards become one.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reward/settings.h"

namespace cohort {

struct RewardFunction;

// What a function is in R = gates + [every gate pays at least 1] x (sum of terms) x (product of factors), each
// times its weight.
enum class RewardRole { term, factor, gate };

// The rows that a function judges, by a field that says their kind.
struct RewardRoute {
  std::string field;
  std::vector<std::string> kinds;  // empty: all rows; "*": those of kinds that no route names
  std::vector<std::string> named;  // by any route
  bool leads(const nlohmann::json& fields) const;
};

// Sets the functions' roles and routes. Throws Error for names that are none of theirs, a gate that is a factor too,
// or no term at all.
void assign_roles(const RewardSettings& settings, std::span<RewardFunction> functions);

// The mixed reward of one completion from those of the functions that judge it, in the functions' order. NaN where
// one that counts could not be computed: behind a closed gate only gates count.
double mixed_reward(std::span<const RewardFunction> functions,
                    std::span<const std::pair<std::string, double>> rewards);

}  // namespace cohort
