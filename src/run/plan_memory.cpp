#include "run/plan_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "model/activations.h"
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

double matrix_parameters(const ModelConfig& c) {
  const double C = static_cast<double>(c.hidden_size);
  return static_cast<double>(c.num_hidden_layers) *
         (C * static_cast<double>(c.qkv_width() + c.attention_width() + 3 * c.intermediate_size));
}

// Over the whole tree: dx, the gradients of attention and qkv, embedding rows that wait for the step's end;
// over a chunk of its rows: the rest.
int64_t scratch_bytes(const ModelConfig& c, const PassShape& s) {
  const int64_t C = c.hidden_size, F = c.intermediate_size;
  const int64_t chunk = std::min<int64_t>(s.micro_tokens, kChunkRows);
  return 4 * (s.micro_tokens * (2 * C + c.attention_width() + c.qkv_width()) + 3 * s.head_rows * C +
              chunk * (2 * C + 2 * F + (s.gradient_checkpointing ? 2 * F : 0)) + s.step_tokens * C);
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
