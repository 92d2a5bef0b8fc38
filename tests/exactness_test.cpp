// The promises of exactness on the whole model, for random small configurations and forests: bits depend on a
// path's contents and on nothing else.
#include <gtest/gtest.h>
#include <omp.h>

#include "hwy/targets.h"
#include "ops/log_prob.h"
#include "support.h"

namespace cohort {
namespace {

using testing::copy;
using testing::floats;
using testing::Random;
using testing::same_bits;
using Keep = Activations::Keep;

struct Case {
  ModelConfig config;
  Model model;
  TokenTree forest;
  RowSeeds seeds;
  float temperature;
};

// Cases 0 .. 15 are tiny, so that there are many. The kernels split work among threads, tiles and chunks only
// where there is enough of it, so case 16 has a head of several tiles of rows and chunks of the vocabulary,
// and 17 wide layers and long paths. From 18 on there is an adapter; 26 is wide as well.
constexpr int kFirstAdapted = 18, kCases = 27;

Case make_case(int index, int64_t roots = 4) {
  Random random(index);
  ModelConfig config = testing::random_config(random);
  int64_t longest = 60;
  if (index == 16 || index == 17 || index == kCases - 1) {
    const bool wide_head = index == 16;
    config.num_hidden_layers = 1;
    config.vocab_size = wide_head ? 50'000 : 5'000;
    config.hidden_size = wide_head ? 20 : 270;
    config.intermediate_size = wide_head ? 40 : 530;
    config.tie_word_embeddings = !wide_head;
    if (wide_head) roots *= 4;
    longest = wide_head ? 60 : 130;
  }
  Model model = testing::lively_model(config, random);
  if (index >= kFirstAdapted) model.set_adapter(testing::lively_adapter(config, random));
  TokenTree forest = testing::random_forest(random, config.vocab_size, roots, longest);
  COHORT_CHECK(index != 16 || 4 * forest.rows.size() * config.vocab_size > kHeadWorkspaceBytes,
               "{} head rows", forest.rows.size());
  RowSeeds seeds = testing::random_seeds(random, forest, random.chance(0.7));
  return {config, std::move(model), std::move(forest), std::move(seeds), random.one_of<float>({1.0f, 0.7f})};
}

struct Result {
  std::vector<float> log_prob, entropy, gradients;
};

bool same(const Result& a, const Result& b) {
  return same_bits(a.log_prob, b.log_prob) && same_bits(a.entropy, b.entropy) &&
         same_bits(a.gradients, b.gradients);
}

enum class SeedsGiven { to_forward, to_backward };

// The batch cut into micro-batches of whole trees.
Result run(const Case& c, int64_t max_tokens, Keep keep = Keep::all,
           SeedsGiven given = SeedsGiven::to_backward, int64_t chunk_rows = kChunkRows) {
  Result result;
  result.log_prob.resize(c.forest.rows.size());
  result.entropy.resize(c.forest.rows.size());
  Transformer transformer(chunk_rows);
  Gradients gradients(c.model);
  for (const auto& [first, last] : whole_tree_batches(c.forest, max_tokens)) {
    std::vector<int32_t> rows;
    const TokenTree part = extract_trees(c.forest, first, last, &rows);
    const RowSeeds seeds = testing::seeds_of(c.seeds, rows);
    const bool early = given == SeedsGiven::to_forward;
    const RowOutputs out = early ? transformer.forward(c.model, part, c.temperature, keep, &seeds, &gradients)
                                 : transformer.forward(c.model, part, c.temperature, keep);
    transformer.backward(c.model, part, seeds, gradients);
    for (size_t i = 0; i < rows.size(); ++i) {
      result.log_prob[rows[i]] = out.log_prob[i];
      result.entropy[rows[i]] = out.entropy[i];
    }
  }
  gradients.finish();
  result.gradients = copy(gradients.flat());
  return result;
}

constexpr int64_t kWhole = int64_t{1} << 40;

class ExactnessTest : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Seeds, ExactnessTest, ::testing::Range(0, kCases));

// A path's nodes as a tree of one chain of segments cut at random, with the head rows that lie on it.
TokenTree path_alone(const TokenTree& tree, const std::vector<int32_t>& path, Random& random,
                     std::vector<int32_t>* rows) {
  TokenTree alone;
  int32_t parent = -1;
  for (size_t t = 0; t < path.size();) {
    const size_t end = random.chance(0.5) ? path.size() : t + 1 + random.below(path.size() - t);
    std::vector<int32_t> tokens;
    for (; t < end; ++t) tokens.push_back(tree.tokens[path[t]]);
    parent = alone.add(parent, tokens);
  }
  rows->clear();
  for (size_t r = 0; r < tree.rows.size(); ++r) {
    const auto at = std::find(path.begin(), path.end(), tree.rows[r].node);
    if (at == path.end()) continue;
    alone.rows.push_back({static_cast<int32_t>(at - path.begin()), tree.rows[r].target});
    rows->push_back(static_cast<int32_t>(r));
  }
  return alone;
}

// Catches: a token that sees anything but its own path, a kernel whose bits depend on where a row stands, on
// the number of rows or on how a path is cut into segments; and a backward that does not sum the branches
// into their trunk.
TEST_P(ExactnessTest, TreeEqualsItsPathsAlone) {
  const Case c = make_case(GetParam());
  Random random(77);
  const Result whole = run(c, kWhole);
  Transformer transformer;
  Gradients gradients(c.model);
  std::vector<bool> counted(c.forest.rows.size());
  for (const std::vector<int32_t>& path : testing::leaf_paths(c.forest)) {
    std::vector<int32_t> rows;
    const TokenTree alone = path_alone(c.forest, path, random, &rows);
    RowSeeds seeds = testing::seeds_of(c.seeds, rows);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (counted[rows[i]]) {  // a shared row's seed counts once
        seeds.log_prob[i] = 0;
        if (!seeds.entropy.empty()) seeds.entropy[i] = 0;
      }
      counted[rows[i]] = true;
    }
    const RowOutputs out = transformer.forward(c.model, alone, c.temperature, Keep::all);
    transformer.backward(c.model, alone, seeds, gradients);
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(out.log_prob[i], whole.log_prob[rows[i]]) << "row " << rows[i];
      ASSERT_EQ(out.entropy[i], whole.entropy[rows[i]]) << "row " << rows[i];
    }
  }
  gradients.finish();
  for (const Parameter& p : c.model.trained())
    EXPECT_LT(testing::relative_error(floats(gradients.flat()).subspan(p.offset, p.size()),
                                      std::span(whole.gradients).subspan(p.offset, p.size())),
              2e-5)
        << p.name;
}

