// The scalar head and its trunk: against transformers in float64 (tools/make_critic_oracles.py, on the trunks
// of tests/fixtures/oracles), and the promises of exactness.
#include "model/critic.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "model/checkpoint.h"
#include "model/config_json.h"
#include "model/transformer.h"
#include "support.h"
#include "tensor/safetensors.h"

namespace cohort {
namespace {

using testing::copy;
using testing::floats;
using testing::Random;
using testing::same_bits;
using Json = nlohmann::json;
using Keep = Activations::Keep;

const std::filesystem::path kFixtures = std::filesystem::path(COHORT_SOURCE_DIR) / "tests/fixtures";

// A critic whose head is not 0.
Critic with_head(const ModelConfig& config, const Tensor& weights, const std::vector<float>& head) {
  const Critic start(config, weights);
  std::vector<float> flat = copy(start.model().flat());
  const Parameter& score = start.model().parameters().back();
  COHORT_CHECK(score.name == "score.weight" && score.size() == static_cast<int64_t>(head.size()), "{} {}",
               score.name, head.size());
  std::copy(head.begin(), head.end(), flat.begin() + score.offset);
  return Critic(start.config(), Tensor(flat.data(), {static_cast<int64_t>(flat.size())}));
}

struct Oracle {
  Critic critic;
  TokenTree tree;
  Json expected;
};

Oracle load(const std::string& name) {
  const std::filesystem::path trunk = kFixtures / "oracles" / name;
  const ModelConfig config = parse_config(read_file(trunk / "config.json"), "config.json");
  const Buffer weights = load_weights(trunk, config);
  const Json expected = Json::parse(read_file(kFixtures / "critic" / name / "expected.json"));
  TokenTree tree;
  const Json forest = Json::parse(read_file(trunk / "expected.json"));
  for (const Json& s : forest["segments"]) {
    const std::vector<int32_t> tokens = s["tokens"];
    if (s["kind"] == "completion")
      tree.add_completion(s["parent"], tokens);
    else
      tree.add(s["parent"], tokens);
  }
  return {with_head(config, weights.tensor({weights.size()}), expected["head"]), std::move(tree), expected};
}

class CriticOracleTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, CriticOracleTest,
                         ::testing::Values("llama_llama3_rope", "llama_linear_rope_bias", "qwen2", "qwen3"),
                         [](const auto& info) { return std::string(info.param); });

// Catches: a head that reads another row or before the final norm, and rows that come back in another order.
TEST_P(CriticOracleTest, Values) {
  Oracle o = load(GetParam());
  const std::vector<float> values = o.critic.values(o.tree);
  const double tolerance = std::max(2e-5, 3 * o.expected["torch_fp32_value_error"].get<double>());
  ASSERT_EQ(values.size(), o.expected["values"].size());
  for (size_t r = 0; r < values.size(); ++r)
    EXPECT_NEAR(values[r], o.expected["values"][r].get<double>(), tolerance) << "row " << r;
}

// Catches: any parameter whose gradient lacks a path or counts one twice: seeds of branches that share their
// prompt's last node, the final norm, the embedding without its tied head.
TEST_P(CriticOracleTest, Gradients) {
  Oracle o = load(GetParam());
  o.critic.forward(o.tree, Keep::all);
  o.critic.backward(o.tree, o.expected["seeds"].get<std::vector<float>>());
  const SafetensorsFile file(kFixtures / "critic" / GetParam() / "gradients.safetensors");
  ASSERT_EQ(file.entries().size(), o.critic.model().parameters().size());
  double worst = 0;
  for (const Parameter& p : o.critic.model().parameters()) {
    const SafetensorsEntry* entry = file.find(p.name);
    ASSERT_TRUE(entry && entry->shape == p.shape) << p.name;
    std::vector<float> expected(p.size());
    std::memcpy(expected.data(), entry->bytes.data(), entry->bytes.size());
    const double error =
        testing::relative_error(floats(o.critic.gradients()).subspan(p.offset, p.size()), expected);
    EXPECT_LT(error, 2e-5) << p.name;
    worst = std::max(worst, error);
  }
  RecordProperty("worst", fmt::format("{:.1e}", worst));
}

// Catches: a head left out of the norm, of the update or of the decay, and gradients that outlive their step.
TEST_P(CriticOracleTest, TenAdamWSteps) {
  Oracle o = load(GetParam());
  AdamWOptions options;
  options.learning_rate = 1e-3;
  options.weight_decay = 0.01;
  const size_t R = o.tree.rows.size();
  for (int step = 0; step < 10; ++step) {
    const std::vector<float> values = o.critic.forward(o.tree, Keep::inputs);
    std::vector<float> seeds(R);
    double loss = 0;
    for (size_t r = 0; r < R; ++r) {
      const double off = values[r] - o.expected["targets"][r].get<double>();
      loss += off * off / 2 / static_cast<double>(R);
      seeds[r] = static_cast<float>(off / static_cast<double>(R));
    }
    o.critic.backward(o.tree, seeds);
    const double norm = o.critic.step(options, 1.0);
    const double expected = o.expected["losses"][step], torch = o.expected["torch_fp32_losses"][step];
    EXPECT_NEAR(loss, expected, std::max(2e-5, 3 * std::abs(torch - expected))) << "step " << step;
    EXPECT_NEAR(norm, o.expected["grad_norms"][step].get<double>(), 1e-4 * norm) << "step " << step;
  }
}

class CriticTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    Random random(300 + GetParam());
    config = testing::random_config(random);
    weights = testing::lively_weights(config, random);
    forest = testing::random_forest(random, config.vocab_size, 5);
    for (int64_t i = 0; i < config.hidden_size; ++i) head.push_back(static_cast<float>(random.normal()));
    for (size_t r = 0; r < forest.rows.size(); ++r) seeds.push_back(static_cast<float>(random.normal()));
  }
  Critic critic() const { return with_head(config, weights.tensor({weights.size()}), head); }

  struct Result {
    std::vector<float> values, gradients;
    bool operator==(const Result& other) const {
      return same_bits(values, other.values) && same_bits(gradients, other.gradients);
    }
  };
  // The batch cut into micro-batches of whole trees.
  Result run(Critic& c, int64_t max_tokens, Keep keep = Keep::all) const {
    Result result;
    result.values.resize(forest.rows.size());
    for (const auto& [first, last] : whole_tree_batches(forest, max_tokens)) {
      std::vector<int32_t> rows;
      const TokenTree part = extract_trees(forest, first, last, &rows);
      std::vector<float> part_seeds;
      for (int32_t r : rows) part_seeds.push_back(seeds[r]);
      const std::vector<float> values = c.forward(part, keep);
      c.backward(part, part_seeds);
      for (size_t i = 0; i < rows.size(); ++i) result.values[rows[i]] = values[i];
    }
    result.gradients = copy(c.gradients());
    return result;
  }
  Result run(int64_t max_tokens, Keep keep = Keep::all) const {
    Critic c = critic();
    return run(c, max_tokens, keep);
  }

  static constexpr int64_t kWhole = int64_t{1} << 40;
  ModelConfig config;
  Buffer weights;
  TokenTree forest;
  std::vector<float> head, seeds;
};
INSTANTIATE_TEST_SUITE_P(Seeds, CriticTest, ::testing::Range(0, 5));

