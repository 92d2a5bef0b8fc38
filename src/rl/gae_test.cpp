#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/philox.h"
#include "rl/credit.h"

namespace cohort {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void expect_close(std::span<const float> found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t t = 0; t < expected.size(); ++t)
    EXPECT_NEAR(found[t], expected[t], 1e-6 * std::abs(expected[t]) + 1e-11) << t;
}

// Catches: a penalty of the wrong sign, a reward on the wrong token, gamma or lam in the wrong place, returns
// after whitening, whitening sample by sample.
TEST(Gae, EqualsTrl) {
  const nlohmann::json fixture =
      nlohmann::json::parse(read_file(std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/credit/credit.json"));
  int cases = 0;
  for (const auto& c : fixture["gae"]) {
    ++cases;
    SCOPED_TRACE(c.dump());
    CreditOptions options;
    options.kl_coef = c["kl_coef"];
    options.gamma = c["gamma"];
    options.lam = c["lam"];
    std::vector<Group> groups;
    for (const auto& s : c["samples"]) {
      Sample& sample = groups.emplace_back().samples.emplace_back();
      sample.reward = s["reward"];
      sample.log_probs = s["log_probs"].get<std::vector<float>>();
      sample.ref_log_probs = s["ref_log_probs"].get<std::vector<float>>();
      sample.values = s["values"].get<std::vector<float>>();
      sample.completion_ids.resize(sample.log_probs.size());
    }
    gae_advantages(groups, options);
    for (size_t i = 0; i < groups.size(); ++i) {
      const Sample& sample = groups[i].samples[0];
      expect_close(sample.advantages, c["samples"][i]["advantages"]);
      expect_close(sample.returns, c["samples"][i]["returns"]);
    }
  }
  EXPECT_EQ(cases, 5);
}

// Samples of several lengths, some with inserted tokens, one without a reward, one without a token.
std::vector<Group> random_groups(bool critic) {
  std::vector<Group> groups(2);
  for (uint32_t i = 0; i < 8; ++i) {
    Sample& sample = groups[i / 4].samples.emplace_back();
    const int32_t length = static_cast<int32_t>(i * 5 % 8);
    const auto random = [&](uint32_t t, uint32_t what) {
      return static_cast<float>(2 * uniform53(3, Stream::data, i, t, 0, what) - 1);
    };
    for (int32_t t = 0; t < length; ++t) {
      sample.completion_ids.push_back(t);
      sample.log_probs.push_back(random(t, 0) - 1);
      sample.ref_log_probs.push_back(random(t, 1) - 1);
      if (critic) sample.values.push_back(random(t, 2));
    }
    if (length > 4)
      sample.spans = {{0, 2, true}, {2, 4, false}, {4, length - 1, true}, {length - 1, length, i % 2 == 0}};
    sample.reward = i == 6 ? kNan : random(100, 3);
  }
  return groups;
}

// Catches: a recursion that does not equal the double sum of its definition where lengths differ; inserted
// tokens that pass value, penalty or credit; a reward on an inserted last token; a sample without reward that
// enters whitening.
TEST(Gae, EqualsTheDoubleSumOfItsDefinition) {
  for (const bool critic : {true, false})
    for (const bool whiten : {true, false}) {
      std::vector<Group> groups = random_groups(critic);
      const CreditOptions options = {
          .reward_weights = {}, .kl_coef = 0.2, .gamma = 0.9, .lam = 0.7, .whiten_advantages = whiten};
      gae_advantages(groups, options);
      std::vector<std::vector<double>> expected;
      double n = 0, sum = 0, squares = 0;
      for (const Group& group : groups)
        for (const Sample& s : group.samples) {
          std::vector<size_t> sampled;
          for (size_t t = 0; t < s.completion_ids.size(); ++t)
            if (s.is_sampled(t)) sampled.push_back(t);
          const auto value = [&](size_t k) {
            return critic && k < sampled.size() ? static_cast<double>(s.values[sampled[k]]) : 0.0;
          };
          std::vector<double>& advantages = expected.emplace_back(s.completion_ids.size(), 0.0);
          std::vector<double> returns(advantages.size(), 0.0);
          for (size_t t = 0; t < returns.size() && critic; ++t) returns[t] = s.values[t];
          for (size_t i = 0; i < sampled.size() && !std::isnan(s.reward); ++i) {
            for (size_t k = i; k < sampled.size(); ++k) {
              const size_t t = sampled[k];
              double delta = -0.2 * (double{s.log_probs[t]} - double{s.ref_log_probs[t]});
              delta += (k + 1 == sampled.size() ? s.reward : 0) + 0.9 * value(k + 1) - value(k);
              advantages[sampled[i]] += std::pow(0.9 * 0.7, static_cast<double>(k - i)) * delta;
            }
            returns[sampled[i]] += advantages[sampled[i]];
            ++n;
            sum += advantages[sampled[i]];
            squares += advantages[sampled[i]] * advantages[sampled[i]];
          }
          expect_close(s.returns, returns);
        }
      const double mean = sum / n, variance = (squares - n * mean * mean) / (n - 1);
      size_t i = 0;
      for (const Group& group : groups)
        for (const Sample& s : group.samples) {
          std::vector<double>& advantages = expected[i++];
          for (size_t t = 0; t < advantages.size(); ++t)
            if (whiten && s.is_sampled(t) && !std::isnan(s.reward))
              advantages[t] = (advantages[t] - mean) / std::sqrt(variance + 1e-8);
          if (advantages.empty()) advantages = {0.0};
          expect_close(s.advantages, advantages);
        }
    }
}

// Catches: lam 1, gamma 1 and no critic that is not REINFORCE: the sum of the token rewards from t on.
TEST(Gae, WithoutCriticIsRewardToGo) {
  std::vector<Group> groups = random_groups(false);
  CreditOptions options;
  options.kl_coef = 0.5;
  options.lam = 1;
  options.whiten_advantages = false;
  gae_advantages(groups, options);
  for (const Group& group : groups)
    for (const Sample& s : group.samples) {
      if (std::isnan(s.reward) || s.completion_ids.empty()) continue;
      std::vector<double> to_go(s.completion_ids.size(), 0.0);
      double sum = s.reward;
      for (size_t t = to_go.size(); t-- > 0;)
        if (s.is_sampled(t)) to_go[t] = sum -= 0.5 * (double{s.log_probs[t]} - double{s.ref_log_probs[t]});
      expect_close(s.advantages, to_go);
      EXPECT_EQ(s.advantages, s.returns);
    }
  options.kl_coef = 0;  // and without a penalty: the reward itself
  for (Group& group : groups)
    for (Sample& s : group.samples) s.ref_log_probs.clear();
  gae_advantages(groups, options);
  const Sample& s = groups[0].samples[1];
  for (size_t t = 0; t < s.completion_ids.size(); ++t)
    EXPECT_EQ(s.advantages[t], s.is_sampled(t) ? static_cast<float>(s.reward) : 0.0f);
}

// Catches: rounding noise whitened to 1 where all tokens are worth the same; whitening that is not
// REINFORCE++ where there is neither critic nor penalty.
TEST(Gae, WhitenedRewardsAreReinforcePlusPlus) {
  std::vector<Group> groups = random_groups(false);
  CreditOptions options;
  options.kl_coef = 0;
  options.lam = 1;
  std::vector<Group> batch = groups;
  gae_advantages(groups, options);
  batch_advantages(batch, options);
  for (size_t i = 0; i < 8; ++i) {
    const Sample &a = groups[i / 4].samples[i % 4], &b = batch[i / 4].samples[i % 4];
    for (size_t t = 0; t < a.completion_ids.size(); ++t)
      EXPECT_NEAR(a.advantages[t], a.is_sampled(t) ? b.advantages[0] : 0.0f, 1e-6);
  }
  for (Group& group : groups)
    for (Sample& sample : group.samples) sample.reward = 0.1;
  gae_advantages(groups, options);
  for (const Group& group : groups)
    for (const Sample& sample : group.samples)
      for (float a : sample.advantages) EXPECT_EQ(a, 0.0f);
}

// Catches: a penalty silently left out, or read beyond its vector, where there is no reference.
TEST(Gae, RefusesAPenaltyWithoutAReference) {
  std::vector<Group> groups = random_groups(true);
  groups[0].samples[1].ref_log_probs.clear();
  EXPECT_THROW(gae_advantages(groups, {}), Error);
  groups = random_groups(true);
  groups[0].samples[1].values.pop_back();
  EXPECT_THROW(gae_advantages(groups, {}), Error);
}

}  // namespace
}  // namespace cohort
