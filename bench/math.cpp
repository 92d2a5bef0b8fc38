// Verdicts per second on one core: plain numbers, and rows of a file of cases with how long the slowest take.
// bench_math [cases.jsonl]: rows with "gold" and "pred"; tools/peer_math_verify.py measures Math-Verify on the same.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "math/judge.h"

using namespace cohort;

int main(int argc, char** argv) {
  using math::judge_math, math::MathVerdict;
  std::vector<std::pair<std::string, std::string>> numbers;
  for (int i = 0; i < 20000; ++i)
    numbers.emplace_back(std::to_string(37 * i % 10007),
                         fmt::format("So the sum is \\boxed{{{}.0}}.", 37 * (i - i % 2) % 10007));
  int64_t right = 0;
  double best = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const double start = seconds();
    for (const auto& [gold, text] : numbers) right += judge_math(gold, text).outcome == MathVerdict::right;
    best = std::max(best, static_cast<double>(numbers.size()) / (seconds() - start));
  }
  fmt::print("plain numbers        {:.0f} verdicts/s ({} right)\n", best, right / 3);
  if (argc < 2) return 0;

  std::ifstream in(argv[1]);
  std::vector<double> times;
  int64_t rows = 0;
  for (std::string line; std::getline(in, line);) {
    const nlohmann::json row = nlohmann::json::parse(line);
    if (!row.contains("gold") || !row.contains("pred")) continue;
    const std::string gold = row["gold"], given = row["pred"];
    ++rows;
    for (int repeat = 0; repeat < 20; ++repeat) {
      const double start = seconds();
      judge_math(gold, given);
      times.push_back(seconds() - start);
    }
  }
  if (times.empty()) return 0;
  std::ranges::sort(times);
  const auto at = [&](double share) {
    return 1e3 * times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))];
  };
  double total = 0;
  for (const double t : times) total += t;
  fmt::print(
      "{} rows of cases    {:.0f} verdicts/s; median {:.3f} ms, 99th percentile {:.3f} ms, slowest {:.3f} "
      "ms\n",
      rows, static_cast<double>(times.size()) / total, at(0.5), at(0.99), at(1));
}
