#include <string>
#include <vector>

#include "cli/cli.h"

int main(int count, char** words) {
  return cohort::run_command_line(std::vector<std::string>(words + 1, words + count));
}
