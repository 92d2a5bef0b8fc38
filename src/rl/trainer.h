// The update: groups with credit in, one optimizer step out. Every method passes through here; what differs
// is the coefficient rule. The result does not depend on how the batch is cut into micro-batches.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/critic.h"
#include "model/optimizer.h"
#include "rl/coefficient.h"
#include "rl/micro_batch.h"
#include "rl/normalize.h"
#include "rl/trpo.h"
#include "rollout/kept.h"

namespace cohort {

struct TrainerOptions {
  CoefficientRule coefficient = clipped_ratio;
  CoefficientOptions coefficients;
  NormalizeOptions normalize;
  bool by_pair = false;             // a sample weighs 1 / groups whatever its length (dpo)
  std::optional<TrpoOptions> trpo;  // the step is TRPO's; else the optimizer's
  AdamWOptions adamw;               // learning_rate is set for each step
  double critic_learning_rate = 0;  // with a critic
  double max_grad_norm = 1.0;       // 0: no clipping
  float temperature = 1.0f;         // log-probs are those of softmax(logits / temperature)
  int64_t micro_batch_tokens = 8192;
  bool gradient_checkpointing = false;
};

// When the seeds of an update are known.
enum class SeedTime {
  before,  // on-policy, or credit alone: the fresh log-probs are the recorded ones, so seeds go into forward
  after,   // off-policy, or pairs: the coefficient needs this forward's log-probs
};

struct UpdateResult {
  CoefficientSums sums;
  double grad_norm = 0, critic_grad_norm = 0;
  std::optional<TrpoResult> trpo;
  int64_t tokens = 0;          // tokens computed (nodes of the trees)
  double forward_seconds = 0;  // and backward: the whole pass over the micro-batches
  double optimizer_seconds = 0;
};

class Trainer {
 public:
  // `optimizer` is null with TrainerOptions::trpo, which has no state from step to step. `critic` may be
  // null: then there are no values.
  Trainer(Model& model, Optimizer* optimizer, const TrainerOptions& options, Critic* critic = nullptr);

  // One optimizer step on a whole batch. `kept`: the activations of the rollout that sampled exactly these
  // groups in this order (SeedTime before only); may be null. Throws Error where a fresh log-prob differs
  // from the recorded one in SeedTime::before of a sampled batch (`sampled`): the engine's promise is checked
  // at every step.
  UpdateResult update(std::span<const Group> batch, SeedTime time, bool sampled, double learning_rate,
                      const KeptActivations* kept);

  // What an update on this batch would sum up, without the update. For rules that have no value term.
  CoefficientSums measure(std::span<const Group> batch);

  // Log-probs and entropies of every completion token under `model`: [group][sample][token], flattened in
  // order of head rows.
  RowOutputs outputs(const Model& model, std::span<const Group> groups);

  // Writes the critic's Sample::values of every completion token.
  void write_values(std::span<Group> groups);

  // NormalizeOptions::tokens_per_step of the updates that follow.
  void set_tokens_per_step(double tokens) { options_.normalize.tokens_per_step = tokens; }
  void set_critic_learning_rate(double rate) { options_.critic_learning_rate = rate; }
  void set_entropy_coef(double coef) { options_.coefficients.entropy_coef = coef; }
  const TrainerOptions& options() const { return options_; }

 private:
  struct MicroBatch;
  void run(const MicroBatch& micro, SeedTime time, bool sampled, const KeptActivations* kept,
           UpdateResult& result);
  std::vector<double> weights_of(std::span<const Group> batch) const;  // of the tokens of each sample
  Activations::Keep keep() const;  // of a forward that a backward follows
  RowOutputs seeded_pass(const MicroBatch& micro, const TokenTree& tree, const RowSeeds& seeds,
                         const KeptActivations* kept);
  TrpoResult trust_region_step(std::span<const Group> batch, std::span<const double> weights,
                               const KeptActivations* kept);

  Model& model_;
  Optimizer* optimizer_;
  TrainerOptions options_;
  Critic* critic_;
  std::unique_ptr<Trpo> trpo_;
  Transformer transformer_;
  Gradients gradients_;
};

}  // namespace cohort
