// Answers that look much like the expected one and are not it, and the right ones beside them.
#include "math/answer_pairs.h"

namespace cohort::math {
namespace {

// Catches: formulas compared as words, without their commands, brackets and signs.
TEST(NearMisses, FormulasAreNoWords) {
  expect_boxed({{"\\sqrt{\\frac{k}{m}}", "\\frac{k}{m}"},
                {"\\frac{a}{b}", "a-b"},
                {"\\frac{a}{b}", "\\frac{a}{-b}"},
                {"\\frac{a}{b}", "a b"},
                {"\\sin x \\cos y", "\\cos x \\sin y"},
                {"a \\le b", "a \\ge b"},
                {"x \\in A", "x \\notin A"},
                {"A \\cup B", "A \\cap B"},
                {"\\max(a,b)", "\\min(a,b)"},
                {"(a,b]", "[a,b)"},
                {"\\ln\\frac ba", "-\\frac ba"},
                {"O(n \\log n)", "O(n n)"},
                {"\\text{at least }3", "\\text{at least }-3"},
                {"\\text{the interval }(a,b]", "\\text{the interval }[a,b)"},
                {"true", "true or false"}},
               false);
  expect_boxed({{"\\sin x \\cos y", "\\cos y \\sin x"},
                {"\\frac{a}{b}", "\\dfrac ab"},
                {"a \\le b", "b \\ge a"},
                {"A \\cup B", "B \\cup A"},
                {"\\max(a,b)", "\\max(b,a)"},
                {"All real numbers", "\\text{all real numbers}"},
                {"if n is even", "\\text{If } n \\text{ is even.}"},
                {"the x-axis", "\\text{The x axis}"},
                {"New York", "\\text{New York}"}},
               true);
}

// Catches: operators read as if they were others.
TEST(NearMisses, Operators) {
  expect_boxed({{"\\vec u\\cdot\\vec v", "\\vec u\\times\\vec v"},
                {"\\vec u\\times\\vec v", "\\vec u\\cdot\\vec v"},
                {"\\mathbf{u}\\times\\mathbf{v}", "\\mathbf{u}\\cdot\\mathbf{v}"},
                {"p\\lor q", "p\\land q"},
                {"(p\\lor q)\\land r", "(p\\land q)\\land r"},
                {"\\forall x\\exists y", "\\exists x\\forall y"},
                {"P\\implies Q", "P\\iff Q"},
                {"P\\implies Q", "Q"},
                {"\\gcd(n,6)", "1"},
                {"\\gcd(n,6)", "\\gcd(n,3)"},
                {"\\operatorname{lcm}(n,6)", "6n"}},
               false);
  expect_boxed({{"\\vec u\\cdot\\vec v", "\\vec v\\cdot\\vec u"},
                {"\\vec u\\times\\vec v", "\\vec{u} \\times \\vec{v}"},
                {"3\\times 4", "12"},
                {"x<1 \\lor x>2", "x>2 \\text{ or } x<1"},
                {"x=2", "2x=4 \\implies x=2"},
                {"x=2", "2x=4 \\iff x=2"},
                {"p\\lor q", "p \\lor q"},
                {"\\gcd(n,6)", "\\gcd(6,n)"}},
               true);
}

// Catches: a letter that a text only mentions taken for its choice.
TEST(NearMisses, Choices) {
  expect_prose({{"B", "The answer is C, since B fails."},
                {"B", "I choose C over B."},
                {"B", "Answer: C (B is close)"},
                {"B", "It must be C. B is impossible."},
                {"B", "Let A, B be sets. The answer is 12."},
                {"D", "I cannot tell. Options: A) 1 B) 2 C) 3 D) 4"},
                {"D", "Vitamin D"},
                {"D", "Vitamin D is what the body makes."},
                {"B", "The answer is not B."},
                {"B", "\\boxed{12} because of B"},
                {"A", "\\boxed{\\text{(A) and (B)}}"},
                {"A", "\\boxed{\\text{(A) or (C)}}"},
                {"A", "The answer is A, B and C."}},
               false);
  expect_prose({{"C", "The correct choice is **C**. It follows from D."},
                {"B", "\\boxed{\\text{Option B}}"},
                {"B", "<answer>Option (B)</answer>"},
                {"C", "The answer is C, since B fails."},
                {"C", "I choose C over B."},
                {"A", "I choose A over B."},
                {"C", "Answer: C (B is close)"},
                {"C", "It must be C. B is impossible."},
                {"C", "A is too small, so C it is."},
                {"B", "The answer is clearly B."},
                {"B", "The answer is option B."},
                {"B", "Because B is valid"},
                {"B", "B"},
                {"B", "B) 12"}},
               true);
}

// Catches: integers beyond exact arithmetic compared by their leading bits.
TEST(NearMisses, LargeIntegers) {
  expect_boxed({{"2^{100000}", "2^{100000}+1"},
                {"10000!", "10000!-1"},
                {"2^{60001}-1", "2^{60001}"},
                {"e^{1000}", "e^{1000}+1"}},
               false);
  expect_boxed(
      {{"2^{100000}", "4^{50000}"}, {"10000!", "10000\\cdot 9999!"}, {"2^{60001}-1", "2\\cdot2^{60000}-1"}},
      true);
}

// Catches: values that differ beyond the first bits taken for equal, and equal ones of far magnitudes
// refused.
TEST(NearMisses, FarMagnitudes) {
  expect_boxed({{"1", "\\cos(10^{-60})"},
                {"1+e^{-500}", "1+e^{-600}"},
                {"1+2^{-300}+\\pi-\\pi", "1"},
                {"\\sqrt{10^{200}+1}", "10^{100}"},
                {"\\sin x", "\\sin x + e^{-400}"},
                {"1", "1+e^{-5000}"},
                {"\\cos(10^{-60})", "1-10^{-120}/2"},
                {"(0,1+e^{-500})", "(0,1)"},
                {"y=x", "y=x+e^{-400}"},
                {"10^{100}+\\pi", "10^{100}+\\pi+10^{-100}"},
                {"0", "\\sqrt{10^{200}+1}-10^{100}"},
                {"\\ln(1+10^{-200})", "10^{-200}"}},
               false);
  expect_boxed({{"e^{-1000}e^{1000}", "1"},
                {"e^{-500}\\cdot e^{500}\\pi", "\\pi"},
                {"10^{100}+\\pi", "\\pi+10^{100}"},
                {"\\sqrt{10^{200}}", "10^{100}"},
                {"x^{40}\\pi", "\\pi x^{40}"},
                {"\\sin(10^{30})", "\\sin(10^{30}+2\\pi)"}},
               true);
}

// Catches: names taken for products, equations whose denominators hide solutions taken for the same.
TEST(NearMisses, NamesAndEquations) {
  expect_boxed({{"BAC", "ABC"},
                {"AB", "BA"},
                {"\\triangle ABC", "\\triangle BCA"},
                {"\\frac{a}{b}=\\frac{c}{d}", "ad=bc"},
                {"y=\\frac{x}{x}", "xy=x"},
                {"y=\\frac1x", "xy=2"},
                {"x=0", "1/x=0"},
                {"\\lim_{x\\to0^+}\\frac1x", "\\lim_{x\\to0^-}\\frac1x"}},
               false);
  expect_boxed({{"AB", "AB"},
                {"AB", "A \\cdot B"},
                {"2AB", "2BA"},
                {"xyz", "zyx"},
                {"y=\\frac1x", "xy=1"},
                {"y=\\frac1x", "x=\\frac1y"},
                {"\\lim_{x\\to0^+}\\frac1x", "\\lim_{x\\to0^{+}}\\frac{1}{x}"}},
               true);
}

// Catches: a piece of a formula that stands in a sentence without marks taken for the answer.
TEST(NearMisses, FormulasInSentences) {
  expect_prose({{"9", "Thus x = \\frac{10}{9} holds."},
                {"10", "Hence we get 2^10 ways in all."},
                {"2", "So the area is 3x^2 in total."},
                {"3", "So the length is \\sqrt{3} in total."},
                {"3", "So the length is 2 \\sqrt{3} in total."},
                {"10", "So the area is 10 \\pi in total."}},
               false);
  expect_prose({{"10/9", "Thus x = \\frac{10}{9} holds."},
                {"1024", "Hence we get 2^10 ways in all."},
                {"2\\sqrt3", "So the length is 2 \\sqrt{3} in total."},
                {"10\\pi", "So the area is 10 \\pi in total."},
                {"12", "So it weighs 12kg in total."},
                {"12", "It came out 12th of all."},
                {"12", "That makes **12** apples."},
                {"12", "That makes 12\\% more."},
                {"7", "Hence x=7, as told."}},
               true);
}

// Catches: money before GSM8K's mark taken for a formula.
TEST(NearMisses, MarkOfFourHashes) {
  const char* gold = "It costs $5 and then $10.\n#### 1,450";
  EXPECT_EQ(judge_math(gold, "\\boxed{1450}").outcome, MathVerdict::right);
  EXPECT_EQ(judge_math(gold, "\\boxed{10}").outcome, MathVerdict::wrong);
  EXPECT_EQ(judge_math("1450", gold).outcome, MathVerdict::right);
  EXPECT_EQ(judge_math("3", "#### Step 3\nSo it is $x = 4$.").outcome, MathVerdict::wrong);
}

// Catches: decimals, fractions and repeated boxes that are not read, and units and words that are left out
// though they change the value.
TEST(NearMisses, Spellings) {
  expect_boxed({{"1/6", ".1\\overline{6}"},
                {"1/6", "0.1\\overline6"},
                {"1/3", "0.\\bar3"},
                {"1/3", "0.\\dot3"},
                {"1/6", "0.1(6)"},
                {"1/3", "0.333..."},
                {"1/6", "0.1666\\ldots"},
                {"1/2", "1 \\over 2"},
                {"1/2", "\\nicefrac{1}{2}"},
                {"1/2", "\\sfrac{1}{2}"},
                {"7/2", "3{\\frac12}"},
                {"10", "2.5(4)"},
                {"5", "5m"},
                {"5 m", "5"},
                {"0.005", "0.5\\%"},
                {"10", "\\text{approximately }10"}},
               true);
  expect_boxed({{"5m", "5"},
                {"10", "\\text{not }10"},
                {"10", "\\text{negative }10"},
                {"10", "10\\text{ and a half}"},
                {"0.5", "0.5\\%"},
                {"0.333", "0.333..."}},
               false);
  expect_prose({{"42", "\\boxed{42} \\boxed{42}"}}, true);
  expect_prose({{"42", "\\boxed{41} \\boxed{42}"}}, false);
}

}  // namespace
}  // namespace cohort::math
