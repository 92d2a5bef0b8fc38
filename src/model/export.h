// A checkpoint for other programs: a GGUF file or a Hugging Face folder, in an encoding of one's choice. The
// weights are converted tensor by tensor: memory holds the largest one, not the model. Only an adapter is
// merged first, into the whole of its base in F32.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "model/checkpoint.h"

namespace cohort {

struct Exported {
  std::map<std::string, int64_t> tensors;  // how many are stored in which encoding
  int64_t bytes = 0;                       // of all files with weights
  double relative_error = 0;               // of the matrices' values, root mean square over root mean square
  std::string path;                        // what was written
};

// A GGUF file of a type that gguf_mixture() knows: metadata, tokenizer and weights as llama.cpp's converter
// and llama-quantize write them. Throws Error where llama.cpp could not run the model, and where the
// vocabulary, read back, would cut texts otherwise. Appears whole or not at all.
Exported export_gguf(const std::filesystem::path& model, const std::string& type,
                     const std::filesystem::path& file);

// A Hugging Face folder; `dtype` is f32, bf16, f16, or empty for what the model's own files hold (F32 where
// they are quantised or of several kinds). Tokenizer files and generation_config.json are those of the source,
// byte for byte, where it is a folder. Appears whole or not at all.
Exported export_folder(const std::filesystem::path& model, const std::string& dtype, int64_t max_shard_bytes,
                       const std::filesystem::path& folder);

}  // namespace cohort
