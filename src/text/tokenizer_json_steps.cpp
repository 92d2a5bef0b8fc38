#include "text/tokenizer_json_steps.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/utf8.h"
#include "text/charsmap.h"

namespace cohort {
namespace {

constexpr size_t kLongestContent = 1024;  // bytes: what a normaliser may put in place of one match

// One value of a table of names.
template <class T>
T named(const JsonNode& node, std::initializer_list<std::pair<const char*, T>> table) {
  std::string names;
  for (const auto& [name, value] : table) {
    if (node.str() == name) return value;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  node.wrong("one of " + names);
}

Pattern read_pattern(const JsonNode& node) {
  const JsonNode pattern = node.at("pattern");
  Pattern out;
  out.literal = pattern.find("String").has_value();
  out.text = out.literal ? pattern.at("String").str() : pattern.at("Regex").str();
  if (out.text.empty()) fail("{}: {}: an empty pattern", *node.where, pattern.path);
  return out;
}

std::string read_content(const JsonNode& node, const char* key) {
  const JsonNode content = node.at(key);
  if (content.str().size() > kLongestContent) content.wrong(fmt::format("at most {} bytes", kLongestContent));
  return content.str();
}

std::string base64(const JsonNode& node) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : node.str()) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t value = kAlphabet.find(c);
    if (c == '=') break;
    if (value == std::string_view::npos) fail("{}: {}: not base64", *node.where, node.path);
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count));
    }
  }
  return out;
}

// One character, as a string.
std::string character(const JsonNode& node) {
  const std::string& text = node.str();
  if (text.empty() || next_utf8(text).size != text.size()) node.wrong("one character");
  return text;
}

struct Scheme {
  std::string replacement;
  PrependScheme prepend;
};

// What a Metaspace pre-tokenizer and decoder share; add_prefix_space is prepend_scheme's older form.
Scheme read_scheme(const JsonNode& node) {
  Scheme out{character(node.at("replacement")), PrependScheme::always};
  if (const auto scheme = node.find("prepend_scheme")) {
    out.prepend = named<PrependScheme>(*scheme, {{"always", PrependScheme::always},
                                                 {"first", PrependScheme::first},
                                                 {"never", PrependScheme::never}});
  } else if (!node.flag("add_prefix_space", true)) {
    out.prepend = PrependScheme::never;
  }
  return out;
}

SplitBehavior read_behavior(const JsonNode& node) {
  return named<SplitBehavior>(node, {{"Removed", SplitBehavior::removed},
                                     {"Isolated", SplitBehavior::isolated},
                                     {"MergedWithPrevious", SplitBehavior::merged_with_previous},
                                     {"MergedWithNext", SplitBehavior::merged_with_next},
                                     {"Contiguous", SplitBehavior::contiguous}});
}

NormalizerStep normalizer_of(const JsonNode& node) {
  using Kind = NormalizerStep::Kind;
  static const std::pair<std::string_view, Kind> plain[] = {{"NFC", Kind::nfc},
                                                            {"NFD", Kind::nfd},
                                                            {"NFKC", Kind::nfkc},
                                                            {"NFKD", Kind::nfkd},
                                                            {"Lowercase", Kind::lowercase},
                                                            {"StripAccents", Kind::strip_accents},
                                                            {"ByteLevel", Kind::byte_level}};
  const std::string& type = node.at("type").str();
  NormalizerStep step;
  for (const auto& [name, kind] : plain) {
    if (type != name) continue;
    step.kind = kind;
    return step;
  }
  if (type == "Strip") {
    step.kind = Kind::strip;
    step.left = node.at("strip_left").boolean();
    step.right = node.at("strip_right").boolean();
  } else if (type == "Replace") {
    step.kind = Kind::replace;
    step.pattern = read_pattern(node);
    step.content = read_content(node, "content");
  } else if (type == "Prepend") {
    step = prepend_normalizer(read_content(node, "prepend"));
  } else if (type == "Precompiled") {
    step.kind = Kind::precompiled;
    if (const auto charsmap = node.find("precompiled_charsmap")) {
      step.content = base64(*charsmap);
      Charsmap(step.content, fmt::format("{}: {}", *node.where, charsmap->path));
    }
  } else {
    node.unsupported(
        "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, Precompiled, "
        "ByteLevel, Sequence");
  }
  return step;
}

