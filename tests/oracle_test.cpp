// The engine against transformers in float64, on tiny random checkpoints of each family
// (tools/make_oracles.py), and against transformers' greedy tokens of SmolLM2 (tools/oracle_smollm2.py).
// Nothing expected here was computed by this project.
#include "oracle.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "model/checkpoint.h"
#include "model/config_json.h"
#include "model/optimizer.h"
#include "reference.h"
#include "support.h"
#include "tensor/safetensors.h"

namespace cohort {
namespace {

using testing::floats;
using testing::kOracles;
using testing::Random;
using testing::read_gradients;
using testing::Reference;
using testing::relative_error;
using testing::tolerance;
using Json = nlohmann::json;

struct Oracle {
  ModelConfig config;
  std::vector<float> weights;  // flat
  Json expected;
  TokenTree tree;
  RowSeeds seeds;

  Model model() const { return model(config, weights); }
  static Model model(const ModelConfig& config, const std::vector<float>& flat) {
    Buffer buffer(static_cast<int64_t>(flat.size()));
    std::copy(flat.begin(), flat.end(), buffer.data());
    return Model(config, std::move(buffer));
  }
};

Oracle load(const std::string& name, const std::string& config_file = "config.json") {
  Oracle o;
  const std::filesystem::path folder = kOracles / name;
  o.config = parse_config(read_file(folder / config_file), config_file);
  const Buffer weights = load_weights(folder, o.config);
  o.weights.assign(weights.data(), weights.data() + weights.size());
  o.expected = Json::parse(read_file(folder / "expected.json"));
  o.tree = testing::oracle_tree(o.expected["segments"]);
  o.seeds = {o.expected["seeds"], o.expected["entropy_seeds"]};
  return o;
}

double distance(const Model& model, const Oracle& o) {
  return testing::oracle_distance(model, o.tree, o.expected["temperatures"]);
}

// The worst relative error in norm of a parameter's gradient, and which.
std::pair<double, std::string> gradient_error(const Oracle& o, const std::string& name,
                                              const RowSeeds& seeds) {
  const Model model = o.model();
  Transformer transformer;
  Gradients gradients(o.config);
  transformer.forward(model, o.tree, o.expected["gradient_temperature"], Activations::Keep::all);
  transformer.backward(model, o.tree, seeds, gradients);
  gradients.finish();
  const std::vector<float> expected = read_gradients(model.parameters(), kOracles / name);
  std::pair<double, std::string> worst{0, ""};
  for (const Parameter& p : model.parameters()) {
    const double error = relative_error(floats(gradients.flat()).subspan(p.offset, p.size()),
                                        std::span(expected).subspan(p.offset, p.size()));
    if (!(error <= worst.first)) worst = {error, p.name};
  }
  return worst;
}

class OracleTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, OracleTest,
                         ::testing::Values("llama_llama3_rope", "llama_linear_rope_bias", "llama_dynamic_rope", "mistral_window",
                                           "qwen2", "qwen2_window_yarn", "qwen3", "phi3_window", "phi3_longrope"),
                         [](const auto& info) { return std::string(info.param); });

// Catches: any error in the forward pass of a family (rope and its scalings, head mapping, biases, norms,
// temperature, tree paths).
TEST_P(OracleTest, LogProbsAndEntropies) {
  for (const char* config_file : {"config.json", "config_v4.json"}) {
    const Oracle o = load(GetParam(), config_file);
    const double d = distance(o.model(), o);
    EXPECT_LT(d, 1.0) << config_file;
    RecordProperty("distance", fmt::format("{:.2f} of the tolerance", d));
  }
}

// Catches: an error in any op's backward, in the sharing of prompt rows among completions, or in the
// entropy's gradient.
TEST_P(OracleTest, Gradients) {
  const Oracle o = load(GetParam());
  const auto [error, parameter] = gradient_error(o, GetParam(), o.seeds);
  EXPECT_LT(error, 2e-5) << parameter;
  RecordProperty("worst", fmt::format("{:.1e} in {}", error, parameter));

  // Catches: a comparison that cannot fail.
  RowSeeds wrong = o.seeds;
  for (float& s : wrong.entropy) s = -s;
  EXPECT_GT(gradient_error(o, GetParam(), wrong).first, 1e-2);
}

// Catches: AdamW, clipping or weight decay unlike torch's, and updates that do not reach the packed weights.
TEST_P(OracleTest, TenAdamWSteps) {
  const Oracle o = load(GetParam());
  Model model = o.model();
  Optimizer optimizer(model);
  Transformer transformer;
  AdamWOptions options;
  options.learning_rate = 1e-3;
  options.weight_decay = 0.01;
  RowSeeds seeds;
  const double count = static_cast<double>(o.tree.rows.size());
  seeds.log_prob.assign(o.tree.rows.size(), static_cast<float>(-1 / count));
  const Json& curve = o.expected["curve"];
  for (int step = 0; step < 10; ++step) {
    Gradients gradients(o.config);
    const RowOutputs out =
        transformer.forward(model, o.tree, 1.0f, Activations::Keep::all, &seeds, &gradients);
    transformer.backward(model, o.tree, seeds, gradients);
    gradients.finish();
    double loss = 0;
    for (float l : out.log_prob) loss -= l / count;
    const double norm = optimizer.step(model, gradients, options, 1.0);
    const double expected = curve["losses"][step], torch = curve["torch_fp32_losses"][step];
    EXPECT_NEAR(loss, expected, std::max(2e-5, 3 * std::abs(torch - expected))) << "step " << step;
    EXPECT_NEAR(norm, curve["grad_norms"][step].get<double>(), 1e-4 * norm) << "step " << step;
  }
}

// Catches: an oracle too blunt to see the faults that ports of these models really have.
TEST_P(OracleTest, MutationsAreSeen) {
  const Oracle o = load(GetParam());
  const auto mutated = [&](const std::function<void(ModelConfig&, std::vector<float>&)>& change) {
    ModelConfig config = o.config;
    std::vector<float> weights = o.weights;
    change(config, weights);
    return distance(Oracle::model(config, weights), o);
  };
  const auto parameter = [&](std::vector<float>& weights, const std::string& suffix, auto&& visit) {
    for (const Parameter& p : parameter_list(o.config)) {
      const int64_t width = o.config.hidden_size, q = o.config.attention_width() * width,
                    kv = o.config.num_key_value_heads * o.config.head_dim * width;
      float* const data = weights.data() + p.offset;
      if (p.name.ends_with(suffix)) visit(data, p.size());
      if (!p.name.ends_with("qkv_proj.weight")) continue;
      if (suffix == "q_proj.weight") visit(data, q);
      if (suffix == "k_proj.weight") visit(data + q, kv);
      if (suffix == "v_proj.weight") visit(data + q + kv, kv);
    }
  };
  EXPECT_LT(mutated([](ModelConfig&, std::vector<float>&) {}), 1.0);
  EXPECT_GT(mutated([](ModelConfig& c, auto&) { c.rope_theta *= 1.01; }), 5.0);
  EXPECT_GT(mutated([](ModelConfig& c, auto&) { c.rms_norm_eps *= 2; }), 5.0);
  if (o.config.rope_scaling.kind != RopeScaling::Kind::none && o.config.rope_scaling.kind != RopeScaling::Kind::dynamic) {
    EXPECT_GT(mutated([](ModelConfig& c, auto&) { c.rope_scaling = {}; }), 5.0);
  }
  if (o.config.rope_scaling.attention_factor != 1) {
    EXPECT_GT(mutated([](ModelConfig& c, auto&) { c.rope_scaling.attention_factor *= 1.001; }), 5.0);
  }
  if (o.config.sliding_window > 0) {
    EXPECT_GT(mutated([](ModelConfig& c, auto&) { ++c.sliding_window; }), 5.0);
    EXPECT_GT(mutated([](ModelConfig& c, auto&) { --c.sliding_window; }), 5.0);
    EXPECT_GT(mutated([](ModelConfig& c, auto&) { c.windowed_layers.flip(); }), 5.0);
  }
  // A factor on the queries is a factor on the attention scale.
  EXPECT_GT(mutated([&](ModelConfig&, std::vector<float>& w) {
              for (const char* suffix : {"q_proj.weight", "q_proj.bias", "q_norm.weight"}) {
                if (o.config.qk_norm != std::string(suffix).starts_with("q_norm")) continue;
                parameter(w, suffix, [](float* data, int64_t n) {
                  for (int64_t i = 0; i < n; ++i) data[i] *= 1.001f;
                });
              }
            }),
            5.0);
  // Key/value heads in the other order: queries h, h + 1, ... must read head h / (H / K).
  if (o.config.num_key_value_heads > 1) {
    EXPECT_GT(mutated([&](ModelConfig&, std::vector<float>& w) {
                for (const char* suffix : {"k_proj.weight", "v_proj.weight", "k_proj.bias", "v_proj.bias"})
                  parameter(w, suffix,
                            [](float* data, int64_t n) { std::rotate(data, data + n / 2, data + n); });
              }),
              5.0);
  }
}

// Catches: an error in the plain reference that the finite-difference tests lean on.
TEST_P(OracleTest, PlainReference) {
  const Oracle o = load(GetParam());
  const Reference reference(o.config, o.weights);
  for (const Json& at : o.expected["temperatures"]) {
    const testing::ReferenceRows rows = reference.rows(o.tree, at["temperature"]);
    for (size_t r = 0; r < rows.log_prob.size(); ++r) {
      EXPECT_NEAR(rows.log_prob[r], at["log_probs"][r].get<double>(), 5e-6);
      EXPECT_NEAR(rows.entropy[r], at["entropies"][r].get<double>(), 5e-6);
    }
  }
}

}  // namespace
}  // namespace cohort
