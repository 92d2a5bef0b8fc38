#include "data/generated_tasks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace cohort {
namespace {

using Json = nlohmann::json;

Row row_of(std::string prompt, const char* kind, Json fields) {
  Row row;
  fields["prompt"] = prompt;
  fields["data_source"] = kind;
  if (fields.contains("completion")) row.completion = fields["completion"];
  row.question = row.prompt = std::move(prompt);
  row.fields = std::make_shared<const Json>(std::move(fields));
  return row;
}


// One or two steps of arithmetic in a story; numbers of up to `difficulty` digits.
Row word_problem(ProblemRandom& r, int32_t difficulty) {
  static constexpr const char* kNames[] = {"Tom", "Mia", "Sam", "Ana", "Leo",
                                           "Eva", "Max", "Zoe", "Ben", "Ida"};
  static constexpr const char* kThings[] = {"apples", "books", "coins", "pens",
                                            "shells", "cards", "eggs",  "stamps"};
  const std::string who = kNames[r.below(10)], things = kThings[r.below(8)];
  const int64_t most = power_of_ten(difficulty) - 1;
  const int64_t a = r.between(2, most), b = r.between(2, most), small = r.between(2, 9);
  std::string text, work;  // the work without what it comes to
  int64_t answer = 0;
  switch (r.below(6)) {
    case 0:
      text = fmt::format("{} has {} {} and buys {} more. How many {} does {} have now?", who, a, things, b,
                         things, who);
      work = fmt::format("{} + {}", a, b);
      answer = a + b;
      break;
    case 1:
      text =
          fmt::format("{} has {} {} and gives away {}. How many {} are left?", who, a + b, things, b, things);
      work = fmt::format("{} - {}", a + b, b);
      answer = a;
      break;
    case 2:
      text = fmt::format("There are {} boxes with {} {} in each. How many {} are there in all?", small, a,
                         things, things);
      work = fmt::format("{} * {}", small, a);
      answer = small * a;
      break;
    case 3:
      text = fmt::format("{} {} are shared equally among {} children. How many does each child get?",
                         small * a, things, small);
      work = fmt::format("{} / {}", small * a, small);
      answer = a;
      break;
    case 4:
      text = fmt::format("{} had {} {}, found {} more and then lost {}. How many {} does {} have?", who, a,
                         things, b + small, small, things, who);
      work = fmt::format("{} + {} - {}", a, b + small, small);
      answer = a + b;
      break;
    default:
      text = fmt::format(
          "One ticket costs {} dollars. {} buys {} tickets and a drink for {} dollars. How many dollars does "
          "{} "
          "pay?",
          a, who, small, b, who);
      work = fmt::format("{} * {} + {}", small, a, b);
      answer = small * a + b;
  }
  return row_of(text, "math",
                {{"answer", std::to_string(answer)},
                 {"completion", fmt::format("{} = {}\nThe answer is \\boxed{{{}}}.", work, answer, answer)}});
}

// Numbers and a target that some expression of all of them reaches (at least the one that made it).
Row countdown(ProblemRandom& r, int32_t difficulty) {
  std::vector<int64_t> numbers;
  for (int32_t i = 0; i < difficulty + 1; ++i) numbers.push_back(r.between(1, i < 2 ? 20 : 50));
  int64_t target = numbers[0];
  for (size_t i = 1; i < numbers.size(); ++i) {
    const int64_t n = numbers[i];
    switch (r.below(4)) {
      case 0:
        target = target % n == 0 ? target / n : target + n;
        break;
      case 1:
        target = std::abs(target) <= 20 && n <= 20 ? target * n : target - n;
        break;
      case 2:
        target -= n;
        break;
      default:
        target += n;
    }
  }
  for (size_t i = numbers.size() - 1; i > 0; --i)
    std::swap(numbers[i], numbers[static_cast<size_t>(r.below(static_cast<int64_t>(i) + 1))]);
  return row_of(
      fmt::format(
          "Using the numbers {}, each exactly once, and +, -, *, / and parentheses, write an expression that "
          "equals {}. Give it as <answer> expression </answer>.",
          fmt::join(numbers, ", "), target),
      "countdown", {{"numbers", numbers}, {"target", target}});
}

Row sorting(ProblemRandom& r, int32_t difficulty) {
  std::vector<int64_t> numbers;
  for (int32_t i = 0; i < difficulty + 2; ++i) numbers.push_back(r.below(100));
  std::vector<int64_t> sorted = numbers;
  std::ranges::sort(sorted);
  return row_of(fmt::format("Sort these numbers from the smallest to the largest: {}. Give them as <answer> "
                            "numbers with commas "
                            "</answer>.",
                            fmt::join(numbers, ", ")),
                "text", {{"answer", fmt::format("{}", fmt::join(sorted, ", "))}});
}

Row letters(ProblemRandom& r, int32_t difficulty) {
  std::string word;
  for (int32_t i = 0; i < difficulty + 2; ++i) word += static_cast<char>('a' + r.below(26));
  const std::string reversed(word.rbegin(), word.rend());
  return row_of(
      fmt::format("Write the letters of \"{}\" in reverse order. Give them as <answer> word </answer>.",
                  word),
      "text", {{"answer", reversed}});
}

// Programs that read standard input, with tests and a solution.
Row program(ProblemRandom& r, int32_t difficulty) {
  struct Kind {
    const char *what, *python;
    int64_t (*value)(std::span<const int64_t>);
  };
  static constexpr Kind kKinds[] = {
      {"sum", "sum(a)", [](std::span<const int64_t> a) { return std::accumulate(a.begin(), a.end(), int64_t{0}); }},
      {"largest", "max(a)", [](std::span<const int64_t> a) { return *std::ranges::max_element(a); }},
      {"smallest", "min(a)", [](std::span<const int64_t> a) { return *std::ranges::min_element(a); }},
      {"number of even ones", "len([x for x in a if x % 2 == 0])",
       [](std::span<const int64_t> a) {
         return int64_t{std::ranges::count_if(a, [](int64_t n) { return n % 2 == 0; })};
       }},
      {"product of the first and last", "a[0] * a[-1]",
       [](std::span<const int64_t> a) { return a.front() * a.back(); }},
  };
  const Kind& kind = kKinds[r.below(std::ssize(kKinds))];
  const int64_t times = r.between(1, 9 * difficulty), plus = r.between(0, 20 * difficulty);
  std::vector<std::string> inputs, outputs;
  for (int test = 0; test < 5; ++test) {
    std::vector<int64_t> numbers;
    for (int64_t i = r.between(1, 3 + 2 * difficulty); i > 0; --i) numbers.push_back(r.between(-50, 50));
    inputs.push_back(fmt::format("{}\n", fmt::join(numbers, " ")));
    outputs.push_back(fmt::format("{}\n", kind.value(numbers) * times + plus));
  }
  const std::string added = plus > 0 ? fmt::format(" + {}", plus) : "";
  return row_of(fmt::format("Write a Python program that reads one line of integers separated by spaces and "
                            "prints the {} times {}{}. Answer with one ```python code block.",
                            kind.what, times, plus > 0 ? fmt::format(" plus {}", plus) : ""),
                "code",
                {{"tests", {{"inputs", inputs}, {"outputs", outputs}}},
                 {"completion", fmt::format("```python\na = list(map(int, input().split()))\nprint({} * {}{})\n```",
                                            kind.python, times, added)}});
}

constexpr GeneratedTask kTasks[] = {
    {"word_problems",
     "stories of one or two steps of arithmetic, numbers of up to task_digits digits (reward: math or "
     "last_number)",
     6, word_problem},
    {"countdown", "reach a target with task_digits + 1 numbers, each used once (reward: countdown)", 7,
     countdown},
    {"sorting", "sort task_digits + 2 numbers (reward: answer_tag)", 30, sorting},
    {"letters", "write task_digits + 2 letters in reverse order (reward: answer_tag)", 30, letters},
    {"programs", "short programs on a line of integers, with tests and a solution (reward: code)", 5, program},
};

}  // namespace

std::span<const GeneratedTask> generated_tasks() { return kTasks; }

}  // namespace cohort
