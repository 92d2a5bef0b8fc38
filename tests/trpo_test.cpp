// TRPO on a tiny model: products with the Fisher matrix against the matrix built row by row and against the
// double reference, the step against a dense solve, its bound, and what a failed line search leaves behind.
#include <gtest/gtest.h>

#include "reference.h"
#include "rl/credit.h"
#include "rl/source.h"
#include "rl/trainer.h"
#include "run_support.h"

namespace cohort {
namespace {

using testing::Random;
using testing::same_bits;

using Row = std::vector<double>;

double inner(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
Row as_row(const Tensor& t) { return Row(t.data, t.data + t.size()); }
double distance(const Row& a, const Row& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

// Six prompts with four completions each, sampled from the model; advantages of random rewards.
class Trust : public ::testing::Test {
 protected:
  static constexpr float kTemperature = 0.9f;

  void SetUp() override {
    const Tokenizer tokenizer = testing::tiny_tokenizer();
    std::vector<Problem> problems;
    for (const char* prompt : {"0+1=", "1+0=", "2+3=", "3+3=", "1+2+3=", "2"})
      problems.emplace_back().prompt_ids = tokenizer.encode(prompt, true);
    GenerationOptions generation;
    generation.max_completion_length = 5;
    generation.sampling.temperature = kTemperature;
    generation.end_tokens = config_.eos_token_ids;
    groups_ =
        policy_groups(model_, tokenizer, draw_problems(problems, 0, 6), 4, generation, {}, nullptr);
    Random random(3);
    for (Group& g : groups_)
      for (Sample& s : g.samples) s.reward = random.uniform();
    group_advantages(groups_, {});
    tree_ = group_trees(groups_);
    passes_.log_probs = [this] {
      return transformer_.forward(model_, tree_, kTemperature, Activations::Keep::none).log_prob;
    };
    passes_.gradient = [this](std::span<const float> seeds) { return gradient(seeds); };
  }

  Tensor gradient(std::span<const float> seeds) {
    const RowSeeds all{{seeds.begin(), seeds.end()}, {}};
    gradients_.zero();
    transformer_.forward(model_, tree_, kTemperature, Activations::Keep::all, &all, &gradients_);
    transformer_.backward(model_, tree_, all, gradients_);
    gradients_.finish();
    return gradients_.flat();
  }
  std::vector<const Sample*> samples() const {
    std::vector<const Sample*> all;
    for (const Group& g : groups_)
      for (const Sample& s : g.samples) all.push_back(&s);
    return all;
  }
  // The gradient of every sampled token's log-prob: J, row by row.
  std::vector<Row> jacobian() {
    std::vector<Row> rows;
    size_t row = 0;
    std::vector<float> seeds(tree_.rows.size());
    for (const Sample* s : samples())
      for (size_t t = 0; t < s->completion_ids.size(); ++t, ++row) {
        if (!s->is_sampled(t)) continue;
        seeds[row] = 1;
        rows.push_back(as_row(gradient(seeds)));
        seeds[row] = 0;
      }
    return rows;
  }
  // grad L at the weights that sampled: seeds 1/N A.
  std::vector<float> surrogate_gradient() {
    std::vector<float> seeds;
    const double tokens = static_cast<double>(sampled_tokens(groups_));
    for (const Sample* s : samples())
      for (size_t t = 0; t < s->completion_ids.size(); ++t)
        seeds.push_back(s->is_sampled(t) ? static_cast<float>(s->advantages[0] / tokens) : 0.0f);
    const Tensor g = gradient(seeds);
    return {g.data, g.data + g.size()};
  }
  std::vector<float> weights() const { return {model_.flat().data, model_.flat().data + model_.floats()}; }
  TrainerOptions options(const TrpoOptions& trpo) const {
    TrainerOptions o;
    o.coefficient = surrogate;
    o.trpo = trpo;
    o.temperature = kTemperature;
    return o;
  }
  static Tensor line(std::vector<float>& x) { return {x.data(), {static_cast<int64_t>(x.size())}}; }

  const ModelConfig config_ = testing::tiny_config();
  Random random_{5};
  Model model_ = testing::lively_model(config_, random_);
  Gradients gradients_{config_};
  Transformer transformer_;
  TokenTree tree_;
  std::vector<Group> groups_;
  BatchPasses passes_;
};

// Catches: a difference quotient by the wrong step or with a step that drowns in rounding or curvature, a
// seed that is not the derivative over N, damping that is lost, inserted tokens that count, weights that are
// not put back.
TEST_F(Trust, ProductsAreThoseOfTheExplicitMatrix) {
  Sample& inserted = groups_[1].samples[0];
  ASSERT_GE(inserted.completion_ids.size(), 2u);
  inserted.spans = {{0, 1, false}, {1, static_cast<int32_t>(inserted.completion_ids.size()), true}};
  const std::vector<Row> J = jacobian();
  const double N = static_cast<double>(J.size());
  ASSERT_EQ(static_cast<int64_t>(J.size()), sampled_tokens(groups_));
  const std::vector<float> before = weights();
  std::vector<float> start = before;
  for (const double damping : {0.0, 0.1}) {
    FisherProduct product(model_, line(start), groups_, passes_, damping);
    std::vector<std::vector<float>> directions{surrogate_gradient(), {}, {}};
    for (size_t i = 0; i < before.size(); ++i) {
      directions[1].push_back(static_cast<float>(random_.normal()));
      directions[2].push_back(static_cast<float>(1e-9 * J[3][i]));  // the length of v must not matter
    }
    for (std::vector<float>& v : directions) {
      const Row found = as_row(product(line(v)));
      EXPECT_TRUE(same_bits(before, weights()));
      const Row direction(v.begin(), v.end());
      Row expected(v.size());
      for (size_t i = 0; i < v.size(); ++i) expected[i] = damping * direction[i];
      Row derivatives;
      for (const Row& row : J) {
        derivatives.push_back(inner(row, direction));
        for (size_t i = 0; i < v.size(); ++i) expected[i] += row[i] * derivatives.back() / N;
      }
      EXPECT_LT(distance(found, expected), 1e-3 * std::sqrt(inner(expected, expected)));

      // J v once more, by central differences of the double reference.
      const double h = 1e-5 / std::sqrt(inner(direction, direction));
      testing::Reference above(config_, before), below(config_, before);
      for (size_t i = 0; i < v.size(); ++i) {
        above.weights[i] += h * direction[i];
        below.weights[i] -= h * direction[i];
      }
      const Row up = above.rows(tree_, kTemperature).log_prob,
                down = below.rows(tree_, kTemperature).log_prob;
      Row reference, sampled;
      size_t row = 0;
      for (const Sample* s : samples())
        for (size_t t = 0; t < s->completion_ids.size(); ++t, ++row)
          if (s->is_sampled(t)) {
            reference.push_back((up[row] - down[row]) / (2 * h));
            sampled.push_back(product.derivatives()[row]);
          } else {
            EXPECT_EQ(product.derivatives()[row], 0.0);
          }
      EXPECT_LT(distance(sampled, reference), 1e-3 * std::sqrt(inner(reference, reference)));
      EXPECT_LT(distance(derivatives, reference), 1e-5 * std::sqrt(inner(reference, reference)));
    }
  }
}

// Catches: a direction that is not the natural gradient, and a first length that is not the one at which half
// of s^T F s is target_kl. The dense solve goes over the tokens:
//   (damping + J^T J / N)^-1 g = (g - J^T (N damping + J J^T)^-1 J g) / damping
TEST_F(Trust, TheStepIsTheNaturalGradient) {
  const TrpoOptions trpo{.target_kl = 1e-4, .cg_max_steps = 60, .cg_damping = 1};
  const std::vector<Row> J = jacobian();
  const std::vector<float> g = surrogate_gradient(), before = weights();
  const Row b(g.begin(), g.end());
  const size_t N = J.size();
  std::vector<Row> m(N, Row(N + 1));
  for (size_t i = 0; i < N; ++i) {
    for (size_t j = 0; j < N; ++j) m[i][j] = inner(J[i], J[j]);
    m[i][i] += static_cast<double>(N) * trpo.cg_damping;
    m[i][N] = inner(J[i], b);
  }
  for (size_t k = 0; k < N; ++k)
    for (size_t i = 0; i < N; ++i) {
      const double f = i == k ? 0 : m[i][k] / m[k][k];
      for (size_t j = k; j <= N; ++j) m[i][j] -= f * m[k][j];
    }
  Row expected = b;
  for (size_t i = 0; i < N; ++i)
    for (size_t p = 0; p < b.size(); ++p) expected[p] -= J[i][p] * m[i][N] / m[i][i];
  for (double& value : expected) value /= trpo.cg_damping;
  const double length = std::sqrt(2 * trpo.target_kl / inner(expected, b));

  Trainer trainer(model_, nullptr, options(trpo));
  const UpdateResult result = trainer.update(groups_, SeedTime::before, true, 0, nullptr);
  ASSERT_TRUE(result.trpo->accepted);
  EXPECT_NEAR(result.grad_norm, std::sqrt(inner(b, b)), 1e-5 * result.grad_norm);
  EXPECT_LT(result.trpo->cg_residual, 1e-3);
  const double taken =
      length * std::pow(trpo.line_search_shrinking_factor, result.trpo->line_search_steps - 1);
  Row step, wanted;
  for (size_t i = 0; i < before.size(); ++i) {
    step.push_back(double{model_.flat().data[i]} - before[i]);
    wanted.push_back(taken * expected[i]);
  }
  EXPECT_LT(distance(step, wanted), 0.01 * std::sqrt(inner(wanted, wanted)));
  EXPECT_NEAR(result.trpo->step_norm, std::sqrt(inner(step, step)), 1e-3 * result.trpo->step_norm);
}

// Catches: a bound on something else than the KL of the weights that are left, a surrogate that fell, a step
// so short that the region is not used; bits that depend on how the batch is cut.
TEST_F(Trust, TheBoundHolds) {
  for (const double target : {1e-4, 0.01, 0.3}) {
    const std::vector<float> before = weights();
    std::vector<float> after;
    for (const int64_t micro_batch : {8192, 1}) {
      std::copy(before.begin(), before.end(), model_.flat().data);
      model_.pack();
      TrainerOptions o = options({.target_kl = target});
      o.micro_batch_tokens = micro_batch;
      Trainer trainer(model_, nullptr, o);
      const TrpoResult result = *trainer.update(groups_, SeedTime::before, true, 0, nullptr).trpo;
      ASSERT_TRUE(result.accepted) << target;
      const std::vector<float> now = passes_.log_probs();
      double kl = 0, improvement = 0;
      size_t row = 0;
      for (const Sample* s : samples())
        for (size_t t = 0; t < s->completion_ids.size(); ++t, ++row) {
          const double log_ratio = double{now[row]} - s->log_probs[t];
          kl += std::exp(log_ratio) - 1 - log_ratio;
          improvement += (std::exp(log_ratio) - 1) * s->advantages[0];
        }
      const double N = static_cast<double>(sampled_tokens(groups_));
      EXPECT_NEAR(result.kl, kl / N, 1e-9);
      EXPECT_NEAR(result.improvement, improvement / N, 1e-9);
      EXPECT_LE(result.kl, target);
      EXPECT_GT(result.kl, target / 20);
      EXPECT_GT(result.improvement, 0);
      if (after.empty()) after = weights();
      EXPECT_TRUE(same_bits(after, weights())) << target;
    }
    std::copy(before.begin(), before.end(), model_.flat().data);
    model_.pack();
  }
}

// Catches: weights that a failed line search leaves moved, in the buffer or in the packed copies that forward
// reads.
TEST_F(Trust, AFailedLineSearchLeavesNothing) {
  const std::vector<float> before = weights(), log_probs = passes_.log_probs();
  Trpo trpo(model_, {.line_search_max_iter = 4});
  std::vector<float> wrong_way = surrogate_gradient();  // that of L, where that of -L is asked for
  const std::vector<double> token_weights(samples().size(),
                                          1.0 / static_cast<double>(sampled_tokens(groups_)));
  const TrpoResult result = trpo.step(model_, groups_, token_weights, line(wrong_way), passes_);
  EXPECT_FALSE(result.accepted);
  EXPECT_EQ(result.line_search_steps, 4);
  EXPECT_EQ(result.kl, 0);
  EXPECT_EQ(result.step_norm, 0);
  EXPECT_TRUE(same_bits(before, weights()));
  EXPECT_TRUE(same_bits(log_probs, passes_.log_probs()));
}

// Catches: a division by the norm of a gradient that is 0, and passes made for nothing.
TEST_F(Trust, NoGradientIsNoStep) {
  for (Group& g : groups_)
    for (Sample& s : g.samples) s.advantages = {0};
  const std::vector<float> before = weights();
  Trainer trainer(model_, nullptr, options({}));
  const TrpoResult result = *trainer.update(groups_, SeedTime::before, true, 0, nullptr).trpo;
  EXPECT_FALSE(result.accepted);
  EXPECT_EQ(result.cg_steps, 0);
  EXPECT_EQ(result.line_search_steps, 0);
  EXPECT_TRUE(same_bits(before, weights()));
}

}  // namespace
}  // namespace cohort
