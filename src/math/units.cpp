#include "math/units.h"

#include <string>
#include <vector>

#include "math/ascii.h"
#include "math/lexer_class.h"
#include "math/names.h"

namespace cohort::math {
namespace {

constexpr size_t kLongestMeasured = 300;         // bytes of a text that is looked at
constexpr char kFraction = 1, kOtherSign = 127;  // signs of PlainText::text, with those of known_units()

// A text without its layout: braces as parentheses, commands as signs.
struct PlainText {
  std::string text;
  std::vector<size_t> from;     // of each sign, in the source
  std::vector<bool> upright;    // written as text
  std::vector<bool> may_start;  // a unit: not within a group of text
};

bool unit_layout(std::string_view name) {
  for (const std::string_view s : {"left", "right", "big", "Big", "bigl", "bigr", "displaystyle", "mathit"})
    if (name == s) return true;
  return false;
}

PlainText plain_of(std::string_view text) {
  PlainText out;
  int open_text = 0;  // braces open since a command of text; 0: none
  size_t start = std::string_view::npos;
  const auto put = [&](char c, size_t from) {
    const bool first = start != std::string_view::npos;
    out.text += c;
    out.from.push_back(first ? start : from);
    out.upright.push_back(open_text > 0);
    out.may_start.push_back(open_text == 0 || first);
    if (c != ' ') start = std::string_view::npos;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const size_t from = i;
    if (c == '\\' && i + 1 < text.size()) {
      size_t end = i + 1;
      while (end < text.size() && letter(text[end])) ++end;
      const std::string_view name = text.substr(i + 1, end - i - 1);
      const Role role = command_name(name).role;
      if (name.empty()) {
        i = i + 1;
        put(std::string_view(",;:! ()[]").find(text[i]) != std::string_view::npos ? ' ' : kOtherSign, from);
      } else if (role == Role::words || name == "mathrm" || name == "operatorname" || name == "rm") {
        while (end < text.size() && text[end] == ' ') ++end;
        const bool group = end < text.size() && text[end] == '{' && open_text == 0;
        if (group) open_text = 1, start = from;
        i = group ? end : end - 1;
      } else {
        const bool fraction = name == "frac" || name == "dfrac" || name == "tfrac" || name == "nicefrac";
        const bool times = name == "cdot" || name == "times";
        if (fraction)
          put(kFraction, from);
        else if (times)
          put('*', from);
        else if (name == "mu" || name == "Omega" || name == "circ" || name == "degree")
          put(name == "mu" ? kMicro : name == "Omega" ? kOhm : kDegree, from);
        else if (name == "quad" || name == "qquad" || name == "space")
          put(' ', from);
        else if (!unit_layout(name))
          put(kOtherSign, from);
        i = end - 1;
      }
    } else if (open_text > 0 && (c == '{' || c == '}')) {
      open_text += c == '{' ? 1 : -1;
      if (open_text == 0) start = std::string_view::npos;
      if (open_text == 0 || c == '}') put(' ', from);
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      static constexpr std::pair<std::string_view, char> kSigns[] = {
          {"\xC2\xB5", kMicro},  {"\xCE\xBC", kMicro},  {"\xCE\xA9", kOhm},    {"\xE2\x84\xA6", kOhm},
          {"\xC2\xB0", kDegree}, {"\xC2\xB7", '*'},     {"\xE2\x8B\x85", '*'}, {"\xC3\x97", '*'},
          {"\xC2\xA0", ' '},     {"\xE2\x80\xAF", ' '}, {"\xE2\x88\x92", '-'}};
      char sign = kOtherSign;
      for (const auto& [bytes, s] : kSigns)
        if (text.substr(i).starts_with(bytes)) sign = s, i += bytes.size() - 1;
      put(sign, from);
    } else {
      put(c == '{' || c == '['               ? '('
          : c == '}' || c == ']'             ? ')'
          : c == '$' || c == '~' || blank(c) ? ' '
                                             : c,
          from);
    }
  }
  return out;
}

// unit: factor ([*/ or a space] factor)*, factor: name or (unit) or a fraction, with ^ and an integer.
class UnitReader {
 public:
  UnitReader(const PlainText& plain, size_t at) : plain_(plain), at_(at) {}

