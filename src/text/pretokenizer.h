// Cuts a text into the pieces that the model encodes one by one.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "text/regex.h"
#include "text/tokenizer_spec.h"

namespace cohort {

// Immutable and safe to use from several threads.
class Pretokenizer {
 public:
  explicit Pretokenizer(const TokenizerSpec& spec);

  // Pieces of valid UTF-8, in order, none empty. A piece is a view into `text` or, with a space put before
  // it, into memory that lasts until `emit` returns.
  void split(std::string_view text, const std::function<void(std::string_view)>& emit) const;

 private:
  struct Step {
    Regex regex;
    SplitBehavior behavior;
    bool invert;
  };
  static void apply(const Step& step, std::string_view piece, std::vector<std::string_view>& pieces);

  std::vector<Step> steps_;
  bool add_prefix_space_;
  std::optional<Step> gpt2_;
};

}  // namespace cohort