// Catches: sums that start anew with a micro-batch or are cut by thread, and a recomputation that is not what
// forward did.
TEST_P(CriticTest, MicroBatchThreadsAndRecomputationChangeNoBit) {
  const Result whole = run(kWhole);
  EXPECT_TRUE(run(1) == whole);
  EXPECT_TRUE(run(90) == whole);
  EXPECT_TRUE(run(150, Keep::inputs) == whole);
  const int before = omp_get_max_threads();
  for (int threads : {1, 2, 4}) {
    omp_set_num_threads(threads);
    EXPECT_TRUE(run(kWhole) == whole) << threads << " threads";
  }
  omp_set_num_threads(before);
  Critic c = critic();
  EXPECT_TRUE(same_bits(c.values(forest), whole.values));
}

// Catches: a value that depends on anything but its path.
TEST_P(CriticTest, TreeEqualsItsPathsAlone) {
  Critic c = critic();
  const std::vector<float> whole = c.values(forest);
  size_t seen = 0;
  for (const std::vector<int32_t>& path : testing::leaf_paths(forest)) {
    TokenTree alone;
    std::vector<int32_t> tokens, rows;
    for (int32_t node : path) tokens.push_back(forest.tokens[node]);
    alone.add(-1, tokens);
    for (size_t r = 0; r < forest.rows.size(); ++r) {
      const auto at = std::find(path.begin(), path.end(), forest.rows[r].node);
      if (at == path.end()) continue;
      alone.rows.push_back({static_cast<int32_t>(at - path.begin()), 0});
      rows.push_back(static_cast<int32_t>(r));
    }
    const std::vector<float> values = c.values(alone);
    for (size_t i = 0; i < rows.size(); ++i, ++seen)
      ASSERT_EQ(values[i], whole[rows[i]]) << "row " << rows[i];
  }
  EXPECT_GE(seen, forest.rows.size());
}

