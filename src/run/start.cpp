#include "run/start.h"

#include <fmt/ranges.h>

#include "base/options.h"
#include "model/adapter_files.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

// The folder of the adapter that the recipe names; empty: a new one.
fs::path adapter_folder(const Recipe& r) {
  if (!is_adapter_folder(r.model)) return r.adapter;
  if (!r.adapter.empty())
    fail("adapter: model is an adapter itself ({}); expected one of the two, found {}", r.model, r.adapter);
  return r.model;
}

std::string text(const LoraConfig& c) {
  return fmt::format("lora_r {}, lora_alpha {}, use_rslora {}, lora_target_modules {}", c.r,
                     format_double(c.lora_alpha), c.use_rslora, fmt::join(c.target_modules, ", "));
}

}  // namespace

Checkpoint load_start(const Recipe& r, const std::optional<FoundCheckpoint>& resumed) {
  if (!r.use_peft) {
    Checkpoint c = load_checkpoint(resumed ? resumed->folder : fs::path(r.model), Weights::later);
    if (c.adapter)
      fail(
          "{}: expected a model, found an adapter: set use_peft = true to go on training it, or merge it "
          "first "
          "(cohort merge)",
          resumed ? resumed->folder.string() : r.model);
    if (r.freeze_layers > c.config.num_hidden_layers)
      fail("freeze_layers: expected at most the model's {} layers, found {}", c.config.num_hidden_layers,
           r.freeze_layers);
    return c;
  }
  const fs::path first = adapter_folder(r), folder = resumed ? resumed->folder : first;
  Checkpoint c = load_checkpoint(r.model, Weights::later);
  // A recipe that says nothing leaves it to the adapter.
  const bool open = !first.empty() && r.lora() == LoraSettings().lora();
  const LoraConfig wanted = open ? LoraConfig() : r.lora(c.config);
  if (folder.empty()) {
    c.adapter = Adapter(c.config, wanted, initial_lora(c.config, wanted, static_cast<uint64_t>(r.seed)));
    return c;
  }
  c.adapter = load_adapter(folder, c.config);
  if (!open && wanted != c.adapter->config())
    fail("{}: expected an adapter of {} as the recipe says, found {}", folder.string(), text(wanted),
         text(c.adapter->config()));
  return c;
}

std::unique_ptr<Adapter> starting_adapter(const Recipe& r, const ModelConfig& base) {
  const fs::path folder = adapter_folder(r);
  return folder.empty() ? nullptr : std::make_unique<Adapter>(load_adapter(folder, base));
}

}  // namespace cohort
