// What the benchmarks of whole runs share: rows of random tokens, and runs whose steps are timed.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/support.h"
#include "run/run.h"

namespace cohort {

inline std::filesystem::path workspace() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("cohort-bench-{}", getpid());
  std::filesystem::create_directories(folder);
  return folder;
}

inline int32_t token(uint32_t& state, int64_t vocab) {
  state = state * 1664525 + 1013904223;
  return 1 + static_cast<int32_t>((state >> 8) % (vocab - 1));
}

// Rows of random token ids.
inline void write_rows(const std::filesystem::path& path, int64_t rows, int64_t prompt, int64_t completion,
                       int64_t vocab) {
  std::ofstream file(path);
  uint32_t state = 7;
  for (int64_t r = 0; r < rows; ++r) {
    nlohmann::json row;
    row["answer"] = "1";
    row["steps"] = {"1", "2"};
    for (int64_t i = 0; i < prompt; ++i) row["prompt_ids"].push_back(token(state, vocab));
    for (int64_t i = 0; i < completion; ++i) row["completion_ids"].push_back(token(state, vocab));
    file << row.dump() << "\n";
  }
}

struct Times {
  std::vector<double> total, rollout, update;  // per step
};
inline double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v[v.size() / 2];
}

// Runs a recipe and reads its timings.jsonl.
inline Times timed(const Recipe& recipe) {
  train(recipe, {});
  Times t;
  std::ifstream file(std::filesystem::path(recipe.output_dir) / "timings.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto row = nlohmann::json::parse(line);
    t.total.push_back(row["step_time"]);
    t.rollout.push_back(row.value("time/rollout", 0.0));
    t.update.push_back(row["time/forward_backward"].get<double>() + row["time/optimizer"].get<double>());
  }
  std::filesystem::remove_all(recipe.output_dir);
  return t;
}

inline Recipe base_recipe(const char* method, const std::filesystem::path& model,
                          const std::filesystem::path& folder) {
  Recipe r = default_recipe(method);
  r.model = model.string();
  r.data = (folder / "rows.jsonl").string();
  r.output_dir = (folder / "run").string();
  r.max_steps = 5;
  r.save_steps = 0;
  r.logging_steps = 1000;
  r.micro_batch_tokens = 16384;
  return r;
}

}  // namespace cohort
