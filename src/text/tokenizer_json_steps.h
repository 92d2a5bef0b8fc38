// The components of a tokenizer.json that are lists of steps.
#pragma once

#include "text/json_node.h"
#include "text/tokenizer_spec.h"

namespace cohort {

// Set spec.normalizers, pre_tokenizers, decoders from the file's root. A component that is not known is an
// error that names it.
void read_normalizer(const JsonNode& root, TokenizerSpec& spec);
void read_pre_tokenizer(const JsonNode& root, TokenizerSpec& spec);
void read_decoder(const JsonNode& root, TokenizerSpec& spec);

}  // namespace cohort
