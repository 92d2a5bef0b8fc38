// The tree of a file's columns as rows show it: structures, lists and maps above leaves. Levels are those
// of Dremel: a value's definition level counts the optional and repeated ancestors that are there, its
// repetition level says which of the repeated ones it continues.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "parquet/metadata.h"

namespace cohort::parquet {

// How a leaf's value is written (value.h).
enum class Form {
  boolean,
  integer,
  unsigned32,
  unsigned64,
  float32,
  float64,
  float16,
  decimal,
  date,
  time,
  timestamp,
  int96_timestamp,
  uuid,
  text
};

struct Leaf {
  Type type = Type::boolean;
  int32_t length = 0;  // of fixed_bytes
  Form form = Form::text;
  int32_t scale = 0;   // of a decimal
  int32_t digits = 0;  // of a second's fraction
  bool utc = false;    // of a timestamp
  uint32_t max_definition = 0, max_repetition = 0;
};

struct Node {
  enum class Kind { leaf, structure, list, map };
  Kind kind = Kind::leaf;
  std::string key;               // its name as JSON with the colon behind it
  uint32_t definition = 0;       // a value with a lower level has null here
  uint32_t item_definition = 0;  // of lists and maps: a value with a lower level has none of the items
  uint32_t repetition = 0;       // of lists and maps: the level of a value that begins a further item
  size_t first_leaf = 0, end_leaf = 0;
  std::vector<Node>
      children;  // of a structure its fields, of a list its item, of a map key (a leaf) and value
};

struct Schema {
  Node root;
  std::vector<Leaf> leaves;

  std::string path(size_t leaf) const;  // "a.b.c", for errors
};

// Throws Error, without the file's name, for what is no tree, is nested deeper than 64 levels, has two
// fields of one name in one place, names that are not UTF-8, or lists, maps and values in no form that the
// format's specification has.
Schema make_schema(std::span<const SchemaElement> elements);

}  // namespace cohort::parquet
