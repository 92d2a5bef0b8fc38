// The rows of a JSON document, found where they stand without building the document.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

size_t skip_json_space(std::string_view text, size_t at);

// One past the value that begins at `at`, by its brackets and quotes alone: whether what stands between them is JSON is its reader's to
// say. npos where the text ends first, or where no value can begin.
size_t json_value_end(std::string_view text, size_t at);

// The members of an object, as they stand. The text must be known to be JSON.
struct JsonMember {
  std::string_view key, value;  // the key with its quotes
};
std::vector<JsonMember> json_members(std::string_view object);

// The text in one line, without the space between its parts.
std::string json_without_space(std::string_view text);

// What a text of JSON brings, by its beginning: an array of rows, the one array of objects in an object, an object that is the only
// row, or lines of JSON after all. Throws Error for anything else, and for an object with several arrays of objects.
struct JsonRows {
  enum Kind { array, member, single, lines } kind;  // member: the array stands in an object, whose end was seen
  size_t begin;                                     // of the array, or of the object
};
JsonRows find_json_rows(std::string_view text, const std::string& name);

}  // namespace cohort
