// Adapters against PEFT in float64: folders that PEFT saved, on the checkpoints of transformers' oracles
// (tools/make_lora_fixtures.py). Then what must hold of any adapter, and what is frozen without one.
#include <gtest/gtest.h>

#include "model/adapter_files.h"
#include "model/checkpoint.h"
#include "model/config_json.h"
#include "model/optimizer.h"
#include "oracle.h"
#include "support.h"

namespace cohort {
namespace {

using testing::copy;
using testing::floats;
using testing::largest_difference;
using testing::Random;
using testing::relative_error;
using testing::same_bits;
using testing::tolerance;
using Json = nlohmann::json;

struct Oracle {
  std::filesystem::path folder, base;
  ModelConfig config;
  Json expected;
  TokenTree tree;
  RowSeeds seeds;

  Model plain() const { return Model(config, load_weights(base, config)); }
  Model model() const {
    Model m = plain();
    m.set_adapter(load_adapter(folder, config));
    return m;
  }
};

Oracle load(const std::string& name) {
  Oracle o;
  o.folder = testing::kFixtures / "lora" / name;
  o.base = find_base_model(o.folder);
  o.config = parse_config(read_file(o.base / "config.json"), "config.json");
  o.expected = testing::read_json(o.folder / "expected.json");
  const Json base = testing::read_json(o.base / "expected.json");
  o.tree = testing::oracle_tree(base["segments"]);
  o.seeds = {base["seeds"], base["entropy_seeds"]};
  return o;
}

double distance(const Model& model, const Oracle& o) {
  return testing::oracle_distance(model, o.tree, o.expected["temperatures"]);
}

Gradients gradients_of(const Model& model, const TokenTree& tree, const RowSeeds& seeds, float temperature,
                       Activations::Keep keep = Activations::Keep::all) {
  Transformer transformer;
  Gradients gradients(model);
  transformer.forward(model, tree, temperature, keep);
  transformer.backward(model, tree, seeds, gradients);
  gradients.finish();
  return gradients;
}

class LoraOracle : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Adapters, LoraOracle,
                         ::testing::Values("default_targets", "rslora", "part_of_each_place", "all_seven", "fused"),
                         [](const auto& info) { return std::string(info.param); });

// Catches: a target that the model's files do not have, which would be left out without a word; all-linear that
// misses one.
TEST(LoraTargets, AreThoseOfTheFamily) {
  const ModelConfig fused = load("fused").config, plain = load("all_seven").config;
  using Names = std::vector<std::string>;
  EXPECT_EQ(lora_targets({"all-linear"}, fused, "x"), (Names{"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}));
  EXPECT_EQ(lora_targets({"all-linear"}, plain, "x").size(), 7u);
  EXPECT_THROW(lora_targets({"q_proj"}, fused, "x"), Error);
  EXPECT_THROW(lora_targets({"qkv_proj"}, plain, "x"), Error);
  EXPECT_EQ(lora_targets({"gate_up_proj", "qkv_proj"}, "x"), (Names{"qkv_proj", "gate_up_proj"}));
}

// Catches: A and B swapped or transposed, a product at another projection, the scale of either kind, an
// activation taken before the product is added.
TEST_P(LoraOracle, LogProbsAndEntropies) {
  const Oracle o = load(GetParam());
  const double d = distance(o.model(), o);
  EXPECT_LT(d, 1.0);
  RecordProperty("distance", fmt::format("{:.2f} of the tolerance", d));
  EXPECT_GT(distance(o.plain(), o), 100);  // an oracle that the adapter does not matter to sees nothing
}

// Catches: logits that are right only for the tokens that were asked for: every token's log-prob after each
// of a plain sequence.
TEST_P(LoraOracle, Logits) {
  const Oracle o = load(GetParam());
  const Json given = testing::read_json(o.folder / "logits.json");
  const std::vector<int32_t> tokens = given["tokens"];
  TokenTree tree;
  tree.add(-1, tokens);
  std::vector<double> expected;
  for (size_t t = 0; t < tokens.size(); ++t) {
    const std::vector<double> logits = given["logits"][t];
    double sum = 0;
    for (double l : logits) sum += std::exp(l);
    for (size_t v = 0; v < logits.size(); ++v) {
      tree.rows.push_back({static_cast<int32_t>(t), static_cast<int32_t>(v)});
      expected.push_back(logits[v] - std::log(sum));
    }
  }
  const std::vector<float> ours =
      Transformer().forward(o.model(), tree, 1.0f, Activations::Keep::none).log_prob;
  EXPECT_LT(largest_difference(ours, expected), 5e-5);
}

// Catches: a wrong gradient of any A or B, the scale left out of one, and what flows on through the product
// to the layers below.
TEST_P(LoraOracle, Gradients) {
  const Oracle o = load(GetParam());
  const Model model = o.model();
  const std::vector<Parameter>& list = model.adapter()->parameters();
  const std::vector<float> expected = testing::read_gradients(list, o.folder);
  const Gradients ours = gradients_of(model, o.tree, o.seeds, o.expected["gradient_temperature"]);
  ASSERT_EQ(ours.flat().size(), static_cast<int64_t>(expected.size()));
  double worst = 0;
  for (const Parameter& p : list) {
    const double error = relative_error(floats(ours.flat()).subspan(p.offset, p.size()),
                                        std::span(expected).subspan(p.offset, p.size()));
    EXPECT_LT(error, 2e-5) << p.name;
    worst = std::max(worst, error);
  }
  RecordProperty("worst", fmt::format("{:.1e}", worst));
}

// Catches: updates that do not reach the packed products, a base that moves, decay unlike torch's.
TEST_P(LoraOracle, TenAdamWSteps) {
  const Oracle o = load(GetParam());
  Model model = o.model();
  const std::vector<float> base = copy(model.flat());
  Optimizer optimizer(model);
  AdamWOptions options;
  options.learning_rate = 2e-3;
  options.weight_decay = 0.01;
  RowSeeds seeds;
  const double count = static_cast<double>(o.tree.rows.size());
  seeds.log_prob.assign(o.tree.rows.size(), static_cast<float>(-1 / count));
  const Json& curve = o.expected["curve"];
  for (int step = 0; step < 10; ++step) {
    const RowOutputs out = Transformer().forward(model, o.tree, 1.0f, Activations::Keep::none);
    double loss = 0;
    for (float l : out.log_prob) loss -= l / count;
    const double norm = optimizer.step(model, gradients_of(model, o.tree, seeds, 1.0f), options, 1.0);
    const double expected = curve["losses"][step], torch = curve["torch_fp32_losses"][step];
    EXPECT_NEAR(loss, expected, std::max(5e-5, 3 * std::abs(torch - expected))) << "step " << step;
    const double expected_norm = curve["grad_norms"][step], torch_norm = curve["torch_fp32_grad_norms"][step];
    EXPECT_NEAR(norm, expected_norm, std::max(1e-4 * norm, 3 * std::abs(torch_norm - expected_norm)))
        << "step " << step;
  }
  EXPECT_TRUE(same_bits(base, floats(model.flat())));
}

// Catches: a merge into the wrong rows or by another scale.
TEST_P(LoraOracle, MergedIsTheSameModel) {
  const Oracle o = load(GetParam());
  Buffer weights = load_weights(o.base, o.config);
  merge_adapter(o.config, load_adapter(o.folder, o.config), weights.data());
  EXPECT_LT(distance(Model(o.config, std::move(weights)), o), 1.0);
}

// Catches: files of our own that lose something, and a base that is looked for elsewhere.
TEST_P(LoraOracle, SavedAndLoadedItIsTheSame) {
  const Oracle o = load(GetParam());
  const testing::TempFolder folder;
  const Adapter adapter = load_adapter(o.folder, o.config);
  save_adapter(folder.path() / "adapter", adapter, o.base.string(),
               Tokenizer::characters("ab", {"<e>"}, "<e>"));
  const Adapter again = load_adapter(folder.path() / "adapter", o.config);
  EXPECT_TRUE(again.config() == adapter.config());
  EXPECT_TRUE(same_bits(floats(again.flat()), floats(adapter.flat())));
  EXPECT_EQ(find_base_model(folder.path() / "adapter"), o.base);
}

// Catches: an initial adapter that changes anything, and an A that is not PEFT's: uniform in +-1 / sqrt(in).
TEST(Lora, AtTheStartItIsTheBase) {
  for (int seed = 0; seed < 8; ++seed) {
    Random random(seed);
    const ModelConfig config = testing::random_config(random);
    Model model = testing::lively_model(config, random);
    const TokenTree tree = testing::random_forest(random, config.vocab_size, 3);
    const RowOutputs before = Transformer().forward(model, tree, 1.0f, Activations::Keep::none);
    const LoraConfig lora{8, 32, false, lora_modules(config)};
    model.set_adapter(Adapter(config, lora, initial_lora(config, lora, 5)));
    const RowOutputs after = Transformer().forward(model, tree, 1.0f, Activations::Keep::none);
    EXPECT_TRUE(same_bits(before.log_prob, after.log_prob) && same_bits(before.entropy, after.entropy));
    for (const Parameter& p : model.adapter()->parameters()) {
      const std::span<const float> values = floats(model.adapter()->flat()).subspan(p.offset, p.size());
      const auto [low, high] = std::ranges::minmax(values);
      const float bound = static_cast<float>(1 / std::sqrt(double(p.shape[1])));
      if (p.name.ends_with("lora_B.weight")) {
        EXPECT_TRUE(low == 0 && high == 0);
      } else {
        EXPECT_TRUE(low >= -bound && high <= bound && low < -0.7f * bound && high > 0.7f * bound) << p.name;
      }
    }
    EXPECT_FALSE(same_bits(floats(initial_lora(config, lora, 6).tensor({100})),
                           floats(initial_lora(config, lora, 5).tensor({100}))));
  }
}

// Catches: a gradient of what is trained that depends on what is not, frozen tensors that get gradients or
// move, moments of the wrong tensors, and a backward that stops a layer too early.
TEST(Frozen, TheRestLearnsAsIfAllDid) {
  for (int seed = 0; seed < 12; ++seed) {
    Random random(100 + seed);
    ModelConfig config = testing::random_config(random);
    config.num_hidden_layers = 3;
    if (config.sliding_window > 0) config.windowed_layers.assign(3, true);
    Model model = testing::lively_model(config, random);
    const TokenTree tree = testing::random_forest(random, config.vocab_size, 3);
    const RowSeeds seeds = testing::random_seeds(random, tree);
    const Gradients all = gradients_of(model, tree, seeds, 1.0f);
    const Frozen frozen{seed % 2 == 0, seed / 2 % 4};
    model.freeze(frozen);
    for (Activations::Keep keep : {Activations::Keep::all, Activations::Keep::inputs}) {
      const Gradients some = gradients_of(model, tree, seeds, 1.0f, keep);
      size_t at = 0;
      const std::vector<TrainedParameter> trained = model.trained();
      for (const Parameter& p : model.parameters()) {
        const bool below = p.name.starts_with("model.layers.") && p.name[13] - '0' < frozen.layers;
        if (below || (frozen.embeddings && p.name == "model.embed_tokens.weight")) continue;
        ASSERT_LT(at, trained.size());
        ASSERT_EQ(trained[at].name, p.name);
        EXPECT_EQ(trained[at].weights, model.flat().data + p.offset);
        EXPECT_TRUE(same_bits(floats(some.flat()).subspan(trained[at].offset, p.size()),
                              floats(all.flat()).subspan(p.offset, p.size())))
            << p.name;
        ++at;
      }
      EXPECT_EQ(at, trained.size());
    }
    const std::vector<float> before = copy(model.flat());
    Optimizer optimizer(model);
    optimizer.step(model, gradients_of(model, tree, seeds, 1.0f), {1e-2}, 1.0);
    size_t at = 0;
    const std::vector<TrainedParameter> trained = model.trained();
    for (const Parameter& p : model.parameters()) {
      const bool moves = at < trained.size() && trained[at].name == p.name;
      at += moves;
      EXPECT_EQ(same_bits(floats(model.flat()).subspan(p.offset, p.size()),
                          std::span(before).subspan(p.offset, p.size())),
                !moves)
          << p.name;
    }
  }
}

const std::string kConfig =
    R"({"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["v_proj", "q_proj"])";

// Catches: keys that change what an adapter computes and are passed over, and values that are believed.
TEST(AdapterConfig, WhatIsNotPlainLoraIsRefusedByName) {
  const auto parse = [](const std::string& more) {
    return parse_adapter_config(kConfig + more + "}", "here.json");
  };
  EXPECT_EQ(parse("").lora.target_modules, (std::vector<std::string>{"q_proj", "v_proj"}));
  EXPECT_EQ(
      parse(R"(, "use_dora": false, "rank_pattern": {}, "lora_dropout": 0.05, "revision": "main")").lora.r,
      4);
  const std::pair<const char*, const char*> bad[] = {{"use_dora", "true"},
                                                     {"rank_pattern", R"({"q_proj": 8})"},
                                                     {"alpha_pattern", R"({"q_proj": 8})"},
                                                     {"modules_to_save", R"(["lm_head"])"},
                                                     {"layers_to_transform", "[0]"},
                                                     {"trainable_token_indices", "[3]"},
                                                     {"fan_in_fan_out", "true"},
                                                     {"lora_bias", "true"},
                                                     {"bias", "\"all\""},
                                                     {"init_lora_weights", "\"pissa\""},
                                                     {"something_new", "\"yes\""},
                                                     {"use_rslora", "1"},
                                                     {"base_model_name_or_path", "[]"},
                                                     {"peft_type", "\"IA3\""},
                                                     {"r", "0"},
                                                     {"r", "-1"},
                                                     {"r", "1e300"},
                                                     {"r", "99999999999999999999"},
                                                     {"lora_alpha", "\"8\""},
                                                     {"lora_alpha", "1e300"},
                                                     {"lora_alpha", "-8"},
                                                     {"target_modules", "\".*_proj\""},
                                                     {"target_modules", "[\"lm_head\"]"},
                                                     {"target_modules", "[\"mlp.q_proj\"]"},
                                                     {"target_modules", "[\"mlp.\", \"\", 3]"},
                                                     {"target_modules", "[]"}};
  for (const auto& [key, value] : bad) {
    Json object = Json::parse(kConfig + "}");
    object[key] = Json::parse(value);
    try {
      parse_adapter_config(object.dump(), "here.json");
      ADD_FAILURE() << key << " " << value;
    } catch (const Error& e) {
      const std::string what = e.what();
      EXPECT_TRUE(what.find("here.json") != std::string::npos && what.find(key) != std::string::npos &&
                  what.find("expected") != std::string::npos && what.find("found") != std::string::npos)
          << what;
    }
  }
  for (const char* text : {"", "[]", "{", "3"}) EXPECT_THROW(parse_adapter_config(text, "here.json"), Error);
}

}  // namespace
}  // namespace cohort
