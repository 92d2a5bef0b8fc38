// Normalisation of a text before it is cut: the steps of a TokenizerSpec, one after another.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/charsmap.h"
#include "text/regex.h"
#include "text/tokenizer_spec.h"
#include "text/trie.h"

namespace cohort {

// Immutable and safe to use from several threads.
class Normalizer {
 public:
  explicit Normalizer(const std::vector<NormalizerStep>& steps);
  bool empty() const { return steps_.empty(); }
  // Valid UTF-8 in and out; `first`: the text begins where the whole text does, which it does no more once
  // its beginning is stripped.
  std::string apply(std::string_view text, bool& first) const;

 private:
  struct Step {
    NormalizerStep spec;
    std::optional<Regex> regex;
    Charsmap charsmap;
    Trie kept;
  };
  static std::string precompiled(const Step& step, std::string_view text);
  static std::string sentencepiece(const Step& step, std::string_view text, bool first);
  std::vector<Step> steps_;
};

// Valid UTF-8 with every match as `content`.
std::string replace_matches(const Regex& regex, std::string_view text, const std::string& content);

}  // namespace cohort
