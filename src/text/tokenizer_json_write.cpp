// Writes a specification as a tokenizer.json and tokenizer_config.json that Hugging Face tokenizers and
// transformers open.
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

using Json = nlohmann::ordered_json;

Json pre_tokenizer_of(const TokenizerSpec& spec) {
  static const char* const behaviors[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                          "Contiguous"};
  Json steps = Json::array();
  for (const Split& split : spec.splits) {
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", split.pattern}}},
                     {"behavior", behaviors[static_cast<int>(split.behavior)]},
                     {"invert", split.invert}});
  }
  if (spec.model == TokenizerSpec::Model::bpe) {
    steps.push_back({{"type", "ByteLevel"},
                     {"add_prefix_space", spec.add_prefix_space},
                     {"trim_offsets", true},
                     {"use_regex", spec.use_regex}});
  }
  if (steps.size() == 1) return steps[0];
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
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

// The model, by hand: an ordered object of a whole vocabulary would be searched at every insertion.
std::string model_of(const TokenizerSpec& spec) {
  const auto quoted = [](const std::string& text) { return json_text(text); };
  std::string out = "{\n";
  if (spec.model == TokenizerSpec::Model::bpe) {
    const std::string unk = spec.unk_token.empty() ? "null" : quoted(spec.unk_token);
    out += fmt::format(
        "    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": {},\n    "
        "\"continuing_subword_prefix\": null,\n"
        "    \"end_of_word_suffix\": null,\n    \"fuse_unk\": {},\n    \"byte_fallback\": false,\n    "
        "\"ignore_merges\": {},\n",
        unk, spec.fuse_unk, spec.ignore_merges);
  } else {
    out += fmt::format("    \"type\": \"WordLevel\",\n    \"unk_token\": {},\n", quoted(spec.unk_token));
  }
  out += "    \"vocab\": {";
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    out += fmt::format("{}\n      {}: {}", id ? "," : "", quoted(spec.vocab[id]), id);
  }
  out += "\n    }";
  if (spec.model == TokenizerSpec::Model::bpe) {
    out += ",\n    \"merges\": [";
    for (size_t i = 0; i < spec.merges.size(); ++i) {
      const auto& [left, right] = spec.merges[i];
      out += fmt::format(
          "{}\n      {}", i ? "," : "",
          quoted(spec.vocab[static_cast<size_t>(left)] + " " + spec.vocab[static_cast<size_t>(right)]));
    }
    out += spec.merges.empty() ? "]" : "\n    ]";
  }
  return out + "\n  }";
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
  const bool bpe = spec.model == TokenizerSpec::Model::bpe;
  Json decoder = {{"type", "Fuse"}};
  if (bpe)
    decoder = {
        {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
  Json normalizer = nullptr;
  if (spec.nfc) normalizer = {{"type", "NFC"}};
  std::string out = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n";
  out += fmt::format("  \"added_tokens\": {},\n", dump_json(added));
  out += fmt::format("  \"normalizer\": {},\n", dump_json(normalizer));
  out += fmt::format("  \"pre_tokenizer\": {},\n", dump_json(pre_tokenizer_of(spec)));
  out += fmt::format("  \"post_processor\": {},\n", dump_json(post_processor_of(spec)));
  out += fmt::format("  \"decoder\": {},\n", dump_json(decoder));
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
