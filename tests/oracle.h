// Reading what tools/make_oracles.py and tools/make_lora_fixtures.py wrote, and comparing with it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/file.h"
#include "model/transformer.h"
#include "tensor/safetensors.h"
#include "tree/token_tree.h"

namespace cohort::testing {

inline const std::filesystem::path kFixtures = std::filesystem::path(COHORT_SOURCE_DIR) / "tests/fixtures";
inline const std::filesystem::path kOracles = kFixtures / "oracles";

inline nlohmann::json read_json(const std::filesystem::path& path) {
  return nlohmann::json::parse(read_file(path));
}

inline TokenTree oracle_tree(const nlohmann::json& segments) {
  TokenTree tree;
  for (const nlohmann::json& s : segments) {
    const std::vector<int32_t> tokens = s["tokens"];
    if (s["kind"] == "completion")
      tree.add_completion(s["parent"], tokens);
    else
      tree.add(s["parent"], tokens);
  }
  return tree;
}

// gradients.safetensors in the layout of `list`, which is all that it holds.
inline std::vector<float> read_gradients(const std::vector<Parameter>& list,
                                         const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "gradients.safetensors";
  const SafetensorsFile file(path);
  std::vector<float> flat(parameter_floats(list), 0.0f);
  for (const Parameter& p : list) {
    const SafetensorsEntry* entry = file.find(p.name);
    if (!entry || entry->shape != p.shape || entry->dtype != "F32")
      fail("{}: {} is not as expected", path.string(), p.name);
    std::memcpy(flat.data() + p.offset, entry->bytes.data(), entry->bytes.size());
  }
  COHORT_CHECK(list.size() == file.entries().size(), "{} parameters, {} gradients", list.size(),
               file.entries().size());
  return flat;
}

inline double largest_difference(const std::vector<float>& ours, const nlohmann::json& expected) {
  double worst = 0;
  for (size_t i = 0; i < ours.size(); ++i)
    worst = std::max(worst, std::abs(ours[i] - expected[i].get<double>()));
  return ours.size() == expected.size() && !ours.empty() ? worst : INFINITY;
}

inline double tolerance(const nlohmann::json& at, const char* torch_error) {
  return std::max(2e-5, 3 * at[torch_error].get<double>());
}

// How far a model's log-probs and entropies lie from the oracle's, in units of the tolerance, over its temperatures.
inline double oracle_distance(const Model& model, const TokenTree& tree, const nlohmann::json& temperatures) {
  double worst = 0;
  Transformer transformer;
  for (const nlohmann::json& at : temperatures) {
    const RowOutputs out = transformer.forward(model, tree, at["temperature"], Activations::Keep::none);
    worst = std::max(
        {worst, largest_difference(out.log_prob, at["log_probs"]) / tolerance(at, "torch_fp32_log_prob_error"),
         largest_difference(out.entropy, at["entropies"]) / tolerance(at, "torch_fp32_entropy_error")});
  }
  return worst;
}

}  // namespace cohort::testing
