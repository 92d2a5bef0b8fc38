#include "rl/reward_trainer.h"

#include "base/clock.h"

namespace cohort {
namespace {

TokenTree example_trees(std::span<const RewardExample> examples) {
  TokenTree tree;
  for (const RewardExample& example : examples) {
    const int32_t prompt = tree.add(-1, example.prompt_ids);
    for (const JudgedCompletion& completion : example.completions) {
      const int32_t segment = tree.add(prompt, completion.ids);
      for (int32_t end : completion.ends) {
        COHORT_CHECK(end >= 0 && end <= tree.segments[segment].length(), "end {} of {} tokens", end,
                     tree.segments[segment].length());
        const int32_t node = end > 0 ? tree.segments[segment].begin + end - 1 : tree.last_row(prompt);
        tree.rows.push_back({node, 0});
      }
    }
  }
  return tree;
}

size_t count_values(const RewardExample& example) {
  size_t count = 0;
  for (const JudgedCompletion& completion : example.completions) count += completion.ends.size();
  return count;
}

// use(part) for parts of whole examples, in order, of at most `max_tokens` where one example allows it.
template <class Use>
void for_micro_batches(std::span<const RewardExample> examples, int64_t max_tokens, Use use) {
  for (size_t first = 0; first < examples.size();) {
    size_t last = first;
    for (int64_t tokens = 0; last < examples.size(); ++last) {
      tokens += examples[last].tokens();
      if (last > first && tokens > max_tokens) break;
    }
    use(examples.subspan(first, last - first));
    first = last;
  }
}

}  // namespace

int64_t RewardExample::tokens() const {
  size_t count = prompt_ids.size();
  for (const JudgedCompletion& completion : completions) count += completion.ids.size();
  return static_cast<int64_t>(count);
}

std::vector<std::vector<float>> reward_values(Critic& model, std::span<const RewardExample> examples,
                                              int64_t micro_batch_tokens) {
  std::vector<std::vector<float>> result;
  for_micro_batches(examples, micro_batch_tokens, [&](std::span<const RewardExample> part) {
    const std::vector<float> values = model.values(example_trees(part));
    auto next = values.begin();
    for (const RewardExample& example : part) {
      const auto end = next + static_cast<int64_t>(count_values(example));
      result.emplace_back(next, end);
      next = end;
    }
  });
  return result;
}

void judge_example(const RewardExample& example, std::span<const float> values, double center_coefficient,
                   double weight, std::span<float> seeds, RewardSums& sums) {
  COHORT_CHECK(values.size() == seeds.size(), "{} values, {} seeds", values.size(), seeds.size());
  if (example.labels.empty()) {
    COHORT_CHECK(values.size() == 2, "{} values of a pair", values.size());
    const PairSeeds pair =
        pairwise_loss(values[0], values[1], example.margin, center_coefficient, weight, sums);
    seeds[0] = static_cast<float>(pair.chosen);
    seeds[1] = static_cast<float>(pair.rejected);
    return;
  }
  COHORT_CHECK(values.size() == example.labels.size(), "{} values, {} labels", values.size(),
               example.labels.size());
  for (size_t i = 0; i < values.size(); ++i)
    seeds[i] = static_cast<float>(pointwise_loss(values[i], example.labels[i], weight, sums));
}

RewardUpdate RewardTrainer::update(std::span<const RewardExample> batch, double learning_rate) {
  RewardUpdate result;
  const double begin = seconds();
  double judged = 0;
  for (const RewardExample& example : batch)
    judged += example.labels.empty() ? 1.0 : static_cast<double>(example.labels.size());
  const auto keep = options_.gradient_checkpointing ? Activations::Keep::inputs : Activations::Keep::all;
  for_micro_batches(batch, options_.micro_batch_tokens, [&](std::span<const RewardExample> part) {
    const TokenTree tree = example_trees(part);
    const std::vector<float> values = model_.forward(tree, keep);
    std::vector<float> seeds(values.size());
    size_t row = 0;
    for (const RewardExample& example : part) {
      const size_t count = count_values(example);
      judge_example(example, std::span(values).subspan(row, count), options_.center_rewards_coefficient,
                    1 / judged, std::span(seeds).subspan(row, count), result.sums);
      row += count;
    }
    model_.backward(tree, seeds);
    result.tokens += tree.size();
  });
  const double passed = seconds();
  AdamWOptions adamw = options_.adamw;
  adamw.learning_rate = learning_rate;
  result.grad_norm = model_.step(adamw, options_.max_grad_norm);
  result.forward_seconds = passed - begin;
  result.optimizer_seconds = seconds() - passed;
  return result;
}

}  // namespace cohort
