// A tokenizer as the vocabulary of a GGUF file: tokenizer.ggml.* as llama.cpp's converter writes them, kind
// gpt2 for byte-level BPE (and for characters of ASCII), kind llama for SentencePiece's BPE.
#pragma once

#include <string>

#include "tensor/gguf_write.h"
#include "text/tokenizer_spec.h"

namespace cohort {

// Ids beyond the tokenizer's become unused tokens "[PADn]", up to `vocab_size`. The ids of the first and the
// end token are left to the caller; the one that texts begin with, or -1, is returned. Throws Error where the
// file format, or llama.cpp, cannot hold the tokenizer.
int32_t write_gguf_vocabulary(const TokenizerSpec& spec, int64_t vocab_size, GgufWriter& file);

// tokenizer.ggml.pre of a byte-level tokenizer; throws Error where there is none.
std::string gguf_pre_name(const TokenizerSpec& spec);

}  // namespace cohort
