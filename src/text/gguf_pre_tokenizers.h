// llama.cpp's pre-tokenizers: what a GGUF file's tokenizer.ggml.pre means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort {

struct GgufPreTokenizer {
  std::vector<std::string_view> patterns;  // one cut after another
  bool nfc = false;                        // as the models' own tokenizer.json, which llama.cpp leaves out
  bool ignore_merges = false;
  bool add_bos = false;    // where the file does not say
  bool byte_level = true;  // else tokens are spelt as text, "▁" for a space
  bool ascii_case = false;  // llama.cpp's own pattern: a-z are lower case and A-Z upper, no mark is in a word
};

// nullptr where the name is not known; names() lists those that are, for messages.
const GgufPreTokenizer* find_gguf_pre_tokenizer(std::string_view name);
std::string gguf_pre_tokenizer_names();
std::vector<std::string_view> gguf_pre_tokenizer_list();  // the same, in the order of the alphabet

}  // namespace cohort
