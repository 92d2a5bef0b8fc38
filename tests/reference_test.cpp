// The real kernels against the plain double-precision reference: log-probs directly, gradients by its finite
// differences. Needs no fixture, so it covers configurations that no checkpoint on disk has.
#include "reference.h"

#include <gtest/gtest.h>

#include "support.h"

namespace cohort {
namespace {

using testing::floats;
using testing::Random;
using testing::Reference;

class ReferenceTest : public ::testing::TestWithParam<int> {
 protected:
  // Small enough for thousands of double-precision forwards.
  static ModelConfig tiny_config(Random& random) {
    ModelConfig c = testing::random_config(random);
    c.vocab_size = random.one_of<int64_t>({11, 37});
    c.hidden_size = random.one_of<int64_t>({12, 20, 33});
    c.intermediate_size = random.one_of<int64_t>({10, 24});
    c.num_hidden_layers = random.between(1, 2);
    if (c.sliding_window > 0) c.windowed_layers.resize(static_cast<size_t>(c.num_hidden_layers), true);
    c.head_dim = random.one_of<int64_t>({6, 8});
    return c;
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, ReferenceTest, ::testing::Range(0, 12));

// Catches: any forward error that depends on shapes (odd widths, k-blocks, head counts) rather than on the
// family.
TEST_P(ReferenceTest, LogProbsAndEntropies) {
  Random random(1000 + GetParam());
  const ModelConfig config = testing::random_config(random);
  const Model model = testing::lively_model(config, random);
  const TokenTree tree = testing::random_forest(random, config.vocab_size, 2, 40);
  const float temperature = random.one_of<float>({1.0f, 0.6f});
  Transformer transformer;
  const RowOutputs ours = transformer.forward(model, tree, temperature, Activations::Keep::none);
  const testing::ReferenceRows expected = Reference(config, floats(model.flat())).rows(tree, temperature);
  for (size_t r = 0; r < tree.rows.size(); ++r) {
    EXPECT_NEAR(ours.log_prob[r], expected.log_prob[r], 5e-5);
    EXPECT_NEAR(ours.entropy[r], expected.entropy[r], 5e-5);
  }
}

// Catches: a wrong or missing term in any parameter's gradient. For each tensor the derivative along its own
// gradient (which must be the gradient's norm), along a random direction, and by its largest and by random
// coordinates.
TEST_P(ReferenceTest, GradientsAreFiniteDifferences) {
  Random random(2000 + GetParam());
  const ModelConfig config = tiny_config(random);
  const Model model = testing::lively_model(config, random);
  const TokenTree tree = testing::random_forest(random, config.vocab_size, 2, 8);
  const RowSeeds seeds = testing::random_seeds(random, tree);
  const float temperature = random.one_of<float>({1.0f, 0.6f});

  Transformer transformer;
  Gradients gradients(config);
  transformer.forward(model, tree, temperature, Activations::Keep::all);
  transformer.backward(model, tree, seeds, gradients);
  gradients.finish();

  Reference reference(config, floats(model.flat()));
  const double inverse = 1.0f / temperature;  // the engine multiplies by the float 1 / temperature
  for (const Parameter& p : model.parameters()) {
    const std::span<const float> g = floats(gradients.flat()).subspan(p.offset, p.size());
    double norm = 0;
    for (float value : g) norm += double(value) * value;
    norm = std::sqrt(norm);
    ASSERT_GT(norm, 0) << p.name;

    // d objective / d (step along `direction`), and what the gradient says of it.
    const auto compare = [&](const std::vector<double>& direction, const std::string& what) {
      const double step = 1e-5;
      double* w = reference.weights.data() + p.offset;
      const std::vector<double> saved(w, w + p.size());
      double claimed = 0, value[2];
      for (int side = 0; side < 2; ++side) {
        for (int64_t i = 0; i < p.size(); ++i) w[i] = saved[i] + (side ? step : -step) * direction[i];
        value[side] = reference.objective(tree, seeds, 1 / inverse);
      }
      std::copy(saved.begin(), saved.end(), w);
      for (int64_t i = 0; i < p.size(); ++i) claimed += g[i] * direction[i];
      EXPECT_NEAR(claimed, (value[1] - value[0]) / (2 * step), 2e-5 * norm + 1e-7) << p.name << " " << what;
    };
    std::vector<double> direction(p.size());
    for (int64_t i = 0; i < p.size(); ++i) direction[i] = g[i] / norm;
    compare(direction, "along the gradient");
    for (double& d : direction) d = (random.chance(0.5) ? 1 : -1) / std::sqrt(double(p.size()));
    compare(direction, "along a random direction");
    int64_t largest = 0;
    for (int64_t i = 0; i < p.size(); ++i)
      if (std::abs(g[i]) > std::abs(g[largest])) largest = i;
    for (int64_t i : {largest, random.below(p.size()), random.below(p.size())}) {
      direction.assign(p.size(), 0.0);
      direction[i] = 1;
      compare(direction, fmt::format("at {}", i));
    }
  }
}

}  // namespace
}  // namespace cohort
