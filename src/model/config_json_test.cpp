#include "model/config_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"

namespace cohort {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json sizes(const char* model_type) {
  return {{"model_type", model_type}, {"vocab_size", 100},        {"hidden_size", 32},
          {"intermediate_size", 64},  {"num_hidden_layers", 2},   {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"rms_norm_eps", 1e-5},     {"max_position_embeddings", 4096},
          {"hidden_act", "silu"},     {"sliding_window", nullptr}};
}

json with(json config, const json& changes) {
  config.update(changes);
  return config;
}

ModelConfig parse(const json& config) { return parse_config(config.dump(), "x/config.json"); }

std::string error_of(const std::string& text) {
  try {
    parse_config(text, "x/config.json");
    return "accepted";
  } catch (const Error& e) {
    return e.what();
  }
}

// Faults: the form of one transformers version read as if its rope settings were missing.
TEST(ConfigJson, RopeInTheFormsOfTransformers4And5) {
  const json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 1024}};
  const ModelConfig four = parse(with(sizes("llama"), {{"rope_theta", 5e5}, {"rope_scaling", llama3}}));
  const ModelConfig five =
      parse(with(sizes("llama"), {{"rope_parameters", with(llama3, {{"rope_theta", 5e5}})}}));
  for (const ModelConfig& c : {four, five}) {
    EXPECT_EQ(c.rope_theta, 5e5);
    EXPECT_EQ(c.rope_scaling.kind, RopeScaling::Kind::llama3);
    EXPECT_EQ(c.rope_scaling.factor, 8);
    EXPECT_EQ(c.rope_scaling.low_freq_factor, 1);
    EXPECT_EQ(c.rope_scaling.high_freq_factor, 4);
    EXPECT_EQ(c.rope_scaling.original_max_position_embeddings, 1024);
  }
  const ModelConfig linear =
      parse(with(sizes("llama"), {{"rope_scaling", {{"type", "linear"}, {"factor", 2}}}}));
  EXPECT_EQ(linear.rope_scaling.kind, RopeScaling::Kind::linear);
  EXPECT_EQ(linear.rope_scaling.factor, 2);
  EXPECT_EQ(linear.rope_theta, 10000);
  const ModelConfig plain =
      parse(with(sizes("qwen2"), {{"rope_scaling", nullptr},
                                  {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 1000000}}}}));
  EXPECT_EQ(plain.rope_scaling.kind, RopeScaling::Kind::none);
  EXPECT_EQ(plain.rope_theta, 1e6);
}

// Faults: a family's biases, q/k norm or defaults mixed up with another's.
TEST(ConfigJson, Families) {
  const ModelConfig llama = parse(with(sizes("llama"), {{"attention_bias", true}, {"mlp_bias", true}}));
  EXPECT_TRUE(llama.attention_bias && llama.attention_out_bias && llama.mlp_bias && !llama.qk_norm);
  EXPECT_EQ(llama.head_dim, 8);
  EXPECT_FALSE(llama.tie_word_embeddings);
  const ModelConfig qwen2 = parse(with(sizes("qwen2"), {{"head_dim", 16}, {"tie_word_embeddings", true}}));
  EXPECT_TRUE(qwen2.attention_bias && !qwen2.attention_out_bias && !qwen2.mlp_bias && !qwen2.qk_norm);
  EXPECT_EQ(qwen2.head_dim, 16);
  EXPECT_TRUE(qwen2.tie_word_embeddings);
  const ModelConfig qwen3 = parse(sizes("qwen3"));
  EXPECT_TRUE(!qwen3.attention_bias && !qwen3.attention_out_bias && qwen3.qk_norm);
  EXPECT_EQ(qwen3.head_dim, 128);
  const ModelConfig mistral = parse(with(sizes("mistral"), {{"head_dim", nullptr}}));
  EXPECT_EQ(mistral.model_type, "llama");
  EXPECT_EQ(mistral.head_dim, 8);
  const ModelConfig phi3 = parse(sizes("phi3"));
  EXPECT_TRUE(phi3.fused_projections && !phi3.attention_bias && !phi3.qk_norm);
  json shared = sizes("llama");
  shared.erase("num_key_value_heads");
  EXPECT_EQ(parse(shared).num_key_value_heads, 4);
  EXPECT_EQ(parse(with(sizes("qwen2"), {{"num_key_value_heads", nullptr}})).num_key_value_heads, 4);
}

