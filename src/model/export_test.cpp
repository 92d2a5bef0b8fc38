#include "model/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "model/config_json.h"
#include "model/gguf_mixture.h"
#include "model/model.h"
#include "tensor/file_cases.h"
#include "tensor/gguf.h"
#include "tensor/quantize.h"
#include "tensor/safetensors.h"
#include "text/gguf_pre_tokenizers.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

const fs::path kTokenizers = COHORT_SOURCE_DIR "/tests/fixtures/tokenizer";

// A small model of a family with a real kind of tokenizer, in a folder.
struct Case {
  const char *family, *tokenizer;
  RopeScaling rope;
  bool bias, tied;
  int64_t hidden_size = 64;
};

ModelConfig config_of(const Case& c, int64_t vocab_size) {
  ModelConfig m;
  m.model_type = c.family;
  m.vocab_size = vocab_size;
  m.hidden_size = c.hidden_size;
  m.intermediate_size = 96;
  m.num_hidden_layers = 3;
  m.num_attention_heads = 4;
  m.num_key_value_heads = 2;
  m.head_dim = 24;  // not hidden_size / heads
  m.max_position_embeddings = 700;
  m.rms_norm_eps = 1e-5;
  m.rope_theta = 50000;
  m.rope_scaling = c.rope;
  m.tie_word_embeddings = c.tied;
  m.qk_norm = m.model_type == "qwen3";
  m.attention_bias = m.model_type == "qwen2" || c.bias;
  m.attention_out_bias = m.mlp_bias = m.model_type == "llama" && c.bias;
  return m;
}

// Saved as a folder; all vectors random too, so that a permuted bias shows.
ModelConfig write_model(const Case& c, const fs::path& folder) {
  const Tokenizer tokenizer = Tokenizer::from_folder(kTokenizers / c.tokenizer);
  ModelConfig config = config_of(c, tokenizer.size() + 3);
  if (tokenizer.eos_token_id() >= 0) config.eos_token_ids = {5, tokenizer.eos_token_id()};
  const std::vector<int32_t> empty = tokenizer.encode("", true);  // BOS where the tokenizer puts one
  config.bos_token_id = empty.empty() ? tokenizer.bos_token_id() : empty[0];
  config.pad_token_id = tokenizer.pad_token_id();
  Buffer weights = random_weights(config, 3);
  for (const Parameter& p : parameter_list(config))
    for (int64_t i = 0; i < p.size(); ++i)
      if (p.shape.size() == 1)
        weights.data()[p.offset + i] = 1 + 0.1f * static_cast<float>((i * 37 + p.offset) % 11);
  save_checkpoint(folder, config, weights.data(), tokenizer);
  return config;
}

void expect_same_bits(const Checkpoint& a, const Checkpoint& b) {
  ASSERT_EQ(a.weights.size(), b.weights.size());
  EXPECT_EQ(
      std::memcmp(a.weights.data(), b.weights.data(), static_cast<size_t>(a.weights.size()) * sizeof(float)),
      0);
}

// Texts with added tokens of these fixtures that are found under conditions (single_word, lstrip, normalized),
// which GGUF cannot hold.
bool holds_conditions(const std::string& text) {
  for (const char* token : {"key", "caf", "<mask>", "<tail>"})
    if (text.find(token) != std::string::npos) return true;
  return false;
}

class Exporting : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Models, Exporting,
    testing::Values(Case{"llama", "llama3", {RopeScaling::Kind::llama3, 8, 1, 4, 64}, true, false},
                    Case{"llama", "llama3", {RopeScaling::Kind::llama3, 6.5, 2, 5, 256}, false, true},
                    Case{"llama", "smollm", {RopeScaling::Kind::linear, 2.5, 1, 4, 8192}, false, true},
                    Case{"llama", "gpt2", {}, false, false}, Case{"llama", "llama2", {}, false, false},
                    Case{"qwen2", "qwen2", {}, true, true}, Case{"qwen3", "qwen2", {}, false, true}),
    [](const auto& info) {
      return fmt::format("{}_{}_{}", info.param.family, info.param.tokenizer, info.index);
    });

