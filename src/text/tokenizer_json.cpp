// Reads tokenizer.json, Hugging Face tokenizers' serialisation.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "text/json_node.h"
#include "text/tokenizer_json_steps.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

using nlohmann::json;

// Ids without holes, but for those of added tokens.
void read_vocab(const JsonNode& node, TokenizerSpec& spec) {
  if (!node.value->is_object()) node.wrong("an object of tokens and ids");
  const size_t count = node.value->size();
  if (count == 0) fail("{}: {}: no tokens", *node.where, node.path);
  size_t size = count;  // and the ids below it that are added tokens'
  for (const AddedToken& token : spec.added) size += static_cast<size_t>(token.id) < size;
  spec.vocab.resize(size);
  std::vector<char> taken(size, 0);
  size_t end = 0;
  for (const auto& [token, id] : node.value->items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= size) {
      JsonNode{&id, node.where, fmt::format("{}[\"{}\"]", node.path, token)}.wrong(
          fmt::format("an id below {}, the number of tokens (ids must have no holes)", size));
    }
    const size_t at = id.get<size_t>();
    if (taken[at])
      fail("{}: {}: \"{}\" and \"{}\" have the same id {}", *node.where, node.path, spec.vocab[at], token,
           at);
    taken[at] = 1;
    spec.vocab[at] = token;
    end = std::max(end, at + 1);
  }
  spec.vocab.resize(end);
  for (const AddedToken& token : spec.added) {
    const auto at = static_cast<size_t>(token.id);
    if (at < end && !taken[at]) spec.vocab[at] = token.content, taken[at] = 1;
  }
  for (size_t at = 0; at < end; ++at) {
    if (!taken[at])
      fail("{}: {}: no token has the id {} (ids must have no holes)", *node.where, node.path, at);
  }
}

void read_scored_vocab(const JsonNode& node, TokenizerSpec& spec) {
  for (const JsonNode& row : node.elements()) {
    const auto& value = *row.value;
    if (!value.is_array() || value.size() != 2 || !value[0].is_string() || !value[1].is_number())
      row.wrong("[\"token\", score]");
    spec.vocab.push_back(value[0].get<std::string>());
    spec.scores.push_back(value[1].get<double>());
  }
  if (spec.vocab.empty()) fail("{}: {}: no tokens", *node.where, node.path);
}

void read_merges(const JsonNode& node, TokenizerSpec& spec) {
  if (!node.value->is_array()) node.wrong("an array");
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  merges.reserve(node.value->size());
  const std::string where = *node.where + ": model";
  for (size_t i = 0; i < node.value->size(); ++i) {
    const json& merge = (*node.value)[i];
    if (merge.is_string()) {
      merges.push_back(split_merge(merge.get_ref<const std::string&>(), i, where));
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      merges.emplace_back(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
    } else {
      JsonNode{&merge, node.where, fmt::format("{}[{}]", node.path, i)}.wrong(
          "\"left right\" or [\"left\", \"right\"]");
    }
  }
  set_merges(spec, merges, where);
}

void read_unigram(const JsonNode& model, TokenizerSpec& spec) {
  spec.model = TokenizerSpec::Model::unigram;
  spec.fuse_unk = true;
  spec.byte_fallback = model.flag("byte_fallback", false);
  read_scored_vocab(model.at("vocab"), spec);
  if (const auto unk = model.find("unk_id")) {
    if (unk->id() >= static_cast<int64_t>(spec.vocab.size()))
      unk->wrong(fmt::format("an id below {}", spec.vocab.size()));
    spec.unk_token = spec.vocab[static_cast<size_t>(unk->id())];
  }
}

void read_model(const JsonNode& model, TokenizerSpec& spec) {
  const auto type_node = model.find("type");  // files of before 2020 have none
  const std::string type = type_node ? type_node->str() : model.find("merges") ? "BPE" : "";
  if (type.empty()) model.at("type");
  if (type != "BPE" && type != "Unigram" && type != "WordLevel") model.unsupported("BPE, Unigram, WordLevel");
  if (type == "Unigram") return read_unigram(model, spec);
  read_vocab(model.at("vocab"), spec);
  spec.unk_token = model.text("unk_token");
  if (type == "WordLevel") {
    spec.model = TokenizerSpec::Model::word_level;
    return;
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.text(key).empty()) fail("{}: model.{}: only an empty one is supported", *model.where, key);
  }
  if (const auto dropout = model.find("dropout"); dropout && *dropout->value != 0)
    dropout->wrong("null or 0");
  spec.byte_fallback = model.flag("byte_fallback", false);
  spec.fuse_unk = model.flag("fuse_unk", false);
  spec.ignore_merges = model.flag("ignore_merges", false);
  read_merges(model.at("merges"), spec);
  if (!spec.unk_token.empty() &&
      std::find(spec.vocab.begin(), spec.vocab.end(), spec.unk_token) == spec.vocab.end()) {
    fail("{}: model.unk_token: \"{}\" is not in the vocabulary", *model.where, spec.unk_token);
  }
}

