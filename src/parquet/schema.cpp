#include "parquet/schema.h"

#include <set>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"

namespace cohort::parquet {
namespace {

constexpr int kMaxDepth = 64;

// The form of a leaf's values, or none where its annotation does not fit its type.
std::optional<Form> form_of(const SchemaElement& e) {
  const bool number = *e.type == Type::int32 || *e.type == Type::int64;
  const bool bytes = *e.type == Type::bytes || *e.type == Type::fixed_bytes;
  switch (e.meaning) {
    case Meaning::unsigned_number:
      if (number) return *e.type == Type::int32 ? Form::unsigned32 : Form::unsigned64;
      break;
    case Meaning::decimal:
      if (number || bytes) return Form::decimal;
      break;
    case Meaning::date:
      if (*e.type == Type::int32) return Form::date;
      break;
    case Meaning::time:
      if (number) return Form::time;
      break;
    case Meaning::timestamp:
      if (*e.type == Type::int64) return Form::timestamp;
      break;
    case Meaning::uuid:
      if (*e.type == Type::fixed_bytes && e.length == 16) return Form::uuid;
      break;
    case Meaning::float16:
      if (*e.type == Type::fixed_bytes && e.length == 2) return Form::float16;
      break;
    case Meaning::plain:
      switch (*e.type) {
        case Type::boolean:
          return Form::boolean;
        case Type::int32:
        case Type::int64:
          return Form::integer;
        case Type::int96:
          return Form::int96_timestamp;
        case Type::float32:
          return Form::float32;
        case Type::float64:
          return Form::float64;
        case Type::bytes:
        case Type::fixed_bytes:
          return Form::text;
      }
      break;
    case Meaning::map:
    case Meaning::list:
    case Meaning::interval:
      break;
  }
  return std::nullopt;
}

class Builder {
 public:
  Builder(std::span<const SchemaElement> elements, std::vector<Leaf>& leaves)
      : elements_(elements), leaves_(leaves) {}

  Node root() {
    const SchemaElement& e = next();
    if (e.type || e.children <= 0) fail("the schema has no columns");
    Node out = structure(e, 0, 0);
    if (at_ != elements_.size())
      fail("the schema counts {} elements, its tree has {}", elements_.size(), at_);
    return out;
  }

 private:
  const SchemaElement& next() {
    if (at_ == elements_.size()) fail("the schema ends early, after {} elements", at_);
    return elements_[at_++];
  }

  // The field that stands at at_, under an ancestor with these levels. One that is repeated without being a
  // list's is a list all the same.
  Node field(uint32_t definition, uint32_t repetition) {
    const SchemaElement& e = next();
    if (e.repetition != Repetition::repeated)
      return value(e, definition + (e.repetition == Repetition::optional), repetition);
    Node list = begun(e, Node::Kind::list, definition);
    list.item_definition = definition + 1;
    list.repetition = repetition + 1;
    list.children.push_back(value(e, definition + 1, repetition + 1));
    return ended(std::move(list));
  }

  // The element as what it holds, whatever its repetition.
  Node value(const SchemaElement& e, uint32_t definition, uint32_t repetition) {
    if (e.type) return leaf(e, definition, repetition);
    if (e.children <= 0) fail("column {}: a structure without fields", path(e));
    if (path_.size() == kMaxDepth) fail("column {}: nested deeper than {} levels", path(e), kMaxDepth);
    if (e.meaning == Meaning::list) return list(e, definition, repetition);
    if (e.meaning == Meaning::map) return map(e, definition, repetition);
    path_.push_back(e.name);
    Node out = structure(e, definition, repetition);
    path_.pop_back();
    return out;
  }

  Node leaf(const SchemaElement& e, uint32_t definition, uint32_t repetition) {
    const std::optional<Form> form = form_of(e);
    if (!form || (*e.type == Type::fixed_bytes && e.length <= 0))
      fail("column {}: values of a kind that Cohort does not read", path(e));
    if (e.scale < 0 || e.scale > 100) fail("column {}: a decimal of scale {}", path(e), e.scale);
    Node out = begun(e, Node::Kind::leaf, definition);
    leaves_.push_back({*e.type, e.length, *form, e.scale, e.digits, e.utc, definition, repetition});
    return ended(std::move(out));
  }

