#include "math/equal.h"
#include "math/names.h"
#include "math/parser_class.h"

namespace cohort::math {

std::string plain_symbol(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '{' && c != '}' && c != ' ' && c != '\\') out += c;
  return out;
}

Expr Parser::atom() {
  const Deeper deeper(*this);
  const Token& t = peek();
  switch (t.kind) {
    case Token::number:
      return number_atom();
    case Token::letter:
      return letter_atom();
    case Token::function:
      return function_atom();
    case Token::special:
      return special_atom();
    case Token::constant: {
      Expr e = constant(t.text);
      ++at_;
      return e;
    }
    case Token::set: {
      Expr e = node(Kind::named_set, {}, t.text);
      ++at_;
      if (is("^")) {  // R^+, R^n
        ++at_;
        const size_t from = peek().from;
        if (is("{")) {
          while (!ends() && !is("}")) ++at_;
          expect("}");
        } else {
          ++at_;
        }
        e.name += "^" + plain_symbol(source_.substr(from, tokens_[at_ - 1].to - from));
      }
      return e;
    }
    case Token::accent: {
      std::string name = t.text;
      ++at_;
      if (name == "bar" && complex_number()) return conjugate(brace_group());
      name += group_or_token(false);
      if (is("_")) name += subscript();
      return symbol(name);
    }
    case Token::words: {
      std::string name = t.text;
      ++at_;
      while (peek().kind == Token::words) (name += ' ') += tokens_[at_++].text;
      if (starts_factor() && !is("(")) {  // "approximately 5"
        const std::string words = plain_words(name);
        for (const std::string_view other :
             {"not", "non", "minus", "negative", "never", "except", "at least", "at most", "more than",
              "less than", "greater than", "fewer than"})
          if (words.ends_with(other) &&
              (words.size() == other.size() || words[words.size() - other.size() - 1] == ' '))
            throw Unreadable("words that change the value after them");
        return atom();
      }
      return node(Kind::text, {}, name);
    }
    case Token::gap:
      ++at_;
      return atom();
    case Token::sign:
      break;
    case Token::end:
      unexpected();
  }
  if (is("(") || is("[") || is("]") || is("<(")) return parentheses();
  if (is("{")) return brace_group();
  if (is("{{")) return set_braces();
  if (is("|") || is("|(")) return bars("abs");
  if (is("fl(")) return bars("floor");
  if (is("ce(")) return bars("ceil");
  unexpected();
}

// {3 + 4i}: numbers, signs and i alone, with i among them.
bool Parser::complex_number() const {
  bool unit = false, sign = false;
  for (size_t n = 1; is("{") && peek(n).kind != Token::end; ++n) {
    if (is("}", n)) return unit && sign;
    if (is("+", n) || is("-", n))
      sign = true;
    else if (peek(n).kind == Token::letter && peek(n).text == "i")
      unit = true;
    else if (peek(n).kind != Token::number)
      return false;
  }
  return false;
}

Expr Parser::conjugate(Expr e) {
  std::vector<Expr> args;
  args.push_back(std::move(e));
  return function("conj", std::move(args));
}

Expr Parser::number_atom() {
  const Token& t = tokens_[at_++];
  if (is("_")) {
    Expr e = node(Kind::based, {}, t.text);
    const std::string base = subscript().substr(1);
    static constexpr std::string_view kWords[] = {"",    "",      "two",   "three", "four", "five",
                                                  "six", "seven", "eight", "nine",  "ten"};
    for (int i = 2; i <= 10; ++i)
      if (base == kWords[i] || base == "text" + std::string(kWords[i])) e.columns = i;
    if (e.columns == 0 && !base.empty() && base.size() <= 2 &&
        base.find_first_not_of("0123456789") == std::string::npos)
      e.columns = std::stoi(base);
    if (e.columns < 2) throw Unreadable("a number's base that is no number");
    return e;
  }
  Expr e = number(t.value);
  e.decimal = t.decimal;
  return e;
}

std::string Parser::subscript() {
  expect("_");
  return "_" + group_or_token(true);
}

std::string Parser::group_or_token(bool wanted) {
  const size_t from = peek().from;
  if (is("{")) {
    int open = 0;
    do {
      open += is("{") ? 1 : is("}") ? -1 : 0;
      if (ends()) unexpected();
      ++at_;
    } while (open > 0);
  } else {
    if (ends() && wanted) unexpected();
    if (!ends()) ++at_;
  }
  return plain_symbol(source_.substr(from, tokens_[at_ - 1].to - from));
}

// Whether an opening parenthesis after this name means a function's argument, not a product.
bool Parser::called(const std::string& name) const {
  if (!is("(")) return false;
  if (std::string_view("fghFGH").find(name[0]) != std::string_view::npos) return true;
  if (name.back() == '\'') return true;
  if (name.size() > 1 || std::string_view("pPqQTSuvyVAENCR").find(name[0]) == std::string_view::npos)
    return false;
  return (peek(1).kind == Token::letter || peek(1).kind == Token::number) && is(")", 2);  // P(x), T(3)
}

Expr Parser::call(std::string name) {
  Expr group = parentheses();
  std::vector<Expr> args;
  if (is_collection(group))
    args = std::move(group.args);
  else
    args.push_back(std::move(group));
  return node(Kind::call, std::move(args), std::move(name));
}