// Faults: end tokens lost, doubled or replaced when they come as a list or from generation_config.json; -1
// taken for a token.
TEST(ConfigJson, SpecialTokens) {
  ModelConfig c =
      parse(with(sizes("llama"), {{"bos_token_id", 1}, {"eos_token_id", {2, 3}}, {"pad_token_id", -1}}));
  EXPECT_EQ(c.bos_token_id, 1);
  EXPECT_EQ(c.pad_token_id, -1);
  EXPECT_EQ(c.eos_token_ids, (std::vector<int32_t>{2, 3}));
  merge_generation_config(&c, R"({"eos_token_id": [3, 9], "pad_token_id": 5, "bos_token_id": 7})", "g");
  EXPECT_EQ(c.eos_token_ids, (std::vector<int32_t>{2, 3, 9}));
  EXPECT_EQ(c.pad_token_id, 5);
  EXPECT_EQ(c.bos_token_id, 1);
  EXPECT_THROW(merge_generation_config(&c, R"({"eos_token_id": 100})", "g"), Error);
  EXPECT_TRUE(parse(with(sizes("llama"), {{"eos_token_id", nullptr}})).eos_token_ids.empty());
}

// Faults: computing a model that is not the one described, or a message that does not say which setting is to
// blame.
TEST(ConfigJson, WhatIsNotComputedIsRefusedByName) {
  const std::pair<json, const char*> cases[] = {
      {sizes("gemma"), "'gemma' is not supported"},
      {with(sizes("llama"), {{"model_type", 3}}), "'model_type': expected a string"},
      {with(sizes("llama"), {{"hidden_act", "gelu"}}), "'hidden_act': 'gelu'"},
      {with(sizes("llama"), {{"rope_scaling", {{"type", "proportional"}, {"factor", 2}}}}), "rope type 'proportional'"},
      {with(sizes("llama"), {{"rope_scaling", {{"type", "dynamic"}}}}), "'factor' is missing"},
      {with(sizes("llama"), {{"rope_scaling", {{"type", "yarn"}, {"beta_fast", 1}, {"beta_slow", 2}}}}), "expected beta_fast above"},
      {with(sizes("llama"), {{"rope_scaling", {{"type", "yarn"}, {"original_max_position_embeddings", 0}}}}),
       "'original_max_position_embeddings': expected 2 or more, found 0"},
      {with(sizes("phi3"), {{"rope_scaling", {{"type", "longrope"}}}}), "'short_factor' is missing"},
      {with(sizes("phi3"), {{"rope_scaling", {{"type", "su"}, {"short_factor", {1, 1, 1}}}}}), "expected 4 numbers, found 3"},
      {with(sizes("phi3"), {{"rope_scaling", {{"type", "su"}, {"short_factor", {1, 0, 1, 1}}}}}), "positive numbers, found 0"},
      {with(sizes("llama"), {{"rope_parameters", {{"full_attention", {{"rope_type", "default"}}}}}}),
       "by layer type"},
      {with(sizes("llama"), {{"rope_scaling", {{"rope_type", "llama3"}, {"factor", 8.0}}}}),
       "'low_freq_factor' is missing"},
      {with(sizes("llama"), {{"partial_rotary_factor", 0.5}}), "'partial_rotary_factor'"},
      {with(sizes("mistral"), {{"sliding_window", -1}}), "'sliding_window': expected a number of tokens, found -1"},
      {with(sizes("qwen2"), {{"layer_types", {"full_attention"}}}), "'layer_types': expected a name for each layer"},
      {with(sizes("qwen2"), {{"layer_types", {"full_attention", "chunked_attention"}}}), "'layer_types'"},
      {with(sizes("qwen3"), {{"layer_types", {"full_attention", "sliding_attention"}}}), "'layer_types'"},
      {with(sizes("llama"), {{"quantization_config", {{"bits", 4}}}}), "'quantization_config'"},
      {with(sizes("llama"), {{"hidden_size", "32"}}), "'hidden_size': expected an integer, found \"32\""},
      {with(sizes("llama"), {{"hidden_size", 1e30}}), "'hidden_size': expected an integer"},
      {with(sizes("llama"), {{"hidden_size", 18446744073709551615u}}), "'hidden_size': expected an integer"},
      {with(sizes("llama"), {{"hidden_size", nullptr}}), "'hidden_size' is missing"},
      {with(sizes("llama"), {{"hidden_size", 33}}), "not a multiple of num_attention_heads"},
      {with(sizes("llama"), {{"num_hidden_layers", 0}}), "num_hidden_layers: expected 1 to 1024, found 0"},
      {with(sizes("llama"), {{"vocab_size", 1LL << 40}}), "vocab_size: expected 1 to 16777216"},
      {with(sizes("llama"), {{"num_key_value_heads", 3}}), "not a multiple of num_key_value_heads (3)"},
      {with(sizes("llama"), {{"head_dim", 7}}), "head_dim: expected an even number, found 7"},
      {with(sizes("llama"), {{"rms_norm_eps", 0}}), "rms_norm_eps: expected a positive number"},
      {with(sizes("llama"), {{"eos_token_id", 100}}),
       "eos_token_id: expected a token id below vocab_size (100)"},
      {with(sizes("llama"), {{"eos_token_id", {2, "x"}}}),
       "'eos_token_id': expected a token id, found \"x\""},
      {json::array(), "expected a JSON object, found array"}};
  for (const auto& [config, expected] : cases) {
    const std::string error = error_of(config.dump());
    EXPECT_THAT(error, HasSubstr(expected));
    EXPECT_THAT(error, HasSubstr("x/config.json"));
  }
  EXPECT_THAT(error_of("{\"a\":"), HasSubstr("not valid JSON"));
}

