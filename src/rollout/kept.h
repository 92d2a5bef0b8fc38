// A rollout's activations, kept so that the first on-policy update needs no forward: the bits are those of
// the training forward. Only an exact engine can do this.
#pragma once

#include <span>
#include <vector>

#include "model/activations.h"
#include "rollout/engine.h"

namespace cohort {

struct KeptActivations {
  Activations activations;
  // Which row of the activations each token is: [request][prompt token], [request][sample][completion token
  // but the last].
  std::vector<std::vector<int32_t>> prompt_rows;
  std::vector<std::vector<std::vector<int32_t>>> completion_rows;

  void reset(const ModelConfig& config, std::span<const GenerationRequest> requests, int64_t rows) {
    activations.reset(config, rows, Activations::Keep::all);
    prompt_rows.assign(requests.size(), {});
    completion_rows.clear();
    for (const GenerationRequest& r : requests) completion_rows.emplace_back(r.num_generations);
  }
};

}  // namespace cohort