// Faults: rows permuted otherwise than they are read, a name or a hyperparameter that differs, a token, merge,
// type or special id lost on the way: the model that comes back is another.
TEST_P(Exporting, GgufReadsBackAsTheSameModel) {
  const Scratch scratch;
  const fs::path folder = scratch.path() / "model", file = scratch.path() / "model.gguf";
  write_model(GetParam(), folder);
  const Exported exported = export_gguf(folder, "f32", file);
  EXPECT_EQ(exported.relative_error, 0);
  const Checkpoint before = load_checkpoint(folder), after = load_checkpoint(file);
  expect_same_bits(before, after);
  ModelConfig config = after.config;
  // The tokenizer's own end token comes first in a GGUF.
  EXPECT_EQ(std::set(config.eos_token_ids.begin(), config.eos_token_ids.end()),
            std::set(before.config.eos_token_ids.begin(), before.config.eos_token_ids.end()));
  config.eos_token_ids = before.config.eos_token_ids;
  EXPECT_EQ(config_json(config, ""), config_json(before.config, ""));

  const Tokenizer &own = before.tokenizer, &read = after.tokenizer;
  EXPECT_EQ(read.chat_template(), own.chat_template());
  EXPECT_EQ(read.bos_token_id(), config.bos_token_id);
  EXPECT_EQ(read.eos_token_id(), own.eos_token_id());
  EXPECT_EQ(read.pad_token_id(), own.pad_token_id());
  const nlohmann::json strings = nlohmann::json::parse(read_file(kTokenizers / "strings.json"))["explicit"];
  int compared = 0;
  for (const nlohmann::json& string : strings) {
    const std::string text = string.get<std::string>();
    if (holds_conditions(text) ||
        (GetParam().tokenizer == std::string("llama2") && text.find('<') != text.npos))
      continue;
    ++compared;
    const std::vector<int32_t> ids = own.encode(text, true);
    EXPECT_EQ(read.encode(text, true), ids) << text;
    EXPECT_EQ(read.decode(ids, false), own.decode(ids, false)) << text;
  }
  EXPECT_GT(compared, 80);
}

// Faults: another encoding than the one asked for, rows of one tensor with another's values, a lost shard, a
// file of the folder left out or rewritten.
TEST_P(Exporting, FolderReadsBackAsTheSameModel) {
  const Scratch scratch;
  const fs::path folder = scratch.path() / "model", out = scratch.path() / "out";
  write_model(GetParam(), folder);
  export_folder(folder, "", 10000, out);
  EXPECT_TRUE(fs::exists(out / "model.safetensors.index.json"));
  expect_same_bits(load_checkpoint(folder), load_checkpoint(out));
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path name = entry.path().filename();
    if (name.string().starts_with("model") || name == "config.json") continue;
    EXPECT_EQ(read_file(out / name), read_file(entry.path())) << name;
  }
  EXPECT_FALSE(fs::exists(scratch.path() / "out.tmp"));
}

// Faults: values beyond the type's rounding; an encoding that the reader does not find.
TEST(Export, EveryTypeIsWhatQuantiseMakes) {
  const Scratch scratch;
  const fs::path folder = scratch.path() / "model", file = scratch.path() / "model.gguf";
  write_model({"llama", "gpt2", {}, false, true, 512}, folder);
  const Checkpoint before = load_checkpoint(folder);
  for (const char* type :
       {"f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_1", "q5_0", "q4_k_m", "q4_1", "q4_0"}) {
    const Exported e = export_gguf(folder, type, file);
    EXPECT_LT(e.relative_error, 0.11) << type;
    const GgufFile gguf(file);
    const Checkpoint after = load_checkpoint(file);
    double squares = 0, errors = 0;
    for (const Parameter& p : parameter_list(before.config)) {
      if (p.shape.size() < 2) continue;
      for (int64_t i = 0; i < p.size(); ++i) {
        const double x = before.weights.data()[p.offset + i], y = after.weights.data()[p.offset + i];
        squares += x * x;
        errors += (x - y) * (x - y);
      }
    }
    EXPECT_NEAR(std::sqrt(errors / squares), e.relative_error, 1e-9) << type;
    EXPECT_EQ(gguf.integer("general.file_type"), gguf_mixture(type).file_type);
  }
}

