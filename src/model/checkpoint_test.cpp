#include "model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "model/config_json.h"
#include "tensor/file_cases.h"
#include "tensor/gguf.h"
#include "tensor/safetensors.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kFixtures = COHORT_SOURCE_DIR "/tests/fixtures/gguf";

ModelConfig folder_config(const fs::path& folder) {
  return parse_config(read_file(folder / "config.json"), (folder / "config.json").string());
}

template <class Action>
std::string error_of(Action action) {
  try {
    action();
    return "accepted";
  } catch (const Error& e) {
    return e.what();
  }
}

void expect_same(const Buffer& a, const Buffer& b, const ModelConfig& config) {
  ASSERT_EQ(a.size(), b.size());
  for (const Parameter& p : parameter_list(config))
    EXPECT_EQ(std::memcmp(a.data() + p.offset, b.data() + p.offset, static_cast<size_t>(p.size()) * 4), 0)
        << p.name;
}

class Family : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Checkpoint, Family, testing::Values("llama", "qwen2", "qwen3"));

// Faults: a tensor put into another's place, gaps left uninitialised (they would reach the optimizer's norm).
TEST_P(Family, FolderWeightsAreTheFiles) {
  const fs::path folder = kFixtures / GetParam();
  const ModelConfig config = folder_config(folder);
  const Buffer weights = load_weights(folder, config);
  const SafetensorsFile file(folder / "model.safetensors");
  std::vector<bool> used(static_cast<size_t>(weights.size()));
  for (const Parameter& p : parameter_list(config)) {
    const SafetensorsEntry* e = file.find(p.name);
    ASSERT_TRUE(e) << p.name;
    EXPECT_EQ(std::memcmp(weights.data() + p.offset, e->bytes.data(), e->bytes.size()), 0) << p.name;
    std::fill_n(used.begin() + p.offset, p.size(), true);
  }
  for (size_t i = 0; i < used.size(); ++i) ASSERT_TRUE(used[i] || weights.data()[i] == 0) << i;
}

// Faults: GGUF names mapped wrongly; llama's interleaved query and key rows and biases not put back, or put
// back for qwen; metadata read into the wrong field; llama3 scaling not recognised from rope_freqs.weight.
TEST_P(Family, GgufIsTheSameModelAsTheFolder) {
  const fs::path folder = kFixtures / GetParam();
  const ModelConfig expected = folder_config(folder);
  const GgufFile file(kFixtures / (std::string(GetParam()) + ".gguf"));
  const ModelConfig config = gguf_config(file);
  EXPECT_EQ(config_json(config, ""), config_json(expected, ""));
  expect_same(load_weights(file, config), load_weights(folder, expected), config);
}

// Faults: values changed by writing, shards that overlap or miss a tensor, an index that names the wrong
// file.
TEST_P(Family, WrittenAndReadAgain) {
  const fs::path folder = kFixtures / GetParam();
  const ModelConfig config = folder_config(folder);
  const Buffer weights = load_weights(folder, config);
  for (const int64_t shard : {int64_t{1} << 40, int64_t{3000}, int64_t{1}}) {
    const Scratch scratch;
    fs::create_directory(scratch.path());
    save_weights(scratch.path(), config, weights.data(), shard);
    EXPECT_EQ(fs::exists(scratch.path() / "model.safetensors.index.json"), shard < 1 << 20);
    expect_same(load_weights(scratch.path(), config), weights, config);
    for (const auto& entry : fs::directory_iterator(scratch.path()))
      EXPECT_TRUE(shard > 1 || entry.path().extension() == ".json" ||
                  SafetensorsFile(entry.path()).entries().size() == 1);
  }
}

