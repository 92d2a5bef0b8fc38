// What must hold for any text: no crash, bounded work, verdicts that noise and spelling do not change.
#include <gtest/gtest.h>

#include <chrono>

#include "math/judge.h"
#include "math/parser.h"

namespace cohort::math {
namespace {

const char* const kAnswers[] = {"5",
                                "-3",
                                "3.25",
                                "\\frac{2}{7}",
                                "1{,}234",
                                "2\\sqrt{3}",
                                "\\frac{\\pi}{6}",
                                "x^2-4x+7",
                                "\\frac{x+1}{x-1}",
                                "y=2x+3",
                                "x\\le 4",
                                "[-2,7)",
                                "(1,2)",
                                "(1,2,3)",
                                "\\{1,2,5\\}",
                                "1,4,9",
                                "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
                                "(-\\infty,1)\\cup(3,\\infty)",
                                "3\\pm\\sqrt{2}",
                                "\\text{Tuesday}",
                                "45^\\circ",
                                "30\\%",
                                "12_5",
                                "e^{2x}\\sin 3x",
                                "\\log_2 5",
                                "3+4i",
                                "\\binom{8}{3}",
                                "n!+1",
                                "a_1+a_2",
                                "|x-3|",
                                "5:3",
                                "\\mathbb{R}",
                                "\\int_0^1 x\\,dx",
                                "\\sum_{k=1}^{n}k^2",
                                "f(x)=x^3"};

class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}
  uint32_t below(uint32_t n) {
    state_ = (state_ + seed_ + 1) * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<uint32_t>(state_ >> 33) % n;
  }

 private:
  uint64_t seed_, state_ = 88172645463325252ull;
};

MathVerdict::Outcome judged(const std::string& gold, const std::string& text) {
  return judge_math(gold, text).outcome;
}

// Catches: an answer that is not itself, or is another one.
TEST(Properties, AnswersEqualThemselvesAlone) {
  for (const std::string a : kAnswers)
    for (const std::string b : kAnswers) {
      const auto outcome = judged(a, "\\boxed{" + b + "}");
      EXPECT_EQ(outcome == MathVerdict::right, a == b) << a << "  and  " << b;
    }
}

// Catches: spelling that changes a verdict.
TEST(Properties, FormattingChangesNothing) {
  const auto replaced = [](std::string s, const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = s.find(from, at)) != std::string::npos; at += to.size())
      s.replace(at, from.size(), to);
    return s;
  };
  for (const std::string a : kAnswers) {
    std::string spaced;
    for (size_t i = 0; i < a.size(); ++i) {
      spaced += a[i];
      const bool command = a.find("text") != std::string::npos || a.find("begin") != std::string::npos;
      if (!command && std::string("+-=,()").find(a[i]) != std::string::npos && a.substr(i, 2) != ",}" &&
          a[i] != '{')
        spaced += ' ';
    }
    for (const std::string& text :
         {"$" + a + "$", "$$" + a + "$$", "\\(" + a + "\\)", "\\[ " + a + " \\]", "\\boxed{" + a + "}.",
          "\\boxed{ " + a + " }", "\\fbox{" + a + "}", "<answer>" + a + "</answer>",
          "<answer>\\(" + a + "\\)</answer>", "The answer is $" + a + "$.", "**Final answer:** $" + a + "$",
          "\\boxed{\\displaystyle " + a + "}", "\\boxed{" + replaced(a, "\\frac", "\\dfrac") + "}",
          "\\boxed{" + replaced(replaced(a, "(", "\\left("), ")", "\\right)") + "}",
          "\\boxed{\\mathbf{" + a + "}}", "<think>\\boxed{99}</think>\\boxed{" + a + "}"})
      EXPECT_EQ(judged(a, text), MathVerdict::right) << a << " in " << text;
    EXPECT_EQ(judged("$" + a + "$", "so \\boxed{" + spaced + "}"), MathVerdict::right) << spaced;
    EXPECT_EQ(judged("Hence it is $\\boxed{" + a + "}$.", "\\boxed{" + a + "}"), MathVerdict::right) << a;
  }
}

