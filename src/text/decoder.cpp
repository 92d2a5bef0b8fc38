#include "text/decoder.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/characters.h"
#include "text/normalizer.h"

namespace cohort {
namespace {

// The byte that a token "<0xE4>" stands for, else -1.
int byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int byte = -1;
  const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
  return error == std::errc() && end == token.data() + 5 ? byte : -1;
}

std::string strip_ends(std::string_view text, const DecoderStep& step) {
  for (int32_t i = 0; i < step.start && text.starts_with(step.content); ++i)
    text.remove_prefix(step.content.size());
  for (int32_t i = 0; i < step.stop && text.ends_with(step.content); ++i)
    text.remove_suffix(step.content.size());
  return std::string(text);
}

}  // namespace

Decoder::Decoder(const std::vector<DecoderStep>& steps) {
  bool fused = false;
  for (const DecoderStep& spec : steps) {
    if (spec.kind == DecoderStep::Kind::fuse) {
      fused = true;
      continue;
    }
    Step step{spec, std::nullopt};
    if (spec.kind == DecoderStep::Kind::replace && !spec.pattern.literal)
      step.regex.emplace(spec.pattern.text, "decoder");
    if (spec.kind == DecoderStep::Kind::metaspace && !fused) first_differs_ = true;
    (fused ? whole_ : each_).push_back(std::move(step));
  }
}

std::string Decoder::apply(const Step& step, std::string text, bool first) {
  const DecoderStep& spec = step.spec;
  switch (spec.kind) {
    case DecoderStep::Kind::byte_level:
      return from_byte_level(text).value_or(text);
    case DecoderStep::Kind::byte_fallback: {
      const int byte = byte_of(text);
      return byte < 0 ? text : std::string(1, static_cast<char>(byte));
    }
    case DecoderStep::Kind::fuse:
      return text;
    case DecoderStep::Kind::metaspace:
      return replace_all(text, spec.replacement, first && spec.prepend != PrependScheme::never ? "" : " ");
    case DecoderStep::Kind::strip:
      return strip_ends(text, spec);
    case DecoderStep::Kind::replace:
      return step.regex ? replace_matches(*step.regex, replace_invalid_utf8(text), spec.content)
                        : replace_all(text, spec.pattern.text, spec.content);
  }
  return text;
}

std::string Decoder::token(std::string_view token, bool first) const {
  std::string text(token);
  for (const Step& step : each_) text = apply(step, std::move(text), first);
  return text;
}

std::string Decoder::whole(std::string text) const {
  for (const Step& step : whole_) text = apply(step, std::move(text), true);
  return text;
}

}  // namespace cohort
