// Writes a specification as a tokenizer.json and tokenizer_config.json that Hugging Face tokenizers and
// transformers open.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

using Json = nlohmann::ordered_json;

Json pattern_of(const Pattern& pattern) { return {{pattern.literal ? "String" : "Regex", pattern.text}}; }

const char* scheme_of(PrependScheme scheme) {
  return scheme == PrependScheme::always ? "always" : scheme == PrependScheme::first ? "first" : "never";
}

// One component, or a Sequence of several under `list`; null for none.
Json sequence_of(const Json& steps, const char* list) {
  if (steps.empty()) return nullptr;
  if (steps.size() == 1) return steps[0];
  return {{"type", "Sequence"}, {list, steps}};
}

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t bits = 0;
    const size_t size = std::min<size_t>(3, bytes.size() - at);
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < size ? static_cast<uint8_t>(bytes[at + i]) : 0);
    for (size_t i = 0; i < 4; ++i) out += i <= size ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

Json normalizer_of(const TokenizerSpec& spec) {
  static const char* const plain[] = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase"};
  using Kind = NormalizerStep::Kind;
  Json steps = Json::array();
  for (const NormalizerStep& step : spec.normalizers) {
    switch (step.kind) {
      case Kind::strip:
        steps.push_back({{"type", "Strip"}, {"strip_left", step.left}, {"strip_right", step.right}});
        break;
      case Kind::strip_accents:
        steps.push_back({{"type", "StripAccents"}});
        break;
      case Kind::replace:
        steps.push_back(
            {{"type", "Replace"}, {"pattern", pattern_of(step.pattern)}, {"content", step.content}});
        break;
      case Kind::prepend:
        steps.push_back({{"type", "Prepend"}, {"prepend", step.content}});
        break;
      case Kind::precompiled:
        steps.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", base64(step.content)}});
        break;
      case Kind::byte_level:
        steps.push_back({{"type", "ByteLevel"}});
        break;
      case Kind::sentencepiece:
        fail("internal check failed: a SentencePiece model is saved as it came");
      default:
        steps.push_back({{"type", plain[static_cast<int>(step.kind)]}});
    }
  }
  return sequence_of(steps, "normalizers");
}

Json pre_tokenizer_of(const TokenizerSpec& spec) {
  static const char* const behaviors[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                          "Contiguous"};
  Json steps = Json::array();
  for (const PreTokenizerStep& step : spec.pre_tokenizers) {
    switch (step.kind) {
      case PreTokenizerStep::Kind::split:
        steps.push_back({{"type", "Split"},
                         {"pattern", pattern_of(step.pattern)},
                         {"behavior", behaviors[static_cast<int>(step.behavior)]},
                         {"invert", step.invert}});
        break;
      case PreTokenizerStep::Kind::byte_level:
        steps.push_back({{"type", "ByteLevel"},
                         {"add_prefix_space", step.add_prefix_space},
                         {"trim_offsets", true},
                         {"use_regex", step.use_regex}});
        break;
      case PreTokenizerStep::Kind::metaspace:
        steps.push_back({{"type", "Metaspace"},
                         {"replacement", step.replacement},
                         {"prepend_scheme", scheme_of(step.prepend)},
                         {"split", step.cut}});
        break;
    }
  }
  return sequence_of(steps, "pretokenizers");
}

Json decoder_of(const TokenizerSpec& spec) {
  Json steps = Json::array();
  for (const DecoderStep& step : spec.decoders) {
    switch (step.kind) {
      case DecoderStep::Kind::byte_level:
        steps.push_back(
            {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}});
        break;
      case DecoderStep::Kind::byte_fallback:
        steps.push_back({{"type", "ByteFallback"}});
        break;
      case DecoderStep::Kind::fuse:
        steps.push_back({{"type", "Fuse"}});
        break;
      case DecoderStep::Kind::metaspace:
        steps.push_back({{"type", "Metaspace"},
                         {"replacement", step.replacement},
                         {"prepend_scheme", scheme_of(step.prepend)},
                         {"split", true}});
        break;
      case DecoderStep::Kind::strip:
        steps.push_back(
            {{"type", "Strip"}, {"content", step.content}, {"start", step.start}, {"stop", step.stop}});
        break;
      case DecoderStep::Kind::replace:
        steps.push_back(
            {{"type", "Replace"}, {"pattern", pattern_of(step.pattern)}, {"content", step.content}});
        break;
    }
  }
  return sequence_of(steps, "decoders");
}

const std::string& content_of(const TokenizerSpec& spec, int32_t id) {
  if (id < static_cast<int64_t>(spec.vocab.size())) return spec.vocab[static_cast<size_t>(id)];
  for (const AddedToken& token : spec.added) {
    if (token.id == id) return token.content;
  }
  fail("internal check failed: no token {}", id);
}

