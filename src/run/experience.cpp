#include "run/experience.h"

#include <algorithm>

#include "base/clock.h"
#include "base/progress.h"
#include "rl/steps.h"
#include "run/method_options.h"
#include "run/own_completions.h"
#include "run/sample_json.h"
#include "run/score_rollout.h"

namespace cohort {
namespace {

// kl_coef after a rollout, steered towards kl_target (Ziegler et al., arXiv 1909.08593, section 2.2).
void steer_kl(const Recipe& recipe, Experience& experience, double& kl_coef) {
  double kl = 0, samples = 0;
  for (const Group& g : experience.groups)
    for (const Sample& s : g.samples) {
      for (size_t t = 0; t < s.completion_ids.size(); ++t)
        if (s.is_sampled(t)) kl += double{s.log_probs[t]} - double{s.ref_log_probs[t]};
      ++samples;
    }
  kl /= samples;
  experience.metrics.emplace_back("objective/kl", kl);
  experience.metrics.emplace_back("objective/kl_coef", kl_coef);
  if (recipe.kl_target > 0)
    kl_coef *= 1 + std::clamp(kl / recipe.kl_target - 1, -0.2, 0.2) * samples / recipe.kl_horizon;
}

// Completions that were cut at the length limit are read from here on, not trained on.
void mask_truncated(std::span<Group> groups) {
  for (Group& g : groups)
    for (Sample& s : g.samples)
      if (s.finish_reason == "length") s.spans = {{0, static_cast<int32_t>(s.completion_ids.size()), false}};
}

}  // namespace

Collector::Collector(const Recipe& recipe, const Method& method, Actors& actors,
                     std::vector<Problem> problems, std::vector<RewardFunction> rewards,
                     const GenerationOptions& generation, bool keep_activations)
    : recipe_(recipe),
      method_(method),
      actors_(actors),
      problems_(std::move(problems)),
      rewards_(std::move(rewards)),
      generation_(generation),
      keep_activations_(keep_activations) {}

void Collector::start(bool resumed) {
  if (method_.source == Source::initial_policy)
    // A resumed model is no longer the one to sample from; its completions stand in the run folder.
    problems_ = own_completions(recipe_, actors_.model, actors_.start.tokenizer, problems_, rewards_,
                                generation_, resumed);
  if (method_.source == Source::pairs) refer_pairs();
}

// dpo's reference log-probs of every pair; then the reference may go.
void Collector::refer_pairs() {
  const int64_t count = static_cast<int64_t>(problems_.size());
  Progress progress("reference log-probs", count, "pairs");
  constexpr int64_t kAtOnce = 64;
  for (int64_t first = 0; first < count; first += kAtOnce) {
    const std::vector<Drawn> drawn =
        draw_problems(problems_, first, std::min(kAtOnce, count - first), false, 0);
    std::vector<Group> groups = file_groups(drawn);
    actors_.reference->write_log_probs(actors_.trainer, groups);
    for (size_t g = 0; g < groups.size(); ++g)
      for (size_t i = 0; i < 2; ++i)
        pair_references_[drawn[g].problem][i] = std::move(groups[g].samples[i].ref_log_probs);
    progress.update(first + static_cast<int64_t>(drawn.size()));
  }
  actors_.reference.reset();
}

void Collector::collect(int64_t first_step, RunState& state, RunWriter& writer, Experience& experience) {
  const int64_t index = (first_step - 1) / steps_per_rollout(recipe_, method_);
  const int64_t count = prompts_per_rollout(recipe_, method_);
  const std::vector<Drawn> drawn = draw_problems(problems_, index * count, count, recipe_.shuffle_dataset,
                                                 static_cast<uint64_t>(recipe_.seed));
  experience.metrics.clear();
  experience.seconds.clear();
  if (method_.sampled())
    from_policy(drawn, first_step, state, writer, experience);
  else
    from_file(drawn, experience);
}

void Collector::from_file(std::span<const Drawn> drawn, Experience& experience) const {
  experience.groups = file_groups(drawn);
  credit_rule(recipe_, method_)(experience.groups, credit_options(recipe_));
  for (size_t g = 0; g < drawn.size() && !pair_references_.empty(); ++g)
    for (size_t i = 0; i < 2; ++i)
      experience.groups[g].samples[i].ref_log_probs = pair_references_.at(drawn[g].problem)[i];
}

void Collector::from_policy(std::span<const Drawn> drawn, int64_t first_step, RunState& state,
                            RunWriter& writer, Experience& experience) {
  double begin = seconds();
  const auto done = [&](const char* phase) {
    const double now = seconds();
    experience.seconds.emplace_back(phase, now - begin);
    begin = now;
  };
  const Tokenizer& tokenizer = actors_.start.tokenizer;
  std::vector<Group>& groups = experience.groups;
  generation_.step = static_cast<uint32_t>((first_step - 1) / steps_per_rollout(recipe_, method_));
  groups = policy_groups(actors_.model, tokenizer, drawn, static_cast<int32_t>(recipe_.num_generations),
                         generation_, {}, keep_activations_ ? &experience.kept : nullptr);
  done("time/rollout");
  score_rollout(drawn, rewards_, first_step, writer.rewards(), groups);
  if (recipe_.supervision == "process")
    for (size_t g = 0; g < groups.size(); ++g) {
      const std::vector<std::string> gold = gold_steps(drawn[g].problem->row, recipe_.data);
      for (Sample& s : groups[g].samples) score_steps(tokenizer, gold, recipe_.step_separator, s);
    }
  done("time/reward");
  if (actors_.reference) {
    actors_.reference->write_log_probs(actors_.trainer, groups);
    done("time/reference");
  }
  if (actors_.critic) {
    actors_.trainer.write_values(groups);
    done("time/values");
  }
  CreditOptions options = credit_options(recipe_);
  options.kl_coef = state.kl_coef;
  credit_rule(recipe_, method_)(groups, options);
  add_rollout_metrics(groups, experience.metrics);
  if (actors_.critic && actors_.reference) steer_kl(recipe_, experience, state.kl_coef);
  for (const Group& g : groups)
    for (const Sample& s : g.samples) writer.log_sample(sample_json(s, first_step));
  if (recipe_.mask_truncated_completions) mask_truncated(groups);
  // dapo's weight is that of the whole rollout, however many steps share it.
  actors_.trainer.set_tokens_per_step(static_cast<double>(sampled_tokens(groups)) /
                                      static_cast<double>(recipe_.steps_per_generation));
}

}  // namespace cohort