// Catches: any sum that starts anew, or in another order, with another micro-batch.
TEST_P(ExactnessTest, MicroBatchSizeChangesNoBit) {
  const Case c = make_case(GetParam(), 6);
  const Result whole = run(c, kWhole);
  for (int64_t max_tokens : {1, 90, 200}) EXPECT_TRUE(same(run(c, max_tokens), whole)) << max_tokens;
}

// Catches: recomputation that is not what forward did, and a head whose one-pass gradient is not its two-pass
// gradient.
TEST_P(ExactnessTest, RecomputationAndEarlySeedsChangeNoBit) {
  const Case c = make_case(GetParam());
  const Result plain = run(c, 150);
  EXPECT_TRUE(same(run(c, 150, Keep::all, SeedsGiven::to_forward), plain));
  EXPECT_TRUE(same(run(c, 150, Keep::inputs), plain));
  EXPECT_TRUE(same(run(c, 150, Keep::inputs, SeedsGiven::to_forward), plain));
  Transformer transformer;
  const RowOutputs none = transformer.forward(c.model, c.forest, c.temperature, Keep::none);
  EXPECT_TRUE(same_bits(none.log_prob, plain.log_prob));
  EXPECT_TRUE(same_bits(none.entropy, plain.entropy));
}

// Catches: a chain that starts anew with a chunk of a tree's rows, and a chunk that reads another's rows.
TEST_P(ExactnessTest, ChunksOfRowsChangeNoBit) {
  const Case c = make_case(GetParam());
  for (Keep keep : {Keep::all, Keep::inputs}) {
    const Result whole = run(c, kWhole, keep);
    EXPECT_TRUE(same(run(c, kWhole, keep, SeedsGiven::to_backward, 7), whole));
  }
  Transformer none(7), whole;
  EXPECT_TRUE(same_bits(none.forward(c.model, c.forest, c.temperature, Keep::none).log_prob,
                        whole.forward(c.model, c.forest, c.temperature, Keep::none).log_prob));
}

// Catches: reductions that are cut by thread.
TEST_P(ExactnessTest, ThreadsChangeNoBit) {
  const Case c = make_case(GetParam());
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const Result one = run(c, kWhole);
  for (int threads : {2, 3, 4}) {
    omp_set_num_threads(threads);
    EXPECT_TRUE(same(run(c, kWhole), one)) << threads << " threads";
  }
  omp_set_num_threads(before);
}

// Catches: sums in lanes of the machine's width, and exp, log or division that differ between instruction
// sets.
TEST_P(ExactnessTest, VectorWidthChangesNoBit) {
  const Case c = make_case(GetParam());
  const Result best = run(c, kWhole);
  const int64_t available = hwy::SupportedTargets() & HWY_TARGETS;
  int targets = 0;
  std::vector<size_t> chosen;
  for (int64_t rest = available; rest != 0; rest &= rest - 1) {
    const int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    chosen.push_back(hwy::GetChosenTarget().GetIndex());
    // The same weights, packed by this target.
    EXPECT_TRUE(same(run(make_case(GetParam()), kWhole), best)) << hwy::TargetName(target);
    ++targets;
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  if (targets < 2) GTEST_SKIP() << "this machine has one of the compiled targets only";
  EXPECT_NE(chosen[0], chosen[1]) << "the targets were not switched";
}

}  // namespace
}  // namespace cohort
