#include <cstdio>

#include "base/check.h"
#include "base/options.h"
#include "cli/cli.h"
#include "web/report.h"

namespace cohort {
namespace {

int run_report(std::span<const std::string> arguments) {
  OptionTable table;
  const std::vector<std::string> folders = table.read_arguments(arguments);
  if (folders.empty()) fail("report: expected a run folder, found nothing");
  for (const std::string& folder : folders) fmt::print("{}\n", write_report(folder).string());
  return 0;
}

}  // namespace

const Command kReportCommand = {"report",
                                "write report.html of a run: what changed, curves, samples, how to repeat it",
                                "cohort report RUN_FOLDER...",
                                "cohort report runs/quickstart",
                                [] { return std::string(); },
                                run_report};

}  // namespace cohort