// Faults: a window in the wrong layers, one that cuts nothing taken for one, a default forgotten.
TEST(ConfigJson, SlidingWindows) {
  json config = sizes("mistral");  // transformers' default for mistral is a window of 4096
  config.erase("sliding_window");
  config["max_position_embeddings"] = 8192;
  const ModelConfig mistral = parse(config);
  EXPECT_EQ(mistral.model_type, "mistral");
  EXPECT_EQ(mistral.attention(0).window, 4096);
  EXPECT_EQ(mistral.attention(1).window, 4096);
  config["max_position_embeddings"] = 4096;  // a window that cuts nothing
  EXPECT_EQ(parse(config).model_type, "llama");
  EXPECT_EQ(parse(config).attention(0).window, 0);
  EXPECT_EQ(parse(with(sizes("phi3"), {{"sliding_window", 2047}})).attention(1).window, 2047);
  // transformers takes a mistral with layer_types for a ministral, whose layers differ.
  const ModelConfig ministral =
      parse(with(sizes("mistral"), {{"sliding_window", 64}, {"layer_types", {"full_attention", "sliding_attention"}}}));
  EXPECT_EQ(config_json(parse(with(sizes("ministral"), {{"sliding_window", 64}, {"layer_types", {"full_attention", "sliding_attention"}}})), ""),
            config_json(ministral, ""));
  EXPECT_EQ(ministral.attention(0).window, 0);
  EXPECT_EQ(ministral.attention(1).window, 64);
  const json qwen2 = with(sizes("qwen2"), {{"use_sliding_window", true}, {"sliding_window", 64}, {"max_window_layers", 1}});
  EXPECT_EQ(parse(qwen2).attention(0).window, 0);
  EXPECT_EQ(parse(qwen2).attention(1).window, 64);
  const json types = {"sliding_attention", "full_attention"};
  EXPECT_EQ(parse(with(qwen2, {{"layer_types", types}})).attention(0).window, 64);
  EXPECT_EQ(parse(with(qwen2, {{"layer_types", types}})).attention(1).window, 0);
  EXPECT_EQ(parse(with(qwen2, {{"use_sliding_window", false}})).sliding_window, 0);
  EXPECT_EQ(parse(with(sizes("llama"), {{"sliding_window", 64}})).sliding_window, 0);
}