void read_added_tokens(const JsonNode& root, TokenizerSpec& spec) {
  const auto list = root.find("added_tokens");
  if (!list) return;
  for (const JsonNode& node : list->elements()) {
    AddedToken token;
    token.id = node.at("id").id();
    token.content = node.at("content").str();
    token.special = node.flag("special", false);
    token.lstrip = node.flag("lstrip", false);
    token.rstrip = node.flag("rstrip", false);
    token.single_word = node.flag("single_word", false);
    token.normalized = node.flag("normalized", !token.special);
    spec.added.push_back(std::move(token));
  }
}

// ["[SEP]", 102] of a BertProcessing.
int32_t named_id(const JsonNode& node, int64_t size) {
  const auto& value = *node.value;
  if (!value.is_array() || value.size() != 2) node.wrong("[\"token\", id]");
  const JsonNode id{&value[1], node.where, node.path + "[1]"};
  if (id.id() >= size) id.wrong("the id of a token");
  return id.id();
}

void read_post_processor(const JsonNode& root, TokenizerSpec& spec) {
  const auto post_processor = root.find("post_processor");
  if (!post_processor) return;
  const auto size = static_cast<int64_t>(spec.vocab.size() + spec.added.size());
  for (const JsonNode& node : post_processor->leaves("processors")) {
    const std::string& type = node.at("type").str();
    if (type == "ByteLevel") continue;  // trims offsets, which are not given here
    if (type == "BertProcessing" || type == "RobertaProcessing") {
      spec.prefix.insert(spec.prefix.begin(), named_id(node.at("cls"), size));
      spec.suffix.push_back(named_id(node.at("sep"), size));
      continue;
    }
    if (type != "TemplateProcessing")
      node.unsupported("ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing, Sequence");
    const JsonNode specials = node.at("special_tokens");
    std::vector<int32_t> prefix, suffix;
    bool after = false;
    for (const JsonNode& part : node.at("single").elements()) {
      if (part.find("Sequence")) {
        if (after) fail("{}: {}: the text occurs twice", *root.where, part.path);
        after = true;
        continue;
      }
      const std::string& name = part.at("SpecialToken").at("id").str();
      for (const JsonNode& id : specials.at(name.c_str()).at("ids").elements()) {
        if (id.id() >= size) id.wrong("the id of a token");
        (after ? suffix : prefix).push_back(id.id());
      }
    }
    if (!after) fail("{}: {}.single: the text is missing", *root.where, node.path);
    spec.prefix.insert(spec.prefix.begin(), prefix.begin(), prefix.end());
    spec.suffix.insert(spec.suffix.end(), suffix.begin(), suffix.end());
  }
}

}  // namespace

TokenizerSpec parse_tokenizer_json(std::string_view text, const std::string& where) {
  const json document = parse_json_file(text, where);
  const JsonNode root{&document, &where, ""};
  if (!document.is_object()) fail("{}: expected an object", where);
  TokenizerSpec spec;
  read_added_tokens(root, spec);
  read_model(root.at("model"), spec);
  check_added_tokens(spec, where);
  read_normalizer(root, spec);
  read_pre_tokenizer(root, spec);
  read_post_processor(root, spec);
  read_decoder(root, spec);
  return spec;
}

}  // namespace cohort
