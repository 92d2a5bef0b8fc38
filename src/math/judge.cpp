#include "math/judge.h"

#include <algorithm>
#include <vector>

#include "math/ascii.h"
#include "math/names.h"
#include "math/parser.h"
#include "math/places.h"
#include "math/unicode.h"
#include "math/units.h"

namespace cohort::math {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
// The readings that a text allows beside the first one.
std::vector<ParseOptions> readings(std::string_view text) {
  std::vector<ParseOptions> out(1);
  bool comma = false, slash = false;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    comma = comma || (text[i] == ',' && digit(text[i - 1]) && digit(text[i + 1]));
    slash = slash || text[i] == '/';
  }
  ParseOptions other;
  if (comma) {
    const size_t at = text.find(',');
    const bool one = at == text.rfind(',') && text.find_first_of(".([{") == std::string_view::npos;
    other.commas_separate = true;
    out.push_back(other);
    other = {};
    if (one) {
      other.decimal_comma = true;
      out.push_back(other);
      other = {};
    }
  }
  if (slash) {
    other.loose_slash = true;
    out.push_back(other);
    other = {};
  }
  if (contains(text, "log") && !contains(text, "log_")) {
    other.natural_log = true;
    out.push_back(other);
  }
  other = {};
  const size_t joined = text.find("and");
  if (joined != text.npos && joined == text.rfind("and") && (slash || contains(text, "frac")) &&
      text.find(',') == text.npos && digit(text[0])) {
    other.mixed_and = true;
    out.push_back(other);
  }
  other = {};
  if (contains(text, "E")) {
    other.euler_capital = true;
    out.push_back(other);
  }
  return out;
}

struct Read {
  std::vector<Expr> trees;  // by reading; empty: not mathematics
  std::string problem;
  bool bounded = false;  // a limit was met
};

Read read(std::string_view text) {
  Read out;
  if (text.size() > kMaxAnswer) {
    out.problem = "an answer of more than " + std::to_string(kMaxAnswer) + " bytes";
    out.bounded = true;
    return out;
  }
  for (const ParseOptions& options : readings(text)) {
    try {
      out.trees.push_back(parse(text, options));
    } catch (const Unreadable& e) {
      if (out.problem.empty()) out.problem = e.what();
    } catch (const Unjudgeable& e) {
      out.problem = e.what();
      out.bounded = true;
    } catch (const Undefined&) {
      out.problem = "a division by zero";
    }
  }
  return out;
}

// Spaces and layout that change nothing.
std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r' && c != '$') out += c;
  while ((out.ends_with('.') && !out.ends_with("...")) || out.ends_with(',')) out.pop_back();
  return out;
}

// Whether the unit stands apart from the value's digits: "5 m" has a unit, "5m" may be a product.
bool apart(const Measured& m, std::string_view text) {
  const size_t end = static_cast<size_t>(m.value.data() - text.data()) + m.value.size();
  return digit(m.value.back()) && end < text.size() && !letter(text[end]);
}

// "BAC", "\\triangle ABC": a text that is nothing but capital letters; empty for another. As a product
// their order does not matter, as a name or a ranking it does.
std::string capital_letters(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      size_t end = i + 1;
      while (end < text.size() && letter(text[end])) ++end;
      const std::string_view name = text.substr(i + 1, end - i - 1);
      const Role role = command_name(name).role;
      const bool mark = role == Role::words || role == Role::upright || role == Role::accent ||
                        name == "triangle" || name == "angle" || name.empty();
      if (!mark) return {};
      i = end - 1;
    } else if (text[i] >= 'A' && text[i] <= 'Z') {
      out += text[i];
    } else if (std::string_view(" {}$").find(text[i]) == npos) {
      return {};
    }
  }
  return out.size() > 1 ? out : std::string{};
}

// The same tree in another unit.
std::optional<Expr> scaled(const Expr& e, const mpq_class& by) {
  if (by == 1) return e;
  if (!is_scalar(e)) return std::nullopt;
  std::vector<Expr> factors;
  factors.push_back(number(by));
  factors.push_back(e);
  return product(std::move(factors));
}

class Judge {
 public:
  explicit Judge(const MathOptions& options) : options_(options), work_(options.work) {}

