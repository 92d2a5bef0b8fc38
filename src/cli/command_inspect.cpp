#include <cstdio>

#include "base/check.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "cli/inspect.h"

namespace cohort {
namespace {

void declare(OptionTable& t, InspectSettings& s) {
  t.add("tensors", &s.tensors, "list every tensor with its shape, encoding and bytes");
  t.add("metadata", &s.metadata, "whole metadata, long texts and lists included");
}

int run_inspect(std::span<const std::string> arguments) {
  InspectSettings s;
  OptionTable table;
  declare(table, s);
  const std::vector<std::string> paths = table.read_arguments(arguments);
  if (paths.empty()) fail("inspect: expected a file or a folder");
  for (const std::string& path : paths) {
    const std::string text = inspect(path, s);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  return 0;
}

}  // namespace

const Command kInspectCommand = {"inspect",
                                 "what a model's file or folder holds",
                                 "cohort inspect FILE|DIR... [--tensors] [--metadata]",
                                 "cohort inspect model.gguf --tensors\n"
                                 "cohort inspect runs/quickstart/base",
                                 options_help<InspectSettings, declare>,
                                 run_inspect};

}  // namespace cohort
