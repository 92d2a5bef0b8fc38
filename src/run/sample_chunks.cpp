#include "run/sample_chunks.h"

#include <algorithm>

namespace cohort {

void for_chunks(const Problems& problems, int64_t completions, const GenerationOptions& options,
                const std::function<void(std::span<const Drawn>)>& take) {
  const int64_t chunk = std::max<int64_t>(1, int64_t{4} * options.max_sequences / completions);
  const auto count = problems.size();
  for (int64_t first = 0; first < count; first += chunk)
    take(draw_problems(problems, first, std::min(chunk, count - first)));
}

RewardFaults sample_in_chunks(const Model& model, const Tokenizer& tokenizer,
                              const Problems& problems, std::span<const RewardFunction> rewards,
                              int32_t num_generations, const GenerationOptions& options,
                              const std::function<void(int64_t)>& progress,
                              const std::function<void(std::span<const Drawn>, std::vector<Group>&)>& take) {
  RewardFaults faults;
  for_chunks(problems, num_generations, options, [&](std::span<const Drawn> drawn) {
    const int64_t before = int64_t{drawn[0].prompt_index} * num_generations;
    std::vector<Group> groups = policy_groups(
        model, tokenizer, drawn, num_generations, options,
        [&](int64_t, int64_t finished) { progress(before + finished); }, nullptr, rewards);
    faults += score_groups(drawn, rewards, groups);
    take(drawn, groups);
  });
  return faults;
}

}  // namespace cohort
