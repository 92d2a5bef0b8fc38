#include "run/experience.h"

#include <algorithm>

#include "base/clock.h"
#include "base/progress.h"
#include "rl/dynamic_sampling.h"
#include "rl/steps.h"
#include "run/method_options.h"
#include "run/offline.h"
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
      kl += kl_to_reference(s);
      ++samples;
    }
  kl /= samples;
  experience.metrics.emplace_back("objective/kl", kl);
  experience.metrics.emplace_back("objective/kl_coef", kl_coef);
  if (recipe.kl_target > 0)
    kl_coef *= 1 + std::clamp(kl / recipe.kl_target - 1, -0.2, 0.2) * samples / recipe.kl_horizon;
}

// Skywork-OR1's adaptive entropy control (arXiv 2505.22312, section 4): the bonus counts while the policy's
// entropy is at most the target, and its weight follows by steps. Here both go by the mean entropy of the
// rollout's sampled tokens. Returns the weight for this rollout's updates.
double steer_entropy(const Recipe& recipe, Experience& experience, double& coef) {
  double sum = 0, tokens = 0;
  for (const Group& g : experience.groups)
    for (const Sample& s : g.samples)
      for (size_t t = 0; t < s.completion_ids.size(); ++t)
        if (s.is_sampled(t)) {
          sum += double{s.entropies[t]};
          ++tokens;
        }
  const double entropy = sum / tokens, target = *recipe.target_entropy;
  const double now = entropy <= target ? coef : 0;
  experience.metrics.emplace_back("entropy_coef", now);
  coef = std::max(0.0, coef + (entropy < target ? recipe.entropy_coef_delta : -recipe.entropy_coef_delta));
  return now;
}

void add_filter_metrics(const FilterCounts& counts, Metrics& metrics) {
  metrics.emplace_back("num_gen_batches", static_cast<double>(counts.draws));
  metrics.emplace_back("filter_groups/kept",
                       static_cast<double>(counts.kept) / static_cast<double>(counts.groups));
  metrics.emplace_back("filter_groups/reward", counts.reward / static_cast<double>(counts.rewards));
}

// Completions that were cut at the length limit are read from here on, not trained on.
void mask_truncated(std::span<Group> groups) {
  for (Group& g : groups)
    for (Sample& s : g.samples)
      if (s.finish_reason == "length") s.spans = {{0, static_cast<int32_t>(s.completion_ids.size()), false}};
}

}  // namespace

Collector::Collector(const Recipe& recipe, const Method& method, Actors& actors,
                     Problems problems, std::vector<RewardFunction> rewards,
                     const GenerationOptions& generation, bool keep_activations)
    : recipe_(recipe),
      method_(method),
      actors_(actors),
      problems_(std::move(problems)),
      order_(problems_.size(), recipe.shuffle_dataset, static_cast<uint64_t>(recipe.seed)),
      rewards_(std::move(rewards)),
      generation_(generation),
      keep_activations_(keep_activations) {}

void Collector::start(bool resumed) {
  if (method_.source == Source::initial_policy) {
    // A resumed model is no longer the one to sample from; its completions stand in the run folder.
    problems_ = own_completions(recipe_, actors_.model, actors_.start.tokenizer, problems_, rewards_,
                                generation_, resumed);
    order_ = RowOrder(problems_.size(), recipe_.shuffle_dataset, static_cast<uint64_t>(recipe_.seed));
  }
  if (method_.source == Source::pairs) {
    pair_references_ = PairReferences(problems_, actors_);
    actors_.reference.reset();
  }
}

void Collector::collect(int64_t first_step, RunState& state, RunWriter& writer, Experience& experience) {
  experience.groups.clear();
  experience.metrics.clear();
  experience.seconds.clear();
  if (method_.sampled())
    from_policy(first_step, state, writer, experience);
  else
    from_file(state, experience);
}

std::vector<Drawn> Collector::draw(int64_t count, RunState& state) {
  const int64_t first = state.prompts_drawn;
  state.prompts_drawn += count;
  return draw_problems(problems_, order_, first, count);
}

void Collector::from_file(RunState& state, Experience& experience) {
  const std::vector<Drawn> drawn = draw(prompts_per_rollout(recipe_, method_), state);
  experience.groups = file_groups(drawn);
  give_credit(recipe_, method_, credit_options(recipe_, method_), experience.groups);
  if (method_.source == Source::pairs) pair_references_.give(drawn, experience.groups);
}

