// Reads tokenizer.json (Hugging Face tokenizers' serialisation) and tokenizer_config.json.
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.h"
#include "base/json.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

using nlohmann::json;

// A value and its place, for errors.
struct Node {
  const json* value;
  const std::string* where;
  std::string path;

  [[noreturn]] void wrong(std::string_view expected) const {
    std::string found = value->dump(-1, ' ', false, json::error_handler_t::replace);
    if (found.size() > 60) found = found.substr(0, 57) + "...";
    fail("{}: {}: expected {}, found {}", *where, path, expected, found);
  }
  // A member that is there and not null.
  std::optional<Node> find(const char* key) const {
    if (!value->is_object()) wrong("an object");
    const auto member = value->find(key);
    if (member == value->end() || member->is_null()) return std::nullopt;
    return Node{&*member, where, path.empty() ? key : path + "." + key};
  }
  Node at(const char* key) const {
    if (auto member = find(key)) return *member;
    fail("{}: {}: missing", *where, path.empty() ? key : path + "." + key);
  }
  std::vector<Node> elements() const {
    if (!value->is_array()) wrong("an array");
    std::vector<Node> nodes;
    for (size_t i = 0; i < value->size(); ++i)
      nodes.push_back({&(*value)[i], where, fmt::format("{}[{}]", path, i)});
    return nodes;
  }
  const std::string& str() const {
    if (!value->is_string()) wrong("a string");
    return value->get_ref<const std::string&>();
  }
  bool boolean() const {
    if (!value->is_boolean()) wrong("true or false");
    return value->get<bool>();
  }
  bool flag(const char* key, bool otherwise) const {
    const auto member = find(key);
    return member ? member->boolean() : otherwise;
  }
  std::string text(const char* key) const {
    const auto member = find(key);
    return member ? member->str() : "";
  }
  int32_t id() const {
    const bool fits = value->is_number_unsigned() && value->get<uint64_t>() < uint64_t{1} << 31;
    if (!fits) wrong("a token id");
    return value->get<int32_t>();
  }
  [[noreturn]] void unsupported(std::string_view supported) const {
    fail("{}: {}: {} is not supported (supported: {})", *where, path, at("type").str(), supported);
  }
};

json parse(std::string_view text, const std::string& where) {
  try {
    return parse_json(text);
  } catch (const json::exception& error) {
    fail("{}: not valid JSON: {}", where, error.what());
  }
}

// The members of a Sequence, at any depth, or the node itself.
void flatten(const Node& node, const char* list, std::vector<Node>& leaves, int depth = 0) {
  if (node.at("type").str() != "Sequence") {
    leaves.push_back(node);
    return;
  }
  if (depth == 8) fail("{}: {}: sequences are nested too deeply", *node.where, node.path);
  for (const Node& element : node.at(list).elements()) flatten(element, list, leaves, depth + 1);
}

std::vector<Node> leaves_of(const Node& root, const char* key, const char* list) {
  std::vector<Node> leaves;
  if (const auto node = root.find(key)) flatten(*node, list, leaves);
  return leaves;
}

void read_vocab(const Node& node, TokenizerSpec& spec) {
  if (!node.value->is_object()) node.wrong("an object of tokens and ids");
  const size_t count = node.value->size();
  if (count == 0) fail("{}: {}: no tokens", *node.where, node.path);
  spec.vocab.resize(count);
  std::vector<char> taken(count, 0);
  for (const auto& [token, id] : node.value->items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= count) {
      Node{&id, node.where, fmt::format("{}[\"{}\"]", node.path, token)}.wrong(
          fmt::format("an id below {}, the number of tokens (ids must have no holes)", count));
    }
    const size_t at = id.get<size_t>();
    if (taken[at])
      fail("{}: {}: \"{}\" and \"{}\" have the same id {}", *node.where, node.path, spec.vocab[at], token,
           at);
    taken[at] = 1;
    spec.vocab[at] = token;
  }
}

void read_merges(const Node& node, TokenizerSpec& spec) {
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
      Node{&merge, node.where, fmt::format("{}[{}]", node.path, i)}.wrong(
          "\"left right\" or [\"left\", \"right\"]");
    }
  }
  set_merges(spec, merges, where);
}

void read_model(const Node& model, TokenizerSpec& spec) {
  const auto type_node = model.find("type");  // files of before 2020 have none
  const std::string type = type_node ? type_node->str() : model.find("merges") ? "BPE" : "";
  if (type.empty()) model.at("type");
  if (type != "BPE" && type != "WordLevel") model.unsupported("BPE, WordLevel");
  read_vocab(model.at("vocab"), spec);
  spec.unk_token = model.text("unk_token");
  if (type == "WordLevel") {
    spec.model = TokenizerSpec::Model::word_level;
    return;
  }
  if (model.flag("byte_fallback", false))
    fail("{}: model.byte_fallback: only byte-level BPE is supported", *model.where);
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.text(key).empty())
      fail("{}: model.{}: only byte-level BPE, which has none, is supported", *model.where, key);
  }
  if (const auto dropout = model.find("dropout"); dropout && *dropout->value != 0)
    dropout->wrong("null or 0");
  spec.fuse_unk = model.flag("fuse_unk", false);
  spec.ignore_merges = model.flag("ignore_merges", false);
  read_merges(model.at("merges"), spec);
  if (!spec.unk_token.empty() &&
      std::find(spec.vocab.begin(), spec.vocab.end(), spec.unk_token) == spec.vocab.end()) {
    fail("{}: model.unk_token: \"{}\" is not in the vocabulary", *model.where, spec.unk_token);
  }
}