// Faults: a checkpoint that changes when it is loaded and saved again; the tokenizer or the folder's own
// settings lost.
TEST_P(Family, CheckpointIsStable) {
  const Scratch scratch;
  const fs::path one = scratch.path() / "one", two = scratch.path() / "two";
  const ModelConfig config = folder_config(kFixtures / GetParam());
  const Buffer weights = load_weights(kFixtures / GetParam(), config);
  const Tokenizer tokenizer = Tokenizer::characters("0123456789", {"<pad>", "<eos>"}, "<eos>");
  const CheckpointTexts texts{read_file(kFixtures / GetParam() / "config.json"),
                              R"({"eos_token_id": [2, 1], "temperature": 0.6})"};
  save_checkpoint(one, config, weights.data(), tokenizer, texts);
  const Checkpoint loaded = load_checkpoint(one);
  expect_same(loaded.weights, weights, config);
  EXPECT_EQ(loaded.config.eos_token_ids, (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(loaded.tokenizer.encode("407", false), tokenizer.encode("407", false));
  EXPECT_EQ(loaded.source, one.string());
  save_checkpoint(two, loaded.config, loaded.weights.data(), loaded.tokenizer, loaded.texts);
  int files = 0;
  for (const auto& entry : fs::directory_iterator(one)) {
    EXPECT_EQ(read_file(entry.path()), read_file(two / entry.path().filename())) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 5);
}

// A folder with the llama fixture's configuration and the given tensors.
class Broken : public testing::Test {
 protected:
  Broken()
      : config_(folder_config(kFixtures / "llama")), weights_(load_weights(kFixtures / "llama", config_)) {
    fs::create_directory(scratch_.path());
    for (const Parameter& p : parameter_list(config_))
      tensors_.push_back({p.name, p.shape, weights_.data() + p.offset});
  }
  NamedFloats& tensor(const std::string& name) {
    return *std::find_if(tensors_.begin(), tensors_.end(),
                         [&](const NamedFloats& t) { return t.name == name; });
  }
  std::string load() {
    save_safetensors(scratch_.path() / "model.safetensors", tensors_, {});
    return error_of([&] { load_weights(scratch_.path(), config_); });
  }
  Scratch scratch_;
  ModelConfig config_;
  Buffer weights_;
  std::vector<NamedFloats> tensors_;
};

// Faults: reading over a tensor's end, training with a weight missing or with one that no one reads.
TEST_F(Broken, ShapesAndNames) {
  EXPECT_EQ(load(), "accepted");
  tensor("model.layers.1.mlp.up_proj.weight").shape = {16, 24};
  EXPECT_THAT(load(),
              HasSubstr("'model.layers.1.mlp.up_proj.weight': expected shape (24, 16), found (16, 24)"));
  tensor("model.layers.1.mlp.up_proj.weight").name = "extra";
  EXPECT_THAT(load(), HasSubstr("'model.layers.1.mlp.up_proj.weight' (24, 16) is missing"));
  tensors_ = {{"extra", {1}, weights_.data()}};
  for (const Parameter& p : parameter_list(config_))
    tensors_.push_back({p.name, p.shape, weights_.data() + p.offset});
  EXPECT_THAT(load(), HasSubstr("'extra' (1) is not part of the model"));
  tensors_[0].name = "model.layers.0.self_attn.rotary_emb.inv_freq";
  EXPECT_EQ(load(), "accepted");
}

// Faults: a NaN or infinity that slips through to be noticed as a strange loss.
TEST_F(Broken, WeightsMustBeFinite) {
  const float* norm = tensor("model.norm.weight").data;
  std::vector<float> copy(norm, norm + 16);
  tensor("model.norm.weight").data = copy.data();
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    copy[15] = bad;
    EXPECT_THAT(load(), HasSubstr("tensor 'model.norm.weight': value 15 of (16)"));
  }
}

// Faults: a head that was trained apart from the embedding silently dropped.
TEST_F(Broken, TiedHead) {
  config_.tie_word_embeddings = true;
  EXPECT_THAT(load(), HasSubstr("'lm_head.weight' differs"));
  tensor("lm_head.weight").data = tensor("model.embed_tokens.weight").data;
  EXPECT_EQ(load(), "accepted");
}

// Faults: an index that leads outside the folder, or disagrees with its shards.
TEST_F(Broken, LyingIndex) {
  save_weights(scratch_.path(), config_, weights_.data(), 3000);
  const fs::path path = scratch_.path() / "model.safetensors.index.json";
  const nlohmann::json index = nlohmann::json::parse(read_file(path));
  const std::string norm = "model.norm.weight", first = index["weight_map"]["model.embed_tokens.weight"];
  const auto load_with = [&](const nlohmann::json& changed) {
    write_file(path, changed.dump());
    return error_of([&] { load_weights(scratch_.path(), config_); });
  };
  EXPECT_EQ(load_with(index), "accepted");
  const auto norm_in = [&](const nlohmann::json& file) {
    nlohmann::json changed = index;
    changed["weight_map"][norm] = file;
    return load_with(changed);
  };
  EXPECT_THAT(norm_in("../model.safetensors"), HasSubstr("expected a file name inside the folder"));
  EXPECT_THAT(norm_in("/etc/passwd"), HasSubstr("expected a file name inside the folder"));
  EXPECT_THAT(norm_in(7), HasSubstr("expected a file name"));
  EXPECT_THAT(norm_in(first), HasSubstr("'model.norm.weight' is not in " + first));
  EXPECT_THAT(norm_in("absent.safetensors"), HasSubstr("absent.safetensors"));
  EXPECT_THAT(load_with({{"weight_map", 3}}), HasSubstr("expected an object 'weight_map'"));
  fs::copy(scratch_.path() / first, scratch_.path() / "again.safetensors");
  EXPECT_THAT(norm_in("again.safetensors"), HasSubstr("also in"));
}

// Faults: an unclear message for what is not a model at all.
TEST_F(Broken, NotAModel) {
  EXPECT_THAT(error_of([&] { load_checkpoint(scratch_.path() / "nowhere"); }), HasSubstr("no such file"));
  EXPECT_THAT(error_of([&] { load_checkpoint(scratch_.path()); }), HasSubstr("config.json is missing"));
  EXPECT_THAT(error_of([&] { load_weights(scratch_.path(), config_); }), HasSubstr("found neither"));
  write_file(scratch_.path() / "pytorch_model.bin", "x");
  EXPECT_THAT(error_of([&] { load_weights(scratch_.path(), config_); }),
              HasSubstr("convert it to safetensors"));
  EXPECT_THAT(error_of([&] { load_checkpoint(scratch_.path() / "pytorch_model.bin"); }), HasSubstr("magic"));
}

// Faults: token ids that the embedding does not have.
TEST_F(Broken, TokenizerLargerThanTheVocabulary) {
  const Tokenizer tokenizer = Tokenizer::characters("0123456789+=", {"<eos>"}, "<eos>");
  save_checkpoint(scratch_.path(), config_, weights_.data(), tokenizer);
  EXPECT_THAT(error_of([&] { load_checkpoint(scratch_.path()); }), HasSubstr("13 tokens"));
}

// Faults: frequency factors or an architecture that the engine does not compute, accepted.
TEST(GgufConfig, RefusesWhatItDoesNotCompute) {
  const Scratch scratch;
  const std::string whole = read_file(kFixtures / "llama.gguf");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string bytes = whole;
    const size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos);
    scratch.write(bytes.replace(at, to.size(), to));
    return error_of([&] {
      const GgufFile file(scratch.path());
      load_weights(file, gguf_config(file));
    });
  };
  EXPECT_THAT(changed("llama", "gemma"), HasSubstr("'gemma' is not supported"));
  EXPECT_THAT(changed("llama.attention.key_length", "llama.attention.xxx_length"), HasSubstr("value_length"));
  EXPECT_THAT(changed("llama.block_count", "llama.block_xxxxx"), HasSubstr("'llama.block_count' is missing"));
  EXPECT_THAT(changed("blk.1.ffn_up.weight", "blk.1.ffn_xx.weight"),
              HasSubstr("'blk.1.ffn_up.weight' (24, 16) is missing"));
  EXPECT_THAT(changed("output_norm.weight", "output_norm.xxxxxx"),
              HasSubstr("'output_norm.weight' (16) is missing"));
  const GgufFile file(kFixtures / "llama.gguf");
  const std::string factors(file.find_tensor("rope_freqs.weight")->bytes);
  float other[4];
  std::memcpy(other, factors.data(), sizeof other);
  EXPECT_EQ(other[3], 8);
  EXPECT_GT(other[2], 1.01f);  // between the two limits: the interpolation is tested too
  EXPECT_LT(other[2], 7.9f);
  other[2] *= 1.01f;
  EXPECT_THAT(changed(factors, std::string(reinterpret_cast<const char*>(other), sizeof other)),
              HasSubstr("not those of llama3"));
}