  // The unit that reaches from the place to the end.
  std::optional<Unit> whole() {
    const std::optional<Unit> unit = product();
    skip();
    if (unit && at_ == plain_.text.size()) return unit;
    return std::nullopt;
  }
  bool certain() const { return certain_; }
  // Letters beside letters, "g h", are rather a product of variables.
  bool product_of_letters() const { return !certain_ && beside_ && !divided_; }

 private:
  char peek() const { return at_ < plain_.text.size() ? plain_.text[at_] : '\0'; }
  void skip() {
    while (peek() == ' ') ++at_;
  }
  bool accept(char c) {
    skip();
    return peek() == c && ++at_;
  }
  static void multiply(Unit& a, const Unit& b, int power) {
    if (power < -4 || power > 4) power = 0;
    for (int k = power < 0 ? -power : power; k > 0; --k)
      a.scale *= power < 0 ? mpq_class(1 / b.scale) : b.scale;
    for (size_t i = 0; i < a.powers.size(); ++i) a.powers[i] += power * b.powers[i];
  }

  std::optional<Unit> product() {
    if (++depth_ > 8) return std::nullopt;
    Unit total;
    int sign = 1;
    bool any = false;
    while (true) {
      skip();
      const char c = peek();
      if (c == '\0' || c == ')') break;
      bool over = false;
      if (any && (c == '*' || c == '/')) {
        over = c == '/';
        divided_ = true;
        ++at_;
      } else if (any && word() == "per") {
        over = true;
        at_ += 3;
      } else {
        beside_ = beside_ || any;
      }
      sign = over ? -1 : 1;
      const std::optional<Unit> f = factor();
      if (!f) return std::nullopt;
      multiply(total, *f, sign);
      any = true;
    }
    --depth_;
    return any ? std::optional(total) : std::nullopt;
  }

  std::string word() const {
    size_t end = at_;
    while (end < plain_.text.size() &&
           (letter(plain_.text[end]) || (plain_.text[end] > 1 && plain_.text[end] < 5)))
      ++end;
    return plain_.text.substr(at_, end - at_);
  }

  std::optional<Unit> factor() {
    skip();
    Unit unit;
    int area = 0;
    for (const auto& [name, power] : {std::pair<std::string_view, int>{"square", 2}, {"sq", 2}, {"cubic", 3}})
      if (word() == name) {
        at_ += name.size();
        accept('.');
        skip();
        area = power;
        break;
      }
    if (accept(kFraction)) {
      Unit parts[2];
      for (Unit& part : parts) {
        if (!accept('(')) return std::nullopt;
        const std::optional<Unit> inside = product();
        if (!inside || !accept(')')) return std::nullopt;
        part = *inside;
      }
      unit = parts[0];
      multiply(unit, parts[1], -1);
    } else if (accept('(')) {
      const std::optional<Unit> inside = product();
      if (!inside || !accept(')')) return std::nullopt;
      unit = *inside;
    } else {
      if (peek() == '^' && at_ + 1 < plain_.text.size()) {  // ^\circ C
        size_t n = at_ + 1;
        while (n < plain_.text.size() && (plain_.text[n] == '(' || plain_.text[n] == ' ')) ++n;
        if (n >= plain_.text.size() || plain_.text[n] != kDegree) return std::nullopt;
        for (++n; n < plain_.text.size() && (plain_.text[n] == ')' || plain_.text[n] == ' ');) ++n;
        if (n >= plain_.text.size() || (plain_.text[n] != 'C' && plain_.text[n] != 'F')) return std::nullopt;
        unit = known_units().at(std::string(1, kDegree) + plain_.text[n]);
        at_ = n + 1;
        certain_ = true;
        return unit;
      }
      const std::string name = word();
      std::string joined = name;
      size_t end = at_ + name.size();
      if (name.size() == 1 && (name[0] == kMicro || name[0] == kDegree || name == "k" || name == "M")) {
        while (end < plain_.text.size() && plain_.text[end] == ' ') ++end;  // \mu\text{m}, k\Omega
        if (end < plain_.text.size()) joined += plain_.text[end++];
      }
      auto it = known_units().find(joined);
      if (it == known_units().end()) return std::nullopt;
      const bool one = joined.size() == 1 || joined[0] == kMicro;
      bool upright = false;
      for (size_t i = at_; i < end; ++i) upright = upright || plain_.upright[i];
      if (one && !upright && joined[0] != kMicro && !is_letter_unit(joined) && joined[0] != kOhm)
        return std::nullopt;  // F and T are variables
      certain_ = certain_ || upright || (!one && (is_unit(joined) || joined.size() > 3));
      unit = it->second;
      at_ = end;
    }
    int power = area > 0 ? area : 1;
    if (accept('^')) {
      const bool group = accept('(');
      const bool minus = accept('-');
      divided_ = divided_ || minus;
      skip();
      if (!digit(peek()) || area > 0) return std::nullopt;
      power = (peek() - '0') * (minus ? -1 : 1);
      ++at_;
      if (digit(peek()) || power == 0 || power > 4 || power < -4 || (group && !accept(')')))
        return std::nullopt;
    }
    Unit raised;
    multiply(raised, unit, power);
    return raised;
  }