// Catches: a verdict that depends on which side an expression stands.
TEST(Properties, EqualityIsSymmetric) {
  for (const std::string a : kAnswers)
    for (const std::string b : kAnswers) {
      const bool there = judged(a, "\\boxed{" + b + "}") == MathVerdict::right;
      const bool back = judged(b, "\\boxed{" + a + "}") == MathVerdict::right;
      EXPECT_EQ(there, back) << a << "  and  " << b;
    }
}

// Catches: an expected answer found in text around a wrong one.
TEST(Properties, NoiseMakesNothingRight) {
  Random random(1);
  for (const std::string gold : kAnswers)
    for (int i = 0; i < 10; ++i) {
      const std::string noise = kAnswers[random.below(std::size(kAnswers))];
      const char* const before[] = {"First we see $", "Let $x = ", "It might be $",
                                    "Since 17 > 4, we have $"};
      const std::string text =
          before[random.below(4)] + gold + "$. Then $" + noise +
          "$ follows, and 12 of 30 remain.\n\nTherefore \\boxed{1729} is what we want, not $" + gold + "$.";
      EXPECT_NE(judged(gold, text), MathVerdict::right) << text;
      EXPECT_NE(judged(gold, "<think>" + gold + " \\boxed{" + gold + "}</think> <answer>1729</answer>"),
                MathVerdict::right)
          << gold;
    }
}

// Texts made of what the grammar knows, cut, doubled and spoiled. Catches (with the sanitizers): reading
// past an end, endless loops, exceptions that escape, work without a bound.
TEST(Properties, AnyTextIsJudged) {
  const char* const parts[] = {"\\frac",
                               "{",
                               "}",
                               "(",
                               ")",
                               "[",
                               "]",
                               "\\{",
                               "\\}",
                               "|",
                               "\\left",
                               "\\right",
                               "^",
                               "_",
                               "!",
                               ",",
                               ";",
                               "=",
                               "<",
                               "\\le",
                               "+",
                               "-",
                               "\\pm",
                               "*",
                               "/",
                               "1",
                               "12",
                               "0.5",
                               "999999",
                               "x",
                               "y",
                               "n",
                               "e",
                               "i",
                               "\\pi",
                               "\\sqrt",
                               "[3]",
                               "\\sin",
                               "\\log",
                               "\\ln",
                               "\\int",
                               "dx",
                               "\\sum_{i=1}^{n}",
                               "\\lim_{x\\to 0}",
                               "\\begin{pmatrix}",
                               "\\end{pmatrix}",
                               "&",
                               "\\\\",
                               "\\text{a b}",
                               "\\infty",
                               "\\cup",
                               "\\in",
                               "\\binom",
                               "\\lfloor",
                               "\\rfloor",
                               "$",
                               "%",
                               "\\%",
                               ":",
                               "'",
                               "\\overline{3}",
                               "\\circ",
                               "and",
                               "or",
                               "\\mathbb{R}",
                               "\\gcd",
                               "\\max",
                               "mod",
                               "E5",
                               "e-3",
                               " ",
                               "\n",
                               ".",
                               "\xE2\x88\x9A",
                               "\xC2\xB2",
                               "\xFF",
                               "\\boxed{",
                               "\\not",
                               "\\operatorname{",
                               "^{-1}",
                               "^\\circ",
                               "\\variable{",
                               "\\char\"",
                               "Interval(",
                               "\\det",
                               "f(x)",
                               "\\to",
                               "=>",
                               "\\times",
                               "\\vert",
                               "\\langle"};
  const auto start = std::chrono::steady_clock::now();
  Random random(7);
  int64_t judgements = 0;
  double slowest = 0;
  while (std::chrono::steady_clock::now() - start < std::chrono::seconds(4) && judgements < 200000) {
    std::string text;
    const uint32_t kind = random.below(3);
    if (kind == 0) {
      for (uint32_t i = random.below(30); i > 0; --i) text += parts[random.below(std::size(parts))];
    } else if (kind == 1) {
      text = kAnswers[random.below(std::size(kAnswers))];
      for (uint32_t i = 1 + random.below(4); i > 0 && !text.empty(); --i) {
        const uint32_t at = random.below(static_cast<uint32_t>(text.size()));
        if (random.below(2))
          text.erase(at, 1 + random.below(3));
        else
          text.insert(at, parts[random.below(std::size(parts))]);
      }
    } else {
      for (uint32_t i = random.below(40); i > 0; --i) text += static_cast<char>(random.below(256));
    }
    const auto before = std::chrono::steady_clock::now();
    judge_math(kAnswers[random.below(std::size(kAnswers))], "\\boxed{" + text + "}");
    judge_math(text, text + "x");
    canonical_answer(text);
    slowest =
        std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count());
    ++judgements;
  }
  std::printf("%lld mutated texts, the slowest %.1f ms\n", static_cast<long long>(judgements), 1e3 * slowest);
  EXPECT_LT(slowest, 5.0);  // seconds: bounded at all; bench/math.cpp measures
}

