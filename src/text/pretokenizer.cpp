#include "text/pretokenizer.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/characters.h"

namespace cohort {

const char* const kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

// A text as a pattern that matches it.
std::string literal_regex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

Pretokenizer::Pretokenizer(const TokenizerSpec& spec) : bytes_(spec.byte_level()) {
  using Kind = PreTokenizerStep::Kind;
  for (const PreTokenizerStep& from : spec.pre_tokenizers) {
    Step& step = steps_.emplace_back();
    step.spec = from;
    if (from.kind == Kind::split) {
      step.regex.emplace(from.pattern.literal ? literal_regex(from.pattern.text) : from.pattern.text,
                         "pre_tokenizer");
    } else if (from.kind == Kind::byte_level && from.use_regex) {
      step.regex.emplace(kGpt2Pattern, "pre_tokenizer");
    } else if (from.kind == Kind::metaspace && from.cut) {
      step.regex.emplace(literal_regex(from.replacement), "pre_tokenizer");
      step.spec.behavior = SplitBehavior::merged_with_next;
    }
  }
}

// The rules of Hugging Face tokenizers' SplitDelimiterBehavior: the text is a row of stretches, each a match
// or not.
void Pretokenizer::cut(const Step& step, Piece whole, std::vector<Piece>& pieces) {
  const std::string_view piece = whole.text;
  const size_t first = pieces.size();
  bool previous_match = false;  // of the stretch before
  bool open = false;            // merged_with_next: pieces.back() waits for what follows
  const auto join = [&](std::string_view part) {
    std::string_view& back = pieces.back().text;
    back = {back.data(), back.size() + part.size()};
  };
  const auto stretch = [&](size_t begin, size_t end, bool match) {
    const std::string_view part = piece.substr(begin, end - begin);
    match = match != step.spec.invert;
    const bool any = pieces.size() > first;
    const Piece next{part, whole.first && begin == 0};
    switch (step.spec.behavior) {
      case SplitBehavior::removed:
        if (!match) pieces.push_back(next);
        break;
      case SplitBehavior::isolated:
        pieces.push_back(next);
        break;
      case SplitBehavior::merged_with_previous:
        if (match && !previous_match && any) {
          join(part);
        } else {
          pieces.push_back(next);
        }
        break;
      case SplitBehavior::merged_with_next:
        if (open && !match) {
          join(part);
        } else {
          pieces.push_back(next);
        }
        open = match;
        break;
      case SplitBehavior::contiguous:
        if (any && match == previous_match) {
          join(part);
        } else {
          pieces.push_back(next);
        }
        break;
    }
    previous_match = match;
  };
  // An empty match cuts too, unless it touches the match before it.
  size_t done = 0, from = 0, begin = 0, end = 0;
  bool any_match = false;
  while (from <= piece.size() && step.regex->find(piece, from, begin, end)) {
    from = begin < end ? end : end == piece.size() ? end + 1 : end + next_utf8(piece.substr(end)).size;
    if (begin == end && any_match && end == done) continue;
    if (done < begin) stretch(done, begin, false);
    stretch(begin, end, true);
    done = end;
    any_match = true;
  }
  if (done < piece.size()) stretch(done, piece.size(), false);
  pieces.erase(std::remove_if(pieces.begin() + static_cast<ptrdiff_t>(first), pieces.end(),
                              [](const Piece& part) { return part.text.empty(); }),
               pieces.end());
}

void Pretokenizer::apply(const Step& step, bool bytes, Piece piece, std::deque<std::string>& made,
                         std::vector<Piece>& pieces) {
  const PreTokenizerStep& spec = step.spec;
  switch (spec.kind) {
    case PreTokenizerStep::Kind::split:
      return cut(step, piece, pieces);
    case PreTokenizerStep::Kind::byte_level: {
      if (spec.add_prefix_space && piece.text[0] != ' ')
        piece.text = made.emplace_back(" ").append(piece.text);
      const size_t begin = pieces.size();
      if (step.regex) {
        cut(step, piece, pieces);
      } else {
        pieces.push_back(piece);
      }
      if (bytes) return;
      for (size_t i = begin; i < pieces.size(); ++i)
        pieces[i].text = made.emplace_back(to_byte_level(pieces[i].text));
      return;
    }
    case PreTokenizerStep::Kind::metaspace: {
      std::string text = replace_all(piece.text, " ", spec.replacement);
      if (!text.starts_with(spec.replacement) &&
          (spec.prepend == PrependScheme::always || (spec.prepend == PrependScheme::first && piece.first)))
        text.insert(0, spec.replacement);
      piece.text = made.emplace_back(std::move(text));
      if (step.regex) return cut(step, piece, pieces);
      pieces.push_back(piece);
      return;
    }
  }
}

void Pretokenizer::split(std::string_view text, bool first,
                         const std::function<void(std::string_view)>& emit) const {
  std::vector<Piece> pieces, next;
  std::deque<std::string> made;
  if (!text.empty()) pieces.push_back({text, first});
  for (size_t i = 0; i < steps_.size(); ++i) {
    next.clear();
    for (const Piece& piece : pieces) apply(steps_[i], bytes_ && i + 1 == steps_.size(), piece, made, next);
    pieces.swap(next);
  }
  for (const Piece& piece : pieces) emit(piece.text);
}

}  // namespace cohort