// Catches: of several rows at one node all but one dropped, or the target playing a part.
TEST_P(CriticTest, SeedsOfOneNodeAddUp) {
  TokenTree shared, single;
  const std::vector<int32_t> prompt(forest.tokens.begin(), forest.tokens.begin() + 1);
  for (TokenTree* tree : {&shared, &single}) tree->add(-1, prompt);
  shared.rows = {{0, 1}, {0, 2}, {0, 1}};
  single.rows = {{0, 3}};
  Critic a = critic(), b = critic();
  const std::vector<float> values = a.forward(shared, Keep::all), value = b.forward(single, Keep::all);
  EXPECT_TRUE(values[0] == value[0] && values[1] == value[0] && values[2] == value[0]);
  a.backward(shared, std::vector<float>{0.3f, -1.7f, 2.1f});
  b.backward(single, std::vector<float>{0.3f + -1.7f + 2.1f});
  EXPECT_TRUE(same_bits(floats(a.gradients()), floats(b.gradients())));
}

// Catches: anything that a checkpoint leaves out, and a folder that is taken for a language model.
TEST_P(CriticTest, ResumesBitForBit) {
  testing::TempFolder folder;
  AdamWOptions options;
  options.learning_rate = 3e-3;
  options.weight_decay = 0.1;
  Critic a = critic();
  for (int step = 0; step < 2; ++step) run(a, kWhole), a.step(options, 1.0);
  a.save(folder.path() / "critic", true);
  Critic b = Critic::load(folder.path() / "critic", true, 2);
  EXPECT_TRUE(same_bits(floats(a.model().flat()), floats(b.model().flat())));
  for (int step = 0; step < 2; ++step) {
    EXPECT_TRUE(run(a, kWhole) == run(b, 90)) << "step " << step;
    EXPECT_EQ(a.step(options, 1.0), b.step(options, 1.0));
    EXPECT_TRUE(same_bits(floats(a.model().flat()), floats(b.model().flat())));
  }
  EXPECT_THROW(load_checkpoint(folder.path() / "critic"), Error);
  a.save(folder.path() / "plain", false);
  EXPECT_TRUE(same_bits(Critic::load(folder.path() / "plain", false, 0).values(forest), a.values(forest)));
  EXPECT_THROW(Critic::load(folder.path() / "plain", true, 0), Error);
}

// Catches: a head that starts elsewhere than at 0, weights other than the policy's, and gradients that a step
// leaves behind.
TEST_P(CriticTest, StartsAtThePolicy) {
  const Critic c(config, weights.tensor({weights.size()}));
  const std::vector<Parameter>& ours = c.model().parameters();
  for (const Parameter& p : parameter_list(config)) {
    const auto same = std::find_if(ours.begin(), ours.end(), [&](const auto& q) { return q.name == p.name; });
    if (p.name == "lm_head.weight") {
      EXPECT_TRUE(same == ours.end());
      continue;
    }
    ASSERT_TRUE(same != ours.end()) << p.name;
    EXPECT_TRUE(same_bits(floats(c.model().flat()).subspan(same->offset, p.size()),
                          {weights.data() + p.offset, static_cast<size_t>(p.size())}))
        << p.name;
  }
  Critic start(config, weights.tensor({weights.size()}));
  for (const float v : start.values(forest)) EXPECT_EQ(v, 0.0f);
  run(start, kWhole);
  EXPECT_GT(start.step({}, 1.0), 0.0);
  for (const float g : floats(start.gradients())) ASSERT_EQ(g, 0.0f);
}

}  // namespace
}  // namespace cohort
