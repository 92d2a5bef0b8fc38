#include "model/config.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace cohort {

AttentionShape ModelConfig::attention(int64_t layer) const {
  const bool windowed = sliding_window > 0 && windowed_layers.at(static_cast<size_t>(layer));
  return {num_attention_heads, num_key_value_heads, head_dim,
          static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim))), windowed ? sliding_window : 0};
}

int64_t ModelConfig::context() const {
  return rope_scaling.kind == RopeScaling::Kind::longrope
             ? std::min(max_position_embeddings, rope_scaling.original_max_position_embeddings)
             : max_position_embeddings;
}

void ModelConfig::check(const std::string& source) const {
  // The limits keep every product of sizes far inside 63 bits.
  const auto within = [&](const char* name, int64_t value, int64_t most) {
    if (value < 1 || value > most) fail("{}: {}: expected 1 to {}, found {}", source, name, most, value);
  };
  constexpr int64_t kMost = int64_t{1} << 24;
  within("vocab_size", vocab_size, kMost);
  within("hidden_size", hidden_size, kMost);
  within("intermediate_size", intermediate_size, kMost);
  within("num_hidden_layers", num_hidden_layers, 1024);
  within("num_attention_heads", num_attention_heads, 65536);
  within("num_key_value_heads", num_key_value_heads, num_attention_heads);
  within("head_dim", head_dim, 4096);
  within("num_attention_heads * head_dim", attention_width(), kMost);
  within("max_position_embeddings", max_position_embeddings, (int64_t{1} << 31) - 1);
  if (num_attention_heads % num_key_value_heads != 0)
    fail("{}: num_attention_heads ({}) is not a multiple of num_key_value_heads ({})", source,
         num_attention_heads, num_key_value_heads);
  if (head_dim % 2 != 0) fail("{}: head_dim: expected an even number, found {}", source, head_dim);

  const auto positive = [&](const char* name, double value) {
    if (!(value > 0) || std::isinf(value))
      fail("{}: {}: expected a positive number, found {}", source, name, value);
  };
  positive("rms_norm_eps", rms_norm_eps);
  positive("rope_theta", rope_theta);
  if (rope_scaling.kind != RopeScaling::Kind::none) positive("rope scaling factor", rope_scaling.factor);
  if (rope_scaling.kind == RopeScaling::Kind::llama3) {
    positive("rope scaling low_freq_factor", rope_scaling.low_freq_factor);
    positive("rope scaling high_freq_factor", rope_scaling.high_freq_factor);
    if (rope_scaling.high_freq_factor <= rope_scaling.low_freq_factor)
      fail("{}: rope scaling: expected high_freq_factor above low_freq_factor ({}), found {}", source,
           rope_scaling.low_freq_factor, rope_scaling.high_freq_factor);
    within("rope scaling original_max_position_embeddings", rope_scaling.original_max_position_embeddings,
           (int64_t{1} << 31) - 1);
  }

  if (rope_scaling.kind == RopeScaling::Kind::yarn || rope_scaling.kind == RopeScaling::Kind::longrope) {
    positive("rope scaling attention_factor", rope_scaling.attention_factor);
    within("rope scaling original_max_position_embeddings", rope_scaling.original_max_position_embeddings,
           (int64_t{1} << 31) - 1);
  }
  if (rope_scaling.kind == RopeScaling::Kind::yarn) {
    positive("rope scaling beta_slow", rope_scaling.beta_slow);
    positive("rope scaling beta_fast", rope_scaling.beta_fast);
    if (rope_scaling.beta_fast <= rope_scaling.beta_slow || !(rope_theta > 1))
      fail("{}: rope scaling: expected beta_fast above beta_slow ({}) and rope_theta above 1 ({}), found {}", source,
           rope_scaling.beta_slow, rope_theta, rope_scaling.beta_fast);
  }
  if (rope_scaling.kind == RopeScaling::Kind::longrope &&
      rope_scaling.short_factor.size() != static_cast<size_t>(head_dim / 2))
    fail("{}: rope scaling short_factor: expected {} numbers, found {}", source, head_dim / 2,
         rope_scaling.short_factor.size());

  const auto token = [&](const char* name, int32_t id) {
    if (id < -1 || id >= vocab_size)
      fail("{}: {}: expected a token id below vocab_size ({}), found {}", source, name, vocab_size, id);
  };
  token("bos_token_id", bos_token_id);
  token("pad_token_id", pad_token_id);
  for (const int32_t id : eos_token_ids) token("eos_token_id", id);
}

}  // namespace cohort
