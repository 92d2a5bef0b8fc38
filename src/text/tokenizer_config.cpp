// tokenizer_config.json and special_tokens_map.json, as transformers resolves them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "text/characters.h"
#include "text/json_node.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

// "<s>", or an added token as an object.
std::string token_of(const JsonNode& node) {
  return node.value->is_object() ? node.at("content").str() : node.str();
}

bool contains(const std::vector<std::string>& list, const std::string& token) {
  return std::find(list.begin(), list.end(), token) != list.end();
}

// added_tokens_decoder: {"32000": {"content": ..., "lstrip": ...}}. Its flags go before tokenizer.json's, but a
// special token stays one, and those that are `named` become one.
void read_added_tokens_decoder(const JsonNode& list, const std::vector<std::string>& named,
                               TokenizerSpec& spec) {
  if (!list.value->is_object()) list.wrong("an object of ids and tokens");
  for (const auto& [key, value] : list.value->items()) {
    const JsonNode node{&value, list.where, fmt::format("{}.{}", list.path, key)};
    AddedToken token;
    token.content = node.at("content").str();
    token.special = node.flag("special", false);
    token.lstrip = node.flag("lstrip", false);
    token.rstrip = node.flag("rstrip", false);
    token.single_word = node.flag("single_word", false);
    token.normalized = node.flag("normalized", !token.special);
    token.special = token.special || contains(named, token.content);
    const auto known = std::find_if(spec.added.begin(), spec.added.end(),
                                    [&](const AddedToken& other) { return other.content == token.content; });
    if (known != spec.added.end()) {
      token.id = known->id;
      token.special = token.special || known->special;
      *known = std::move(token);
      continue;
    }
    token.id = 0;
    for (const char c : key) {
      if (c < '0' || c > '9' || token.id > 100'000'000)
        fail("{}: {}: the key is no token id", *node.where, node.path);
      token.id = token.id * 10 + (c - '0');
    }
    spec.added.push_back(std::move(token));
  }
  check_added_tokens(spec, *list.where);
}

void read_chat_template(const JsonNode& root, TokenizerSpec& spec) {
  const auto chat_template = root.find("chat_template");
  if (!chat_template || !spec.chat_template.empty()) return;
  if (chat_template->value->is_string()) {
    spec.chat_template = chat_template->str();
    return;
  }
  for (const JsonNode& named : chat_template->elements()) {
    if (named.at("name").str() == "default") spec.chat_template = named.at("template").str();
  }
}

}  // namespace

void apply_tokenizer_config(TokenizerSpec& spec, std::string_view text, const std::string& where) {
  const nlohmann::json document = parse_json_file(text, where);
  if (!document.is_object()) fail("{}: expected an object", where);
  const JsonNode root{&document, &where, ""};
  const std::pair<const char*, std::string*> tokens[] = {
      {"bos_token", &spec.bos_token}, {"eos_token", &spec.eos_token}, {"pad_token", &spec.pad_token}};
  for (const auto& [key, field] : tokens) {
    if (const auto node = root.find(key); node && (field->empty() || !spec.named_by_config))
      *field = token_of(*node);
  }
  spec.named_by_config = true;
  std::vector<std::string> named = {spec.bos_token, spec.eos_token, spec.pad_token};
  for (const char* key : {"unk_token", "sep_token", "cls_token", "mask_token"}) {
    const auto node = root.find(key);
    if (!node) continue;
    named.push_back(token_of(*node));
    spec.named_tokens.try_emplace(key, named.back());
  }
  spec.special_tokens.insert(spec.special_tokens.end(), named.begin() + 3, named.end());
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto list = root.find(key);
    if (!list || !list->value->is_array()) continue;  // an object names tokens for an image or audio model
    for (const JsonNode& node : list->elements()) spec.special_tokens.push_back(token_of(node));
  }
  if (const auto list = root.find("added_tokens_decoder")) {
    read_added_tokens_decoder(*list, named, spec);
  } else {
    for (AddedToken& token : spec.added)
      token.special = token.special || contains(named, token.content);
  }
  if (const auto flag = root.find("add_bos_token")) spec.add_bos = flag->boolean();
  if (const auto flag = root.find("add_eos_token")) spec.add_eos = flag->boolean();
  if (const auto flag = root.find("split_special_tokens")) spec.split_special = flag->boolean();
  if (const auto flag = root.find("legacy")) spec.legacy = flag->boolean();
  if (const auto flag = root.find("add_prefix_space")) spec.use_prefix_space = flag->boolean();
  if (const auto name = root.find("tokenizer_class")) spec.tokenizer_class = name->str();
  read_chat_template(root, spec);
}

void resolve_flags(TokenizerSpec& spec) {
  const bool llama = spec.tokenizer_class == "LlamaTokenizer" || spec.tokenizer_class == "LlamaTokenizerFast";
  for (NormalizerStep& step : spec.normalizers) {
    if (step.kind == NormalizerStep::Kind::sentencepiece) {
      step.prefix_once = !spec.legacy.value_or(false);
      if (!spec.use_prefix_space.value_or(true)) step.add_dummy_prefix = false;
      const auto add = [&](const std::optional<bool>& flag, const std::string& token,
                           std::vector<int32_t>& ids) {
        const auto found = std::find(spec.vocab.begin(), spec.vocab.end(), token);
        if (flag.value_or(false) && found != spec.vocab.end())
          ids.push_back(static_cast<int32_t>(found - spec.vocab.begin()));
      };
      add(spec.add_bos, spec.bos_token, spec.prefix);
      add(spec.add_eos, spec.eos_token, spec.suffix);
      return;
    }
  }
  if (!llama || spec.model != TokenizerSpec::Model::bpe || !spec.byte_fallback) return;
  const bool space = spec.use_prefix_space.value_or(true);
  PreTokenizerStep step;
  step.kind = PreTokenizerStep::Kind::metaspace;
  step.replacement = kMetaspace;
  step.prepend = !space                        ? PrependScheme::never
                 : spec.legacy.value_or(false) ? PrependScheme::always
                                               : PrependScheme::first;
  step.cut = false;
  spec.normalizers.clear();
  spec.pre_tokenizers = {step};
  spec.decoders = sentencepiece_decoders(space);
}

}  // namespace cohort