// Faults: crashes and exceptions other than Error for damaged models (metadata and tensors that disagree).
TEST(GgufConfig, DamageNeverCrashes) {
  const Scratch scratch;
  const std::string whole = read_file(kFixtures / "llama.gguf");
  const std::string header = whole.substr(0, 2400), rest = whole.substr(2400);
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    scratch.write(damaged(header, seed) + rest);
    accepts([&] {
      const GgufFile file(scratch.path());
      load_weights(file, gguf_config(file));
    });
  }
}

// Faults: any difference from gguf.quants.dequantize on a real quantised model, any tensor misplaced. The
// fixture holds for each tensor the sum over i of (2 i + 1) times the bits of value i, modulo 2^64.
TEST(SmolLM2, ValuesAreGgufs) {
  const char* path = std::getenv("COHORT_SMOLLM2");
  if (!path) GTEST_SKIP() << "COHORT_SMOLLM2 does not name SmolLM2-135M-Instruct.Q4_1.gguf";
  const nlohmann::json sums = nlohmann::json::parse(read_file(kFixtures / "smollm2_sums.json"));
  const auto start = std::chrono::steady_clock::now();
  const Checkpoint c = load_checkpoint(path);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  RecordProperty("seconds", std::to_string(seconds.count()));
  const std::vector<Parameter> list = parameter_list(c.config);
  EXPECT_EQ(list.size(), sums.size());
  for (const Parameter& p : list) {
    uint64_t sum = 0;
    for (int64_t i = 0; i < p.size(); ++i)
      sum += static_cast<uint64_t>(2 * i + 1) * std::bit_cast<uint32_t>(c.weights.data()[p.offset + i]);
    EXPECT_EQ(fmt::format("{:016x}", sum), sums.value(p.name, "")) << p.name;
  }
  EXPECT_TRUE(c.config.tie_word_embeddings);
  EXPECT_EQ(c.tokenizer.size(), 49152);
  EXPECT_EQ(c.config.eos_token_ids, (std::vector<int32_t>{2}));
}

}  // namespace
}  // namespace cohort
