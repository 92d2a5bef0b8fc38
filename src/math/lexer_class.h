// The lexer's parts: lexer.cpp (characters, numbers, groups), lex_command.cpp (what a backslash begins) and
// lex_word.cpp (words, letters outside ASCII).
#pragma once

#include <optional>

#include "math/ascii.h"
#include "math/expr.h"
#include "math/lexer.h"

namespace cohort::math {

inline bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '~'; }
std::string_view without_blanks(std::string_view s);
bool list_or_number(std::string_view s);
bool any_letter(std::string_view s);

inline bool repeats(std::string_view s) {  // .\overline{3}
  return s.starts_with(".\\overline") || s.starts_with(".\\bar") || s.starts_with(".\\dot{");
}
bool holds_vectors(std::string_view s);  // \vec u, \mathbf{u}

struct Decoded {
  char32_t value = 0;
  size_t length = 1;  // 1 for a byte that is no UTF-8
};
Decoded decode(std::string_view s);

inline constexpr int kMaxNesting = 20;  // of text within text

class Lexer {
 public:
  Lexer(std::string_view source, const ParseOptions& options, int nesting)
      : source_(source), options_(options), nesting_(nesting), vectors_(holds_vectors(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) step();
    push(Token::end, "", at_);
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return source_.substr(at_); }
  char peek(size_t n = 0) const { return at_ + n < source_.size() ? source_[at_ + n] : '\0'; }
  const Token* last() const { return tokens_.empty() ? nullptr : &tokens_.back(); }

  Token& push(Token::Kind kind, std::string_view text, size_t from) {
    if (tokens_.size() >= kMaxTokens)
      throw Unjudgeable("an answer of more than " + std::to_string(kMaxTokens) + " signs");
    Token token;
    token.kind = kind;
    token.text = text;
    token.space = space_;
    token.from = from;
    token.to = at_;
    space_ = false;
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }
  void sign(std::string_view text, size_t from) {
    if (text == "{" || text == "(" || text == "[" || text == "{{" || text == "<(") {
      // A group that a command or ^ takes, or that a plain text sets around a number, may hold 1,234.
      const bool argument = text == "{" && last() &&
                            (last()->kind == Token::special || last()->text == "}" || last()->text == "^");
      separating_.push_back(!argument);
    } else if (text == "}" || text == ")" || text == "]" || text == "}}" || text == ">)") {
      if (!separating_.empty()) separating_.pop_back();
    }
    one_sided_ = 0;
    push(Token::sign, text, from);
  }
  bool grouped() const {
    if (options_.commas_separate) return false;
    for (const bool s : separating_)
      if (s) return false;
    return true;
  }

  void step() {
    const char c = peek();
    if (blank(c)) {
      space_ = true;
      ++at_;
    } else if (c == '\\') {
      backslash();
    } else if (digit(c) || (c == '.' && (digit(peek(1)) || repeats(rest())))) {
      number();
    } else if (letter(c)) {
      word();
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      foreign();
    } else {
      punctuation();
    }
  }

  void number();

  // The braces' content that starts here; nothing where no group does or it is not closed.
  std::optional<std::string_view> group() {
    size_t i = at_;
    while (i < source_.size() && blank(source_[i])) ++i;
    if (i >= source_.size() || source_[i] != '{') return std::nullopt;
    int depth = 0;
    for (size_t j = i; j < source_.size(); ++j) {
      if (source_[j] == '\\') {
        ++j;
      } else if (source_[j] == '{') {
        ++depth;
      } else if (source_[j] == '}' && --depth == 0) {
        at_ = j + 1;
        return source_.substr(i + 1, j - i - 1);
      }
    }
    return std::nullopt;
  }

  void splice(std::string_view content, size_t from);

  void words(std::string_view content, size_t from);

  void upright(std::string_view command, std::string_view content, size_t from);

  void backslash();

  // A control character that an escape in a string left: form feed + "rac" was \frac.
  void control(size_t from);
  static std::string_view command_spelling(const std::string& name) {
    static constexpr std::string_view kSpellings[] = {"frac", "beta",   "binom", "begin", "boxed",
                                                      "bar",  "varphi", "vec",   "forall"};
    for (const std::string_view s : kSpellings)
      if (s == name) return s;
    return "quad";
  }

  void command(std::string_view name, size_t from);

  void special(std::string_view name, size_t from);

  void word();

  void foreign();

  void punctuation();

  std::string_view source_;
  const ParseOptions& options_;
  std::vector<Token> tokens_;
  std::vector<bool> separating_;  // of each open bracket: whether commas separate in it
  size_t at_ = 0;
  int matrices_ = 0, aligned_ = 0, one_sided_ = 0, nesting_;
  bool space_ = false, negated_ = false;
  bool vectors_;  // so that \times may be their product
};

}  // namespace cohort::math
