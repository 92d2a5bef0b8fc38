#include <cstdio>

#include "base/log.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "base/row_writer.h"
#include "cli/sampling_options.h"
#include "run/label_steps.h"
#include "run/reward_model.h"
#include "run/sample_chunks.h"

namespace cohort {
namespace {

struct RewardLabelSettings : JudgedSettings {
  int64_t num_rollouts = 8;
  std::string estimation = "hard", solutions = "sampled";
};

void declare(OptionTable& t, RewardLabelSettings& s) {
  s.recipe.num_generations = 8;
  add_sampling_options(t, s);
  add_judging_options(t, s);
  t.section("Labels");
  t.add("solutions", &s.solutions,
        "sampled: num_generations of each prompt; rows: the completions that the rows hold")
      .one_of({"sampled", "rows"});
  t.add("step_separator", &s.recipe.step_separator, "text that ends a step of a solution");
  t.add("num_rollouts", &s.num_rollouts, "continuations from the end of each step")
      .at_least(1)
      .at_most(100000);
  t.add("estimation", &s.estimation,
        "a step's label. hard: whether any continuation is right; soft: the share of right ones. The last "
        "step's is "
        "whether the solution is right")
      .one_of({"hard", "soft"});
}

double percent(double part, int64_t of) { return of == 0 ? 0.0 : 100 * part / static_cast<double>(of); }

void print_summary(std::FILE* to, const RewardLabelSettings& s, const LabelCounts& c, int64_t problems) {
  fmt::print(to, "{} solutions of {} problems, {} roll-outs from each step's end by {}\n", c.solutions,
             problems, s.num_rollouts, s.recipe.model);
  if (c.duplicates > 0) fmt::print(to, "duplicates         {}, labelled once\n", c.duplicates);
  if (c.empty > 0) fmt::print(to, "without text       {}, left out\n", c.empty);
  if (c.unjudged > 0) fmt::print(to, "not judged         {}, left out\n", c.unjudged);
  fmt::print(to, "{:<19}{:>8}{:>10}{:>10}\n", "", "labels", "right", "wrong");
  const auto row = [&](const std::string& name, const LabelCounts::Position& p) {
    const double right = percent(p.right, p.labels);
    fmt::print(to, "{:<19}{:>8}{:>8.1f} %{:>8.1f} %\n", name, p.labels, right, 100 - right);
  };
  constexpr size_t kShown = 20;
  LabelCounts::Position later;
  for (size_t j = 0; j < c.steps.size(); ++j) {
    if (j < kShown) {
      row(fmt::format("step {}", j + 1), c.steps[j]);
    } else {
      later.labels += c.steps[j].labels;
      later.right += c.steps[j].right;
    }
  }
  if (later.labels > 0) row(fmt::format("from step {}", kShown + 1), later);
  if (c.last.labels > 0) row("last steps", c.last);
  fmt::print(to,
             "{} roll-outs of {} tokens from {} prefixes ({} step ends); {} tokens before them, alone {}\n",
             c.rollouts, c.sampled_tokens, c.prefixes, c.boundaries, c.prefix_tokens, c.separate_tokens);
}

// A solution must leave its continuations room.
void check_lengths(const Recipe& r, std::span<const Group> groups) {
  for (const Group& group : groups)
    for (const Sample& s : group.samples)
      if (std::ssize(s.completion_ids) > r.max_completion_length)
        fail("{}: \"{:.40}\": expected a completion of at most max_completion_length {} tokens, found {}",
             r.data, s.prompt, r.max_completion_length, s.completion_ids.size());
}

int run_reward_label(std::span<const std::string> arguments) {
  RewardLabelSettings s = read_options<RewardLabelSettings, declare>("reward label", arguments);
  Recipe& r = s.recipe;
  check_judged("reward label", s);
  if (r.step_separator.empty())
    fail("reward label: --step_separator: expected a text that ends a step, found none");
  use_threads(r.num_threads);
  const bool sampled = s.solutions == "sampled";
  if (!sampled) r.method = "sft";  // its rows hold completions

  std::vector<RewardFunction> rewards = make_rewards(r, r.max_completion_length);
  const LoadedModel loaded(r.model, r.dtype);
  const Tokenizer& tokenizer = loaded.checkpoint.tokenizer;
  const RewardModels judges(rewards, {tokenizer, loaded.model.config().vocab_size}, r.micro_batch_tokens);
  RowSolutions given;
  given.problems = load_datasets(r, tokenizer, loaded.model.config()).train;
  size_t most = static_cast<size_t>(r.num_generations);
  if (!sampled) {
    given = solutions_of_rows(given.problems);
    check_lengths(r, given.solutions);
    most = 1;
    for (const Group& group : given.solutions) most = std::max(most, group.samples.size());
  }
  const Labelling labelling{
      {r.step_separator, static_cast<int32_t>(s.num_rollouts), static_cast<int32_t>(r.max_completion_length)},
      r.reward_threshold,
      s.estimation == "hard"};
  const GenerationOptions options = generation_options(r, loaded.model.config(), tokenizer);

  LabelCounts counts;
  RewardFaults faults;
  RowWriter writer(s.output);
  {
    Progress progress("label", given.problems.size(), "problems");
    const int64_t completions = static_cast<int64_t>(most) * s.num_rollouts;
    for_chunks(given.problems, completions, options, [&](std::span<const Drawn> drawn) {
      const int64_t first = drawn[0].prompt_index;
      const auto note = [&](const char* what) {
        return [&progress, &counts, first, what](int64_t, int64_t finished) {
          progress.update(first, fmt::format("{} steps labelled, {} {}", counts.prefixes + counts.solutions,
                                             finished, what));
        };
      };
      std::vector<Group> groups;
      if (sampled)
        groups = policy_groups(loaded.model, tokenizer, drawn, static_cast<int32_t>(r.num_generations),
                               options, note("solutions"), nullptr, rewards);
      else
        groups.assign(given.solutions.begin() + first, given.solutions.begin() + first + std::ssize(drawn));
      faults += score_groups(drawn, rewards, groups);
      writer.append(label_groups(loaded.model, tokenizer, drawn, groups, rewards, labelling, options,
                                 note("roll-outs"), counts, faults));
      progress.update(first + std::ssize(drawn));
    });
  }
  for (const std::string& reason : faults.lines()) log_line(LogLevel::warning, reason);
  print_summary(s.output.empty() ? stderr : stdout, s, counts, given.problems.size());
  if (counts.solutions == 0) fail("reward label: no solution could be labelled; nothing was written");
  writer.finish();
  return 0;
}

}  // namespace

const Command kRewardLabelCommand = {
    "label",
    "label the steps of solutions by roll-outs, for a process reward model",
    "cohort reward label --model DIR|GGUF --data ROWS --reward_funcs NAME --output FILE [--option value]...",
    "cohort reward label --model runs/quickstart/base --data addition --task_digits 3 --task_problems 100 "
    "--reward_funcs answer_tag --max_completion_length 64 --step_separator ' ' --output steps.jsonl",
    options_help<RewardLabelSettings, declare>,
    run_reward_label};

}  // namespace cohort