// Faults: choices other than llama-quantize's. The expected ones are what llama.cpp's llama_tensor_get_type
// chooses for these shapes.
TEST(Export, MixtureIsLlamaCpps) {
  ModelConfig c;
  c.model_type = "llama";
  c.num_hidden_layers = 32;
  c.num_attention_heads = 32;
  c.num_key_value_heads = 8;
  const GgufMixture& q4 = gguf_mixture("Q4_K_M");
  const auto of = [&](const GgufMixture& m, const char* name, int64_t width) {
    return gguf_encoding(m, c, name, {1024, width});
  };
  EXPECT_EQ(of(q4, "token_embd.weight", 4096), Encoding::q4_k);
  EXPECT_EQ(of(q4, "output.weight", 4096), Encoding::q6_k);
  EXPECT_EQ(of(q4, "blk.0.attn_q.weight", 4096), Encoding::q4_k);
  std::string high;  // layers whose values and down projection get more bits
  for (int layer = 0; layer < 32; ++layer) {
    const Encoding v = of(q4, fmt::format("blk.{}.attn_v.weight", layer).c_str(), 4096);
    EXPECT_EQ(v, of(q4, fmt::format("blk.{}.ffn_down.weight", layer).c_str(), 4096));
    if (v == Encoding::q6_k) high += fmt::format("{} ", layer);
  }
  EXPECT_EQ(high, "0 1 2 3 6 9 12 15 18 21 24 27 28 29 30 31 ");
  EXPECT_EQ(gguf_encoding(q4, c, "blk.0.attn_norm.weight", {4096}), Encoding::f32);
  // Rows that no K type holds.
  EXPECT_EQ(of(q4, "blk.4.attn_q.weight", 576), Encoding::q5_0);
  EXPECT_EQ(of(q4, "blk.0.attn_v.weight", 576), Encoding::q8_0);
  EXPECT_EQ(of(q4, "output.weight", 576), Encoding::q8_0);
  EXPECT_EQ(of(q4, "blk.4.attn_q.weight", 40), Encoding::f16);
  EXPECT_EQ(of(gguf_mixture("q6_k"), "blk.4.attn_q.weight", 576), Encoding::q8_0);
  EXPECT_EQ(of(gguf_mixture("q5_k_m"), "blk.4.attn_q.weight", 576), Encoding::q5_1);
  EXPECT_EQ(of(gguf_mixture("q4_0"), "blk.4.attn_q.weight", 40), Encoding::f16);
  EXPECT_EQ(of(gguf_mixture("q4_0"), "output.weight", 4096), Encoding::q6_k);
  EXPECT_EQ(of(gguf_mixture("q8_0"), "output.weight", 4096), Encoding::q8_0);
  EXPECT_EQ(of(gguf_mixture("f16"), "output.weight", 4096), Encoding::f16);
  c.tie_word_embeddings = true;
  EXPECT_EQ(of(q4, "token_embd.weight", 4096), Encoding::q6_k);
  c.num_hidden_layers = 80;
  EXPECT_EQ(of(q4, "blk.11.attn_v.weight", 8192), Encoding::q5_k);
  EXPECT_EQ(of(q4, "blk.11.ffn_down.weight", 8192), Encoding::q4_k);
}

// Faults: quantising what is quantised already once more.
TEST(Export, WhatIsStoredAsWantedIsCopied) {
  const Scratch scratch;
  const fs::path folder = scratch.path() / "model", first = scratch.path() / "1.gguf",
                 second = scratch.path() / "2.gguf";
  write_model({"llama", "smollm", {}, false, false, 256}, folder);
  export_gguf(folder, "q4_k_m", first);
  export_gguf(first, "q4_k_m", second);
  const GgufFile a(first), b(second);
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (size_t i = 0; i < a.tensors().size(); ++i) EXPECT_EQ(a.tensors()[i].bytes, b.tensors()[i].bytes);
  export_folder(first, "", 1'000'000'000,
                scratch.path() / "hf");  // F32, as nothing else holds what Q4_K says
  expect_same_bits(load_checkpoint(first), load_checkpoint(scratch.path() / "hf"));
}

// Faults: half a file left behind; an error that does not say what to do.
TEST(Export, WhatCannotBeLeavesNothing) {
  const Scratch scratch;
  const fs::path folder = scratch.path() / "model", file = scratch.path() / "model.gguf";
  const auto error = [&](const std::function<void()>& attempt) -> std::string {
    try {
      attempt();
    } catch (const Error& e) {
      EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1) << "besides the model itself";
      return e.what();
    }
    return "";
  };
  using testing::HasSubstr;
  write_model({"llama", "unigram", {}, false, false}, folder);
  EXPECT_THAT(error([&] { export_gguf(folder, "f16", file); }), HasSubstr("--to hf"));
  EXPECT_THAT(error([&] { export_gguf(folder, "q3", file); }), HasSubstr("q4_k_m"));
  EXPECT_THAT(error([&] { export_folder(folder, "f8", 1000, file); }), HasSubstr("bf16"));
  fs::remove_all(folder);
  ModelConfig config = write_model({"llama", "gpt2", {}, false, false}, folder);
  Buffer weights = random_weights(config, 1);
  weights.data()[100] = 1e6f;
  save_weights(folder, config, weights.data(), 1'000'000'000);
  EXPECT_THAT(error([&] { export_gguf(folder, "f16", file); }), HasSubstr("beyond what F16 can hold"));
  EXPECT_THAT(error([&] { export_folder(folder, "f16", 1'000'000, file); }),
              HasSubstr("beyond what F16 can hold"));
  fs::remove(folder / "tokenizer.json");
  EXPECT_THAT(error([&] { export_gguf(folder, "f16", file); }), HasSubstr("tokenizer"));
  fs::remove_all(folder);
  write_model({"qwen2", "qwen2", {RopeScaling::Kind::llama3, 8, 1, 4, 64}, true, true}, folder);
  EXPECT_THAT(error([&] { export_gguf(folder, "f32", file); }), HasSubstr("rope"));
  fs::remove_all(folder);
  RopeScaling longrope;
  longrope.kind = RopeScaling::Kind::longrope;
  longrope.short_factor = std::vector<double>(12, 1.5);
  longrope.original_max_position_embeddings = 64;
  write_model({"llama", "gpt2", longrope, false, true}, folder);
  EXPECT_THAT(error([&] { export_gguf(folder, "f32", file); }), HasSubstr("longrope"));
}

