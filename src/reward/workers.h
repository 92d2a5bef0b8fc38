// The costly rules (RewardRule::costly) judged by processes of their own, while other completions are still drawn. What
// crashes, hangs or eats memory there is one reward that could not be computed.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reward/reward.h"

namespace cohort {

// The program to start as a worker, with kRewardWorkerWord as its argument; while it is empty there are no workers, and
// the process itself judges. main() sets it.
std::string& reward_worker_program();
inline constexpr std::string_view kRewardWorkerWord = "reward-worker";

// Starts the settings' workers, by exec, and makes them the judges of the functions that are costly rules; nothing
// where there are none.
void give_to_workers(const RewardSettings& settings, int64_t max_completion_length,
                     std::vector<RewardFunction>& functions);

// A worker's life: a line with the settings, then a line of JSON for each question, until standard input ends.
int run_reward_worker();

}  // namespace cohort