  Node structure(const SchemaElement& e, uint32_t definition, uint32_t repetition) {
    Node out = begun(e, Node::Kind::structure, definition);
    std::set<std::string> keys;
    for (int32_t i = 0; i < e.children; ++i) {
      out.children.push_back(field(definition, repetition));
      if (!keys.insert(out.children.back().key).second)
        fail("two columns have the name {}", out.children.back().key);
    }
    return ended(std::move(out));
  }

  // A list's only child is repeated: the item itself in files of old, else a group around it
  // (LogicalTypes.md, "Nested Types").
  Node list(const SchemaElement& e, uint32_t definition, uint32_t repetition) {
    const SchemaElement& repeated = repeated_child(e);
    Node out = begun(e, Node::Kind::list, definition);
    out.item_definition = definition + 1;
    out.repetition = repetition + 1;
    path_.push_back(e.name);
    const bool wrapped = !repeated.type && repeated.children == 1 && repeated.name != "array" &&
                         repeated.name != e.name + "_tuple" && repeated.meaning == Meaning::plain &&
                         at_ < elements_.size() && elements_[at_].repetition != Repetition::repeated;
    out.children.push_back(wrapped ? field(definition + 1, repetition + 1)
                                   : value(repeated, definition + 1, repetition + 1));
    path_.pop_back();
    return ended(std::move(out));
  }

  Node map(const SchemaElement& e, uint32_t definition, uint32_t repetition) {
    const SchemaElement& repeated = repeated_child(e);
    Node out = begun(e, Node::Kind::map, definition);
    out.item_definition = definition + 1;
    out.repetition = repetition + 1;
    path_.push_back(e.name);
    if (repeated.children != 2) fail("column {}: a map without keys and values", path(repeated));
    for (int i = 0; i < 2; ++i) out.children.push_back(field(definition + 1, repetition + 1));
    if (out.children[0].kind != Node::Kind::leaf)
      fail("column {}: a map whose keys are no plain values", path(repeated));
    path_.pop_back();
    return ended(std::move(out));
  }

  const SchemaElement& repeated_child(const SchemaElement& e) {
    if (e.children != 1) fail("column {}: a list or map of {} fields, expected 1", path(e), e.children);
    const SchemaElement& out = next();
    if (out.repetition != Repetition::repeated)
      fail("column {}: a list or map whose field is not repeated", path(e));
    return out;
  }

  Node begun(const SchemaElement& e, Node::Kind kind, uint32_t definition) const {
    if (!is_valid_utf8(e.name)) fail("a column's name is not UTF-8: {}", json_text(e.name));
    Node out;
    out.kind = kind;
    out.key = json_text(e.name) + ":";
    out.definition = definition;
    out.first_leaf = leaves_.size();
    return out;
  }

  Node ended(Node node) const {
    node.end_leaf = leaves_.size();
    return node;
  }

  std::string path(const SchemaElement& e) const {
    std::string out;
    for (const std::string& name : path_) out += name + ".";
    return out + e.name;
  }

  std::span<const SchemaElement> elements_;
  std::vector<Leaf>& leaves_;
  std::vector<std::string> path_;
  size_t at_ = 0;
};

}  // namespace

std::string Schema::path(size_t leaf) const {
  std::string out;
  for (const Node* node = &root; node->kind != Node::Kind::leaf;) {
    for (const Node& child : node->children) {
      if (leaf < child.first_leaf || leaf >= child.end_leaf) continue;
      out += (out.empty() ? "" : ".") + child.key.substr(1, child.key.size() - 3);
      node = &child;
      break;
    }
  }
  return out;
}

Schema make_schema(std::span<const SchemaElement> elements) {
  Schema out;
  out.root = Builder(elements, out.leaves).root();
  return out;
}

}  // namespace cohort::parquet
