// Models that are not trained: matrices in panels alone, in fp32, bf16 or Q8_0. What they compute has the bits of
// an ordinary model of the same values.
#include <gtest/gtest.h>

#include "model/checkpoint.h"
#include "model/config_json.h"
#include "model/gguf_names.h"
#include "model/stored_weights.h"
#include "support.h"
#include "tensor/quantize.h"

namespace cohort {
namespace {

using testing::floats;
using testing::Random;
using testing::same_bits;

Encoding encoding_of(FrozenDtype dtype) {
  return dtype == FrozenDtype::bfloat16 ? Encoding::bf16
         : dtype == FrozenDtype::q8_0   ? Encoding::q8_0
                                        : Encoding::f32;
}

// The matrices as an encoding keeps them.
Buffer rounded(const ModelConfig& config, const Buffer& weights, Encoding encoding) {
  Buffer own(weights.size());
  std::copy_n(weights.data(), weights.size(), own.data());
  for (const Parameter& p : parameter_list(config)) {
    if (p.shape.size() != 2 || encoding == Encoding::f32) continue;
    std::string bytes(static_cast<size_t>(encoded_bytes(encoding, p.size())), '\0');
    quantize(encoding, {own.data() + p.offset, static_cast<size_t>(p.size())}, bytes.data());
    dequantize(encoding, bytes, own.data() + p.offset);
  }
  return own;
}

ModelConfig config_for(Random& random, bool whole_blocks) {
  for (;;) {
    const ModelConfig config = testing::random_config(random);
    if (!whole_blocks || (config.hidden_size % 32 == 0 && config.intermediate_size % 32 == 0 &&
                          config.attention_width() % 32 == 0))
      return config;
  }
}

struct Outcome {
  RowOutputs rows;
  std::vector<float> gradient;
};
Outcome outcome(Model model, const Adapter& adapter, const TokenTree& tree, const RowSeeds& seeds,
                Activations::Keep keep) {
  model.set_adapter(adapter.copy());
  Transformer transformer;
  Gradients gradients(model);
  Outcome o;
  o.rows = transformer.forward(model, tree, 0.9f, keep);
  transformer.backward(model, tree, seeds, gradients);
  gradients.finish();
  const auto flat = floats(gradients.flat());
  o.gradient.assign(flat.begin(), flat.end());
  return o;
}

// Catches a matrix read into another's place, tensors of a fused place in another order, a tied head or an
// embedding that differ from the files', and any product, forward or backward, whose bits change with how the
// base is held.
TEST(FrozenModel, HasTheBitsOfItsValues) {
  Random random(17);
  for (int round = 0; round < 10; ++round)
    for (const FrozenDtype dtype : {FrozenDtype::float32, FrozenDtype::bfloat16, FrozenDtype::q8_0}) {
      const ModelConfig config = config_for(random, dtype == FrozenDtype::q8_0);
      SCOPED_TRACE(fmt::format("round {}, {}, width {}, vocabulary {}", round, dtype_names()[static_cast<size_t>(dtype)],
                               config.hidden_size, config.vocab_size));
      const Buffer weights = testing::lively_weights(config, random);
      const Adapter adapter = testing::lively_adapter(config, random);
      const TokenTree tree = testing::random_forest(random, config.vocab_size, 3);
      RowSeeds seeds;
      for (size_t i = 0; i < tree.rows.size(); ++i) {
        seeds.log_prob.push_back(static_cast<float>(random.normal()));
        seeds.entropy.push_back(static_cast<float>(random.normal()));
      }
      const auto keep = random.chance(0.5) ? Activations::Keep::all : Activations::Keep::inputs;
      const Outcome expected = outcome(Model(config, rounded(config, weights, encoding_of(dtype))), adapter, tree,
                                       seeds, keep);
      const Outcome ours = outcome(Model(config, stored_in_memory(config, weights.data(), "memory"), dtype), adapter,
                                   tree, seeds, keep);
      EXPECT_TRUE(same_bits(ours.rows.log_prob, expected.rows.log_prob));
      EXPECT_TRUE(same_bits(ours.rows.entropy, expected.rows.entropy));
      EXPECT_TRUE(same_bits(ours.gradient, expected.gradient));
      const Buffer values = rounded(config, weights, encoding_of(dtype));
      const Buffer copied = Model(config, stored_in_memory(config, weights.data(), "memory"), dtype).copy_weights();
      for (const Parameter& p : parameter_list(config))
        EXPECT_EQ(std::memcmp(values.data() + p.offset, copied.data() + p.offset, static_cast<size_t>(p.size()) * 4), 0)
            << p.name;
    }
}

// Files of every encoding, with rows permuted as a GGUF's are: `auto` must be the same model as one that was read
// in fp32, held in the file's own encoding where that is one of ours. Catches a row of another head and a value
// that is rounded where auto promises none.
TEST(FrozenModel, AutoChangesNoValue) {
  Random random(5);
  for (const Encoding encoding : {Encoding::f32, Encoding::f16, Encoding::bf16, Encoding::q8_0, Encoding::q4_0})
    for (const bool permuted : {false, true}) {
      SCOPED_TRACE(fmt::format("{}, permuted {}", encoding_info(encoding).name, permuted));
      const ModelConfig config = config_for(random, true);
      const Buffer weights = testing::lively_weights(config, random);
      std::vector<StoredTensor> stored = stored_in_memory(config, weights.data(), "memory");
      std::vector<std::string> bytes(stored.size());
      for (size_t i = 0; i < stored.size(); ++i) {
        StoredTensor& t = stored[i];
        if (permuted && t.name.ends_with("q_proj.weight")) t.permuted_heads = config.num_attention_heads;
        if (permuted && t.name.ends_with("k_proj.weight")) t.permuted_heads = config.num_key_value_heads;
        if (t.shape.size() != 2) continue;
        const std::span<const float> values(reinterpret_cast<const float*>(t.bytes.data()), t.bytes.size() / 4);
        bytes[i].resize(static_cast<size_t>(encoded_bytes(encoding, std::ssize(values))));
        quantize(encoding, values, bytes[i].data());
        // Blocks as another writer may have them: no value of 127, -128, a negative scale.
        for (size_t at = 0; encoding == Encoding::q8_0 && at < bytes[i].size(); at += 34) {
          for (size_t b = at + 2; b < at + 34; ++b) bytes[i][b] = static_cast<char>(static_cast<int8_t>(bytes[i][b]) / 2);
          if (at % 3 == 0) bytes[i][at + 7] = '\x80';
          if (at % 5 == 0) bytes[i][at + 1] = static_cast<char>(bytes[i][at + 1] ^ '\x80');
        }
        t.bytes = bytes[i];
        t.encoding = encoding;
      }
      const Model model(config, stored, FrozenDtype::automatic);
      const bool kept = encoding == Encoding::bf16 || encoding == Encoding::q8_0;
      EXPECT_EQ(model.packed(0).down.encoding(), kept ? encoding : Encoding::f32);
      const TokenTree tree = testing::random_forest(random, config.vocab_size, 2);
      const auto log_probs = [&](const Model& m) {
        return Transformer().forward(m, tree, 1.0f, Activations::Keep::none).log_prob;
      };
      EXPECT_TRUE(same_bits(log_probs(model), log_probs(Model(config, read_weights(parameter_list(config), stored)))));
    }
}

ModelConfig small_config() {
  return parse_config(R"({"model_type": "llama", "vocab_size": 40, "hidden_size": 48, "intermediate_size": 96,
    "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32,
    "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "tie_word_embeddings": true})",
                      "config.json");
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// Catches weights that are cut or become infinite without a word.
TEST(FrozenModel, RefusesWhatItCannotHold) {
  const ModelConfig config = small_config();
  Buffer weights(parameter_floats(parameter_list(config)));
  weights.zero();
  const std::vector<StoredTensor> stored = stored_in_memory(config, weights.data(), "model.safetensors");
  EXPECT_NE(error_of([&] { Model(config, stored, FrozenDtype::q8_0); }).find("rows of 48 values"), std::string::npos);
  weights.data()[7] = 3.4e38f;
  EXPECT_EQ(error_of([&] { Model(config, stored, FrozenDtype::float32); }), "");
  EXPECT_NE(error_of([&] { Model(config, stored, FrozenDtype::bfloat16); })
                .find("model.safetensors: tensor 'model.embed_tokens.weight': value 7 of (40, 48) is 3.4e+38, beyond what BF16 "
                      "can hold"),
            std::string::npos);
  weights.data()[7] = std::nanf("");
  EXPECT_NE(error_of([&] { Model(config, stored, FrozenDtype::automatic); })
                .find("tensor 'model.embed_tokens.weight': value 7 of (40, 48) is nan"),
            std::string::npos);
  EXPECT_EQ(error_of([&] { parse_dtype("float16"); }),
            "dtype: expected one of auto, float32, bfloat16, q8_0, found 'float16'");
}

// Catches a plan that says other bytes than a model takes.
TEST(FrozenModel, BytesAreThoseOfThePanels) {
  const ModelConfig config = small_config();
  const auto bytes = [&](FrozenDtype dtype) { return frozen_bytes(config, frozen_matrices(config, {}, dtype)); };
  // Rows in whole panels of 32: embedding 64, qkv 128, out 64 (inputs 64), gate and up 192, down 64 (inputs 96).
  const int64_t values = 64 * 48 + 128 * 48 + 64 * 64 + 192 * 48 + 64 * 96, norms = 4 * 3 * 48;
  EXPECT_EQ(bytes(FrozenDtype::float32), 4 * values + norms);
  EXPECT_EQ(bytes(FrozenDtype::bfloat16), 2 * values + norms);
  EXPECT_EQ(bytes(FrozenDtype::automatic), bytes(FrozenDtype::float32));
}

}  // namespace
}  // namespace cohort