Json post_processor_of(const TokenizerSpec& spec) {
  if (spec.prefix.empty() && spec.suffix.empty()) return nullptr;
  Json single = Json::array(), pair = Json::array(), tokens = Json::object();
  const auto add_tokens = [&](const std::vector<int32_t>& ids, int type) {
    for (const int32_t id : ids) {
      const std::string& content = content_of(spec, id);
      const Json part = {{"SpecialToken", {{"id", content}, {"type_id", type}}}};
      if (type == 0) single.push_back(part);
      pair.push_back(part);
      tokens[content] = {{"id", content}, {"ids", {id}}, {"tokens", {content}}};
    }
  };
  add_tokens(spec.prefix, 0);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  pair.push_back(single.back());
  add_tokens(spec.suffix, 0);
  add_tokens(spec.prefix, 1);
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
  add_tokens(spec.suffix, 1);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", tokens}};
}

std::string bpe_of(const TokenizerSpec& spec) {
  std::string out = fmt::format(
      "    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": {},\n    "
      "\"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": {},\n    "
      "\"byte_fallback\": {},\n    \"ignore_merges\": {},\n    \"merges\": [",
      spec.unk_token.empty() ? "null" : json_text(spec.unk_token), spec.fuse_unk, spec.byte_fallback,
      spec.ignore_merges);
  for (size_t i = 0; i < spec.merges.size(); ++i) {
    const Merge& m = spec.merges[i];
    out += fmt::format("{}\n      [{}, {}]", i ? "," : "", json_text(spec.vocab[static_cast<size_t>(m.left)]),
                       json_text(spec.vocab[static_cast<size_t>(m.right)]));
  }
  return out + (spec.merges.empty() ? "],\n" : "\n    ],\n");
}

// The model, by hand: an ordered object of a whole vocabulary would be searched at every insertion.
std::string model_of(const TokenizerSpec& spec) {
  std::string out = "{\n";
  const bool unigram = spec.model == TokenizerSpec::Model::unigram;
  if (spec.model == TokenizerSpec::Model::bpe) {
    out += bpe_of(spec);
  } else if (unigram) {
    const auto unk = std::find(spec.vocab.begin(), spec.vocab.end(), spec.unk_token);
    out += fmt::format("    \"type\": \"Unigram\",\n    \"unk_id\": {},\n    \"byte_fallback\": {},\n",
                       unk == spec.vocab.end() ? "null" : fmt::format("{}", unk - spec.vocab.begin()),
                       spec.byte_fallback);
  } else {
    out += fmt::format("    \"type\": \"WordLevel\",\n    \"unk_token\": {},\n", json_text(spec.unk_token));
  }
  out += unigram ? "    \"vocab\": [" : "    \"vocab\": {";
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    out += id ? ",\n      " : "\n      ";
    out += unigram ? fmt::format("[{}, {}]", json_text(spec.vocab[id]), spec.scores[id])
                   : fmt::format("{}: {}", json_text(spec.vocab[id]), id);
  }
  return out + (unigram ? "\n    ]\n  }" : "\n    }\n  }");
}

}  // namespace

std::string tokenizer_json_of(const TokenizerSpec& spec) {
  Json added = Json::array();
  for (const AddedToken& token : spec.added) {
    added.push_back({{"id", token.id},
                     {"content", token.content},
                     {"single_word", token.single_word},
                     {"lstrip", token.lstrip},
                     {"rstrip", token.rstrip},
                     {"normalized", token.normalized},
                     {"special", token.special}});
  }
  std::string out = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n";
  out += fmt::format("  \"added_tokens\": {},\n", dump_json(added));
  out += fmt::format("  \"normalizer\": {},\n", dump_json(normalizer_of(spec)));
  out += fmt::format("  \"pre_tokenizer\": {},\n", dump_json(pre_tokenizer_of(spec)));
  out += fmt::format("  \"post_processor\": {},\n", dump_json(post_processor_of(spec)));
  out += fmt::format("  \"decoder\": {},\n", dump_json(decoder_of(spec)));
  return out + fmt::format("  \"model\": {}\n}}\n", model_of(spec));
}

std::string tokenizer_config_of(const TokenizerSpec& spec) {
  Json config = Json::object();
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  config["clean_up_tokenization_spaces"] = false;
  const std::pair<const char*, const std::string*> tokens[] = {
      {"bos_token", &spec.bos_token}, {"eos_token", &spec.eos_token}, {"pad_token", &spec.pad_token}};
  for (const auto& [key, token] : tokens) {
    if (!token->empty()) config[key] = *token;
  }
  if (!spec.chat_template.empty()) config["chat_template"] = spec.chat_template;
  return dump_json(config, 2) + "\n";
}

}  // namespace cohort
