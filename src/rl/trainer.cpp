#include "rl/trainer.h"

#include <cstring>

#include "base/clock.h"

namespace cohort {
namespace {

int64_t tree_tokens(const Group& group) {
  if (group.samples.empty()) return 0;
  int64_t n = static_cast<int64_t>(group.samples[0].prompt_ids.size());
  for (const Sample& s : group.samples) n += static_cast<int64_t>(s.completion_ids.size()) - 1;
  return n;
}

// One past the last group of the micro-batch that begins at `first`: whole groups, at least one.
size_t micro_batch_end(std::span<const Group> groups, size_t first, int64_t max_tokens) {
  size_t last = first;
  for (int64_t tokens = 0; last < groups.size(); ++last) {
    tokens += tree_tokens(groups[last]);
    if (last > first && tokens > max_tokens) break;
  }
  return last;
}

}  // namespace

TokenTree group_trees(std::span<const Group> groups) {
  TokenTree tree;
  for (const Group& group : groups) {
    if (group.samples.empty()) continue;
    const int32_t prompt = tree.add(-1, group.samples[0].prompt_ids);
    for (const Sample& s : group.samples) {
      COHORT_CHECK(s.prompt_ids == group.samples[0].prompt_ids, "a group of two prompts");
      tree.add_completion(prompt, s.completion_ids);
    }
  }
  return tree;
}

// Groups [first, last) of the batch, their trees, and where their token weights begin.
struct Trainer::MicroBatch {
  std::span<const Group> batch;
  size_t first, last;
  std::span<const double> weights;  // of the samples of these groups
  std::span<const Group> groups() const { return batch.subspan(first, last - first); }
};

Trainer::Trainer(Model& model, Optimizer& optimizer, const TrainerOptions& options)
    : model_(model), optimizer_(optimizer), options_(options), gradients_(model.config()) {}

UpdateResult Trainer::update(std::span<const Group> batch, SeedTime time, bool sampled, double learning_rate,
                             const KeptActivations* kept) {
  UpdateResult result;
  const std::vector<double> weights = token_weights(batch, options_.normalize);
  const double begin = seconds();
  gradients_.zero();
  size_t sample = 0;
  for (size_t first = 0; first < batch.size();) {
    const size_t last = micro_batch_end(batch, first, options_.micro_batch_tokens);
    size_t samples = 0;
    for (size_t g = first; g < last; ++g) samples += batch[g].samples.size();
    run({batch, first, last, std::span(weights).subspan(sample, samples)}, time, sampled, kept, result);
    sample += samples;
    first = last;
  }
  gradients_.finish();
  const double updated = seconds();
  AdamWOptions adamw = options_.adamw;
  adamw.learning_rate = learning_rate;
  result.grad_norm = optimizer_.step(model_, gradients_, adamw, options_.max_grad_norm);
  result.forward_seconds = updated - begin;
  result.optimizer_seconds = seconds() - updated;
  return result;
}

void Trainer::run(const MicroBatch& micro, SeedTime time, bool sampled, const KeptActivations* kept,
                  UpdateResult& result) {
  const TokenTree tree = group_trees(micro.groups());
  const size_t R = tree.rows.size();
  if (R == 0) return;
  result.tokens += tree.size();
  RowSeeds seeds{std::vector<float>(R), {}};

  // The coefficient rule on each group, with its slices of the fresh log-probs and of the seeds. Before a
  // supervised forward the fresh log-probs are unknown (empty); after it only sums are wanted (no seeds).
  auto coefficients = [&](const std::vector<float>* fresh_rows, bool want_seeds) {
    size_t row = 0, sample = 0;
    for (const Group& group : micro.groups()) {
      std::vector<FreshSample> fresh;
      std::vector<SampleSeeds> out;
      for (const Sample& s : group.samples) {
        const size_t T = s.completion_ids.size();
        fresh.push_back(
            {fresh_rows ? std::span<const float>(*fresh_rows).subspan(row, T) : std::span<const float>(), {}, {}});
        out.push_back({want_seeds ? std::span(seeds.log_prob).subspan(row, T) : std::span<float>(), {}, {}});
        row += T;
      }
      options_.coefficient(group, fresh, micro.weights.subspan(sample, group.samples.size()),
                           options_.coefficients, out, result.sums);
      sample += group.samples.size();
    }
    // Rules give the derivative of the objective, which is ascended; the optimizer descends.
    if (want_seeds)
      for (float& seed : seeds.log_prob) seed = -seed;
  };
  auto recorded = [&] {
    std::vector<float> rows;
    for (const Group& g : micro.groups())
      for (const Sample& s : g.samples) rows.insert(rows.end(), s.log_probs.begin(), s.log_probs.end());
    return rows;
  };
  auto entropies = [&](const std::vector<float>& entropy) {
    size_t row = 0;
    for (const Group& g : micro.groups())
      for (const Sample& s : g.samples) {
        add_entropy(s, std::span(entropy).subspan(row, s.completion_ids.size()), result.sums);
        row += s.completion_ids.size();
      }
  };

  const Activations::Keep keep =
      options_.gradient_checkpointing ? Activations::Keep::inputs : Activations::Keep::all;
  if (time == SeedTime::before) {
    std::vector<float> old;
    if (sampled) {
      old = recorded();
      coefficients(&old, true);
    } else {
      coefficients(nullptr, true);
    }
    if (kept) {
      std::vector<int32_t> rows;
      for (size_t g = micro.first; g < micro.last; ++g) {
        rows.insert(rows.end(), kept->prompt_rows[g].begin(), kept->prompt_rows[g].end());
        for (const auto& completion : kept->completion_rows[g])
          rows.insert(rows.end(), completion.begin(), completion.end());
      }
      transformer_.backward_kept(model_, tree, options_.temperature, seeds, kept->activations, rows,
                                 gradients_);
      for (const Group& g : micro.groups())
        for (const Sample& s : g.samples) add_entropy(s, s.entropies, result.sums);
      return;
    }
    const RowOutputs out =
        transformer_.forward(model_, tree, options_.temperature, keep, &seeds, &gradients_);
    if (sampled) {
      for (size_t r = 0; r < R; ++r)
        if (std::memcmp(&out.log_prob[r], &old[r], sizeof(float)) != 0)
          fail(
              "the training forward gives log-prob {} where rollout recorded {} (row {}): the engine is not "
              "exact here; "
              "please report this machine and recipe",
              out.log_prob[r], old[r], r);
    } else {
      coefficients(&out.log_prob, false);
    }
    entropies(out.entropy);
    transformer_.backward(model_, tree, seeds, gradients_);
  } else {
    const RowOutputs out = transformer_.forward(model_, tree, options_.temperature, keep);
    coefficients(&out.log_prob, true);
    entropies(out.entropy);
    transformer_.backward(model_, tree, seeds, gradients_);
  }
}

std::vector<float> Trainer::log_probs(const Model& model, std::span<const Group> groups) {
  std::vector<float> result;
  for (size_t first = 0; first < groups.size();) {
    const size_t last = micro_batch_end(groups, first, options_.micro_batch_tokens);
    const TokenTree tree = group_trees(groups.subspan(first, last - first));
    const RowOutputs out = transformer_.forward(model, tree, options_.temperature, Activations::Keep::none);
    result.insert(result.end(), out.log_prob.begin(), out.log_prob.end());
    first = last;
  }
  return result;
}

}  // namespace cohort
