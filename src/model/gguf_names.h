// How GGUF files name and order what Hugging Face folders hold.
#pragma once

#include <string>

#include "model/config.h"

namespace cohort {

// model.layers.3.self_attn.q_proj.weight -> blk.3.attn_q.weight
std::string gguf_name(const std::string& name);

// Of a parameter by Hugging Face's name: in how many heads GGUF interleaves the rows' halves (row 2j + t of a
// head of D holds row t * D/2 + j); 0: rows are in order.
int64_t gguf_permuted_heads(const ModelConfig& config, const std::string& name);

}  // namespace cohort
