#include "reward/countdown.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "reward/format.h"
#include "reward/rules.h"

namespace cohort {
namespace {

constexpr int kDeepest = 100;
constexpr __int128 kLargest = (__int128{1} << 62) - 1;

struct Fraction {
  __int128 over = 0, under = 1;
};

__int128 gcd(__int128 a, __int128 b) {
  if (a < 0) a = -a;
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<CountdownValue> whole() {
    const Fraction value = sum(0);
    skip();
    if (fault_ || at_ != text_.size()) return std::nullopt;
    return CountdownValue{static_cast<int64_t>(value.over), static_cast<int64_t>(value.under), numbers_};
  }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  // Takes one of the spellings of an operator.
  bool take(std::initializer_list<std::string_view> spellings) {
    skip();
    for (std::string_view s : spellings)
      if (text_.substr(at_).starts_with(s)) return at_ += s.size(), true;
    return false;
  }
  bool minus() { return take({"-", "\xE2\x88\x92"}); }

  Fraction lowest(Fraction f) {
    if (f.under == 0) fault_ = true;
    if (fault_) return {};
    if (f.under < 0) f.over = -f.over, f.under = -f.under;
    const __int128 common = gcd(f.over, f.under);
    f.over /= common, f.under /= common;
    if (f.over > kLargest || f.over < -kLargest || f.under > kLargest) fault_ = true;
    return f;
  }

  Fraction sum(int depth) {
    Fraction a = product(depth);
    while (!fault_) {
      const bool plus = take({"+"});
      if (!plus && !minus()) return a;
      const Fraction b = product(depth);
      a = lowest({a.over * b.under + (plus ? b.over : -b.over) * a.under, a.under * b.under});
    }
    return {};
  }

  Fraction product(int depth) {
    Fraction a = atom(depth);
    while (!fault_) {
      const bool times = take({"*", "\xC3\x97", "x", "\\times", "\\cdot"});
      if (!times && !take({"/", "\xC3\xB7", "\\div"})) return a;
      const Fraction b = atom(depth);
      a = times ? lowest({a.over * b.over, a.under * b.under}) : lowest({a.over * b.under, a.under * b.over});
    }
    return {};
  }

  Fraction atom(int depth) {
    if (depth > kDeepest) fault_ = true;
    if (fault_) return {};
    if (minus()) {
      const Fraction a = atom(depth + 1);
      return {-a.over, a.under};
    }
    if (take({"("})) {
      const Fraction inside = sum(depth + 1);
      if (!take({")"})) fault_ = true;
      return inside;
    }
    skip();
    int64_t number = 0;
    size_t digits = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && digits < 10; ++at_, ++digits)
      number = 10 * number + (text_[at_] - '0');
    if (digits == 0 || digits == 10) fault_ = true;
    numbers_.push_back(number);
    return {number, 1};
  }

  std::string_view text_;
  size_t at_ = 0;
  bool fault_ = false;
  std::vector<int64_t> numbers_;
};

}  // namespace

std::optional<CountdownValue> countdown_value(std::string_view expression) {
  if (const size_t equals = expression.rfind('='); equals != std::string_view::npos)
    expression = expression.substr(0, equals);
  return Reader(expression).whole();
}

bool reaches(std::string_view expression, std::vector<int64_t> numbers, int64_t target) {
  std::optional<CountdownValue> value = countdown_value(expression);
  if (!value || value->denominator != 1 || value->numerator != target) return false;
  std::ranges::sort(numbers);
  std::ranges::sort(value->numbers);
  return numbers == value->numbers;
}

const RewardRule kCountdownRule = {
    "countdown",
    "1 where <answer> ... </answer> is an expression of the row's numbers, each once, that equals its target",
    [](const RewardSettings&, int64_t, RewardFunction& f) {
      f.call = [](const RewardInput& input) {
        const auto numbers = input.fields.find("numbers"), target = input.fields.find("target");
        const auto whole = [](const nlohmann::json& j) { return j.is_number_integer(); };
        if (numbers == input.fields.end() || !numbers->is_array() || !std::ranges::all_of(*numbers, whole))
          return not_computed("the row has no field \"numbers\" with a list of whole numbers");
        if (target == input.fields.end() || !whole(*target))
          return not_computed("the row has no field \"target\" with a whole number");
        const std::optional<std::string_view> given = answer_tag(input.completion);
        return computed(given &&
                        reaches(*given, numbers->get<std::vector<int64_t>>(), target->get<int64_t>()));
      };
      f.extract = [](std::string_view completion) {
        return std::string(answer_tag(completion).value_or(""));
      };
    }};

}  // namespace cohort
