#include "parquet/parquet.h"

#include <set>

#include "base/check.h"
#include "parquet/column.h"
#include "parquet/value.h"

namespace cohort {
namespace parquet {
namespace {

constexpr size_t kFreeText = size_t{1} << 24,
                 kMaxRatio = 1'000;  // bytes of all rows: so many, and so many times the file's

// Puts rows together from the entries of a row group's columns. An entry of each leaf below a null or an
// empty list says so, and the leaves of a structure say the same of it: what they do not agree on is an
// error.
class RowWriter {
 public:
  // `left`: bytes that rows may still have; `longest`: that one row may have.
  RowWriter(const Schema& schema, const RowGroup& group, std::string_view pages, size_t& left, size_t longest)
      : schema_(schema), left_(left), longest_(longest) {
    if (group.columns.size() != schema.leaves.size())
      fail("a row group has {} columns, the schema {}", group.columns.size(), schema.leaves.size());
    columns_.reserve(group.columns.size());
    for (size_t i = 0; i < group.columns.size(); ++i) {
      if (group.columns[i].type != schema.leaves[i].type)
        fail("column {}: its type in a row group is not the schema's", schema.path(i));
      columns_.emplace_back(schema.leaves[i], group.columns[i], pages, budget_);
    }
  }

  void row(std::string& line) {
    for (size_t i = 0; i < columns_.size(); ++i)
      if (at(i).done()) fail("the values end before the row group's rows");
    require_ends(schema_.root, 0);
    value(schema_.root, 0, line);
    left_ -= line.size();
  }

  void require_done() {
    for (size_t i = 0; i < columns_.size(); ++i)
      if (!at(i).done()) fail("more values than the row group's rows have");
  }

  std::string path() const { return schema_.path(column_); }  // of the column read last

 private:
  Column& at(size_t leaf) { return columns_[column_ = leaf]; }

  // `floor`: the definition level of the ancestor that is there.
  void value(const Node& node, uint32_t floor, std::string& line) {
    const uint32_t definition = at(node.first_leaf).definition();
    if (definition < floor) fail("the levels differ from those of the columns beside it");
    if (definition < node.definition) return none(node, definition, "null", line);
    switch (node.kind) {
      case Node::Kind::leaf:
        return append_value(schema_.leaves[node.first_leaf], columns_[node.first_leaf].take(), line);
      case Node::Kind::structure:
        return structure(node, line);
      case Node::Kind::list:
        return items(node, definition, "[]", line);
      case Node::Kind::map:
        return items(node, definition, "{}", line);
    }
  }

  // All leaves below the node end here, at the same level.
  void none(const Node& node, uint32_t definition, const char* text, std::string& line) {
    for (size_t i = node.first_leaf; i < node.end_leaf; ++i) {
      if (at(i).definition() != definition) fail("the levels differ from those of the columns beside it");
      columns_[i].skip();
    }
    line += text;
  }

  void structure(const Node& node, std::string& line) {
    char before = '{';
    for (const Node& field : node.children) {
      line += before;
      line += field.key;
      value(field, node.definition, line);
      before = ',';
    }
    line += '}';
    require_size(line);
  }

  // Of a list or a map.
  void items(const Node& node, uint32_t definition, const char* brackets, std::string& line) {
    if (definition < node.item_definition) return none(node, definition, brackets, line);
    std::set<std::string> keys;
    line += brackets[0];
    for (;;) {
      if (node.kind == Node::Kind::map) key(node, keys, line);
      value(node.children.back(), node.item_definition, line);
      require_ends(node, node.repetition);
      require_size(line);
      if (at(node.first_leaf).repetition() < node.repetition) break;
      line += ',';
    }
    line += brackets[1];
  }

  void require_size(const std::string& line) const {
    if (line.size() > left_) fail("the rows have more than {} times the file's bytes", kMaxRatio);
    if (line.size() > longest_) fail("a row of more than {} bytes", longest_);
  }

  void key(const Node& node, std::set<std::string>& keys, std::string& line) {
    std::string text;
    value(node.children[0], node.item_definition, text);
    if (text == "null") fail("a map has a key that is null");
    if (text[0] != '"') text = '"' + text + '"';
    if (!keys.insert(text).second) fail("a map has the key {:.100} twice", text);
    line += text + ':';
  }

  // Either all leaves below the node go on with a further item of the list of this level, or none, and no
  // deeper list goes on.
  void require_ends(const Node& node, uint32_t repetition) {
    const uint32_t first = at(node.first_leaf).repetition();
    for (size_t i = node.first_leaf; i < node.end_leaf; ++i) {
      const uint32_t next = at(i).repetition();
      if (next > repetition || (next == repetition) != (first == repetition))
        fail("the levels differ from those of the columns beside it");
    }
  }

  const Schema& schema_;
  size_t& left_;
  const size_t longest_;
  Budget budget_;
  std::vector<Column> columns_;
  size_t column_ = 0;
};

}  // namespace
}  // namespace parquet

void parquet_rows(std::string_view file, const std::string& name,
                  const std::function<bool(std::string_view line)>& take, size_t longest) {
  using namespace parquet;
  size_t data_size = 0;
  Metadata metadata;
  Schema schema;
  try {
    metadata = read_metadata(file, data_size);
    schema = make_schema(metadata.schema);
  } catch (const Error& e) {
    fail("{}: {}", name, e.what());
  }
  int64_t number = 0;
  size_t left = kFreeText + kMaxRatio * file.size();
  std::string text;
  for (const RowGroup& group : metadata.groups) {
    std::optional<RowWriter> rows;
    const auto guarded = [&](auto read) {
      try {
        read();
      } catch (const Error& e) {
        if (!rows) fail("{}: row {}: {}", name, number + 1, e.what());
        fail("{}: row {}: column {}: {}", name, number + 1, rows->path(), e.what());
      }
    };
    guarded([&] { rows.emplace(schema, group, file.substr(0, data_size), left, longest); });
    for (int64_t i = 0; i < group.rows; ++i) {
      guarded([&] {
        text.clear();
        rows->row(text);
      });
      ++number;
      if (!take(text)) return;
    }
    guarded([&] { rows->require_done(); });
  }
}

}  // namespace cohort
