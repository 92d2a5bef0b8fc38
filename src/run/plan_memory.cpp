#include "run/plan_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "model/activations.h"
#include "model/stored_weights.h"
#include "model/trunk.h"
#include "model/weights.h"

namespace cohort {

ModelSize model_size(const ModelConfig& c) {
  auto packed = [](int64_t n, int64_t k) { return (n + 31) / 32 * 32 * k; };
  const int64_t C = c.hidden_size, F = c.intermediate_size;
  const int64_t floats = c.num_hidden_layers * (packed(c.qkv_width(), C) + packed(C, c.attention_width()) +
                                                packed(2 * F, C) + packed(C, F)) +
                         packed(c.scalar_head ? 1 : c.vocab_size, C);
  const std::vector<Parameter> list = parameter_list(c);
  int64_t parameters = 0;
  for (const Parameter& p : list) parameters += p.size();
  return {parameters, 4 * parameter_floats(list), 4 * floats};
}

int64_t frozen_model_bytes(const std::filesystem::path& path, const ModelConfig& config, FrozenDtype dtype) {
  StoredFiles files;
  try {
    files = open_files(path, config);
  } catch (const Error&) {  // a plan of a configuration alone; a run says what is wrong when it reads them
  }
  return frozen_bytes(config, frozen_matrices(config, files.weights.tensors, dtype));
}

TrainedSize trained_size(const ModelConfig& c, const TrainedPart& part) {
  const std::vector<Parameter> list =
      part.lora ? lora_parameters(c, *part.lora) : trained_parameters(c, part.frozen);
  int64_t parameters = 0;
  for (const Parameter& p : list) parameters += p.size();
  const int64_t bytes = 4 * parameter_floats(list);
  return {parameters, bytes, part.lora ? bytes + 4 * packed_lora_floats(c, *part.lora) : 0};
}

double matrix_parameters(const ModelConfig& c, int64_t layers) {
  const double C = static_cast<double>(c.hidden_size);
  return static_cast<double>(layers) *
         (C * static_cast<double>(c.qkv_width() + c.attention_width() + 3 * c.intermediate_size));
}

// Over the whole tree: dx, the gradients of attention and qkv, embedding rows that wait for the step's end;
// over a chunk of its rows: the rest.
int64_t scratch_bytes(const ModelConfig& c, const PassShape& s) {
  const int64_t C = c.hidden_size, F = c.intermediate_size;
  const int64_t chunk = std::min<int64_t>(s.micro_tokens, kChunkRows);
  // Of an adapter the outputs of its targets, and their ranks on both sides, over a chunk at most of all
  // places.
  int64_t low_rank = 0;
  if (s.trained.lora)
    for (const Parameter& p : lora_parameters(c, *s.trained.lora))
      if (p.name.find(".layers.0.") != std::string::npos)
        low_rank += p.name.ends_with("lora_B.weight") ? p.shape[0] : 2 * p.shape[0];
  const bool embeddings = !s.trained.lora && !s.trained.frozen.embeddings;
  return 4 * (s.micro_tokens * (2 * C + c.attention_width() + c.qkv_width()) + 3 * s.head_rows * C +
              chunk * (2 * C + 2 * F + (s.gradient_checkpointing ? 2 * F : 0) + low_rank) +
              (embeddings ? s.step_tokens * C : 0));
}

int64_t activation_bytes(const ModelConfig& c, const PassShape& s) {
  return Activations::bytes(c, s.micro_tokens,
                            s.gradient_checkpointing ? Activations::Keep::inputs : Activations::Keep::all) +
         scratch_bytes(c, s);
}

int64_t memory_limit(double gb) {
  if (gb > 0) return static_cast<int64_t>(gb * 1e9);
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word)
    if (word == "MemAvailable:") {
      int64_t kilobytes = 0;
      if (file >> kilobytes) return kilobytes * 1024;
    }
  return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
}

}  // namespace cohort