// What export warns of.
std::string warnings_of(const fs::path& folder, const fs::path& file) {
  testing::internal::CaptureStderr();
  export_gguf(folder, "f32", file);
  return testing::internal::GetCapturedStderr();
}

// Faults: a tokenizer of class LlamaTokenizer refused for a space that llama.cpp puts before each text, or
// written without a word about it.
TEST(Export, LlamaTokenizersDifferInALeadingSpaceAlone) {
  using testing::HasSubstr;
  const Scratch scratch;
  const fs::path folder = scratch.path() / "model", file = scratch.path() / "model.gguf";
  const auto strings = nlohmann::json::parse(read_file(kTokenizers / "strings.json"))["explicit"];
  const std::tuple<const char*, std::string, bool> rows[] = {
      {"llama2", "", false},
      {"llama2", R"(, "legacy": true)", true},
      {"llama2", R"(, "legacy": false)", true},
      {"llama2", R"(, "add_prefix_space": false)", false},
      {"metaspace", "", true}};
  for (const auto& [name, flags, leading] : rows) {
    fs::remove_all(folder);
    write_model({"llama", name, {}, false, false}, folder);
    if (!flags.empty())
      write_file(folder / "tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer")" + flags + "}");
    const std::string warned = warnings_of(folder, file);
    const std::string expected = "a text that begins with a space gets one more before it: ";
    EXPECT_EQ(warned.find(expected) != warned.npos, leading) << name << flags << ": " << warned;
    const Tokenizer own = Tokenizer::from_folder(folder), read = Tokenizer::from_gguf(GgufFile(file));
    int compared = 0;
    for (const nlohmann::json& string : strings) {
      const std::string text = string.get<std::string>();
      if (holds_conditions(text) || text.find('<') != text.npos || text == " ") continue;
      compared += text.starts_with(' ');
      EXPECT_EQ(read.encode(leading && text.starts_with(' ') ? text.substr(1) : text, true), own.encode(text, true))
          << name << flags << ": " << text;
    }
    EXPECT_GE(compared, 5);
  }
  // Other differences stay errors, in a text's beginning too: a normaliser that takes the space away.
  for (const char* normalizer : {R"({"type": "Lowercase"})",
                                 R"({"type": "Strip", "strip_left": true, "strip_right": false})"}) {
    auto document = nlohmann::json::parse(read_file(kTokenizers / "metaspace/tokenizer.json"));
    document["normalizer"] = nlohmann::json::parse(normalizer);
    write_file(folder / "tokenizer.json", document.dump());
    try {
      export_gguf(folder, "f32", file);
      ADD_FAILURE() << normalizer;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("a GGUF file cannot hold this tokenizer: "));
    }
  }
}

// Faults: a file whose texts llama.cpp cuts otherwise, written without a word.
TEST(Export, PreTokenizersThatLlamaCppCutsOtherwiseAreWarnedOf) {
  const Scratch scratch;
  const fs::path folder = scratch.path() / "model", file = scratch.path() / "model.gguf";
  write_model({"llama", "llama3", {}, false, false}, folder);
  EXPECT_EQ(warnings_of(folder, file).find("combining marks"), std::string::npos);
  auto document = nlohmann::json::parse(read_file(kTokenizers / "llama3/tokenizer.json"));
  document["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] =
      find_gguf_pre_tokenizer("gpt-4o")->patterns[0];
  document["model"]["ignore_merges"] = false;
  write_file(folder / "tokenizer.json", document.dump());
  EXPECT_THAT(warnings_of(folder, file), testing::HasSubstr("pre-tokenizer \"gpt-4o\""));
  EXPECT_EQ(GgufFile(file).string("tokenizer.ggml.pre"), "gpt-4o");
}

}  // namespace
}  // namespace cohort
