#include "run/own_completions.h"

#include "base/row_writer.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/row_file.h"
#include "run/problem.h"
#include "run/sample_chunks.h"

namespace cohort {

Problems own_completions(const Recipe& recipe, const Model& start, const Tokenizer& tokenizer,
                         const Problems& problems, std::span<const RewardFunction> rewards,
                         const GenerationOptions& generation, bool resume) {
  const std::filesystem::path path = std::filesystem::path(recipe.output_dir) / "own_completions.jsonl";
  if (!resume) {
    RejectionCounts counts;
    RowWriter writer(path.string());
    RewardFaults faults;
    {
      Progress progress("sample", problems.size() * recipe.num_generations, "samples");
      faults = sample_in_chunks(
          start, tokenizer, problems, rewards, static_cast<int32_t>(recipe.num_generations), generation,
          [&](int64_t finished) { progress.update(finished); },
          [&](std::span<const Drawn>, std::vector<Group>& groups) {
            std::string rows;
            const Rejection kept = reject(groups, {false, recipe.reward_threshold});
            for (const RejectionCounts& c : kept.counts) counts += c;
            for (const Sample* s : kept.kept) rows += rejection_row(*s) + "\n";
            writer.append(rows);
          });
    }
    for (const std::string& reason : faults.lines()) log_warning("not computed: {}", reason);
    if (counts.kept == 0)
      fail(
          "rft: none of {} completions reached reward_threshold {}: the starting model solves none of these "
          "problems; "
          "take easier ones, a better model, or more num_generations",
          counts.samples, recipe.reward_threshold);
    writer.finish();
    log_info("rft: {} of {} completions are right, {} of them new; {} of {} prompts have none",
             counts.accepted, counts.samples, counts.kept, counts.prompts_lost, counts.prompts);
  }
  static constexpr std::string_view fields[] = {"prompt", "completion"};
  const auto own = std::make_shared<RowFile>(path, RowRules{fields});
  while (own->find(1 << 20) > 0) {
  }
  return {own->size(), [own, tokenizer](int64_t i) { return make_problem(own->row(i), true, tokenizer); }};
}

}  // namespace cohort
