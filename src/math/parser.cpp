#include "math/parser.h"

#include "math/names.h"
#include "math/parser_class.h"

namespace cohort::math {
namespace {

// A word within arithmetic is a variable of that name.
Expr operand(Expr e) {
  if (e.kind == Kind::text) return symbol("text:" + e.name);
  if (e.kind == Kind::set && e.args.size() == 1) {
    Expr inside = std::move(e.args[0]);
    return inside;
  }
  return e;
}

long scale_word(std::string_view word) {
  for (const auto& [name, scale] : {std::pair<std::string_view, long>{"dozen", 12},
                                    {"hundred", 100},
                                    {"thousand", 1000},
                                    {"million", 1000000},
                                    {"billion", 1000000000},
                                    {"trillion", 1000000000000}})
    if (word.starts_with(name) && (word.size() == name.size() || word[name.size()] == ' ' ||
                                   (word[name.size()] == 's' && word.size() == name.size() + 1)))
      return scale;  // "3 million people"
  return 0;
}

}  // namespace

Parser::Deeper::Deeper(Parser& p) : parser(p) {
  if (++parser.depth_ > kMaxDepth) {
    --parser.depth_;
    throw Unjudgeable("more than " + std::to_string(kMaxDepth) + " nested levels");
  }
}

Expr Parser::additive() {
  const Deeper deeper(*this);
  std::vector<Expr> terms;
  while (true) {
    if (terms.size() == 1 && is("-") && set_of_numbers(terms[0])) break;  // R - {0}
    bool negative = false, sign = false;
    std::string both;
    while (is("+") || is("-") || is("pm") || is("mp")) {
      if (is("-")) negative = !negative;
      if (is("pm") || is("mp")) both = peek().text;
      sign = true;
      ++at_;
    }
    if (!terms.empty() && !sign) break;
    Expr t = term(negative);
    if (!both.empty()) {
      std::vector<Expr> args;
      args.push_back(operand(std::move(t)));
      t = function(both, std::move(args));
    }
    terms.push_back(std::move(t));
    if (integral_ && !integral_->empty()) break;
  }
  if (terms.size() == 1) return std::move(terms[0]);
  for (Expr& t : terms) t = operand(std::move(t));
  return sum(std::move(terms));
}

Expr Parser::term(bool negative) {
  Expr left = implicit();
  if (negative) left = negate(operand(std::move(left)));
  const auto right = [&](bool one_factor) {
    bool minus = false;
    while (is("-") || is("+")) {
      minus = minus != is("-");
      ++at_;
    }
    Expr e = operand(implicit(one_factor));
    return minus ? negate(std::move(e)) : e;
  };
  while (true) {
    if (integral_ && !integral_->empty()) break;
    if (is("*")) {
      ++at_;
      std::vector<Expr> factors;
      factors.push_back(operand(std::move(left)));
      factors.push_back(right(false));
      left = product(std::move(factors));
    } else if (is("cross")) {
      ++at_;
      std::vector<Expr> factors;
      factors.push_back(operand(std::move(left)));
      factors.push_back(right(false));
      const bool vectors = !free_symbols(factors[0]).empty() && !free_symbols(factors[1]).empty();
      left = vectors ? function("cross", std::move(factors)) : product(std::move(factors));
    } else if (is("/")) {
      ++at_;
      if (peek().kind == Token::words) {  // km/h
        units();
        continue;
      }
      const bool loose = options_.loose_slash && peek().kind == Token::number;
      left = divide(operand(std::move(left)), right(loose));
      if (loose && starts_factor()) {
        std::vector<Expr> factors;
        factors.push_back(std::move(left));
        factors.push_back(operand(implicit()));
        left = product(std::move(factors));
      }
    } else if (is("mod")) {
      ++at_;
      std::vector<Expr> args;
      args.push_back(operand(std::move(left)));
      args.push_back(right(false));
      left = function("mod", std::move(args));
    } else {
      break;
    }
  }
  if (is("pmod") || (is("(") && is("mod", 1))) {  // (mod 7) tells where a value lives, not what it is
    const bool group = is("(");
    at_ += group ? 2 : 1;
    if (group) {
      additive();
      expect(")");
    } else {
      argument();
    }
  }
  return left;
}

bool Parser::starts_factor() const {
  const Token& t = peek();
  switch (t.kind) {
    case Token::number:
    case Token::letter:
    case Token::function:
    case Token::constant:
    case Token::accent:
      return true;
    case Token::special:
      return !t.text.starts_with("end");
    case Token::sign:
      if (t.text == "[") {  // the end of ]a, b[
        const Token& n = peek(1);
        return n.kind != Token::end &&
               !(n.kind == Token::sign &&
                 (n.text == "cup" || n.text == "cap" || n.text == ")" || n.text == "," || n.text == "."));
      }
      if (t.text == "(" && is("mod", 1)) return false;
      if (t.text == "|") return bars_ == 0 && builders_ == 0;
      return t.text == "(" || t.text == "{" || t.text == "{{" || t.text == "|(" || t.text == "fl(" ||
             t.text == "ce(" || t.text == "<(";
    default:
      return false;
  }
}

// 1 \frac{1}{2} and 1 1/2: an integer before a proper fraction of positive integers.
bool Parser::mixed_fraction(const Token& whole) const {
  if (whole.kind != Token::number || whole.decimal || whole.value < 1) return false;
  const Token& next = peek();
  if (next.kind == Token::number && next.value.get_den() != 1 && !next.decimal) return true;  // 1½
  const auto proper = [](const Token& a, const Token& b) {
    return !a.decimal && !b.decimal && a.value > 0 && a.value < b.value;
  };
  if (next.kind == Token::number && is("/", 1) && peek(2).kind == Token::number &&
      (next.space || options_.mixed_and))
    return proper(next, peek(2));
  const size_t n = is("{") ? 1 : 0;  // 3{\frac12}
  if (peek(n).kind != Token::special || peek(n).text != "frac") return false;
  if (peek(n + 1).kind == Token::number && peek(n + 1).text.size() == 2)
    return peek(n + 1).text[0] < peek(n + 1).text[1] && (n == 0 || is("}", 3));  // \frac12
  if (is("{", n + 1) && peek(n + 2).kind == Token::number && is("}", n + 3) && is("{", n + 4) &&
      peek(n + 5).kind == Token::number && is("}", n + 6))
    return proper(peek(n + 2), peek(n + 5)) && (n == 0 || is("}", n + 7));
  return false;
}

void Parser::units() {
  while (true) {
    const size_t skip = peek().kind == Token::gap && peek(1).kind == Token::words ? 1 : 0;
    if (peek(skip).kind != Token::words) return;
    const std::string& words = peek(skip).text;
    if (words.starts_with("and "))  // 10 and a half
      for (const std::string_view part : {"half", "quarter", "third", "fourth", "fifth"})
        if (words.find(part) != std::string::npos) throw Unreadable("a part in words");
    for (const std::string_view bound :
         {"or more", "or less", "or fewer", "or greater", "or higher", "or lower", "or above", "or below",
          "and above", "and below", "at most", "at least"})
      if (words.starts_with(bound)) throw Unreadable("words that change the value before them");
    at_ += skip + 1;
    if (accept("^")) exponent();
    while ((is("/") || is("*")) && peek(1).kind == Token::words) at_ += 2;
    if (accept("^")) exponent();
  }
}

Expr Parser::implicit(bool one_factor) {
  std::vector<Expr> factors;
  while (true) {
    if (differential()) {
      *integral_ = peek(1).text;
      at_ += 2;
      if (factors.empty() && !starts_factor()) factors.push_back(number(1));
      if (!starts_factor()) break;
      continue;
    }
    const Token first = peek();
    Expr factor = power();
    if (options_.mixed_and && factors.empty() && is("and")) ++at_;  // 3 and 1/2
    if (factors.empty() && mixed_fraction(first) && factor.kind == Kind::number) {
      Expr part = peek().kind == Token::number && is("/", 1)
                      ? divide(number(peek().value), number(peek(2).value))
                      : Expr{};
      if (peek().kind == Token::number && is("/", 1)) {
        at_ += 3;
      } else {
        part = power();
      }
      std::string mark;  // 33 \frac13 \% and 22 \frac12^\circ are marked as a whole
      if (part.kind == Kind::function && (part.name == "percent" || part.name == "degree")) {
        mark = part.name;
        part = Expr(std::move(part.args[0]));
      }
      std::vector<Expr> terms;
      terms.push_back(std::move(factor));
      terms.push_back(std::move(part));
      const bool plain = terms[1].kind == Kind::number;
      factor = plain ? number(terms[0].value + terms[1].value) : sum(std::move(terms));
      if (!mark.empty()) {
        std::vector<Expr> args;
        args.push_back(std::move(factor));
        factor = function(mark, std::move(args));
      }
    }
    factors.push_back(std::move(factor));
    if (peek().kind == Token::words && factors.back().kind == Kind::number)
      if (const long scale = scale_word(peek().text)) {
        factors.back().value *= scale;
        ++at_;
      }
    if (peek().kind == Token::words || (peek().kind == Token::gap && peek(1).kind == Token::words)) units();
    if (one_factor || !(starts_factor() || differential())) break;
    if (peek().kind == Token::number && factors.back().kind == Kind::number) unexpected();  // "2 3"
  }
  const bool point = factors.size() == 2 && factors[0].kind == Kind::symbol &&
                     factors[1].kind == Kind::tuple && factors[1].args.size() > 1 &&
                     factors[0].name.size() == 1 && factors[0].name[0] >= 'A' && factors[0].name[0] <= 'Z' &&
                     free_symbols(factors[1]).empty();
  if (point && factors[0].name != "C") {  // P(1, 2): a point and its name
    factors[1].name = factors[0].name;
    return std::move(factors[1]);
  }
  if (factors.size() > 1)
    for (Expr& f : factors) f = operand(std::move(f));
  return product(std::move(factors));
}

Expr Parser::exponent() {
  if (is("{")) return brace_group();
  const Deeper deeper(*this);
  bool minus = false;
  while (is("-") || is("+")) {
    minus = minus != is("-");
    ++at_;
  }
  Expr e = number(peek().value);
  if (peek().kind == Token::number) {  // a subscript after it belongs to the base: x^2_i
    e.decimal = tokens_[at_++].decimal;
  } else {
    e = power();
  }
  return minus ? negate(std::move(e)) : e;
}

Expr Parser::power() {
  const Deeper deeper(*this);
  Expr base = postfix(atom());
  while (is("^")) {
    const bool braces = is("{", 1);
    const size_t what = braces ? 2 : 1;
    if ((is("+", what) || is("-", what)) && is("}", what + 1)) break;  // 0^+, of a limit
    if (is("circ", what)) {
      at_ += what + 1;
      if (braces) expect("}");
      std::vector<Expr> args;
      args.push_back(operand(std::move(base)));
      base = function("degree", std::move(args));
    } else if (is("'", what) || (is("*", what) && (!braces || is("}", what + 1)))) {
      at_ += what;
      while (accept("'") || accept("*")) {
      }
      if (braces) expect("}");
      if (base.kind == Kind::symbol) base.name += "'";
    } else if (peek(what).kind == Token::words) {  // 5^{\text{th}}
      if (peek(what).text == "T" && !is_scalar(base)) base = math::power(std::move(base), symbol("T"));
      at_ += what + 1;
      if (braces) expect("}");
    } else {
      ++at_;
      Expr raised = operand(exponent());
      if (is("_") && base.kind == Kind::symbol) base.name += subscript();
      if (is_collection(raised)) throw Unreadable("a list as an exponent");
      base = math::power(operand(std::move(base)), std::move(raised));
    }
    base = postfix(std::move(base));
  }
  return base;
}

Expr Parser::postfix(Expr e) {
  const auto wrap = [&](const char* name) {
    std::vector<Expr> args;
    args.push_back(operand(std::move(e)));
    e = function(name, std::move(args));
  };
  while (true) {
    if (is("!") && !is("=", 1) && is_scalar(e)) {
      ++at_;
      if (accept("!")) throw Unjudgeable("a double factorial");
      wrap("factorial");
    } else if (accept("%")) {
      wrap("percent");
    } else if (accept("circ")) {
      wrap("degree");
    } else if (is("'") && e.kind == Kind::symbol) {
      ++at_;
      e.name += "'";
      if (is("(") && called(e.name)) e = call(e.name);
    } else {
      return e;
    }
  }
}

Expr parse(std::string_view text, const ParseOptions& options) { return Parser(text, options).whole(); }

}  // namespace cohort::math