  const PlainText& plain_;
  size_t at_;
  int depth_ = 0;
  bool certain_ = false, beside_ = false, divided_ = false;
};

// Whether a value may end there: "5", "\pi", "\frac{1}{2}"; not "5 and", "5,", "\text{about}".
bool ends_value(std::string_view head) {
  const char c = head.back();
  if (digit(c) || c == '!' || c == '%') return true;
  if (letter(c)) {
    size_t i = head.size();
    while (i > 0 && letter(head[i - 1])) --i;
    const bool command = i > 0 && head[i - 1] == '\\';
    return command ? command_name(head.substr(i)).role == Role::constant : head.size() - i == 1;
  }
  if (c == ')' || c == ']') return true;
  if (c != '}') return false;
  size_t i = head.size();
  for (int depth = 0; i > 0;) {
    --i;
    depth += head[i] == '}' ? 1 : head[i] == '{' ? -1 : 0;
    if (depth == 0) break;
  }
  const size_t end = i;
  while (i > 0 && letter(head[i - 1])) --i;
  const Role role = i > 0 && head[i - 1] == '\\' ? command_name(head.substr(i, end - i)).role : Role::none;
  return role != Role::words && role != Role::upright;
}

}  // namespace

std::optional<Measured> split_unit(std::string_view text) {
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.remove_suffix(1);
  if (text.size() < 2 || text.size() > kLongestMeasured) return std::nullopt;
  for (const std::string_view group : {"\\text{", "\\mathrm{", "\\textbf{", "\\mbox{"})
    if (text.starts_with(group) && text.find('}') == text.size() - 1 && digit(text[group.size()]))
      text = text.substr(group.size(), text.size() - group.size() - 1);
  const size_t money = text.starts_with("\\$") ? 2 : text[0] == '$' && text.rfind('$') == 0 ? 1 : 0;
  if (money > 0 && digit(text[money]) &&
      text.find_first_not_of("0123456789.,", money) == std::string_view::npos)
    return Measured{text.substr(money), known_units().at("dollar"), true};
  if (text.find_first_of("abcdefghijklmnopqrstuvwxyzACFGHJKLMNPTUVW\xCE\xE2") == std::string_view::npos)
    return std::nullopt;
  const PlainText p = plain_of(text);
  int depth = 0;
  for (size_t i = 0; i < p.text.size(); ++i) {
    const char c = p.text[i];
    if (depth == 0 && i > 0 && c != ' ' && p.may_start[i] && (letter(c) || c < 5 || c == '(' || c == '^')) {
      const bool within = letter(c) && letter(p.text[i - 1]) && !p.upright[i];
      std::string_view head = text.substr(0, p.from[i]);
      while (!head.empty()) {  // the space before it
        const size_t n = head.size();
        if (head.back() == ' ' || head.back() == '~' || head.back() == '$')
          head.remove_suffix(1);
        else if (n > 1 && head[n - 2] == '\\' &&
                 std::string_view(",;:!").find(head.back()) != std::string_view::npos)
          head.remove_suffix(2);
        else if (head.back() == '\\')
          head.remove_suffix(1);
        else if (head.ends_with("\\left") || head.ends_with("\\quad"))
          head.remove_suffix(5);
        else
          break;
      }
      if (!within && !head.empty() && ends_value(head)) {
        UnitReader reader(p, i);
        if (const std::optional<Unit> unit = reader.whole(); unit && !reader.product_of_letters())
          return Measured{head, *unit, reader.certain()};
      }
    }
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
  }
  return std::nullopt;
}

}  // namespace cohort::math
