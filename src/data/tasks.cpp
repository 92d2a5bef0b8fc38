#include "data/tasks.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/check.h"
#include "base/options.h"
#include "base/philox.h"
#include "data/generated_tasks.h"
#include "data/order.h"

namespace cohort {
namespace {

constexpr std::array<std::string_view, 4> kTags = {"<think>", "</think>", "<answer>", "</answer>"};
constexpr int64_t kMostByDefault = 10'000;
constexpr int64_t kMost = 10'000'000;
constexpr int64_t kGeneratedByDefault = 2000, kMostInVain = 2000;

int64_t digits_of(int64_t n) { return n < 10 ? 1 : 1 + digits_of(n / 10); }

// A whole number in [low, high), high - low < 2^53.
int64_t uniform_integer(uint64_t seed, uint32_t attempt_low, uint32_t attempt_high, uint32_t what,
                        int64_t low, int64_t high) {
  return low + static_cast<int64_t>(uniform53(seed, Stream::data, attempt_high, attempt_low, 0, what) *
                                    static_cast<double>(high - low));
}

Row make_row(std::string question, int64_t answer, std::string completion = "",
             const std::vector<std::string>& steps = {}) {
  Row row;
  nlohmann::json fields = {{"prompt", question}, {"answer", std::to_string(answer)}};
  if (!completion.empty()) fields["completion"] = completion;
  if (!steps.empty()) fields["steps"] = steps;
  row.question = row.prompt = std::move(question);
  row.completion = std::move(completion);
  row.fields = std::make_shared<const nlohmann::json>(std::move(fields));
  return row;
}

// One draw of the task's operands.
using Operands = std::pair<int64_t, int64_t>;

std::string addition_question(const Operands& x) { return fmt::format("{}+{}=", x.first, x.second); }

Row addition_row(const Operands& x) {
  return make_row(addition_question(x), x.first + x.second, addition_completion(x.first, x.second));
}

// A completion whose lines are its steps.
Row row_of_steps(std::string question, int64_t answer, std::string completion) {
  std::vector<std::string> steps{""};
  for (char c : completion)
    if (c == '\n')
      steps.emplace_back();
    else
      steps.back() += c;
  return make_row(std::move(question), answer, std::move(completion), steps);
}

Row carries_row(const Operands& x) {
  return row_of_steps(addition_question(x), x.first + x.second, carries_completion(x.first, x.second));
}

Row products_row(const Operands& x) {
  return row_of_steps(fmt::format("{}*{}=", x.first, x.second), x.first * x.second,
                      products_completion(x.first, x.second));
}

Row sums_row(const Operands& x) {
  return make_row(
      fmt::format("State the final answer to the following arithmetic problem: {} + {} =", x.first, x.second),
      x.first + x.second);
}

std::string worked(const std::string& steps, int64_t answer) {
  return fmt::format("<think> {}</think> <answer> {} </answer>", steps, answer);
}

// Digits from the right, the carry as a third term, missing digits left out; `space` follows each step.
std::string worked_sum(int64_t a, int64_t b, char space) {
  COHORT_CHECK(a >= 0 && b >= 0 && a < power_of_ten(18) && b < power_of_ten(18), "{} + {}", a, b);
  std::string work;
  int64_t x = a, y = b, carry = 0;
  for (int64_t place = 0, places = std::max(digits_of(a), digits_of(b)); place < places; ++place) {
    std::string terms;
    const auto add = [&](int64_t digit) { terms += (terms.empty() ? "" : "+") + std::to_string(digit); };
    if (place < digits_of(a)) add(x % 10);
    if (place < digits_of(b)) add(y % 10);
    if (carry > 0) add(carry);
    const int64_t sum = x % 10 + y % 10 + carry;
    work += terms + "=" + std::to_string(sum) + space;
    carry = sum / 10;
    x /= 10;
    y /= 10;
  }
  return worked(work, a + b);
}

struct Task {
  TaskInfo info;
  int32_t most_digits;
  bool shorter_operands;  // operands of fewer digits than asked for, too
  Row (*row)(const Operands&);
  bool second_is_digit = false;  // the second operand has one digit
};
constexpr Task kDigitTasks[] = {
    {{"addition", "multi-digit addition in R1's template, worked digit by digit (for tiny character models)"},
     9,
     true,
     addition_row},
    {{"carries",
      "the same addition, each step on its own line and in the field steps (for process supervision)"},
     9,
     true,
     carries_row},
    {{"products",
      "a number times a digit, each step with its carry on its own line (beside carries: another skill)"},
     9,
     true,
     products_row,
     true},
    {{"sums",
      "\"State the final answer to the following arithmetic problem: 6 + 2 =\" (for pretrained models)"},
     4,
     false,
     sums_row},
};

const Task& find_task(std::string_view name) {
  std::vector<std::string> names;
  for (const Task& task : kDigitTasks) {
    if (task.info.name == name) return task;
    names.emplace_back(task.info.name);
  }
  for (const GeneratedTask& task : generated_tasks()) names.emplace_back(task.name);
  const std::string nearest = nearest_name(name, names);
  fail("task: expected one of {}, found \"{}\"{}", fmt::join(names, ", "), name,
       nearest.empty() ? "" : fmt::format(" (nearest: {})", nearest));
}

}  // namespace

std::span<const TaskInfo> task_list() {
  static const std::vector<TaskInfo> list = [] {
    std::vector<TaskInfo> infos;
    for (const Task& task : kDigitTasks) infos.push_back(task.info);
    for (const GeneratedTask& task : generated_tasks()) infos.push_back({task.name, task.summary});
    return infos;
  }();
  return list;
}

std::string_view addition_alphabet() { return "0123456789+= <>/thinkaswer"; }

std::span<const std::string_view> think_answer_tags() { return kTags; }

std::string_view carries_alphabet() { return "0123456789+= <>/thinkaswer\n"; }

std::string addition_completion(int64_t a, int64_t b) { return worked_sum(a, b, ' '); }

std::string carries_completion(int64_t a, int64_t b) { return worked_sum(a, b, '\n'); }

std::string products_completion(int64_t a, int64_t digit) {
  COHORT_CHECK(a >= 0 && a < power_of_ten(17) && digit >= 0 && digit < 10, "{} * {}", a, digit);
  std::string work;
  int64_t carry = 0;
  for (int64_t rest = a, place = 0; place < digits_of(a); ++place, rest /= 10) {
    const int64_t product = rest % 10 * digit + carry;
    work +=
        fmt::format("{}*{}{}={}\n", rest % 10, digit, carry > 0 ? fmt::format("+{}", carry) : "", product);
    carry = product / 10;
  }
  return worked(work, a * digit);
}

namespace {

std::vector<Row> generated_rows(const GeneratedTask& task, const TaskOptions& options, uint64_t seed) {
  if (options.digits < 1 || options.digits > task.most_difficult)
    fail("task_digits: expected 1 to {} for the task {}, found {}", task.most_difficult, task.name,
         options.digits);
  const int64_t wanted = options.rows > 0 ? options.rows : kGeneratedByDefault;
  if (options.rows < 0 || wanted > kMost)
    fail("task_problems: expected 0 to {}, found {}", kMost, options.rows);
  std::vector<Row> rows;
  std::unordered_set<std::string> seen;
  int64_t in_vain = 0;
  for (uint64_t attempt = 0; static_cast<int64_t>(rows.size()) < wanted; ++attempt) {
    ProblemRandom random(seed, attempt);
    Row row = task.make(random, options.digits);
    if (seen.insert(row.question).second) {
      rows.push_back(std::move(row));
      in_vain = 0;
    } else if (++in_vain == kMostInVain) {
      if (options.rows == 0) return rows;
      fail(
          "task_problems: the task {} with task_digits {} has hardly more than {} distinct problems, found "
          "{}",
          task.name, options.digits, rows.size(), wanted);
    }
  }
  return rows;
}

}  // namespace

std::vector<Row> make_rows(std::string_view name, const TaskOptions& options, uint64_t seed) {
  for (const GeneratedTask& task : generated_tasks())
    if (task.name == name) return generated_rows(task, options, seed);
  const Task& task = find_task(name);
  if (options.digits < 1 || options.digits > task.most_digits)
    fail("digits: expected 1 to {} for the task {}, found {}", task.most_digits, name, options.digits);
  // Operands: [low, high). One digit includes 0.
  const int64_t high = power_of_ten(options.digits);
  const int64_t low = task.shorter_operands || options.digits == 1 ? 0 : high / 10;
  const int64_t low2 = task.second_is_digit ? 0 : low, high2 = task.second_is_digit ? 10 : high;
  const int64_t all = (high - low) * (high2 - low2);
  const int64_t wanted = options.rows > 0 ? options.rows : std::min(all, kMostByDefault);
  if (options.rows < 0 || wanted > std::min(all, kMost))
    fail(
        "rows: expected 1 to {} distinct questions of the task {} with {} digits (0: all, at most {}), found "
        "{}",
        std::min(all, kMost), name, options.digits, kMostByDefault, options.rows);

  std::vector<Row> rows;
  rows.reserve(static_cast<size_t>(wanted));
  const auto add = [&](const Operands& x) { rows.push_back(task.row(x)); };
  if (wanted * 2 > all) {  // most of them: all in a shuffled order
    for (uint32_t i : shuffled_order(static_cast<uint32_t>(all), seed, 0)) {
      if (static_cast<int64_t>(rows.size()) == wanted) break;
      add({low + i / (high2 - low2), low2 + i % (high2 - low2)});
    }
    return rows;
  }
  std::unordered_set<uint64_t> seen;
  for (uint64_t attempt = 0; static_cast<int64_t>(rows.size()) < wanted; ++attempt) {
    const auto draw = [&](uint32_t which, int64_t from, int64_t to) {
      return uniform_integer(seed, static_cast<uint32_t>(attempt), static_cast<uint32_t>(attempt >> 32),
                             which, from, to);
    };
    const Operands x = {draw(0, low, high), draw(1, low2, high2)};
    if (seen.insert(static_cast<uint64_t>(x.first) * 1'000'000'000u + static_cast<uint64_t>(x.second)).second)
      add(x);
  }
  return rows;
}

}  // namespace cohort
