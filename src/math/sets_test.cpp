// Sets told by inequalities, matrices that are calculated, and answers in sentences: right ones and near
// misses.
#include "math/answer_pairs.h"

namespace cohort::math {
namespace {

// Catches: inequalities with | | or squares that are not solved, lost ends, "and" taken for "or".
TEST(Sets, Inequalities) {
  expect_boxed({{"|x|<3", "-3<x<3"},
                {"|x|<3", "(-3,3)"},
                {"|x|>3", "x<-3 \\text{ or } x>3"},
                {"|x-1| \\le 2", "[-1,3]"},
                {"|x|>-1", "\\mathbb{R}"},
                {"0<|x|<3", "(-3,0)\\cup(0,3)"},
                {"x^2<4", "(-2,2)"},
                {"x^2<2", "(-\\sqrt2,\\sqrt2)"},
                {"x^2-3x+2>0", "(-\\infty,1)\\cup(2,\\infty)"},
                {"-x^2+4>0", "-2<x<2"},
                {"x^2+1<0", "\\emptyset"},
                {"x^2>0", "x \\ne 0"},
                {"(-2,5)", "x>-2 and x<5"},
                {"x<3 \\cup x>5", "(-\\infty,3)\\cup(5,\\infty)"},
                {"x \\ne 1, 2", "(-\\infty,1)\\cup(1,2)\\cup(2,\\infty)"},
                {"x \\ne \\pm 1", "(-\\infty,-1)\\cup(-1,1)\\cup(1,\\infty)"},
                {"\\mathbb R \\backslash \\{1\\}", "x \\ne 1"},
                {"[0,1]\\cap\\mathbb{Q}", "[0,1]\\cap\\mathbb Q"},
                {"\\mathbb{R}", "\\text{all real numbers}"},
                {"all real numbers", "(-\\infty,\\infty)"},
                {"\\text{no solution}", "\\emptyset"},
                {"x=1 \\text{ or } x=2", "x=1 \\text{ and } x=2"},
                {"\\mathbb{R}^+", "(0,\\infty)"},
                {"\\frac{\\pi}{4}+k\\pi, k \\in \\mathbb{Z}", "\\frac{\\pi}{4}+k\\pi"},
                {"3", "\\text{Three}"},
                {"\\overline{3+4i}", "3-4i"},
                {"(1,2)", "x=1, y=2"}},
              true);
  expect_boxed({{"|x|\\le 3", "(-3,3)"},
                {"|x|<3", "x<3"},
                {"|x|<-1", "\\mathbb{R}"},
                {"|x|>3", "x>3"},
                {"x^2 \\le 4", "(-2,2)"},
                {"x^2<4", "x<2"},
                {"x^2>4", "(-2,2)"},
                {"x^3<8", "(-\\infty,3)"},
                {"(-2,5)", "x>-2 or x<5"},
                {"x \\ne 1, 2", "x \\ne 1"},
                {"x<1 or x>0", "x<1 and x>0"},
                {"a<b \\text{ or } c>d", "a<b \\text{ and } c>d"},
                {"p \\text{ or } q", "p \\text{ and } q"},
                {"[0,1]\\cap\\mathbb{Q}", "[0,1]"},
                {"all real numbers except 1", "\\mathbb{R}"},
                {"all integers", "\\mathbb{R}"},
                {"\\mathbb{R}^+", "\\mathbb{R}"},
                {"\\frac{\\pi}{4}+k\\pi, k \\in \\mathbb{Z}", "\\frac{\\pi}{4}+k\\pi, k \\in \\mathbb{N}"},
                {"k, k \\in \\mathbb{Z}", "2k"},
                {"3", "\\text{Four}"},
                {"\\overline{3+4i}", "3+4i"}},
              false);
}

// Catches: matrices compared by how they are written, and arithmetic that forgets order or shape.
TEST(Sets, Matrices) {
  const char* m = "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}";
  const std::string a = m;
  const auto judged = [](const std::string& gold, const std::string& given) {
    return judge_math(gold, "\\boxed{" + given + "}").outcome == MathVerdict::right;
  };
  EXPECT_TRUE(judged(a, "[[1,2],[3,4]]"));
  EXPECT_TRUE(judged("[[1,2,3],[4,5,6]]", "\\begin{bmatrix}1&2&3\\\\4&5&6\\end{bmatrix}"));
  EXPECT_TRUE(judged("[[2,4],[6,8]]", "2" + a));
  EXPECT_TRUE(judged("[[1/2,1],[3/2,2]]", "\\frac12" + a));
  EXPECT_TRUE(judged("[[-1,-2],[-3,-4]]", "-" + a));
  EXPECT_TRUE(judged("[[2,4],[6,8]]", a + "+" + a));
  EXPECT_TRUE(judged("[[7,10],[15,22]]", a + a));
  EXPECT_TRUE(judged("[[37,54],[81,118]]", a + "^3"));
  EXPECT_TRUE(judged("[[1,3],[2,4]]", a + "^T"));
  EXPECT_TRUE(judged("[[1,3],[2,4]]", a + "^{\\top}"));
  EXPECT_TRUE(judged("[[-2,1],[3/2,-1/2]]", a + "^{-1}"));
  EXPECT_TRUE(
      judged("\\frac15\\begin{pmatrix}3\\\\4\\end{pmatrix}", "\\begin{pmatrix}0.6\\\\0.8\\end{pmatrix}"));
  EXPECT_TRUE(judged("(2,4)", "2(1,2)"));
  EXPECT_TRUE(judged("(1+3t,2+4t)", "(1,2)+t(3,4)"));
  EXPECT_TRUE(judged("(1,2)", "P(1,2)"));
  EXPECT_FALSE(judged(a, "[[1,3],[2,4]]"));
  EXPECT_FALSE(judged(a, a + "^T"));
  EXPECT_FALSE(judged("[[7,10],[15,22]]", a + "^3"));
  EXPECT_FALSE(judged("[[2,1],[4,3]]", "\\begin{pmatrix}0&1\\\\1&0\\end{pmatrix}" + a));  // the other order
  EXPECT_FALSE(judged("[[1,0],[0,1]]", "\\begin{pmatrix}1&2\\\\2&4\\end{pmatrix}^{-1}"));
  EXPECT_FALSE(judged(a, a + "\\begin{pmatrix}1&2&3\\end{pmatrix}"));
  EXPECT_TRUE(judged("A(1,2), B(3,4)", "B(3,4), A(1,2)"));
  EXPECT_FALSE(judged("A(1,2), B(3,4)", "B(1,2), A(3,4)"));
  EXPECT_FALSE(judged("(1,2)(3,4)", "(1,3)(2,4)"));
  EXPECT_FALSE(judged(a, "\\begin{pmatrix}\\end{pmatrix}^T"));  // no rows to count
  EXPECT_FALSE(judged("(1,2)", "P(2,1)"));
  EXPECT_FALSE(judged("(5,2)", "C(5,2)"));
}

// Catches: what a sentence adds to its answer taken for the answer, marks without meaning that spoil it.
TEST(Sets, AnswersInSentences) {
  expect_prose({{"42", "So the answer is 42, not 41."},
                {"42", "The answer is 42 (since 40+2=42)"},
                {"42", "The answer is $42$, not $41$."},
                {"1000000", "That makes 1 million in all."},
                {"8", "\\boxed{8}\n\nNote: if x=0 the final answer would be 7."},
                {"7", "\\boxed{8} is wrong. The final answer is 7."},
                {"42", "$$\\begin{aligned}x&=40+2\\\\&=42\\end{aligned}$$"},
                {"(1,2)", "$$\\begin{aligned}x&=1\\\\y&=2\\end{aligned}$$"},
                {"42", "\\boxed{\\textcolor{red}{42}}"},
                {"42", "\\boxed{42\\checkmark}"},
                {"3:4", "\\boxed{3\\text{ to }4}"},
                {"\\arctan 2", "\\boxed{\\text{arctan}(2)}"},
                {"1,2,3,\\ldots", "\\boxed{1,2,3,...}"},
                {"C", "<answer>The answer is C because D</answer>"}},
               true);
  expect_prose({{"41", "So the answer is 42, not 41."},
                {"41", "The answer is $42$, not $41$."},
                {"7", "\\boxed{8}\n\nNote: if x=0 the final answer would be 7."},
                {"41", "\\boxed{\\textcolor{red}{42}}"},
                {"1", "That makes 1 million in all."},
                {"E", "**E**nergy"},
                {"D", "<answer>The answer is C because D</answer>"},
                {"4:3", "\\boxed{3\\text{ to }4}"},
                {"5", "\\boxed{\\text{max}}"}},
               false);
}

}  // namespace
}  // namespace cohort::math
