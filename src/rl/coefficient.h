// Coefficients: from the log-probs of a forward pass, each token's seed d objective / d log_prob. Each
// micro-batch, pure. The objective is ascended; the loss that is logged is minus the objective.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "rl/normalize.h"
#include "rl/sample.h"

namespace cohort {

enum class ImportanceLevel { token, sequence };
enum class KlEstimator { k1, k2, k3 };  // see coefficient_kl.h

// Names and defaults are TRL 1.16's. A recipe after DeepSeekMath sets beta = 0.04 and use_bias_correction_kl
// = false.
struct CoefficientOptions {
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  // The ratio is clipped to [1 - epsilon, 1 + epsilon_high]; no epsilon_high means epsilon (clip-higher:
  // DAPO, arXiv 2503.14476). cispo: to [0, epsilon_high]; gmpo: its log to [-epsilon, epsilon_high].
  double epsilon = 0.2;
  std::optional<double> epsilon_high = std::nullopt;
  // Upper bound of the unclipped ratio (dual clip: INTELLECT-2, arXiv 2505.07291).
  std::optional<double> delta = std::nullopt;
  double beta = 0;                     // weight of the KL term; not 0: samples need ref_log_probs
  bool use_bias_correction_kl = true;  // KL term times the ratio: its gradient is then that of the reverse KL
  ImportanceLevel importance_sampling_level = ImportanceLevel::token;  // sequence: GSPO (arXiv 2507.18071)
  double entropy_coef = 0;                                             // weight of the entropy bonus
  double label_smoothing = 0;           // dpo: share of pairs whose labels are taken to be wrong
  double vf_coef = 0.1;                 // ppo: weight of the value objective
  double cliprange_value = 0.2;         // ppo: how far a value may move from that of sampling time
  LossType loss_type = LossType::dapo;  // selects the policy term, see coefficient_policy.h
  KlEstimator kl_estimator = KlEstimator::k3;
  double sapo_temperature_neg = 1.05, sapo_temperature_pos = 1.0;
  double vespo_k_pos = 2.0, vespo_lambda_pos = 3.0, vespo_k_neg = 3.0, vespo_lambda_neg = 2.0;
  // Completions of negative advantage whose mean log(pi_old / pi) is above have no policy term
  // (DeepSeek-V3.2).
  std::optional<double> off_policy_mask_threshold = std::nullopt;
  // Only tokens whose entropy at sampling time is among the highest have a policy term and an entropy bonus.
  double top_entropy_quantile = 1.0;

  // Set for each optimizer step from entropy_cut(batch, top_entropy_quantile).
  double entropy_threshold = -kInfinity;
  double entropy_tokens = 0;  // the bonus is a mean over so many tokens; 0: weighted as the tokens (verl)

  double clip_high() const { return 1 + epsilon_high.value_or(epsilon); }
};

// Throws Error naming the option and what is allowed: a value out of its range, an option of another
// loss_type.
void check(const CoefficientOptions& options);

// What the forward pass said of one sample's completion. Entries of inserted tokens are ignored.
struct FreshSample {
  std::span<const float> log_probs = {};  // (T)
  std::span<const float> entropies = {};  // (T), or empty
  std::span<const float> values = {};     // (T), the critic's: V before token t; empty without a critic
};

// What is asked of the backward pass. Entries of inserted tokens are written 0.
struct SampleSeeds {
  std::span<float> log_prob = {};  // (T)
  std::span<float> entropy = {};   // (T), or empty where entropy_coef is 0
  std::span<float> value = {};     // (T), or empty without a critic
};

// Sums over the sampled tokens seen so far. Adding a step's groups in their order gives the same bits however
// they are cut into micro-batches.
struct CoefficientSums {
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double objective = 0;    // weighted: minus the loss
  int64_t tokens = 0;      // sampled tokens seen
  double kl = 0;           // of the KL terms without beta
  double entropy = 0;      // by add_entropy
  double ratio = 0;        // of the ratios
  double ratio_count = 0;  // how many ratios: one per token, or one per sample at level sequence
  double ratio_min = kInfinity, ratio_max = -kInfinity;
  double clipped_low = 0;   // ratios below clip_range() with A < 0
  double clipped_high = 0;  // ratios above clip_range() with A > 0
  // ppo's critic, sums over tokens: of (V - R)^2 unclipped and as counted, values clipped, R, R^2, R - V_old
  // and its square (explained variance).
  int64_t values = 0;  // how many
  double value_error = 0, value_loss = 0, value_clipped = 0, returns = 0, returns_squared = 0, residual = 0,
         residual_squared = 0;
  double approx_kl = 0;  // of 0.5 (log r)^2
  // dpo, sums over pairs: margins beta m, rewards beta log(pi / pi_ref) of both sides, pairs with a positive
  // margin.
  int64_t pairs = 0, pairs_right = 0;
  double margin = 0, reward_chosen = 0, reward_rejected = 0;
  // Over samples: the smallest share of tokens clipped low, the largest of tokens clipped high.
  double clipped_low_min = kInfinity, clipped_high_max = -kInfinity;
};

// A coefficient rule. fresh, weights (of each sampled token of a sample, see normalize.h) and seeds have one
// entry per sample of the group. Old and reference log-probs and advantages are the samples' own.
using CoefficientRule = void (*)(const Group& group, std::span<const FreshSample> fresh,
                                 std::span<const double> weights, const CoefficientOptions& options,
                                 std::span<const SampleSeeds> seeds, CoefficientSums& sums);

// weight * [importance weight * policy term - beta KL term] + entropy_coef * entropy / entropy_tokens, summed
// over the sampled tokens. The policy term is that of loss_type, for grpo and most others min(r A, clip(r) A)
// with r = pi / pi_old bounded by delta; the KL term that of kl_estimator, times the unbounded r with
// use_bias_correction_kl. At r = 1 and beta = 0 the seed is exactly weight * A (sapo: to rounding), at pi =
// pi_ref the KL term is exactly 0. The entropy bonus needs fresh entropies and is seeded where there is a
// span.
void clipped_ratio(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
                   const CoefficientOptions& options, std::span<const SampleSeeds> seeds,
                   CoefficientSums& sums);

// weight * A * log_prob; seeds weight * A. The seeds need no forward: where a sample's fresh log_probs are
// empty only its seeds are written, where its seeds are empty only sums are added.
void plain(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
           const CoefficientOptions& options, std::span<const SampleSeeds> seeds, CoefficientSums& sums);

// Adds the entropies (T) of a sample's sampled tokens.
void add_entropy(const Sample& sample, std::span<const float> entropies, CoefficientSums& sums);

}  // namespace cohort
