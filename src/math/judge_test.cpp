// Verdicts by kind of answer, and what must hold for all of them.
#include "math/judge.h"

#include <gtest/gtest.h>

namespace cohort::math {
namespace {

struct Pair {
  const char *gold, *given;
};

MathVerdict::Outcome outcome(std::string_view gold, std::string_view given) {
  return judge_math(gold, "Some reasoning, 17 words.\nThe result is \\boxed{" + std::string(given) + "}.")
      .outcome;
}

void expect_all(std::initializer_list<Pair> pairs, MathVerdict::Outcome expected) {
  for (const Pair& p : pairs) {
    const MathVerdict v = judge_math(p.gold, "So we get \\boxed{" + std::string(p.given) + "}.");
    EXPECT_EQ(v.outcome, expected) << p.gold << "  and  " << p.given << ": " << v.reason;
  }
}

// Catches: numbers in any of their spellings taken for others.
TEST(Judge, Numbers) {
  expect_all({{"1234.5", "1,234.50"},
              {"1234.5", "1{,}234.5"},
              {"1000000", "1\\,000\\,000"},
              {"1000000", "1 000 000"},
              {"1000", "1e3"},
              {"0.012", "1.2 \\times 10^{-2}"},
              {"1.5e-7", "1.5\\cdot10^{-7}"},
              {"7/2", "3\\frac{1}{2}"},
              {"7/2", "3 1/2"},
              {"-7/2", "-3\\frac12"},
              {"1/3", "0.\\overline{3}"},
              {"1/7", "0.\\overline{142857}"},
              {"1/2", ".5"},
              {"1/3", "0.333333"},
              {"12\\%", "12"},
              {"12\\%", "0.12"},
              {"12", "12\\%"},
              {"\\frac{3}{25}", "12\\%"},
              {"18.90", "\\$18.90"},
              {"18.9", "18.90\\text{ dollars}"},
              {"5", "5\\text{ cm}"},
              {"5", "5 cm^2"},
              {"5", "5 \\mathrm{~m} / \\mathrm{s}"},
              {"90", "90^\\circ"},
              {"90^\\circ", "\\frac{\\pi}{2}"},
              {"2^{100}", "1267650600228229401496703205376"},
              {"-5",
               "\xE2\x88\x92"
               "5"},
              {"10!", "3628800"},
              {"\\binom{10}{3}", "120"},
              {"3.0", "3"},
              {"6.02\\times 10^{23}", "6.02e23"},
              {"25", "5^2"}},
             MathVerdict::right);
  expect_all({{"1/3", "0.3333"},
              {"12", "0.12"},
              {"5", "-5"},
              {"1e-8", "2e-8"},
              {"1234", "1,2,3,4"},
              {"2^{100}", "1267650600228229401496703205377"},
              {"100", "1000"},
              {"3\\frac12", "\\frac32"},
              {"0.5", "0.05"},
              {"\\sqrt2", "1.41"},
              {"10^{100}", "10^{100}+1"}},
             MathVerdict::wrong);
}

// Catches: formulas compared as text, or by too few points.
TEST(Judge, Formulas) {
  expect_all({{"\\sqrt{12}", "2\\sqrt{3}"},
              {"\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt2}{2}"},
              {"\\sqrt[3]{-8}", "-2"},
              {"(x+1)^2", "x^2+2x+1"},
              {"\\sin^2 x+\\cos^2 x", "1"},
              {"\\sin 2x", "2\\sin x\\cos x"},
              {"\\ln(ab)", "\\ln a+\\ln b"},
              {"\\sqrt{xy}", "\\sqrt{x}\\sqrt{y}"},
              {"e^{i\\pi}", "-1"},
              {"3+4i", "4i+3"},
              {"\\frac{x^2-1}{x-1}", "x+1"},
              {"\\frac{n(n+1)}{2}", "\\sum_{k=1}^{n} k"},
              {"n!", "n\\cdot(n-1)!"},
              {"\\binom{n}{2}", "\\frac{n(n-1)}{2}"},
              {"(-1)^{2n}", "1"},
              {"\\log_2 8", "3"},
              {"\\log 100", "2"},
              {"\\arctan 1", "\\pi/4"},
              {"|x-1|", "|1-x|"},
              {"\\max(3,5)", "5"},
              {"a/(2b)", "a/2b"},
              {"\\frac{x}{2}", "1/2x"},
              {"\\dfrac{\\sqrt{5}-1}{4}", "\\cos 72^\\circ"},
              {"\\ln 2 + C", "\\ln(2) + C"},
              {"x^{1/3}", "\\sqrt[3]{x}"},
              {"\\frac{\\pi}{6}", "pi/6"},
              {"2\\sqrt{3}", "2*sqrt(3)"},
              {"x^2", "x**2"}},
             MathVerdict::right);
  expect_all({{"x", "|x|"},
              {"x", "\\sqrt{x^2}"},
              {"1-1/e", "1+1/e"},
              {"(x+1)^2", "x^2+1"},
              {"\\sin x", "\\cos x"},
              {"x+y", "x+z"},
              {"\\sqrt{2}+\\sqrt{3}", "\\sqrt{5}"},
              {"3+4i", "3-4i"},
              {"e^{\\pi}", "23.1407"},
              {"f(x)", "f(y)"},
              {"\\sqrt{x+1}", "\\sqrt{x}+1"},
              {"2x", "x^2"}},
             MathVerdict::wrong);
}

// Catches: relations and collections compared by spelling, order where there is none, lost ends of intervals.
TEST(Judge, RelationsAndCollections) {
  expect_all(
      {{"x=3", "3"},
       {"3", "x = 3"},
       {"y=2x+1", "2x+1"},
       {"y=2x+1", "2x-y+1=0"},
       {"f(x)=x^2", "f(t)=t^2"},
       {"x\\le 5", "5\\ge x"},
       {"2x<6", "x<3"},
       {"-2x<6", "x>-3"},
       {"x<3", "(-\\infty,3)"},
       {"[-2,7]", "-2\\le x\\le 7"},
       {"x\\in[-2,7]", "[-2,7]"},
       {"(-\\infty,1)\\cup(2,\\infty)", "x<1 \\text{ or } x>2"},
       {"[0,1)\\cup[1,2]", "[0,2]"},
       {"(-\\infty,0)\\cup(0,\\infty)", "x\\neq 0"},
       {"\\{1,2,3\\}", "3,2,1"},
       {"1, 2", "2 \\text{ and } 1"},
       {"x=1,x=2", "1,2"},
       {"x=1 \\text{ or } x=2", "x=2,1"},
       {"\\pm 3", "3,-3"},
       {"x=1\\pm\\sqrt2", "1+\\sqrt2, 1-\\sqrt2"},
       {"(1,2)", "(1, 2)"},
       {"(x,y)=(1,2)", "(1,2)"},
       {"x=1,y=2", "(1,2)"},
       {"(1,2),(3,4)", "(3,4),(1,2)"},
       {"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&\\frac{8}{2}\\end{bmatrix}"},
       {"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)"},
       {"\\emptyset", "\\{\\}"},
       {"3:4", "6:8"},
       {"\\frac34", "3:4"},
       {"204_5", "204_{5}"},
       {"]0,1[", "(0,1)"},
       {"\\{x \\mid x>3\\}", "(3,\\infty)"}},
      MathVerdict::right);
  expect_all({{"x=3", "y=3"},
              {"(0,1)", "[0,1]"},
              {"[0,1)", "(0,1]"},
              {"(1,2)", "(2,1)"},
              {"x<3", "x\\le 3"},
              {"x<3", "x>3"},
              {"\\{1,2\\}", "\\{1,2,3\\}"},
              {"1,2,2", "1,2"},
              {"\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"},
              {"12:00", "1:00"},
              {"204_5", "204_6"},
              {"2x+y=3", "2x+y=4"},
              {"\\pm3", "3"}},
             MathVerdict::wrong);
}

// Catches: words taken for products of letters, choices by their text.
TEST(Judge, WordsAndChoices) {
  expect_all({{"B", "\\text{(B)}"},
              {"(B)", "B"},
              {"B", "\\textbf{(B)}\\ 12"},
              {"\\text{even}", "even"},
              {"Yes", "\\text{yes}"},
              {"A, C", "\\text{A and C}"},
              {"No", "\\text{No, because } 3>2"},
              {"Monday", "\\text{Monday}"}},
             MathVerdict::right);
  expect_all({{"B", "\\text{(C)}"}, {"even", "\\text{odd}"}, {"yes", "no"}, {"Monday", "Tuesday"}},
             MathVerdict::wrong);
  EXPECT_EQ(judge_math("B", "Because it is red, the answer must be B.").outcome, MathVerdict::right);
  EXPECT_EQ(judge_math("B", "A is too small, so C it is.").outcome, MathVerdict::wrong);
}

// Catches: an earlier or less trusted place taken for the answer.
TEST(Judge, WhereTheAnswerStands) {
  const auto judged = [](const char* gold, const char* text) {
    return judge_math(gold, text).outcome == MathVerdict::right;
  };
  EXPECT_TRUE(judged("7", "First \\boxed{5}, no: \\boxed{7}. The answer has 9 letters."));
  EXPECT_TRUE(judged("7", "\\boxed 7"));
  EXPECT_TRUE(judged("\\frac{1}{2}", "\\boxed{\\frac{1}{2}} as promised on page 12"));
  EXPECT_TRUE(judged("7", "<answer> 7 </answer>"));
  EXPECT_TRUE(judged("7", "<answer>$x = 7$</answer>"));
  EXPECT_TRUE(judged("7", "Since 3 + 4 is it, the answer is 7. Check: 3 * 2 = 6."));
  EXPECT_TRUE(judged("7", "**Answer:** 7"));
  EXPECT_TRUE(judged("7", "Final answer: $x=7$"));
  EXPECT_TRUE(judged("1,2", "\\boxed{1} and \\boxed{2}"));
  EXPECT_FALSE(judged("2", "\\boxed{1} and \\boxed{2}"));
  EXPECT_TRUE(judged("7", "<think> \\boxed{6} </think> \\boxed{7}"));
  EXPECT_FALSE(judged("6", "<think> \\boxed{6} </think> I do not know"));
  EXPECT_FALSE(judged("7", "\\boxed{8} is not 7"));
  EXPECT_FALSE(judged("7", ""));
  EXPECT_EQ(judge_math("7", "no idea").reason, "no answer found");
  MathOptions last;
  last.extract.order = {Source::last_number};
  EXPECT_EQ(judge_math("9", "\\boxed{7}, on page 9", last).outcome, MathVerdict::right);
}

// Catches: a silent 0 where nothing could be decided, and a bound that does not hold.
TEST(Judge, CouldNotJudge) {
  expect_all({{"2^{3^{4^5}}", "7"},
              {"\\int_0^1 x^x dx", "0.7834"},
              {"(-\\infty,2)", "x^3<8"},
              {"\\frac{\\pi^2}{6}", "\\sum_{n=1}^{\\infty}n^{-2}"},
              {"\\lim_{x\\to0}\\frac{\\sin x}{x}", "1"}},
             MathVerdict::unjudged);
  EXPECT_EQ(outcome("7", "9^{9^{9^9}}"), MathVerdict::unjudged);
  EXPECT_EQ(outcome("7", "\\sum_{n=1}^{10000000} n"), MathVerdict::unjudged);
  EXPECT_EQ(outcome("7", std::string(3000, '(') + "7" + std::string(3000, ')')), MathVerdict::unjudged);
  EXPECT_EQ(outcome("7", "(10^{9})!"), MathVerdict::unjudged);
  EXPECT_EQ(judge_math("", "\\boxed{1}").outcome, MathVerdict::unjudged);
  // The same text needs no calculation.
  EXPECT_EQ(outcome("\\int_0^1 x^x dx", "\\int_0^1 x^x\\,dx"), MathVerdict::right);
  EXPECT_EQ(outcome("\\int_0^1 x^x dx", "\\int_0^1 t^t\\,dt"), MathVerdict::right);
}

// Catches: a function that reads arguments it was not given.
TEST(Judge, FunctionsOfTooFewArguments) {
  for (const char* text : {"binomial(x)", "\\mod", "log(1,2,3)", "Mod(5)", "\\gcd()", "\\max()", "Sum(x)",
                           "Integral()", "\\det"})
    EXPECT_NE(outcome("5", text), MathVerdict::right) << text;
}

// Catches: majority votes that count one answer as two.
TEST(Judge, CanonicalTextOfEqualAnswers) {
  for (const auto& [a, b] : std::initializer_list<Pair>{{"0.5", "\\frac12"},
                                                        {"x=5", "5"},
                                                        {"1,2", "\\{2,1\\}"},
                                                        {"2\\sqrt3", "\\sqrt{12}"},
                                                        {"(x+1)^2", "x^2+2x+1"},
                                                        {"[0,1)", "[0, 1.0)"},
                                                        {"\\text{Yes}", "yes"}})
    EXPECT_EQ(canonical_text(a), canonical_text(b)) << a << "  and  " << b;
  EXPECT_NE(canonical_text("1/3"), canonical_text("0.3333"));
  EXPECT_EQ(canonical_answer("so \\boxed{\\frac{4}{8}}"), canonical_answer("The answer is 0.5."));
  EXPECT_EQ(canonical_answer("nothing"), "");
}

}  // namespace
}  // namespace cohort::math
