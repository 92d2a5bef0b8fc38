#include "cli/random_model.h"

#include <string>
#include <vector>

#include "base/check.h"
#include "data/tasks.h"
#include "model/checkpoint.h"
#include "model/model.h"

namespace cohort {

void write_random_model(const std::filesystem::path& folder, const RandomModelShape& shape,
                        std::string_view alphabet, uint64_t seed) {
  if (shape.hidden_size % shape.num_attention_heads != 0)
    fail("hidden_size: expected a multiple of num_attention_heads ({}), found {}", shape.num_attention_heads,
         shape.hidden_size);
  std::vector<std::string> whole{"<|end|>"};
  for (std::string_view tag : think_answer_tags()) whole.emplace_back(tag);
  const Tokenizer tokenizer = Tokenizer::characters(alphabet, whole, whole[0]);
  ModelConfig c;
  c.vocab_size = tokenizer.size();
  c.hidden_size = shape.hidden_size;
  c.intermediate_size = shape.intermediate_size;
  c.num_hidden_layers = shape.num_hidden_layers;
  c.num_attention_heads = c.num_key_value_heads = shape.num_attention_heads;
  c.head_dim = shape.hidden_size / shape.num_attention_heads;
  c.max_position_embeddings = shape.max_position_embeddings;
  c.tie_word_embeddings = true;
  c.eos_token_ids = {tokenizer.eos_token_id()};
  c.check("the model to make");
  const Buffer weights = random_weights(c, seed, shape.initializer_range);
  save_checkpoint(folder, c, weights.data(), tokenizer);
}

}  // namespace cohort
