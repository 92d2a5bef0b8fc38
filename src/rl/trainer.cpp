#include "rl/trainer.h"

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "rl/coefficient_entropy.h"

namespace cohort {
namespace {

// What rollout recorded of the groups' tokens, in order of head rows.
RowOutputs recorded(std::span<const Group> groups) {
  RowOutputs rows;
  for (const Group& g : groups)
    for (const Sample& s : g.samples) {
      rows.log_prob.insert(rows.log_prob.end(), s.log_probs.begin(), s.log_probs.end());
      rows.entropy.insert(rows.entropy.end(), s.entropies.begin(), s.entropies.end());
    }
  return rows;
}

// Of the sampled tokens; of inserted ones nothing was recorded.
void check_exact(std::span<const Group> groups, const std::vector<float>& fresh) {
  size_t row = 0;
  for (const Group& g : groups)
    for (const Sample& s : g.samples)
      for (size_t t = 0; t < s.completion_ids.size(); ++t, ++row)
        if (s.is_sampled(t) && std::memcmp(&fresh[row], &s.log_probs[t], sizeof(float)) != 0)
          fail(
              "the training forward gives log-prob {} where rollout recorded {} (row {}): the engine is not "
              "exact here; please report this machine and recipe",
              fresh[row], s.log_probs[t], row);
}

// The coefficient rule on each group, with its slices of what the forward passes said of all rows (`fresh`) and of all rows' seeds; what
// is empty is unknown, or not wanted.
void apply_rule(const TrainerOptions& options, std::span<const Group> groups, std::span<const double> weights,
                const FreshSample& fresh, const SampleSeeds& seeds, CoefficientSums& sums) {
  const auto slice = [](auto all, size_t row, size_t count) { return all.empty() ? all : all.subspan(row, count); };
  size_t row = 0, sample = 0;
  for (const Group& group : groups) {
    std::vector<FreshSample> own;
    std::vector<SampleSeeds> out;
    for (const Sample& s : group.samples) {
      const size_t T = s.completion_ids.size();
      own.push_back({slice(fresh.log_probs, row, T), slice(fresh.entropies, row, T), slice(fresh.values, row, T)});
      out.push_back({slice(seeds.log_prob, row, T), slice(seeds.entropy, row, T), slice(seeds.value, row, T)});
      row += T;
    }
    options.coefficient(group, own, weights.subspan(sample, group.samples.size()), options.coefficients, out, sums);
    sample += group.samples.size();
  }
}

void add_entropies(std::span<const Group> groups, std::span<const float> entropies, CoefficientSums& sums) {
  size_t row = 0;
  for (const Group& g : groups)
    for (const Sample& s : g.samples) {
      add_entropy(s, entropies.subspan(row, s.completion_ids.size()), sums);
      row += s.completion_ids.size();
    }
}

}  // namespace

// Groups [first, last) of the batch, their trees, and where their token weights begin.
struct Trainer::MicroBatch {
  std::span<const Group> batch;
  size_t first, last;
  std::span<const double> weights;  // of the samples of these groups
  std::span<const Group> groups() const { return batch.subspan(first, last - first); }
};

Trainer::Trainer(Model& model, Optimizer* optimizer, const TrainerOptions& options, Critic* critic)
    : model_(model), optimizer_(optimizer), options_(options), critic_(critic), gradients_(model) {
  COHORT_CHECK(options.trpo || optimizer, "an update without an optimizer");
  if (options.trpo) trpo_ = std::make_unique<Trpo>(model, *options.trpo);
}

std::vector<double> Trainer::weights_of(std::span<const Group> batch) const {
  std::vector<double> weights = token_weights(batch, options_.normalize);
  if (options_.by_pair) std::fill(weights.begin(), weights.end(), 1.0 / static_cast<double>(batch.size()));
  return weights;
}

UpdateResult Trainer::update(std::span<const Group> batch, SeedTime time, bool sampled, double learning_rate,
                             const KeptActivations* kept) {
  UpdateResult result;
  const std::vector<double> weights = weights_of(batch);
  if (options_.coefficients.top_entropy_quantile < 1 || options_.coefficients.entropy_coef != 0) {
    const EntropyCut cut = entropy_cut(batch, options_.coefficients.top_entropy_quantile);
    options_.coefficients.entropy_threshold = cut.threshold;
    options_.coefficients.entropy_tokens = cut.tokens;
  }
  const double begin = seconds();
  gradients_.zero();
  size_t sample = 0;
  for_each_micro_batch(batch, options_.micro_batch_tokens, [&](size_t first, size_t last) {
    size_t samples = 0;
    for (size_t g = first; g < last; ++g) samples += batch[g].samples.size();
    run({batch, first, last, std::span(weights).subspan(sample, samples)}, time, sampled, kept, result);
    sample += samples;
  });
  gradients_.finish();
  const double updated = seconds();
  AdamWOptions adamw = options_.adamw;
  adamw.learning_rate = learning_rate;
  if (trpo_) {
    COHORT_CHECK(time == SeedTime::before && sampled, "a trust region around weights that did not sample");
    result.trpo = trust_region_step(batch, weights, kept);
    result.grad_norm = result.trpo->grad_norm;
  } else {
    result.grad_norm = optimizer_->step(model_, gradients_, adamw, options_.max_grad_norm);
  }
  if (critic_) {
    adamw.learning_rate = options_.critic_learning_rate;
    result.critic_grad_norm = critic_->step(adamw, options_.max_grad_norm);
  }
  result.forward_seconds = updated - begin;
  result.optimizer_seconds = seconds() - updated;
  return result;
}

TrpoResult Trainer::trust_region_step(std::span<const Group> batch, std::span<const double> weights,
                                      const KeptActivations* kept) {
  BatchPasses passes;
  passes.log_probs = [&] { return outputs(model_, batch).log_prob; };
  passes.gradient = [&](std::span<const float> all) {
    gradients_.zero();
    size_t row = 0;
    for_each_micro_batch(batch, options_.micro_batch_tokens, [&](size_t first, size_t last) {
      const MicroBatch micro{batch, first, last, {}};
      const TokenTree tree = group_trees(micro.groups());
      const std::span<const float> part = all.subspan(row, tree.rows.size());
      row += part.size();
      if (!part.empty()) seeded_pass(micro, tree, {{part.begin(), part.end()}, {}}, kept);
    });
    gradients_.finish();
    return gradients_.flat();
  };
  return trpo_->step(model_, batch, weights, gradients_.flat(), passes);
}

// Adds the gradient of seeds that are known beforehand. Returns what the forward said, or nothing where the
// rollout's activations made it needless.
RowOutputs Trainer::seeded_pass(const MicroBatch& micro, const TokenTree& tree, const RowSeeds& seeds,
                                const KeptActivations* kept) {
  if (kept) {
    std::vector<int32_t> rows;
    for (size_t g = micro.first; g < micro.last; ++g) {
      rows.insert(rows.end(), kept->prompt_rows[g].begin(), kept->prompt_rows[g].end());
      for (const auto& completion : kept->completion_rows[g])
        rows.insert(rows.end(), completion.begin(), completion.end());
    }
    transformer_.backward_kept(model_, tree, options_.temperature, seeds, kept->activations, rows,
                               gradients_);
    return {};
  }
  RowOutputs out = transformer_.forward(model_, tree, options_.temperature, keep(), &seeds, &gradients_);
  transformer_.backward(model_, tree, seeds, gradients_);
  return out;
}

void Trainer::run(const MicroBatch& micro, SeedTime time, bool sampled, const KeptActivations* kept,
                  UpdateResult& result) {
  const TokenTree tree = group_trees(micro.groups());
  const size_t R = tree.rows.size();
  if (R == 0) return;
  result.tokens += tree.size();
  RowSeeds seeds{std::vector<float>(R), std::vector<float>(options_.coefficients.entropy_coef != 0 ? R : 0)};
  std::vector<float> values, value_seeds;
  if (critic_) {
    values = critic_->forward(tree, keep());
    value_seeds.resize(R);
  }

  // Before a supervised forward the log-probs are unknown (null); after it only sums are wanted (no seeds).
  const SampleSeeds all{seeds.log_prob, seeds.entropy, value_seeds};
  auto coefficients = [&](const RowOutputs* rows, bool want_seeds) {
    const FreshSample fresh = rows ? FreshSample{rows->log_prob, rows->entropy, values} : FreshSample{{}, {}, values};
    apply_rule(options_, micro.groups(), micro.weights, fresh, want_seeds ? all : SampleSeeds(), result.sums);
    // Rules give the derivative of the objective, which is ascended; the optimizer descends.
    if (want_seeds)
      for (const std::span<float> kind : {all.log_prob, all.entropy, all.value})
        for (float& seed : kind) seed = -seed;
  };

  if (time == SeedTime::before) {
    const RowOutputs old = sampled ? recorded(micro.groups()) : RowOutputs();
    coefficients(sampled ? &old : nullptr, true);
    const RowOutputs out = seeded_pass(micro, tree, seeds, kept);
    if (!sampled)
      coefficients(&out, false);
    else if (!kept)
      check_exact(micro.groups(), out.log_prob);
    add_entropies(micro.groups(), kept ? old.entropy : out.entropy, result.sums);
  } else {
    const RowOutputs out = transformer_.forward(model_, tree, options_.temperature, keep());
    coefficients(&out, true);
    add_entropies(micro.groups(), out.entropy, result.sums);
    transformer_.backward(model_, tree, seeds, gradients_);
  }
  if (critic_) critic_->backward(tree, value_seeds);
}

CoefficientSums Trainer::measure(std::span<const Group> batch) {
  const std::vector<double> weights = weights_of(batch);
  const RowOutputs out = outputs(model_, batch);
  std::vector<float> unused(out.log_prob.size());
  CoefficientSums sums;
  apply_rule(options_, batch, weights, {out.log_prob, out.entropy}, {unused}, sums);
  add_entropies(batch, out.entropy, sums);
  return sums;
}

Activations::Keep Trainer::keep() const {
  return options_.gradient_checkpointing ? Activations::Keep::inputs : Activations::Keep::all;
}

void Trainer::write_values(std::span<Group> groups) {
  for_each_micro_batch(groups, options_.micro_batch_tokens, [&](size_t first, size_t last) {
    const std::span<Group> part = groups.subspan(first, last - first);
    const std::vector<float> values = critic_->values(group_trees(part));
    size_t row = 0;
    for (Group& g : part)
      for (Sample& s : g.samples) {
        s.values.assign(values.begin() + row, values.begin() + row + s.completion_ids.size());
        row += s.completion_ids.size();
      }
  });
}

RowOutputs Trainer::outputs(const Model& model, std::span<const Group> groups) {
  RowOutputs result;
  for_each_micro_batch(groups, options_.micro_batch_tokens, [&](size_t first, size_t last) {
    const TokenTree tree = group_trees(groups.subspan(first, last - first));
    const RowOutputs out = transformer_.forward(model, tree, options_.temperature, Activations::Keep::none);
    result.log_prob.insert(result.log_prob.end(), out.log_prob.begin(), out.log_prob.end());
    result.entropy.insert(result.entropy.end(), out.entropy.begin(), out.entropy.end());
  });
  return result;
}

}  // namespace cohort
