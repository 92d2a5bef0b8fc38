#include <string>
#include <vector>

#include "cli/cli.h"
#include "reward/workers.h"

int main(int count, char** words) {
  if (count == 2 && words[1] == cohort::kRewardWorkerWord) return cohort::run_reward_worker();
  cohort::reward_worker_program() = "/proc/self/exe";
  return cohort::run_command_line(std::vector<std::string>(words + 1, words + count));
}
