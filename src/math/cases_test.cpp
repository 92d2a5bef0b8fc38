// Verdicts of other graders' test suites, and LaTeX whose meaning SymPy states.
#include <gtest/gtest.h>

#include <chrono>

#include "math/cases_test_support.h"
#include "math/judge.h"
#include "math/parser.h"
#include "math/srepr_test_support.h"

namespace cohort::math {
namespace {

using nlohmann::json;

MathOptions options_of(const json& row) {
  MathOptions options;
  options.equal.float_rounding = row.value("precision", 6);
  options.equal.strict = row.value("strict", true);
  options.equal.allow_set_relation = row.value("allow_set_relation_comp", true);
  return options;
}

// Catches: any verdict that changes. A row fails where the label differs; at most 3 % may.
TEST(Cases, MathVerify) {
  const std::vector<json> rows = case_rows("math_verify.jsonl");
  if (rows.empty()) GTEST_SKIP() << "no ../shared/cases/math_verify.jsonl";
  int right = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const json& row = rows[i];
    std::string got;
    bool ok;
    if (row.value("kind", "") == "extraction") {
      const auto letter = choice_in_prose(row["pred"].get<std::string>());
      got = letter ? std::string(1, *letter) : "";
      ok = row["expected"].empty() ? !letter : letter && row["expected"].back() == got;
    } else {
      const MathVerdict v =
          judge_math(row["gold"].get<std::string>(), row["pred"].get<std::string>(), options_of(row));
      ok = v.outcome == (row["expected"].get<bool>() ? MathVerdict::right : MathVerdict::wrong);
      got = v.extracted + " / " + v.reason;
    }
    right += ok;
    if (!ok)
      std::printf("row %zu: expected %s, gold %.200s\n  %s\n", i + 1, row["expected"].dump().c_str(),
                  row.value("gold", "").c_str(), got.c_str());
  }
  std::printf("%d of %zu verdicts as labelled\n", right, rows.size());
  EXPECT_GE(right, 0.97 * static_cast<double>(rows.size()));
}

// Catches: the same for graders whose rules differ from one another; two rows are about rules that are
// options here.
TEST(Cases, OtherGraders) {
  const std::vector<json> rows = case_rows("other_graders.jsonl");
  if (rows.empty()) GTEST_SKIP() << "no ../shared/cases/other_graders.jsonl";
  int right = 0;
  for (const json& row : rows) {
    MathOptions options;
    if (row["test"].get<std::string>().starts_with("reasoning"))
      options.extract.think = ExtractOptions::required;
    std::string given = row["pred"];
    if (given.find("\\boxed") == std::string::npos && given.find("answer") == std::string::npos &&
        given.find("</") == std::string::npos)
      given = "\\boxed{" + given + "}";
    const MathVerdict v = judge_math(row["gold"].get<std::string>(), given, options);
    const bool ok = v.outcome == (row["expected"].get<bool>() ? MathVerdict::right : MathVerdict::wrong);
    right += ok;
    if (!ok)
      std::printf("expected %s: %s\n  %s / %s\n", row["expected"].dump().c_str(), row.dump().c_str(),
                  v.extracted.c_str(), v.reason.c_str());
  }
  std::printf("%d of %zu verdicts as labelled\n", right, rows.size());
  EXPECT_GE(right, 24);
}

// Catches: LaTeX read as something else than SymPy's readers read it as.
TEST(Cases, LatexMeaning) {
  const std::vector<json> rows = case_rows("latex2sympy_parse.jsonl");
  if (rows.empty()) GTEST_SKIP() << "no ../shared/cases/latex2sympy_parse.jsonl";
  int right = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const json& row = rows[i];
    std::string got;
    bool ok = false;
    try {
      const Expr e = parse(row["latex"].get<std::string>());
      got = to_text(e);
      if (!row["srepr"].is_null()) {
        EqualOptions options;
        options.polynomial_gcd = true;
        Work work(200000);
        Comparer comparer(options, work);
        const Expr meaning = read_srepr(row["srepr"].get<std::string>());
        ok = comparer.same(meaning, e) == Same::yes;
        got += " but meant " + to_text(meaning);
      }
    } catch (const std::exception& e) {
      got = e.what();
      ok = row["srepr"].is_null() || row["sympy"] == "None";
    } catch (const Undefined&) {
      got = "undefined";
    }
    right += ok;
    if (!ok)
      std::printf("row %zu: %s means %s\n  read as %s\n", i + 1, row["latex"].dump().c_str(),
                  row["sympy"].dump().c_str(), got.c_str());
  }
  std::printf("%d of %zu forms as meant\n", right, rows.size());
  EXPECT_GE(right, 0.95 * static_cast<double>(rows.size()));
}

}  // namespace
}  // namespace cohort::math
