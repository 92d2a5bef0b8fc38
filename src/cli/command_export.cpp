#include <filesystem>

#include "base/check.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "model/export.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

struct ExportSettings {
  std::string model, to, output;
  double max_shard_gb = 5;
  bool overwrite = false;
};

void declare(OptionTable& t, ExportSettings& s) {
  t.add("model", &s.model,
        "a Hugging Face folder (a run's checkpoint-N is one), an adapter's (it is merged), or a GGUF file")
      .shown_as("DIR|GGUF");
  t.add("to", &s.to,
        "gguf:TYPE with TYPE one of f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k_m, q5_k_m, q6_k; or "
        "hf (safetensors "
        "is another name for it), hf:f32, hf:bf16, hf:f16")
      .shown_as("KIND:TYPE");
  t.add("output", &s.output, "the GGUF file, or the folder, to write").shown_as("FILE|DIR");
  t.add("max_shard_gb", &s.max_shard_gb,
        "hf: gigabytes (1e9 bytes) of a file of weights at most, where no tensor is larger")
      .above(0);
  t.add("overwrite", &s.overwrite, "replace a GGUF file that exists; a folder never is");
}

// "gguf:q8_0" in two; the second part may be missing.
std::pair<std::string, std::string> split_kind(const std::string& to) {
  const size_t colon = to.find(':');
  if (colon == std::string::npos) return {to, ""};
  if (colon + 1 == to.size()) fail("export: --to {}: expected a type behind the colon", to);
  return {to.substr(0, colon), to.substr(colon + 1)};
}

void check_output(const ExportSettings& s, bool folder) {
  const fs::path path = s.output;
  const fs::path parent = path.has_parent_path() ? path.parent_path() : ".";
  if (!fs::is_directory(parent)) fail("export: {}: there is no folder {}", s.output, parent.string());
  if (!fs::exists(path)) return;
  if (fs::equivalent(path, s.model)) fail("export: the output {} is the model itself", s.output);
  if (folder || fs::is_directory(path)) fail("export: {} exists; name another, or remove it first", s.output);
  if (!s.overwrite) fail("export: {} exists; say --overwrite to replace it", s.output);
}

int run_export(std::span<const std::string> arguments) {
  const ExportSettings s = read_options<ExportSettings, declare>("export", arguments);
  require_option("export", "model", !s.model.empty(), kModelExpected);
  require_option("export", "to", !s.to.empty(), "gguf:TYPE or hf");
  require_option("export", "output", !s.output.empty(), "a file or folder to write");
  const auto [kind, type] = split_kind(s.to);
  const bool gguf = kind == "gguf", folder = kind == "hf" || kind == "safetensors";
  if (!gguf && !folder) fail("export: --to {}: expected gguf:TYPE or hf", s.to);
  if (gguf && type.empty()) fail("export: --to gguf: expected a type behind it, as gguf:q8_0 or gguf:f16");
  check_output(s, folder);
  const fs::path output = s.output.ends_with('/') ? fs::path(s.output).parent_path() : fs::path(s.output);
  const Exported e = gguf ? export_gguf(s.model, type, output)
                          : export_folder(s.model, type, static_cast<int64_t>(s.max_shard_gb * 1e9), output);
  std::string encodings;
  for (const auto& [name, count] : e.tensors)
    encodings += fmt::format("{}{} {}", encodings.empty() ? "" : ", ", count, name);
  log_info("{}: {:.1f} MB, tensors: {}{}", e.path, static_cast<double>(e.bytes) / 1e6, encodings,
           e.relative_error > 0 ? fmt::format("; rounding changes the values by {:.3g} % (root mean square)",
                                              100 * e.relative_error)
                                : "");
  return 0;
}

}  // namespace

const Command kExportCommand = {
    "export",
    "write a model as GGUF or as a Hugging Face folder, for llama.cpp, Ollama, vLLM, transformers",
    "cohort export --model DIR|GGUF --to gguf:TYPE|hf[:DTYPE] --output FILE|DIR",
    "cohort export --model runs/quickstart/grpo/checkpoint-200 --to gguf:q8_0 --output model.gguf\n"
    "cohort export --model runs/quickstart/grpo/checkpoint-200 --to hf:bf16 --output model",
    options_help<ExportSettings, declare>,
    run_export};

}  // namespace cohort
