// Ids to text: what each token stands for, and what the whole text loses at its ends.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/regex.h"
#include "text/tokenizer_spec.h"

namespace cohort {

// Immutable and safe to use from several threads.
class Decoder {
 public:
  explicit Decoder(const std::vector<DecoderStep>& steps);

  // The bytes a token stands for; `first`: it begins the text, where some decoders drop its space.
  std::string token(std::string_view token, bool first) const;
  bool first_differs() const { return first_differs_; }
  // What is done to the text put together.
  std::string whole(std::string text) const;

 private:
  struct Step {
    DecoderStep spec;
    std::optional<Regex> regex;
  };
  static std::string apply(const Step& step, std::string text, bool first);
  std::vector<Step> each_, whole_;
  bool first_differs_ = false;
};

}  // namespace cohort
