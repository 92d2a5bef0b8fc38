#include <filesystem>

#include "base/log.h"
#include "base/new_folder.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "model/adapter_files.h"
#include "model/checkpoint.h"

namespace cohort {
namespace {

struct MergeSettings {
  std::string model, adapter, output_dir;
};

void declare(OptionTable& t, MergeSettings& s) {
  t.add("adapter", &s.adapter, "the adapter: PEFT's folder, such as checkpoint-N of a run with use_peft")
      .shown_as("DIR");
  t.add("model", &s.model, "its base; empty: the one that the adapter names").shown_as("DIR|GGUF");
  t.add("output_dir", &s.output_dir, "folder to write; must be new").shown_as("DIR");
}

int run_merge(std::span<const std::string> arguments) {
  const MergeSettings s = read_options<MergeSettings, declare>("merge", arguments);
  require_option("merge", "adapter", !s.adapter.empty(), "PEFT's folder of an adapter");
  require_option("merge", "output_dir", !s.output_dir.empty(), "the folder to write");
  check_new_folder(s.output_dir);
  Checkpoint c =
      load_checkpoint(s.model.empty() ? find_base_model(s.adapter) : std::filesystem::path(s.model));
  if (c.adapter) fail("{}: expected a model, found an adapter", s.model);
  const Adapter adapter = load_adapter(s.adapter, c.config);
  merge_adapter(c.config, adapter, c.weights.data());
  NewFolder folder(s.output_dir);
  save_checkpoint(folder.path(), c.config, c.weights.data(), c.tokenizer, c.texts);
  folder.finish();
  log_info("{}: {} with {} merged", s.output_dir, c.source, s.adapter);
  return 0;
}

}  // namespace

const Command kMergeCommand = {"merge",
                               "merge a LoRA adapter into its base, as a model of its own",
                               "cohort merge --adapter DIR --output_dir DIR",
                               "cohort merge --adapter runs/sums/checkpoint-100 --output_dir merged",
                               options_help<MergeSettings, declare>,
                               run_merge};

}  // namespace cohort
