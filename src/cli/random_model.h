// A model to train from scratch, small enough for a laptop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace cohort {

// Names and meanings of config.json.
struct RandomModelShape {
  int64_t hidden_size = 128, intermediate_size = 384, num_hidden_layers = 3, num_attention_heads = 4;
  int64_t max_position_embeddings = 1024;
  double initializer_range = 0.08;  // standard deviation of the matrices
};

// Writes a Llama of random weights with tied embeddings, and a tokenizer of the characters of `alphabet` that
// keeps R1's four tags whole, as a Hugging Face folder. Throws Error where the shape cannot be.
void write_random_model(const std::filesystem::path& folder, const RandomModelShape& shape,
                        std::string_view alphabet, uint64_t seed);

}  // namespace cohort
