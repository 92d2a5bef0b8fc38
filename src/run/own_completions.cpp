#include "run/own_completions.h"

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "run/dataset.h"

namespace cohort {

std::vector<Problem> own_completions(const Recipe& recipe, const Model& start, const Tokenizer& tokenizer,
                                     std::span<const Problem> problems,
                                     std::span<const RewardFunction> rewards,
                                     const GenerationOptions& generation, bool resume) {
  const std::filesystem::path path = std::filesystem::path(recipe.output_dir) / "own_completions.jsonl";
  if (!resume) {
    constexpr int64_t kAtOnce = 64;  // prompts; cutting changes nothing, their random numbers go by index
    const int64_t count = static_cast<int64_t>(problems.size());
    Progress progress("sample", count, "prompts");
    RejectionCounts counts;
    std::string rows;
    for (int64_t first = 0; first < count; first += kAtOnce) {
      const std::vector<Drawn> drawn =
          draw_problems(problems, first, std::min(kAtOnce, count - first), false, generation.seed);
      std::vector<Group> groups = policy_groups(
          start, tokenizer, drawn, static_cast<int32_t>(recipe.num_generations), generation, {}, nullptr);
      const RewardFaults faults = score_groups(drawn, rewards, groups);
      for (const std::string& reason : faults.reasons) log_warning("not computed: {}", reason);
      const Rejection kept = reject(groups, {false, recipe.reward_threshold});
      for (const RejectionCounts& c : kept.counts) counts += c;
      for (const Sample* s : kept.kept) rows += rejection_row(*s) + "\n";
      progress.update(first + static_cast<int64_t>(drawn.size()));
    }
    if (counts.kept == 0)
      fail(
          "rft: none of {} completions reached reward_threshold {}: the starting model solves none of these "
          "problems; "
          "take easier ones, a better model, or more num_generations",
          counts.samples, recipe.reward_threshold);
    write_file(path, rows);
    log_info("rft: {} of {} completions are right, {} of them new; {} of {} prompts have none",
             counts.accepted, counts.samples, counts.kept, counts.prompts_lost, counts.prompts);
  }
  static constexpr std::string_view fields[] = {"prompt", "completion"};
  std::vector<Problem> own;
  for (Row& row : read_rows(path, fields)) own.push_back(make_problem(std::move(row), true, tokenizer));
  return own;
}

}  // namespace cohort