Expr Parser::letter_atom() {
  const Token& t = tokens_[at_++];
  std::string name = plain_symbol(t.text);
  if (name.empty() || t.text.find("\\sin") != std::string::npos)
    throw Unreadable("a variable without a name");
  if (is("_")) name += subscript();
  while (is("'")) {
    ++at_;
    name += '\'';
  }
  if (called(name)) return call(std::move(name));
  if (name == "e") return constant("e");
  if (name == "i" || name == "I") return constant(name == "I" ? "i" : name);
  if (name == "E" && options_.euler_capital) return constant("e");
  return symbol(std::move(name));
}

Expr Parser::parentheses() {
  const std::string open = tokens_[at_++].text;
  const int bars = bars_, builders = builders_;
  bars_ = builders_ = 0;
  if (open == "(" && accept(")")) return node(Kind::tuple, {});
  const size_t from = at_;
  for (int depth = 0; at_ < tokens_.size() - 1; ++at_) {  // ";" as "," within one pair of parentheses
    depth += is("(") || is("[") || is("{{") || is("{")   ? 1
             : is(")") || is("]") || is("}}") || is("}") ? -1
                                                         : 0;
    if (depth < 0) break;
    if (depth == 0 && is(";")) tokens_[at_].text = ",";
  }
  at_ = from;
  Expr inside = commas();
  bars_ = bars;
  builders_ = builders;
  std::string close = peek().text;
  if (!(is(")") || is("]") || is(">)") || (is("[") && (open == "]" || open == "[")))) unexpected();
  ++at_;
  const bool flat = inside.kind == Kind::set && inside.bare;
  if (!flat) return inside;
  if (inside.args.size() == 2 && !inside.name.starts_with("or")) {
    const bool tuple = (open == "(" && close == ")") || open == "<(";
    if (!tuple) {
      inside.kind = Kind::interval;
      inside.bare = false;
      inside.name.clear();
      inside.left_closed = open == "[";
      inside.right_closed = close == "]";
      return inside;
    }
  }
  inside.kind = Kind::tuple;
  inside.bare = false;
  inside.name.clear();
  inside.square = open == "[";
  return inside;
}

Expr Parser::brace_group() {
  expect("{");
  while (is("}") && starts_factor()) ++at_;
  if (accept("}")) {  // {} before a subscript or power
    if (starts_factor()) return atom();
    return number(1);
  }
  const int bars = bars_;
  bars_ = 0;
  Expr inside = semicolons();
  bars_ = bars;
  if (is("choose") || is("over")) {
    const bool choose = is("choose");
    ++at_;
    std::vector<Expr> args;
    args.push_back(std::move(inside));
    args.push_back(additive());
    inside = choose ? function("binomial", std::move(args)) : divide(std::move(args[0]), std::move(args[1]));
  }
  while (is(".") || is(",")) ++at_;
  expect("}");
  return inside;
}

Expr Parser::set_braces() {
  expect("{{");
  if (accept("}}")) return node(Kind::named_set, {}, "empty");
  const int bars = bars_;
  bars_ = 0;
  ++builders_;
  Expr inside = commas();
  --builders_;
  if (is("|") || is(":") || is("|(") || is("|)")) {  // {x | x > 3}: its condition
    ++at_;
    Expr condition = commas();
    const bool named = inside.kind == Kind::relation;
    if (condition.kind == Kind::relation || !named) inside = std::move(condition);
  }
  bars_ = bars;
  while (is(".") || is(",")) ++at_;
  if (inside.kind == Kind::matrix && !is("}}")) {  // \left\{ rows \right.: a system
    inside.kind = Kind::set;
    inside.bare = true;
    inside.columns = 0;
    return inside;
  }
  expect("}}");
  if (inside.kind == Kind::relation) return inside;
  if (inside.kind == Kind::set && inside.bare) {
    inside.bare = false;
    inside.name.clear();
    return inside;
  }
  std::vector<Expr> args;
  args.push_back(std::move(inside));
  return node(Kind::set, std::move(args));
}

Expr Parser::bars(std::string_view name) {
  ++at_;
  ++bars_;
  Expr inside = additive();
  --bars_;
  if (name == "abs") {
    if (!accept("|)")) expect("|");
  } else {
    expect(name == "floor" ? "fl)" : "ce)");
  }
  std::vector<Expr> args;
  args.push_back(std::move(inside));
  return function(std::string(name), std::move(args));
}

Expr Parser::argument() {
  while (peek().kind == Token::gap) ++at_;
  if (is("{")) return brace_group();
  Token& t = tokens_[at_];
  if (t.kind == Token::number && t.text.size() > 1 &&
      t.text.find_first_not_of("0123456789") == std::string::npos) {
    Expr e = number(t.text[0] - '0');
    t.text.erase(0, 1);
    t.from += 1;
    t.value = mpq_class(mpz_class(t.text, 10));
    t.space = false;
    return e;
  }
  if (t.kind == Token::letter && t.text.size() == 1 && !is("_", 1)) {
    ++at_;
    if (t.text == "e" || t.text == "i") return constant(t.text);
    return symbol(t.text);
  }
  return atom();
}

}  // namespace cohort::math