PreTokenizerStep pre_tokenizer_of(const JsonNode& node) {
  const std::string& type = node.at("type").str();
  PreTokenizerStep step;
  const auto removed = [&](const char* regex, bool invert) {
    step = split_step(regex);
    step.behavior = SplitBehavior::removed;
    step.invert = invert;
  };
  if (type == "Split") {
    step.pattern = read_pattern(node);
    step.behavior = read_behavior(node.at("behavior"));
    step.invert = node.flag("invert", false);
  } else if (type == "Digits") {
    step = split_step(node.flag("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "Punctuation") {
    step = split_step(R"([!-/:-@\[-`{-~\p{P}])");
    if (const auto behavior = node.find("behavior")) step.behavior = read_behavior(*behavior);
  } else if (type == "Whitespace") {  // \w and \s of Rust's regex crate
    removed(
        R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}\s]+)",
        true);
  } else if (type == "WhitespaceSplit") {
    removed(R"(\s)", false);
  } else if (type == "CharDelimiterSplit") {
    step.pattern = {character(node.at("delimiter")), true};
    step.behavior = SplitBehavior::removed;
  } else if (type == "ByteLevel") {
    step = byte_level_step(node.flag("use_regex", true));
    step.add_prefix_space = node.flag("add_prefix_space", true);
  } else if (type == "Metaspace") {
    const Scheme scheme = read_scheme(node);
    step.kind = PreTokenizerStep::Kind::metaspace;
    step.replacement = scheme.replacement;
    step.prepend = scheme.prepend;
    step.cut = node.flag("split", true);
  } else {
    node.unsupported(
        "Split, Digits, Punctuation, Whitespace, WhitespaceSplit, CharDelimiterSplit, ByteLevel, "
        "Metaspace, Sequence");
  }
  return step;
}

DecoderStep decoder_of(const JsonNode& node) {
  using Kind = DecoderStep::Kind;
  const std::string& type = node.at("type").str();
  DecoderStep step;
  if (type == "ByteLevel") {
    step.kind = Kind::byte_level;
  } else if (type == "ByteFallback") {
    step.kind = Kind::byte_fallback;
  } else if (type == "Fuse") {
    step.kind = Kind::fuse;
  } else if (type == "Metaspace") {
    const Scheme scheme = read_scheme(node);
    step.kind = Kind::metaspace;
    step.replacement = scheme.replacement;
    step.prepend = scheme.prepend;
  } else if (type == "Strip") {
    step.kind = Kind::strip;
    step.content = character(node.at("content"));
    step.start = node.at("start").id();
    step.stop = node.at("stop").id();
  } else if (type == "Replace") {
    step.kind = Kind::replace;
    step.pattern = read_pattern(node);
    step.content = read_content(node, "content");
  } else {
    node.unsupported("ByteLevel, ByteFallback, Fuse, Metaspace, Strip, Replace, Sequence");
  }
  return step;
}

}  // namespace

void read_normalizer(const JsonNode& root, TokenizerSpec& spec) {
  const auto node = root.find("normalizer");
  if (!node) return;
  for (const JsonNode& leaf : node->leaves("normalizers")) spec.normalizers.push_back(normalizer_of(leaf));
}

void read_pre_tokenizer(const JsonNode& root, TokenizerSpec& spec) {
  const auto node = root.find("pre_tokenizer");
  if (!node) return;
  for (const JsonNode& leaf : node->leaves("pretokenizers"))
    spec.pre_tokenizers.push_back(pre_tokenizer_of(leaf));
}

void read_decoder(const JsonNode& root, TokenizerSpec& spec) {
  const auto node = root.find("decoder");
  if (!node) {
    fail(
        "{}: decoder: missing (supported: ByteLevel, ByteFallback, Fuse, Metaspace, Strip, Replace, "
        "Sequence)",
        *root.where);
  }
  for (const JsonNode& leaf : node->leaves("decoders")) spec.decoders.push_back(decoder_of(leaf));
}

}  // namespace cohort