// Scored completions. With filter_groups prompts are drawn until every group's rewards differ, or
// max_num_gen_batches times.
void Collector::sample(int64_t first_step, RunState& state, RunWriter& writer, Experience& experience) {
  generation_.step = static_cast<uint32_t>((first_step - 1) / steps_per_rollout(recipe_, method_));
  const int64_t wanted = prompts_per_rollout(recipe_, method_);
  FilterCounts counts;
  double sampling = 0, scoring = 0;
  for (int64_t missing = wanted; missing > 0;) {
    const double begin = seconds();
    const std::vector<Drawn> drawn = draw(missing, state);
    // What the journal knows is not judged again.
    const std::span<const RewardFunction> to_judge =
        writer.rewards().has(first_step, counts.draws) ? std::span<const RewardFunction>() : rewards_;
    std::vector<Group> groups =
        recipe_.offline_rollouts ? offline_groups(drawn)
                                 : policy_groups(actors_.model, actors_.start.tokenizer, drawn,
                                                 static_cast<int32_t>(recipe_.num_generations), generation_,
                                                 {}, keep_activations_ ? &experience.kept : nullptr, to_judge);
    const double sampled = seconds();
    score_rollout(drawn, rewards_, first_step, counts.draws, recipe_.reward_errors == "stop",
                  writer.rewards(), groups);
    if (recipe_.supervision == "process") score_steps(drawn, groups);
    if (recipe_.offload_reward_models) actors_.offload_reward_models();
    counts.add(groups);
    const bool keep_all = !recipe_.filter_groups || counts.draws == recipe_.max_num_gen_batches;
    for (Group& g : groups)
      if (keep_all || rewards_differ(g)) {
        experience.groups.push_back(std::move(g));
        --missing;
      }
    sampling += sampled - begin;
    scoring += seconds() - sampled;
  }
  experience.seconds = {{"time/rollout", sampling}, {"time/reward", scoring}};
  if (recipe_.filter_groups) add_filter_metrics(counts, experience.metrics);
}

void Collector::score_steps(std::span<const Drawn> drawn, std::span<Group> groups) const {
  if (actors_.process_reward_model)
    return actors_.process_reward_model->score_steps(groups, recipe_.step_separator);
  for (size_t g = 0; g < groups.size(); ++g) {
    const std::vector<std::string> gold = gold_steps(drawn[g].problem->row, recipe_.data);
    for (Sample& s : groups[g].samples)
      cohort::score_steps(actors_.start.tokenizer, gold, recipe_.step_separator, s);
  }
}

// What the policy itself says of completions that another engine drew, and how it differs.
void Collector::weigh_offline(Experience& experience) const {
  const RowOutputs out = actors_.trainer.outputs(actors_.model, experience.groups);
  const ImportanceOptions options = importance_options(recipe_);
  auto log_prob = out.log_prob.begin(), entropy = out.entropy.begin();
  for (Group& g : experience.groups)
    for (Sample& s : g.samples) {
      const auto length = static_cast<std::ptrdiff_t>(s.completion_ids.size());
      s.log_probs.assign(log_prob, log_prob + length);
      s.entropies.assign(entropy, entropy + length);
      log_prob += length;
      entropy += length;
      write_importance_weights(options, s);
    }
  const Metrics metrics = importance_metrics(options, experience.groups);
  experience.metrics.insert(experience.metrics.end(), metrics.begin(), metrics.end());
}

void Collector::from_policy(int64_t first_step, RunState& state, RunWriter& writer, Experience& experience) {
  sample(first_step, state, writer, experience);
  std::vector<Group>& groups = experience.groups;
  double begin = seconds();
  const auto done = [&](const char* phase) {
    const double now = seconds();
    experience.seconds.emplace_back(phase, now - begin);
    begin = now;
  };
  if (recipe_.offline_rollouts) {
    weigh_offline(experience);
    done("time/old_log_probs");
  }
  if (actors_.reference) {
    actors_.reference->write_log_probs(actors_.trainer, groups);
    done("time/reference");
  }
  if (actors_.critic) {
    actors_.trainer.write_values(groups);
    done("time/values");
  }
  CreditOptions options = credit_options(recipe_, method_);
  options.kl_coef = state.kl_coef;
  give_credit(recipe_, method_, options, groups);
  add_rollout_metrics(groups, experience.metrics);
  if (actors_.reference && kl_in_reward(recipe_, method_)) steer_kl(recipe_, experience, state.kl_coef);
  if (recipe_.target_entropy)
    actors_.trainer.set_entropy_coef(steer_entropy(recipe_, experience, state.entropy_coef));
  for (const Group& g : groups)
    for (const Sample& s : g.samples) writer.log_sample(sample_json(s, first_step));
  if (recipe_.mask_truncated_completions) mask_truncated(groups);
  // dapo's weight is that of the whole rollout, however many steps share it.
  actors_.trainer.set_tokens_per_step(static_cast<double>(sampled_tokens(groups)) /
                                      static_cast<double>(recipe_.steps_per_generation));
}

}  // namespace cohort