// Catches: a bound that a text of one kind gets around. Each is judged within the same count of work.
TEST(Properties, LargeTextsAreBounded) {
  const auto repeated = [](const std::string& s, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += s;
    return out;
  };
  for (const std::string& text : std::initializer_list<std::string>{
           repeated("(", 100000),
           repeated("{", 100000),
           repeated("\\boxed{", 50000),
           repeated("\\text{", 600),
           repeated("$", 100000),
           repeated("\\frac", 700),
           repeated("\\sqrt", 700),
           repeated("-", 3900),
           repeated("x^", 1900),
           repeated("9", 3900),
           repeated("9!", 1900),
           repeated("2^", 1500) + "2",
           repeated("\\sin", 900) + "x",
           repeated("(x+1)", 700),
           "(" + repeated("x+", 1900) + "1)^{1000}",
           repeated("1,", 1900) + "1",
           "x^{99999999999}",
           "99999999999!",
           "\\binom{99999999}{49999999}",
           repeated("|", 3000),
           "1e4000",
           "1e999999",
           "\\sum_{i=1}^{1000}\\sum_{j=1}^{1000}\\sum_{k=1}^{1000}ijk",
           "\\prod_{i=1}^{1000}(x+i)^{1000}",
           repeated("answer is ", 20000),
           repeated("<answer>", 20000),
           "\\begin{pmatrix}" + repeated("1&", 1900) + "1\\end{pmatrix}",
           "\\begin{vmatrix}" + repeated(repeated("x&", 19) + "x\\\\", 20) + "\\end{vmatrix}",
           "(((2^{1000})^{1000})^{1000})^{1000}",
           "\\gcd(" + repeated("9^{99},", 400) + "3)",
           "{" + repeated("{1,2},", 600) + "3}",
           "10^{1000000}+1",
           "1.0000000001^{10^{15}}",
           "\\sin(10^{100000})",
           "\\{" + repeated("\\sqrt{2}+x,", 300) + "1\\}"}) {
    const auto before = std::chrono::steady_clock::now();
    judge_math("\\frac{x}{2}", "\\boxed{" + text + "}");
    judge_math("3", text);
    judge_math(text, "\\boxed{" + text + "1}");
    judge_math(text, "\\boxed{y" + text + "}");
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    EXPECT_LT(took, 5.0) << text.substr(0, 60);
    if (took > 0.05) std::printf("%.0f ms: %.60s\n", 1e3 * took, text.c_str());
  }
}

}  // namespace
}  // namespace cohort::math
