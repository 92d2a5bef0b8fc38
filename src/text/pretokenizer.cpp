#include "text/pretokenizer.h"

#include <algorithm>

#include "base/utf8.h"

namespace cohort {

const char* const kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

Pretokenizer::Pretokenizer(const TokenizerSpec& spec) : add_prefix_space_(spec.add_prefix_space) {
  for (const Split& split : spec.splits) {
    steps_.push_back({Regex(split.pattern, "pre_tokenizer"), split.behavior, split.invert});
  }
  if (spec.use_regex) gpt2_ = Step{Regex(kGpt2Pattern, "pre_tokenizer"), SplitBehavior::isolated, false};
}

// The rules of Hugging Face tokenizers' SplitDelimiterBehavior: the text is a row of stretches, each a match
// or not.
void Pretokenizer::apply(const Step& step, std::string_view piece, std::vector<std::string_view>& pieces) {
  const size_t first = pieces.size();
  bool previous_match = false;  // of the stretch before
  bool open = false;            // merged_with_next: pieces.back() waits for what follows
  const auto join = [&](std::string_view part) {
    pieces.back() = {pieces.back().data(), pieces.back().size() + part.size()};
  };
  const auto stretch = [&](size_t begin, size_t end, bool match) {
    const std::string_view part = piece.substr(begin, end - begin);
    match = match != step.invert;
    const bool any = pieces.size() > first;
    switch (step.behavior) {
      case SplitBehavior::removed:
        if (!match) pieces.push_back(part);
        break;
      case SplitBehavior::isolated:
        pieces.push_back(part);
        break;
      case SplitBehavior::merged_with_previous:
        if (match && !previous_match && any) {
          join(part);
        } else {
          pieces.push_back(part);
        }
        break;
      case SplitBehavior::merged_with_next:
        if (open && !match) {
          join(part);
        } else {
          pieces.push_back(part);
        }
        open = match;
        break;
      case SplitBehavior::contiguous:
        if (any && match == previous_match) {
          join(part);
        } else {
          pieces.push_back(part);
        }
        break;
    }
    previous_match = match;
  };
  // An empty match cuts too, unless it touches the match before it.
  size_t done = 0, from = 0, begin = 0, end = 0;
  bool any_match = false;
  while (from <= piece.size() && step.regex.find(piece, from, begin, end)) {
    from = begin < end ? end : end == piece.size() ? end + 1 : end + next_utf8(piece.substr(end)).size;
    if (begin == end && any_match && end == done) continue;
    if (done < begin) stretch(done, begin, false);
    stretch(begin, end, true);
    done = end;
    any_match = true;
  }
  if (done < piece.size()) stretch(done, piece.size(), false);
  pieces.erase(std::remove_if(pieces.begin() + static_cast<ptrdiff_t>(first), pieces.end(),
                              [](auto part) { return part.empty(); }),
               pieces.end());
}

void Pretokenizer::split(std::string_view text, const std::function<void(std::string_view)>& emit) const {
  std::vector<std::string_view> pieces, next;
  if (!text.empty()) pieces.push_back(text);
  for (const Step& step : steps_) {
    next.clear();
    for (const std::string_view piece : pieces) apply(step, piece, next);
    pieces.swap(next);
  }
  std::string spaced;
  for (std::string_view piece : pieces) {
    if (add_prefix_space_ && piece[0] != ' ') {
      spaced.assign(1, ' ').append(piece);
      piece = spaced;
    }
    if (!gpt2_) {
      emit(piece);
      continue;
    }
    next.clear();
    apply(*gpt2_, piece, next);
    for (const std::string_view part : next) emit(part);
  }
}

}  // namespace cohort
