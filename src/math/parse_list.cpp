#include "math/equal.h"
#include "math/parser_class.h"

namespace cohort::math {
namespace {

char relation_sign(std::string_view text) {
  struct Row {
    std::string_view text;
    char sign;
  };
  static constexpr Row kRows[] = {{"=", '='},     {"equiv", '='},  {"->", '='},     {"~", '~'},  {"!=", '!'},
                                  {"<", '<'},     {"<=", 'l'},     {">", '>'},      {">=", 'g'}, {"in", 'i'},
                                  {"notin", 'n'}, {"subset", 's'}, {"supset", 'S'}, {"ni", 'I'}};
  for (const Row& row : kRows)
    if (row.text == text) return row.sign;
  return 0;
}

bool is_relation(const Expr& e) { return e.kind == Kind::relation; }

}  // namespace

bool set_of_numbers(const Expr& e) {
  return e.kind == Kind::named_set || e.kind == Kind::interval || e.kind == Kind::set_union ||
         e.kind == Kind::difference;
}

Expr Parser::whole() {
  while (is(",") || is(".") || is(":") || is("=") || is("~") || is("->") || is("=>") ||
         peek().kind == Token::gap)
    ++at_;
  Expr e = semicolons();
  while (is("=>") || is("<=>")) {  // the last of a chain of steps; P => Q is no such chain
    ++at_;
    const bool step = has_kind(e, Kind::relation) || free_symbols(e).empty();
    logic_ = logic_ || !step;
    e = semicolons();
  }
  while (is(".") || is(",") || is(";") || is("?") || is("!") || is(":") || peek().kind == Token::gap) ++at_;
  if (accept("over")) {  // 1 \over 2 without braces
    Expr bottom = semicolons();
    if (!is_scalar(e) || !is_scalar(bottom)) throw Unreadable("a fraction of what is no value");
    e = divide(std::move(e), std::move(bottom));
  }
  while (is(".") || is(",")) ++at_;
  if (!ends()) unexpected();
  for (const Token& t : tokens_)
    logic_ =
        logic_ || (t.kind == Token::letter && (t.text == "forall" || t.text == "exists" ||
                                               t.text == "nexists" || t.text == "neg" || t.text == "lnot"));
  return logic_ ? node(Kind::text, {}, std::string(kLogic) + comparable_text(source_)) : e;
}

Expr Parser::semicolons() {
  std::vector<Expr> groups;
  groups.push_back(commas());
  while (accept(";")) {
    while (peek().kind == Token::gap) ++at_;
    if (ends()) break;
    groups.push_back(commas());
  }
  if (groups.size() == 1) return std::move(groups[0]);
  for (Expr& g : groups)
    if (g.kind == Kind::set && g.bare) g.kind = Kind::tuple;
  Expr e = node(Kind::set, std::move(groups));
  e.bare = true;
  return e;
}

Expr Parser::commas() {
  std::vector<Expr> items;
  items.push_back(relation());
  std::string joined;
  bool operators = false;
  while (true) {
    size_t n = 0;
    bool separated = false;
    const bool inequality = items.back().kind == Kind::relation && items.back().name != "i";
    if (inequality && (is("cup") || is("cap"))) {  // x < 3 \\cup x > 5
      joined = is("cup") ? "or" : "and";
      separated = true;
      n = 1;
    }
    while (is(",", n) || is("and", n) || is("or", n) || is("land", n) || is("lor", n) || is("&", n) ||
           peek(n).kind == Token::gap) {
      if (is("or", n) || is("lor", n)) joined = "or";
      if (is("and", n) || is("land", n)) joined = "and";
      operators = operators || is("land", n) || is("lor", n);
      separated = true;
      ++n;
    }
    const Token& next = peek(n);
    const bool closes = next.kind == Token::end ||
                        (next.kind == Token::sign &&
                         (next.text == ")" || next.text == "]" || next.text == "}" || next.text == "}}" ||
                          next.text == ";" || next.text == "." || next.text == "=>" || next.text == "<=>"));
    if (!separated || closes) {
      if (closes && separated && (next.kind == Token::end || next.text == "." || next.text == ";")) at_ += n;
      break;
    }
    at_ += n;
    items.push_back(relation());
  }
  if (items.size() == 1) return std::move(items[0]);
  for (const Expr& e : items)  // p or q: propositions, no list of values
    logic_ = logic_ || (operators && !is_relation(e) && !free_symbols(e).empty());
  const bool one_relation = is_relation(items[0]) && (items[0].name == "=" || items[0].name == "~" ||
                                                      items[0].name == "i" || items[0].name == "!");
  bool others = false;
  for (size_t i = 1; i < items.size(); ++i) others = others || is_relation(items[i]);
  if (one_relation && !others) {  // x = 1, 2
    Expr head = std::move(items[0]);
    items[0] = std::move(head.args[1]);
    head.args[1] = node(Kind::set, std::move(items), joined);
    head.args[1].bare = true;
    if (head.name != "!") return head;
    std::vector<Expr> all;  // x != 1, 2
    for (Expr& value : head.args[1].args) {
      std::vector<Expr> sides;
      sides.push_back(head.args[0]);
      sides.push_back(std::move(value));
      all.push_back(node(Kind::relation, std::move(sides), "!"));
    }
    Expr both = node(Kind::set, std::move(all), "and");
    both.bare = true;
    return both;
  }
  Expr e = node(Kind::set, std::move(items), joined);
  e.bare = true;
  return e;
}

Expr Parser::relation() {
  const Deeper deeper(*this);
  std::vector<Expr> sides;
  std::string signs;
  sides.push_back(ratio());
  while (peek().kind == Token::sign) {
    char sign = relation_sign(peek().text);
    if (sign == 0) break;
    ++at_;
    while (sign == '=' && accept("=")) {
    }
    if (sign == '=' && is("~")) ++at_;
    if (sign == '<' && accept("=")) sign = 'l';
    if (sign == '>' && accept("=")) sign = 'g';
    const bool outer = inequality_;
    inequality_ = std::string_view("<l>g!").find(sign) != std::string_view::npos;
    sides.push_back(ratio());
    inequality_ = outer;
    if (sign == 'S' || sign == 'I') {
      std::swap(sides.back(), sides[sides.size() - 2]);
      sign = sign == 'S' ? 's' : 'i';
    }
    signs += sign;
  }
  if (sides.size() == 1) return std::move(sides[0]);
  return node(Kind::relation, std::move(sides), signs);
}

Expr Parser::ratio() {
  const size_t first = at_;
  std::vector<Expr> parts;
  parts.push_back(set_expression());
  while (builders_ == 0 && is(":") && at_ + 1 < tokens_.size() - 1) {
    ++at_;
    parts.push_back(set_expression());
  }
  if (parts.size() == 1) return std::move(parts[0]);
  const Token& last = tokens_[at_ - 1];
  const std::string_view written = source_.substr(tokens_[first].from, last.to - tokens_[first].from);
  const bool words =
      written.find(':') == written.npos;  // 3 to 4, a ratio that is no fraction: it may be a range
  const bool time = !words && last.kind == Token::number && last.text.size() == 2 && written.size() <= 8;
  Expr e = node(Kind::ratio, std::move(parts));
  if (time || words) e.name = time ? "time" : "to";
  return e;
}

Expr Parser::set_expression() {
  const bool side = inequality_;
  inequality_ = false;
  Expr left = additive();
  inequality_ = side;
  if (side && is_scalar(left)) return left;  // x < 3 \\cup x > 5
  while (is("cup") || is("cap") || is("minus") || (is("-") && set_of_numbers(left))) {
    const Kind kind = is("cup") ? Kind::set_union : is("cap") ? Kind::intersection : Kind::difference;
    ++at_;
    std::vector<Expr> args;
    args.push_back(std::move(left));
    args.push_back(additive());
    left = node(kind, std::move(args));
  }
  return left;
}

}  // namespace cohort::math
