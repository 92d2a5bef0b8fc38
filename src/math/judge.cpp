#include "math/judge.h"

#include <algorithm>
#include <vector>

#include "math/ascii.h"
#include "math/names.h"
#include "math/parser.h"
#include "math/places.h"

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

// "5 m": a number times what may be its unit.
std::optional<Expr> without_unit(const Expr& e) {
  if (e.kind != Kind::multiply || e.args.size() < 2) return std::nullopt;
  const Expr& last = e.args.back();
  const Expr& unit = last.kind == Kind::power && is_integer(last.args[1]) ? last.args[0] : last;
  if (unit.kind != Kind::symbol || !is_letter_unit(unit.name)) return std::nullopt;
  Expr rest = e;
  rest.args.pop_back();
  rest = product(std::move(rest.args));
  if (!free_symbols(rest).empty()) return std::nullopt;
  return rest;
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
    gold_unit_ = false;
    for (size_t i = 2; i < gold_text.size(); ++i)
      gold_unit_ = gold_unit_ || (gold_text[i - 1] == ' ' && digit(gold_text[i - 2]) &&
                                  is_letter_unit(gold_text.substr(i, 1)));
    bool unknown = false;
    try {
      for (const Expr& x : gold.trees)
        for (const Expr& y : given.trees) {
          const Same s = same(x, y);
          if (s == Same::yes) {
            v.outcome = MathVerdict::right;
            v.reason = "equal";
            return v;
          }
          if (s == Same::unknown) unknown = true;
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
    Same s = comparer.same(x, y);
    if (s == Same::unknown) reason_ = comparer.reason();
    if (s != Same::no) return s;
    const auto no_variables = [](const Expr& e) { return is_scalar(e) && free_symbols(e).empty(); };
    if (const auto bare = without_unit(y); bare && no_variables(x)) s = comparer.same(x, *bare);
    if (const auto bare = without_unit(x); gold_unit_ && bare && no_variables(y)) s = comparer.same(*bare, y);
    return s;
  }

  const MathOptions& options_;
  Work work_;
  std::string reason_;
  bool gold_unit_ = false;  // "5 m" has a unit that the answer may lack; 5m is five times m
};

}  // namespace

MathVerdict judge_math(std::string_view gold, std::string_view completion, const MathOptions& options) {
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
    if (!marked && !sentence.empty()) {
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
