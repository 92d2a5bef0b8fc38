#include <algorithm>

#include "math/judge.h"
#include "math/parser.h"
#include "math/unicode.h"

namespace cohort::math {
namespace {

std::string digits_of(const Value& v) {
  if (const auto* q = std::get_if<mpq_class>(&v)) {
    if (q->get_den() == 1) return q->get_num().get_str();
    std::string text = q->get_str();
    if (text.size() < 200) return text;
  }
  if (const auto* inf = std::get_if<Infinity>(&v)) return inf->sign > 0 ? "oo" : "-oo";
  const Ball b = to_ball(v);
  std::string out;
  for (const Real* part : {&b.re, &b.im}) {
    if (part->zero() || part->log2() - 1 <= b.error) {
      if (part == &b.re) out += '0';
      continue;
    }
    mpfr_exp_t exponent = 0;
    char* text = mpfr_get_str(nullptr, &exponent, 10, 15, part->get(), MPFR_RNDN);
    std::string number = text;
    mpfr_free_str(text);
    const bool negative = number[0] == '-';
    out += (negative        ? "-0."
            : part == &b.im ? "+0."
                            : "0.") +
           number.substr(negative) + "e" + std::to_string(exponent);
    if (part == &b.im) out += 'i';
  }
  return out;
}

std::string text_of(const Expr& e, Work& work);

std::string listed(const Expr& e, Work& work, const char* open, const char* close, bool sorted) {
  std::vector<std::string> parts;
  for (const Expr& a : e.args) parts.push_back(text_of(a, work));
  if (sorted) std::sort(parts.begin(), parts.end());
  if (parts.size() == 1) return parts[0];
  std::string out = open;
  for (size_t i = 0; i < parts.size(); ++i) out += (i ? "," : "") + parts[i];
  return out + close;
}

std::string text_of(const Expr& e, Work& work) {
  switch (e.kind) {
    case Kind::text:
      return comparable_text(e.name);
    case Kind::symbol:
      return e.name;
    case Kind::tuple:
      return listed(e, work, "(", ")", false);
    case Kind::set:
      return listed(e, work, "{", "}", true);
    case Kind::interval:
      return listed(e, work, e.left_closed ? "[" : "(", e.right_closed ? "]" : ")", false);
    case Kind::set_union:
      return listed(e, work, "union(", ")", true);
    case Kind::matrix:
      return std::to_string(e.columns) + listed(e, work, "matrix(", ")", false);
    case Kind::relation:
      if (e.name.find_first_not_of("=~i") == std::string::npos && names_quantity(e.args[0]))
        return text_of(e.args.back(), work);
      return to_text(e);
    default:
      break;
  }
  if (!is_scalar(e) || has_function(e, "pm") || has_function(e, "mp")) return to_text(e);
  Reading reading;
  const bool constant = free_symbols(e).empty();
  for (const bool complex_values : {false, true}) {
    try {
      reading.complex_values = complex_values;
      reading.points = Reading::positive;
      std::string out = constant ? "" : "f:";
      for (int round = 0; round < (constant ? 1 : 2); ++round) {
        reading.round = round;
        out += (round ? ";" : "") + digits_of(evaluate(e, reading, work));
      }
      return out;
    } catch (const Outside&) {
    } catch (const Undefined&) {
      break;
    }
  }
  return to_text(e);
}

}  // namespace

std::string canonical_text(std::string_view answer, int64_t units) {
  try {
    Work work(units);
    return text_of(parse(answer), work);
  } catch (const Unreadable&) {
  } catch (const Unjudgeable&) {
  } catch (const Undefined&) {
  } catch (const Outside&) {
  }
  return comparable_text(answer);
}

std::string canonical_answer(std::string_view completion, const MathOptions& options) {
  const std::optional<std::string> plain = plain_unicode(completion);
  if (plain) completion = *plain;
  const std::vector<Candidate> answers = find_answers(completion, options.extract);
  if (answers.empty()) return {};
  for (const Candidate& c : answers) {
    if (c.source != answers[0].source) break;
    if (const auto letter = choice_letter(c.text)) return std::string(1, *letter);
    try {
      parse(c.text);
      return canonical_text(c.text);
    } catch (const Unreadable&) {
    } catch (const Unjudgeable&) {
    } catch (const Undefined&) {
    }
  }
  return canonical_text(answers[0].text);
}

}  // namespace cohort::math