  MathVerdict compare(const Read& gold, std::string_view gold_text, const Read& given,
                      const Candidate& answer) {
    MathVerdict v;
    v.extracted = answer.text;
    if (squeezed(gold_text) == squeezed(answer.text)) {
      v.outcome = MathVerdict::right;
      v.reason = "the same text";
      return v;
    }
    bool unknown = false;
    const auto any_same = [&](const Read& x, const Read& y, const mpq_class& scale) {
      for (const Expr& a : x.trees)
        for (const Expr& b : y.trees) {
          const std::optional<Expr> other = scaled(b, scale);
          const Same s = other ? same(a, *other) : Same::no;
          if (s == Same::yes) return true;
          if (s == Same::unknown) unknown = true;
        }
      return false;
    };
    const std::optional<Measured> first = split_unit(gold_text), second = split_unit(answer.text);
    const bool gold_unit = first && (first->certain || apart(*first, gold_text));
    const bool both = first && second && (gold_unit || second->certain);
    try {
      bool equal = false;
      if (both) {
        if (first->unit.powers != second->unit.powers) {
          v.reason = "another unit";
          return v;
        }
        equal = any_same(read(first->value), read(second->value), second->unit.scale / first->unit.scale);
      } else {
        equal = any_same(gold, given, 1);
        const bool variables = !gold.trees.empty() && !free_symbols(gold.trees[0]).empty();
        if (!equal && second && (second->certain || !variables))
          equal = any_same(gold, read(second->value), 1);
        if (!equal && gold_unit) equal = any_same(read(first->value), given, 1);
      }
      const std::string letters = capital_letters(gold_text), others = capital_letters(answer.text);
      if (equal && !letters.empty() && !others.empty() && letters != others) {
        v.outcome = MathVerdict::unjudged;
        v.reason = "letters in another order: a product or a name";
        return v;
      }
      if (equal) {
        v.outcome = MathVerdict::right;
        v.reason = "equal";
        return v;
      }
    } catch (const Unjudgeable& e) {
      reason_ = e.what();
      unknown = true;
    } catch (const Undefined&) {
      reason_ = "a division by zero";
      unknown = true;
    } catch (const Outside&) {
      reason_ = "a value outside the real numbers";
      unknown = true;
    }
    const std::string a = comparable_text(gold_text), b = comparable_text(answer.text);
    // "if n is even": words that can be read as a product of letters.
    const bool phrase = contains(a, " ") && a.find_first_of("0123456789\\") == std::string::npos && prose(a);
    const bool words = gold.trees.empty() || gold.trees[0].kind == Kind::text || phrase;
    const bool yes_or_no = a == "yes" || a == "no" || a == "true" || a == "false";  // "yes, because ..."
    const std::string said = yes_or_no ? plain_words(answer.text) : "";
    const bool begins = yes_or_no && said.starts_with(a + " ") && !said.starts_with(a + " or ");
    if (words && !a.empty() && (a == b || begins)) {
      v.outcome = MathVerdict::right;
      v.reason = "the same words";
      return v;
    }
    if (gold.bounded || given.bounded || unknown) {
      v.outcome = MathVerdict::unjudged;
      v.reason = gold.bounded ? gold.problem : given.bounded ? given.problem : reason_;
      return v;
    }
    v.reason = given.trees.empty() ? "the answer is no mathematics that is understood: " + given.problem
                                   : "not equal";
    return v;
  }

 private:
  Same same(const Expr& x, const Expr& y) {
    Comparer comparer(options_.equal, work_);
    const Same s = comparer.same(x, y);
    if (s == Same::unknown) reason_ = comparer.reason();
    return s;
  }

  const MathOptions& options_;
  Work work_;
  std::string reason_;
};

}  // namespace

MathVerdict judge_math(std::string_view gold, std::string_view completion, const MathOptions& options) {
  const std::optional<std::string> plain_gold = plain_unicode(gold),
                                   plain_completion = plain_unicode(completion);
  if (plain_gold) gold = *plain_gold;
  if (plain_completion) completion = *plain_completion;
  const std::vector<Candidate> golds = find_gold(gold);
  if (golds.empty()) return {MathVerdict::unjudged, "the expected answer is empty", {}};
  // The first reading of the expected answer that is mathematics; its words where none is.
  Read expected;
  std::string_view gold_text = golds[0].text;
  for (const Candidate& c : golds) {
    Read r = read(c.text);
    if (c.source == Source::last_number && !golds[0].text.empty() && golds[0].source == Source::whole) {
      // A number within words is the answer only of a text that is too long to be words itself.
      if (golds[0].text.size() < 40) break;
    }
    const bool readable = !r.trees.empty() || r.bounded;
    if (!readable && !expected.problem.empty()) continue;
    expected = std::move(r);
    gold_text = c.text;
    if (readable) break;
  }
  const std::vector<Candidate> answers = find_answers(completion, options.extract);
  if (const auto letter = choice_letter(gold_text)) {
    for (const Candidate& c : answers)
      if (const auto given = choice_letter(c.text))
        return {*given == *letter ? MathVerdict::right : MathVerdict::wrong,
                *given == *letter ? "the same choice" : "another choice", c.text};
    // A sentence that tells the answer; the rest of the text only where there is no such place.
    std::string_view sentence;
    for (const Candidate& c : answers)
      if (c.source == Source::phrase && c.text.size() > sentence.size()) sentence = c.text;
    const bool marked =
        !answers.empty() && (answers[0].source == Source::boxed || answers[0].source == Source::answer_tag);
    std::optional<char> given;
    if (marked && contains(answers[0].text, " ")) {  // <answer>C because D</answer>
      given = leading_choice(answers[0].text);
    } else if (!marked && !sentence.empty()) {
      given = leading_choice(sentence);
      if (!given) given = choice_in_prose(sentence);
    } else if (!marked && options.extract.think != ExtractOptions::required) {
      given = choice_in_prose(completion);
    }
    if (given)
      return {*given == *letter ? MathVerdict::right : MathVerdict::wrong,
              *given == *letter ? "the same choice" : "another choice", std::string(1, *given)};
  }
  if (answers.empty()) return {MathVerdict::wrong, "no answer found", {}};
  Judge judge(options);
  // The most trusted answer that can be read. Where a box or a tag holds something else, that is the answer.
  const bool words_expected = expected.trees.empty() || expected.trees[0].kind == Kind::text;
  MathVerdict first;
  for (const Candidate& c : answers) {
    const Read given = read(c.text);
    MathVerdict v = judge.compare(expected, gold_text, given, c);
    const bool words = given.trees.empty() || given.trees[0].kind == Kind::text;
    const bool strong = c.source == Source::boxed || c.source == Source::answer_tag;
    const bool next = &c != &answers.back() && (!strong || (&c)[1].source == c.source);
    if (v.outcome == MathVerdict::right ||
        (!words || words_expected ? !given.trees.empty() || given.bounded : false) || !next)
      return v;
    if (first.reason.empty()) first = std::move(v);
  }
  return first;
}

}  // namespace cohort::math