// Faults: transformers' rules for what a configuration does not say; a context beyond what longrope's short factors are for.
TEST(ConfigJson, RopeBeyondTheOriginalContext) {
  const ModelConfig yarn = parse(with(sizes("qwen2"), {{"rope_scaling", {{"type", "yarn"}, {"factor", 4.0},
                                                                          {"original_max_position_embeddings", 1024}}}}));
  EXPECT_EQ(yarn.rope_scaling.kind, RopeScaling::Kind::yarn);
  EXPECT_DOUBLE_EQ(yarn.rope_scaling.attention_factor, 1.1386294361119891);  // 0.1 ln 4 + 1
  EXPECT_EQ(yarn.rope_scaling.beta_fast, 32);
  const json deepseek = {{"rope_type", "yarn"}, {"mscale", 0.707}, {"mscale_all_dim", 1.0}, {"original_max_position_embeddings", 512}};
  const ModelConfig scaled = parse(with(sizes("llama"), {{"rope_scaling", deepseek}}));
  EXPECT_EQ(scaled.rope_scaling.factor, 8);
  EXPECT_NEAR(scaled.rope_scaling.attention_factor, (0.0707 * std::log(8.0) + 1) / (0.1 * std::log(8.0) + 1), 1e-15);
  const ModelConfig longrope = parse(with(sizes("phi3"), {{"original_max_position_embeddings", 512},
                                                          {"rope_scaling", {{"type", "su"}, {"short_factor", {1, 1, 1, 1.5}}}}}));
  EXPECT_EQ(longrope.context(), 512);
  EXPECT_NEAR(longrope.rope_scaling.attention_factor, std::sqrt(1 + std::log(8.0) / std::log(512.0)), 1e-15);
  const json inside = {{"rope_type", "llama3"}, {"factor", 8.0}, {"low_freq_factor", 1.0}, {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 1024}};
  EXPECT_EQ(parse(with(sizes("llama"), {{"rope_scaling", inside}})).rope_scaling.original_max_position_embeddings, 1024);
  EXPECT_EQ(parse(with(sizes("llama"), {{"rope_scaling", inside}, {"original_max_position_embeddings", 512}}))
                .rope_scaling.original_max_position_embeddings, 512);
  EXPECT_EQ(parse(with(sizes("llama"), {{"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}}})).context(), 4096);
}

// Faults: a field lost or renamed on the way to disk, for every family and rope scaling.
TEST(ConfigJson, WrittenAndReadAgain) {
  const json linear = {{"rope_type", "linear"}, {"factor", 2.0}};
  const json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 1024}};
  const json yarn = {{"rope_type", "yarn"},   {"factor", 4.0},    {"attention_factor", 1.25}, {"beta_fast", 16.0},
                     {"beta_slow", 2.0},       {"truncate", false}, {"original_max_position_embeddings", 1024}};
  for (const json& config :
       {with(sizes("qwen2"), {{"rope_scaling", yarn}}), with(sizes("mistral"), {{"sliding_window", 7}}),
        with(sizes("qwen3"), {{"use_sliding_window", true}, {"sliding_window", 9}, {"max_window_layers", 1}}),
        with(sizes("phi3"), {{"sliding_window", 9}}),
        with(sizes("mistral"), {{"sliding_window", 7}, {"layer_types", {"full_attention", "sliding_attention"}}}),
        with(sizes("llama"), {{"rope_scaling", {{"rope_type", "dynamic"}, {"factor", 2.0}}}}), sizes("llama"), with(sizes("qwen2"), {{"tie_word_embeddings", true}}), sizes("qwen3"),
        sizes("mistral"),
        with(sizes("llama"), {{"rope_scaling", linear}, {"rope_theta", 123.5}, {"eos_token_id", {2, 3}}}),
        with(sizes("qwen3"), {{"rope_scaling", llama3}, {"attention_bias", true}, {"head_dim", 6}}),
        with(sizes("llama"),
             {{"mlp_bias", true}, {"bos_token_id", 4}, {"eos_token_id", 5}, {"pad_token_id", 6}})}) {
    const std::string written = config_json(parse(config), "");
    EXPECT_EQ(config_json(parse_config(written, "again"), ""), written);
    const json j = json::parse(written);
    EXPECT_EQ(j["torch_dtype"], "float32");
    ASSERT_TRUE(j["architectures"].is_array());
    EXPECT_THAT(j["architectures"][0].get<std::string>(), HasSubstr("ForCausalLM"));
    EXPECT_EQ(parse(j).windowed_layers, parse(config).windowed_layers);
    EXPECT_EQ(parse(j).sliding_window, parse(config).sliding_window);
    for (const char* key : {"vocab_size", "hidden_size", "rms_norm_eps", "num_key_value_heads"})
      EXPECT_EQ(j[key], config[key]) << key;
    for (const char* key : {"rope_scaling", "eos_token_id", "bos_token_id", "head_dim"})
      EXPECT_TRUE(!config.contains(key) || j[key] == config[key]) << key;
  }
}

// Faults: dropping settings that other programs need; keeping a dtype that is no longer true.
TEST(ConfigJson, KeepsTheOriginalsKeys) {
  const json original =
      with(sizes("mistral"),
           {{"my_setting", {1, 2}}, {"architectures", {"MistralForCausalLM"}}, {"dtype", "bfloat16"}});
  const json j = json::parse(config_json(parse(original), original.dump()));
  EXPECT_EQ(j, with(original, {{"dtype", "float32"}}));
  const json four = with(sizes("llama"), {{"torch_dtype", "bfloat16"}});
  EXPECT_EQ(json::parse(config_json(parse(four), four.dump())), with(four, {{"torch_dtype", "float32"}}));
  ModelConfig other = parse(four);
  other.hidden_size = 64;
  EXPECT_THROW(config_json(other, four.dump()), Error);
}

// Catches: a value or reward model that comes back as a language model, and a classifier taken for one.
TEST(ConfigJson, ScalarHead) {
  ModelConfig c = parse_config(
      R"({"model_type": "qwen2", "vocab_size": 9, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
          "num_attention_heads": 2, "num_key_value_heads": 1})",
      "test");
  EXPECT_FALSE(c.scalar_head);
  c.scalar_head = true;
  const std::string text = config_json(c, "");
  EXPECT_NE(text.find("Qwen2ForSequenceClassification"), std::string::npos);
  EXPECT_TRUE(parse_config(text, "test").scalar_head);
  std::string two = text;
  two.replace(two.find(R"("0": "LABEL_0")"), 14, R"("0": "no", "1": "yes")");
  EXPECT_THROW(parse_config(two, "test"), Error);
}

}  // namespace
}  // namespace cohort
