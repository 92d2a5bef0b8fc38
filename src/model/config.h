// What a checkpoint's configuration says, in Hugging Face's names. Families differ by configuration only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/attention.h"
#include "ops/rope.h"

namespace cohort {

// Shapes: V vocabulary, C width, F feed-forward width, L layers, H heads, K key/value heads, D head width.
struct ModelConfig {
  std::string model_type = "llama";  // llama, mistral, qwen2, qwen3, phi3 (mistral without a window reads as llama)
  int64_t vocab_size = 0;            // V
  int64_t hidden_size = 0;           // C
  int64_t intermediate_size = 0;     // F
  int64_t num_hidden_layers = 0;     // L
  int64_t num_attention_heads = 0;   // H
  int64_t num_key_value_heads = 0;   // K
  int64_t head_dim = 0;              // D
  int64_t max_position_embeddings = 2048;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000.0;
  RopeScaling rope_scaling;
  int64_t sliding_window = 0;         // attention sees so many positions, its own among them; 0: all
  std::vector<bool> windowed_layers;  // (L) of those that have the window; empty where there is none
  bool tie_word_embeddings = false;
  bool attention_bias = false;      // biases of q, k, v
  bool attention_out_bias = false;  // llama's attention_bias puts one on o_proj too; qwen2 has none there
  bool mlp_bias = false;
  bool qk_norm = false;            // qwen3: RMS norm of each query and key head
  bool fused_projections = false;  // phi3: q, k, v are stored as one matrix, and gate and up
  bool scalar_head = false;   // one number for each row (a value or reward model) in place of the vocabulary
  int32_t bos_token_id = -1;  // -1: none
  int32_t pad_token_id = -1;
  std::vector<int32_t> eos_token_ids;

  AttentionShape attention(int64_t layer) const;
  // The longest prompt with its completion: max_position_embeddings, or what longrope's short factors are for.
  int64_t context() const;
  int64_t qkv_width() const { return (num_attention_heads + 2 * num_key_value_heads) * head_dim; }
  int64_t attention_width() const { return num_attention_heads * head_dim; }
  // Throws Error naming `source` and the field where sizes are missing, too large or contradict one another.
  void check(const std::string& source) const;
};

}  // namespace cohort
