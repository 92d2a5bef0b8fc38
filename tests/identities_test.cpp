// Methods that must be one another where their differences vanish (DeepSeekMath, arXiv 2402.03300, section 5.2), down
// to the weights after an update.
#include <gtest/gtest.h>

#include <functional>

#include "model/model.h"
#include "rl/credit.h"
#include "rl/source.h"
#include "rl/trainer.h"
#include "run_support.h"

namespace cohort {
namespace {

class Identities : public ::testing::Test {
 protected:
  // Two prompts with four samples each of the starting policy, with made-up rewards.
  Identities() : tokenizer_(testing::tiny_tokenizer()), config_(testing::tiny_config()) {
    const Model policy = fresh();
    std::vector<Drawn> drawn;
    for (const char* prompt : {"0+1=", "2+3="}) {
      Problem& p = problems_.emplace_back();
      p.row.prompt = prompt;
      p.prompt_ids = tokenizer_.encode(prompt, true);
    }
    for (uint32_t i = 0; i < 2; ++i) drawn.push_back({std::make_shared<const Problem>(problems_[i]), i});
    GenerationOptions o;
    o.max_completion_length = 6;
    o.end_tokens = config_.eos_token_ids;
    o.seed = 3;
    groups_ = policy_groups(policy, tokenizer_, drawn, 4, o, {}, nullptr);
    double reward = 0.5;
    for (Group& g : groups_)
      for (Sample& s : g.samples) s.reward = reward += 0.25;
  }
  Model fresh() const { return Model(config_, random_weights(config_, 7, 0.08)); }

  // The weights after one update of the starting policy.
  std::vector<float> updated(std::vector<Group> groups, CoefficientRule rule, bool sampled,
                             const std::function<void(TrainerOptions&)>& change = {}) const {
    TrainerOptions options;
    options.coefficient = rule;
    options.max_grad_norm = 0;
    options.adamw.epsilon = 1;  // a step about as long as the gradient: its length is compared too
    if (change) change(options);
    Model model = fresh();
    Optimizer optimizer(model);
    const UpdateResult result =
        Trainer(model, &optimizer, options).update(groups, SeedTime::before, sampled, 0.01, nullptr);
    EXPECT_GT(result.grad_norm, 0);
    EXPECT_EQ(result.sums.kl, 0);
    const Tensor flat = model.flat();
    return {flat.data, flat.data + flat.size()};
  }
  static std::vector<Group> credited(std::vector<Group> groups, CreditRule rule,
                                     const CreditOptions& options = {}) {
    rule(groups, options);
    return groups;
  }

  Tokenizer tokenizer_;
  ModelConfig config_;
  std::vector<Problem> problems_;
  std::vector<Group> groups_;
};

// Catches: a credit, weight or seed of Online RFT that SFT does not have, where every sample is kept.
TEST_F(Identities, OnlineRftThatKeepsAllIsSft) {
  std::vector<Group> kept = groups_;
  for (Group& g : kept)
    for (Sample& s : g.samples) s.reward = 1;
  const std::vector<float> online = updated(credited(kept, reward_credit), plain, true),
                           supervised = updated(credited(kept, constant_credit), plain, false);
  EXPECT_EQ(online, supervised);
  EXPECT_NE(online, updated(credited(groups_, reward_credit), plain, true));
}

// Catches: a PPO whose critic, discount or clip still acts where it is switched off.
TEST_F(Identities, PpoWithoutCriticAndDiscountIsReinforce) {
  CreditOptions o;
  o.kl_coef = 0;
  o.gamma = o.lam = 1;
  o.whiten_advantages = false;
  EXPECT_EQ(updated(credited(groups_, gae_advantages, o), clipped_ratio, true),
            updated(credited(groups_, reward_credit), plain, true));
}

// Catches: a KL term that has a value or a gradient where the reference is the policy.
TEST_F(Identities, AReferenceThatIsThePolicyChangesNothing) {
  std::vector<Group> groups = credited(groups_, group_advantages);
  const std::vector<float> without = updated(groups, clipped_ratio, true);
  for (Group& g : groups)
    for (Sample& s : g.samples) s.ref_log_probs = s.log_probs;
  for (const bool bias : {false, true})
    EXPECT_EQ(updated(groups, clipped_ratio, true,
                      [&](TrainerOptions& o) {
                        o.coefficients.beta = 0.5;
                        o.coefficients.use_bias_correction_kl = bias;
                      }),
              without);
}

// Catches: a whole completion's ratio or an own weight of R1's form where all that is asked is its gradient on-policy:
// grpo's of a mean over samples with the tokens summed.
TEST_F(Identities, R1OnPolicyIsASumOverTokens) {
  const std::vector<Group> groups = credited(groups_, group_advantages);
  const auto of = [&](LossType type) {
    return updated(groups, clipped_ratio, true,
                   [&](TrainerOptions& o) { o.normalize.loss_type = o.coefficients.loss_type = type; });
  };
  const std::vector<float> r1 = of(LossType::r1), luspo = of(LossType::luspo);
  double apart = 0, moved = 0;
  const Model start = fresh();
  for (size_t i = 0; i < r1.size(); ++i) {
    apart = std::max(apart, std::abs(double{r1[i]} - luspo[i]));
    moved = std::max(moved, std::abs(double{r1[i]} - start.flat().data[i]));
  }
  EXPECT_GT(moved, 1e-4);
  EXPECT_LT(apart, 1e-3 * moved);
}

}  // namespace
}  // namespace cohort
