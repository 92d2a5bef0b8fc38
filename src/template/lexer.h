// A template's text as tokens, with Jinja2's rules for the white space around tags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::jinja {

// How white space is kept; the defaults are those that Hugging Face renders chat templates with.
struct Whitespace {
  bool trim_blocks = true;    // the newline behind a {% %} is dropped
  bool lstrip_blocks = true;  // blanks before a {% %} that begins its line are dropped
  bool keep_trailing_newline = false;
};

enum class TokenKind : uint8_t {
  data,
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  integer,
  real,
  op,
  end
};

struct Token {
  TokenKind kind;
  int line;          // 1-based
  std::string text;  // data, name, operator, the string without quotes and escapes
  int64_t integer = 0;
  double real = 0;

  bool is_name(std::string_view name) const { return kind == TokenKind::name && text == name; }
  bool is_op(std::string_view op) const { return kind == TokenKind::op && text == op; }
};

// The last token is `end`. `source` must be UTF-8. Throws Error "line N: ..." for what cannot be a template.
std::vector<Token> tokenize(std::string_view source, const Whitespace& whitespace);

// How an error calls a token.
std::string describe(const Token& token);

}  // namespace cohort::jinja
