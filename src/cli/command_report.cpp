#include <cstdio>

#include "base/check.h"
#include "base/file.h"
#include "base/options.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "web/comparison.h"
#include "web/curves_page.h"
#include "web/report.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

struct ReportSettings {
  bool compare = false;
  std::string output, title;
};

void declare(OptionTable& t, ReportSettings& s) {
  t.add("compare", &s.compare,
        "one page for all the run folders: their held-out accuracy over steps; runs called NAME-1, NAME-2 "
        "... that "
        "differ in their seed are one line with a band");
  t.add("output", &s.output,
        "the page to write; a name that ends in .svg: the chart alone (not for the report of a single run)")
      .shown_as("FILE.html|FILE.svg");
  t.add("title", &s.title, "heading of the page; the name of output where empty");
}

int run_report(std::span<const std::string> arguments) {
  ReportSettings s;
  OptionTable table;
  declare(table, s);
  const std::vector<std::string> words = table.read_arguments(arguments);
  const std::vector<fs::path> paths(words.begin(), words.end());
  if (paths.empty()) fail("report: expected a run folder or a summary of `cohort eval`, found nothing");
  const bool summary = !s.compare && fs::is_regular_file(paths[0]);
  if (!s.compare && !summary) {
    if (!s.output.empty())
      fail("report: --output goes with --compare or a summary; a run's report is RUN_FOLDER/report.html");
    for (const fs::path& folder : paths) fmt::print("{}\n", write_report(folder).string());
    return 0;
  }
  if (summary && paths.size() > 1)
    fail("report: expected one summary, found {} more arguments", paths.size() - 1);
  if (s.compare && s.output.empty()) fail("report: --compare needs --output: the page to write");
  const fs::path output =
      s.output.empty() ? fs::path(paths[0]).replace_extension(".html") : fs::path(s.output);
  const std::string title = s.title.empty() ? output.stem().string() : s.title;
  const bool svg = output.extension() == ".svg";
  write_file(output, s.compare ? (svg ? comparison_svg(paths, title) : make_comparison(paths, title))
                               : (svg ? curves_svg(paths[0]) : make_curves_page(paths[0], title)));
  fmt::print("{}\n", output.string());
  return 0;
}

}  // namespace

const Command kReportCommand = {
    "report",
    "write a page about a run, about several runs, or about an evaluation's curves",
    "cohort report RUN_FOLDER... | --compare RUN_FOLDER... --output FILE | SUMMARY.json [--output FILE]",
    "cohort report runs/quickstart/grpo\n"
    "cohort report --compare runs/a-1 runs/a-2 runs/b-1 runs/b-2 --output runs/compared.html\n"
    "cohort report runs/figures.json --output runs/figures.svg",
    options_help<ReportSettings, declare>,
    run_report};

}  // namespace cohort
