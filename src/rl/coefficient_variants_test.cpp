#include <gtest/gtest.h>

#include <algorithm>

#include "base/check.h"
#include "base/philox.h"
#include "rl/coefficient_entropy.h"
#include "rl/coefficient_test_support.h"

namespace cohort {
namespace {

constexpr LossType kAllTypes[] = {LossType::grpo,  LossType::bnpo, LossType::dr_grpo, LossType::dapo,
                                  LossType::cispo, LossType::sapo, LossType::luspo,   LossType::vespo,
                                  LossType::gmpo,  LossType::r1};

struct Batch {
  Group group;
  Vectors fresh, entropies;
};

// Samples of 6 tokens on a grid of 2^-10, log ratios up to 0.375, per-token advantages, the third sample with
// an inserted token.
Batch random_batch(uint32_t seed) {
  const auto random = [&](uint32_t i, uint32_t t, uint32_t what) {
    const double u = uniform53(7, Stream::data, what, seed, i, t);
    return static_cast<float>(std::round(1024 * (u - 0.5)) / 1024);
  };
  Batch b;
  for (uint32_t i = 0; i < 4; ++i) {
    Sample sample;
    sample.completion_ids.resize(6);
    if (i == 2) sample.spans = {{0, 2, true}, {2, 3, false}, {3, 6, true}};
    b.fresh.emplace_back();
    for (uint32_t t = 0; t < 6; ++t) {
      b.fresh[i].push_back(-2 + random(i, t, 0));
      sample.log_probs.push_back(b.fresh[i][t] + 0.75f * random(i, t, 1));
      sample.ref_log_probs.push_back(b.fresh[i][t] + random(i, t, 2));
      sample.advantages.push_back(2 * random(i, t, 3));
      sample.entropies.push_back(1 + random(i, t, 4));
    }
    b.entropies.push_back(sample.entropies);
    b.group.samples.push_back(sample);
  }
  return b;
}

CoefficientOptions options_for(LossType type) {
  CoefficientOptions o;
  o.loss_type = type;
  if (type == LossType::cispo) o.epsilon_high = 1.1;
  return o;
}

const std::vector<double> kWeights = {0.5, 1, 2, 0.25};

// Catches: a coefficient that is not the derivative of its objective, for every loss_type, KL estimator and
// mask. Log-probs move by 2^-18, which float holds exactly and no clip lies within; the objective's sums are
// in double. CISPO and VESPO hold the ratio: there the old log-prob moves along.
TEST(CoefficientVariants, EachIsTheDerivativeOfItsObjective) {
  constexpr float step = 0x1p-18f;
  uint32_t seed = 0;
  for (LossType type : kAllTypes)
    for (ImportanceLevel level : {ImportanceLevel::token, ImportanceLevel::sequence})
      for (double beta : {0.0, 0.25})
        for (KlEstimator kl : {KlEstimator::k1, KlEstimator::k2, KlEstimator::k3})
          for (bool masked : {false, true}) {
            const bool held = type == LossType::cispo || type == LossType::vespo;
            CoefficientOptions o = options_for(type);
            o.importance_sampling_level = level;
            if (level == ImportanceLevel::sequence &&
                (type == LossType::vespo || type == LossType::gmpo || type == LossType::r1)) {
              EXPECT_THROW(check(o), Error);
              continue;
            }
            o.beta = beta;
            o.kl_estimator = kl;
            o.use_bias_correction_kl = !held && seed % 2 == 0;
            o.entropy_coef = 0.125;
            if (masked) {
              o.off_policy_mask_threshold = 0.0123;
              o.top_entropy_quantile = 0.6;
            }
            check(o);
            SCOPED_TRACE(fmt::format("loss_type {} seed {}", static_cast<int>(type), seed));
            const Batch b = random_batch(seed++);
            const EntropyCut cut = entropy_cut({&b.group, 1}, o.top_entropy_quantile);
            o.entropy_threshold = cut.threshold;
            o.entropy_tokens = static_cast<double>(cut.tokens);
            const Outcome at = run(clipped_ratio, b.group, b.fresh, kWeights, o, b.entropies);
            for (size_t i = 0; i < 4; ++i)
              for (size_t t = 0; t < 6; ++t) {
                const auto objective = [&](float by, float entropy_by) {
                  Batch moved = b;
                  moved.fresh[i][t] += by;
                  if (held) moved.group.samples[i].log_probs[t] += by;
                  moved.entropies[i][t] += entropy_by;
                  return run(clipped_ratio, moved.group, moved.fresh, kWeights, o, moved.entropies)
                      .sums.objective;
                };
                EXPECT_NEAR(at.seeds[i][t], (objective(step, 0) - objective(-step, 0)) / (2 * double{step}),
                            1e-6)
                    << i << " " << t;
                EXPECT_NEAR(at.entropy_seeds[i][t],
                            (objective(0, step) - objective(0, -step)) / (2 * double{step}), 1e-8);
              }
            EXPECT_EQ(at.seeds[2][2], 0.0f);
            EXPECT_EQ(at.entropy_seeds[2][2], 0.0f);
          }
  EXPECT_EQ(seed, 17u * 12u);
}

// Catches: a variant whose on-policy gradient is not REINFORCE's: at ratio 1 and beta 0 every seed is exactly
// weight * A; of r1, whose one term all of a completion's weights make up, their sum * A.
TEST(CoefficientVariants, OnPolicySeedsAreWeightTimesAdvantage) {
  for (LossType type : kAllTypes) {
    SCOPED_TRACE(static_cast<int>(type));
    Batch b = random_batch(3);
    for (size_t i = 0; i < 4; ++i) {
      b.group.samples[i].log_probs = b.fresh[i];
      b.group.samples[i].advantages = {b.group.samples[i].advantages[0]};
    }
    const Outcome found = run(clipped_ratio, b.group, b.fresh, kWeights, options_for(type), b.entropies);
    for (size_t i = 0; i < 4; ++i)
      for (size_t t = 0; t < 6; ++t) {
        const Sample& s = b.group.samples[i];
        const double seed = s.is_sampled(t) ? kWeights[i] * double{s.advantages[0]} : 0;
        if (type == LossType::r1)
          EXPECT_NEAR(found.seeds[i][t], seed * static_cast<double>(s.sampled_tokens()), 1e-6);
        else
          EXPECT_EQ(found.seeds[i][t], static_cast<float>(seed));
        EXPECT_EQ(found.entropy_seeds[i][t], 0.0f);
      }
    EXPECT_EQ(found.sums.approx_kl, 0.0);
  }
}

// Catches: gradient that does not come from the credit: with equal rewards (A = 0) and beta 0 it is 0.
TEST(CoefficientVariants, NoAdvantageNoGradient) {
  for (LossType type : kAllTypes) {
    Batch b = random_batch(4);
    for (Sample& s : b.group.samples) s.advantages = {0};
    const Outcome found = run(clipped_ratio, b.group, b.fresh, kWeights, options_for(type));
    for (const auto& seeds : found.seeds)
      for (float seed : seeds) EXPECT_EQ(seed, 0.0f);
    EXPECT_EQ(found.sums.objective, 0.0);
  }
}

// Catches: sequence-level ratios that are not the token's own where there is one token only (GSPO = GRPO;
// GMPO = GRPO with the clip in the log).
TEST(CoefficientVariants, OneTokenIsTokenLevel) {
  Batch b = random_batch(5);
  Batch one;
  for (size_t i = 0; i < 4; ++i) {
    Sample s = b.group.samples[i];
    s.spans.clear();
    s.completion_ids.resize(1);
    for (auto* v : {&s.log_probs, &s.ref_log_probs, &s.advantages, &s.entropies}) v->resize(1);
    one.group.samples.push_back(s);
    one.fresh.push_back({b.fresh[i][0]});
  }
  CoefficientOptions token = options_for(LossType::grpo), sequence = token,
                     gmpo = options_for(LossType::gmpo), r1 = options_for(LossType::r1);
  for (CoefficientOptions* o : {&token, &sequence, &gmpo, &r1}) o->beta = 0.1;
  sequence.importance_sampling_level = ImportanceLevel::sequence;
  const Outcome a = run(clipped_ratio, one.group, one.fresh, kWeights, token);
  const Outcome c = run(clipped_ratio, one.group, one.fresh, kWeights, sequence);
  EXPECT_EQ(a.seeds, c.seeds);
  EXPECT_EQ(a.sums.objective, c.sums.objective);
  EXPECT_EQ(run(clipped_ratio, one.group, one.fresh, kWeights, r1).seeds, a.seeds);
  // Bounds of the same place: log(1 - 0.2) and log(1 + 0.2) do not mirror one another, so wide ones.
  token.epsilon = gmpo.epsilon = 0.9;
  EXPECT_EQ(run(clipped_ratio, one.group, one.fresh, kWeights, token).seeds,
            run(clipped_ratio, one.group, one.fresh, kWeights, gmpo).seeds);
}

// Catches: an approximate KL of the wrong tokens or scale.
TEST(CoefficientVariants, ApproximateKl) {
  const Batch b = random_batch(6);
  double expected = 0;
  for (size_t i = 0; i < 4; ++i)
    for (size_t t = 0; t < 6; ++t) {
      const double x = double{b.fresh[i][t]} - double{b.group.samples[i].log_probs[t]};
      if (b.group.samples[i].is_sampled(t)) expected += 0.5 * x * x;
    }
  EXPECT_NEAR(run(clipped_ratio, b.group, b.fresh, kWeights, {}).sums.approx_kl, expected, 1e-12);
}

// Catches: a quantile of the wrong rank or without interpolation; inserted tokens that count.
TEST(CoefficientVariants, EntropyCut) {
  Group group;
  Sample sample;
  sample.completion_ids.resize(6);
  sample.entropies = {4, 1, 99, 2, 5, 3};
  sample.spans = {{0, 2, true}, {2, 3, false}, {3, 6, true}};
  group.samples.push_back(sample);
  const auto cut = [&](double q) { return entropy_cut({&group, 1}, q); };
  EXPECT_EQ(cut(1).tokens, 5);
  EXPECT_EQ(cut(1).threshold, -CoefficientOptions::kInfinity);
  EXPECT_EQ(cut(0.5).threshold, 3);
  EXPECT_EQ(cut(0.5).tokens, 3);
  EXPECT_NEAR(cut(0.2).threshold, 4.2, 1e-6);
  EXPECT_EQ(cut(0.2).tokens, 1);
  EXPECT_EQ(entropy_cut({}, 0.2).tokens, 0);
}

// Catches: an option out of its range, or of another loss_type, that would silently do nothing.
TEST(CoefficientVariants, RefusesImpossibleOptions) {
  const auto refused = [](auto change, std::string_view begin) {
    CoefficientOptions o;
    change(o);
    try {
      check(o);
      ADD_FAILURE() << begin;
    } catch (const Error& e) {
      EXPECT_TRUE(std::string_view(e.what()).starts_with(begin)) << e.what();
    }
  };
  for (LossType type : kAllTypes) EXPECT_NO_THROW(check(options_for(type)));
  refused([](auto& o) { o.loss_type = LossType::cispo; }, "epsilon_high: ");
  refused([](auto& o) { o.loss_type = LossType::sapo, o.delta = 2; }, "delta: ");
  refused([](auto& o) { o.sapo_temperature_neg = 0; }, "sapo_temperature_neg: ");
  refused([](auto& o) { o.sapo_temperature_pos = NAN; }, "sapo_temperature_pos: ");
  refused([](auto& o) { o.vespo_k_pos = -1; }, "vespo_k_pos: ");
  refused([](auto& o) { o.vespo_lambda_neg = 0; }, "vespo_lambda_neg: ");
  refused([](auto& o) { o.top_entropy_quantile = 0; }, "top_entropy_quantile: ");
  refused([](auto& o) { o.top_entropy_quantile = 1.5; }, "top_entropy_quantile: ");
  refused([](auto& o) { o.off_policy_mask_threshold = -1; }, "off_policy_mask_threshold: ");
  refused([](auto& o) { o.entropy_coef = NAN; }, "entropy_coef: ");
}

}  // namespace
}  // namespace cohort