void read_added_tokens(const Node& root, TokenizerSpec& spec) {
  const auto list = root.find("added_tokens");
  if (!list) return;
  for (const Node& node : list->elements()) {
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
  check_added_tokens(spec, *root.where);
}

Split read_split(const Node& node) {
  static const std::pair<const char*, SplitBehavior> behaviors[] = {
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous}};
  Split split;
  const Node pattern = node.at("pattern");
  if (const auto text = pattern.find("String")) {
    for (const char c : text->str()) {  // quoted
      if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) split.pattern += '\\';
      split.pattern += c;
    }
  } else {
    split.pattern = pattern.at("Regex").str();
  }
  split.invert = node.flag("invert", false);
  const Node behavior = node.at("behavior");
  for (const auto& [name, value] : behaviors) {
    if (behavior.str() == name) {
      split.behavior = value;
      return split;
    }
  }
  behavior.wrong("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

void read_pre_tokenizer(const Node& root, TokenizerSpec& spec) {
  bool byte_level = false;
  for (const Node& node : leaves_of(root, "pre_tokenizer", "pretokenizers")) {
    const std::string& type = node.at("type").str();
    if (byte_level) fail("{}: {}: {} after ByteLevel is not supported", *root.where, node.path, type);
    if (type == "Split") {
      spec.splits.push_back(read_split(node));
    } else if (type == "Digits") {
      spec.splits.push_back(
          {node.flag("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)", SplitBehavior::isolated, false});
    } else if (type == "ByteLevel") {
      byte_level = true;
      spec.add_prefix_space = node.flag("add_prefix_space", true);
      spec.use_regex = node.flag("use_regex", true);
    } else {
      node.unsupported("Split, Digits, ByteLevel, Sequence");
    }
  }
  const bool bpe = spec.model == TokenizerSpec::Model::bpe;
  if (bpe != byte_level) {
    fail("{}: pre_tokenizer: {}", *root.where,
         bpe ? "BPE is supported with a ByteLevel pre-tokenizer only"
             : "ByteLevel with a WordLevel model is not supported");
  }
}

void read_post_processor(const Node& root, TokenizerSpec& spec) {
  for (const Node& node : leaves_of(root, "post_processor", "processors")) {
    const std::string& type = node.at("type").str();
    if (type == "ByteLevel") continue;  // trims offsets, which are not given here
    if (type != "TemplateProcessing") node.unsupported("ByteLevel, TemplateProcessing, Sequence");
    const Node specials = node.at("special_tokens");
    std::vector<int32_t> prefix, suffix;
    bool after = false;
    for (const Node& part : node.at("single").elements()) {
      if (part.find("Sequence")) {
        if (after) fail("{}: {}: the text occurs twice", *root.where, part.path);
        after = true;
        continue;
      }
      const std::string& name = part.at("SpecialToken").at("id").str();
      for (const Node& id : specials.at(name.c_str()).at("ids").elements()) {
        const auto size = static_cast<int64_t>(spec.vocab.size() + spec.added.size());
        if (id.id() >= size) id.wrong("the id of a token");
        (after ? suffix : prefix).push_back(id.id());
      }
    }
    if (!after) fail("{}: {}.single: the text is missing", *root.where, node.path);
    spec.prefix.insert(spec.prefix.begin(), prefix.begin(), prefix.end());
    spec.suffix.insert(spec.suffix.end(), suffix.begin(), suffix.end());
  }
}

void read_decoder(const Node& root, const TokenizerSpec& spec) {
  const char* needed = spec.model == TokenizerSpec::Model::bpe ? "ByteLevel" : "Fuse";
  const std::vector<Node> leaves = leaves_of(root, "decoder", "decoders");
  if (leaves.empty()) fail("{}: decoder: missing (supported: {})", *root.where, needed);
  for (const Node& node : leaves) {
    if (node.at("type").str() != needed) node.unsupported(needed);
  }
}

// "<s>", or an added token as an object.
std::string token_of(const Node& config, const char* key) {
  const auto node = config.find(key);
  if (!node) return "";
  return node->value->is_object() ? node->at("content").str() : node->str();
}

}  // namespace

TokenizerSpec parse_tokenizer_json(std::string_view text, const std::string& where) {
  const json document = parse(text, where);
  const Node root{&document, &where, ""};
  if (!document.is_object()) fail("{}: expected an object", where);
  TokenizerSpec spec;
  read_model(root.at("model"), spec);
  read_added_tokens(root, spec);
  for (const Node& node : leaves_of(root, "normalizer", "normalizers")) {
    if (node.at("type").str() != "NFC") node.unsupported("NFC, Sequence");
    spec.nfc = true;
  }
  read_pre_tokenizer(root, spec);
  read_post_processor(root, spec);
  read_decoder(root, spec);
  return spec;
}

void apply_tokenizer_config(TokenizerSpec& spec, std::string_view text, const std::string& where) {
  const json document = parse(text, where);
  if (!document.is_object()) fail("{}: expected an object", where);
  const Node root{&document, &where, ""};
  const std::pair<const char*, std::string*> tokens[] = {
      {"bos_token", &spec.bos_token}, {"eos_token", &spec.eos_token}, {"pad_token", &spec.pad_token}};
  for (const auto& [key, field] : tokens) {
    if (field->empty()) *field = token_of(root, key);
  }
  const auto chat_template = root.find("chat_template");
  if (!chat_template || !spec.chat_template.empty()) return;
  if (chat_template->value->is_string()) {
    spec.chat_template = chat_template->str();
    return;
  }
  for (const Node& named : chat_template->elements()) {
    if (named.at("name").str() == "default") spec.chat_template = named.at("template").str();
  }
}

}  // namespace cohort
