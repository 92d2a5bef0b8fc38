// Cuts a text into the pieces that the model encodes one by one.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/regex.h"
#include "text/tokenizer_spec.h"

namespace cohort {

// Immutable and safe to use from several threads.
class Pretokenizer {
 public:
  explicit Pretokenizer(const TokenizerSpec& spec);

  // Pieces of valid UTF-8, in order, none empty; `first`: the text begins where the whole text does. A piece
  // is a view into `text` or into memory that lasts until `emit` returns.
  void split(std::string_view text, bool first, const std::function<void(std::string_view)>& emit) const;

 private:
  struct Step {
    PreTokenizerStep spec;
    std::optional<Regex> regex;
  };
  struct Piece {
    std::string_view text;
    bool first;
  };
  static void cut(const Step& step, Piece piece, std::vector<Piece>& pieces);
  static void apply(const Step& step, bool bytes, Piece piece, std::deque<std::string>& made,
                    std::vector<Piece>& pieces);

  std::vector<Step> steps_;
  bool bytes_;  // the model reads the last step's bytes, not their characters
};

}  // namespace cohort
