#include "text/normalizer.h"

#include <utf8proc.h>

#include "base/check.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/characters.h"

namespace cohort {
namespace {

// Rust's char::to_lowercase for each character: one character has two.
std::string lowercase(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = next_utf8(text.substr(at));
    at += c.size;
    append_utf8(out, c.code == 0x130
                         ? U'i'
                         : static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code))));
    if (c.code == 0x130) append_utf8(out, 0x307);
  }
  return out;
}

std::string_view strip(std::string_view text, bool left, bool right) {
  while (left && !text.empty()) {
    const Utf8Char c = next_utf8(text);
    if (!is_space(c.code)) break;
    text.remove_prefix(c.size);
  }
  while (right && !text.empty()) {
    const Utf8Char c = last_utf8(text);
    if (!is_space(c.code)) break;
    text.remove_suffix(c.size);
  }
  return text;
}

std::string strip_accents(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = next_utf8(text.substr(at));
    if (!is_mark(c.code)) out += text.substr(at, c.size);
    at += c.size;
  }
  return out;
}

}  // namespace

std::string replace_matches(const Regex& regex, std::string_view text, const std::string& content) {
  std::string out;
  size_t done = 0, from = 0, begin = 0, end = 0;
  while (from <= text.size() && regex.find(text, from, begin, end)) {
    out += text.substr(done, begin - done);
    out += content;
    done = end;
    from = begin < end ? end : end == text.size() ? end + 1 : end + next_utf8(text.substr(end)).size;
  }
  out += text.substr(done);
  return out;
}

Normalizer::Normalizer(const std::vector<NormalizerStep>& steps) {
  for (const NormalizerStep& spec : steps) {
    Step& step = steps_.emplace_back();
    step.spec = spec;
    if (spec.kind == NormalizerStep::Kind::replace && !spec.pattern.literal)
      step.regex.emplace(spec.pattern.text, "normalizer");
    if (spec.kind == NormalizerStep::Kind::precompiled || spec.kind == NormalizerStep::Kind::sentencepiece)
      step.charsmap = Charsmap(spec.content, "normalizer");
    std::vector<std::pair<std::string_view, int32_t>> kept;
    for (const std::string& symbol : spec.kept) kept.emplace_back(symbol, 0);
    step.kept = Trie(std::move(kept));
  }
}

// As Hugging Face tokenizers does: a grapheme cluster of less than 6 bytes as a whole becomes the spelling of
// the shortest sequence it begins with; else each of its characters does.
std::string Normalizer::precompiled(const Step& step, std::string_view text) {
  std::string out;
  const auto append = [&](std::string_view part) {
    size_t length = 0;
    const auto spelling = step.charsmap.find(part, Charsmap::Match::shortest, length);
    if (spelling) out += *spelling;
    return spelling.has_value();
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    utf8proc_int32_t state = 0;
    for (utf8proc_int32_t previous = -1; end < text.size();) {
      const Utf8Char c = next_utf8(text.substr(end));
      const auto code = static_cast<utf8proc_int32_t>(c.code);
      if (previous >= 0 && utf8proc_grapheme_break_stateful(previous, code, &state)) break;
      previous = code;
      end += c.size;
    }
    const std::string_view cluster = text.substr(at, end - at);
    at = end;
    if (cluster.size() < 6 && append(cluster)) continue;
    for (size_t i = 0; i < cluster.size();) {
      const std::string_view part = cluster.substr(i, next_utf8(cluster.substr(i)).size);
      if (!append(part)) out += part;
      i += part.size();
    }
  }
  return out;
}

std::string Normalizer::sentencepiece(const Step& step, std::string_view text, bool first) {
  const NormalizerStep& spec = step.spec;
  const bool dummy = spec.add_dummy_prefix && (first || !spec.prefix_once);
  const std::string_view space = spec.escape_whitespaces ? kMetaspace : " ";
  // The next characters' spelling; `text` loses them.
  const auto next = [&]() -> std::string_view {
    size_t length = 0;
    std::string_view spelling;
    if (step.kept.longest(text, length) >= 0) {
      spelling = text.substr(0, length);
    } else if (const auto found = step.charsmap.find(text, Charsmap::Match::longest, length)) {
      spelling = *found;
    } else {
      length = next_utf8(text).size;
      spelling = text.substr(0, length);
    }
    text.remove_prefix(length);
    return spelling;
  };
  if (spec.remove_extra_whitespaces) {
    for (std::string_view rest = text; !text.empty(); rest = text) {
      if (next() != " ") {
        text = rest;
        break;
      }
    }
  }
  std::string out;
  if (text.empty()) return out;
  if (dummy && !spec.whitespace_as_suffix) out += space;
  bool after_space = spec.remove_extra_whitespaces;
  while (!text.empty()) {
    std::string_view spelling = next();
    while (after_space && spelling.starts_with(' ')) spelling.remove_prefix(1);
    if (spelling.empty()) continue;
    for (const char c : spelling) {
      if (c == ' ') {
        out += space;
      } else {
        out += c;
      }
    }
    after_space = spec.remove_extra_whitespaces && spelling.ends_with(' ');
  }
  if (spec.remove_extra_whitespaces) {
    while (out.ends_with(space)) out.resize(out.size() - space.size());
  }
  if (dummy && spec.whitespace_as_suffix) out += space;
  return out;
}

std::string Normalizer::apply(std::string_view text, bool& first) const {
  using Kind = NormalizerStep::Kind;
  std::string out(text);
  for (const Step& step : steps_) {
    switch (step.spec.kind) {
      case Kind::nfc:
        out = normalize(out, NormalForm::nfc);
        break;
      case Kind::nfd:
        out = normalize(out, NormalForm::nfd);
        break;
      case Kind::nfkc:
        out = normalize(out, NormalForm::nfkc);
        break;
      case Kind::nfkd:
        out = normalize(out, NormalForm::nfkd);
        break;
      case Kind::lowercase:
        out = lowercase(out);
        break;
      case Kind::strip:
        if (step.spec.left && strip(out, true, false).size() < out.size()) first = false;
        out = strip(std::string(out), step.spec.left, step.spec.right);
        break;
      case Kind::strip_accents:
        out = strip_accents(out);
        break;
      case Kind::replace:
        out = step.regex ? replace_matches(*step.regex, out, step.spec.content)
                         : replace_all(out, step.spec.pattern.text, step.spec.content);
        break;
      case Kind::prepend:
        if (!out.empty()) out.insert(0, step.spec.content);
        break;
      case Kind::precompiled:
        out = precompiled(step, out);
        break;
      case Kind::byte_level:
        out = to_byte_level(out);
        break;
      case Kind::sentencepiece:
        out = sentencepiece(step, out, first);
        break;
    }
    if (out.size() / 64 > text.size() + 65536)
      fail("the tokenizer's normalizer makes more than 64 bytes of each of a text's {}", text.size());
  }
  // A hostile charsmap may spell what is no text.
  return is_valid_utf8(out) ? out : replace_invalid_utf8(out);
}

}  // namespace cohort
