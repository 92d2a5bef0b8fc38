// Rewards by a program of the user's own, which speaks JSON lines on standard input and output. It is started once;
// where it dies or falls silent it is started anew for the rows that are left.
//   in:  {"id":7,"prompt":"...","completion":"...","completion_tokens":12,"row":{...}}
//   out: {"id":7,"reward":0.5}, or {"id":7,"reward":null,"reason":"no gold"} where it cannot judge
// Answers may come in any order. Standard error goes where the run's does.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "reward/reward.h"

namespace cohort {

// `line` is run by /bin/sh. `timeout`: seconds from one answer to the next. A row gets no reward, and the reason,
// where the program dies, falls silent or answers nonsense when it is the first without an answer.
std::function<std::vector<RewardResult>(std::span<const RewardInput>)> command_reward(const std::string& line,
                                                                                      double timeout);

}  // namespace cohort
