// Exactly on-policy: what rollout records while it samples is what training computes afterwards, bit for bit,
// however the rollout was scheduled. All memory of this program starts as NaN, so a cache place read before
// it is written shows.
#include <gtest/gtest.h>
#include <malloc.h>
#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "model/checkpoint.h"
#include "rollout/engine.h"
#include "rollout/kept.h"
#include "rollout/kv_blocks.h"
#include "support.h"

#if !defined(__SANITIZE_ADDRESS__)  // it has an allocator of its own
// What Buffer calls. Every float of it is a NaN.
extern "C" void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  void* memory = memalign(alignment, bytes);
  if (memory) std::memset(memory, 0xff, bytes);
  return memory;
}
#endif

namespace cohort {
namespace {

using testing::copy;
using testing::Random;
using testing::same_bits;
using Completions = std::vector<std::vector<Completion>>;

struct Case {
  Model model;
  std::vector<GenerationRequest> requests;
  GenerationOptions options;
};

Tokenizer any_tokenizer() { return Tokenizer::characters("abc", {"<end>"}, "<end>"); }

int64_t blocks_of(const GenerationRequest& r, const GenerationOptions& o) {
  return KvBlocks::blocks_for(r.prompt_ids.size()) + KvBlocks::blocks_for(o.max_completion_length - 1);
}

// How the rollout is cut into steps: places, chunks and memory from the tightest that can work to plenty.
void random_schedule(Random& random, Case& c) {
  c.options.max_sequences = random.one_of<int32_t>({1, 2, 3, 7, 256});
  c.options.prefill_chunk = random.one_of<int32_t>({1, 5, 33, 512});
  int64_t least = 0;
  for (const GenerationRequest& r : c.requests) least = std::max(least, blocks_of(r, c.options));
  const int64_t blocks = least + random.one_of<int64_t>({0, 1, 4, 1000});
  c.options.kv_memory_bytes = blocks * KvBlocks::block_bytes(c.model.config());
}

constexpr int kFirstAdapted = 24, kCases = 36;  // from which on there is an adapter

Case make_case(uint64_t seed) {
  Random random(seed);
  const ModelConfig config = testing::random_config(random);
  Case c{testing::lively_model(config, random), {}, {}};
  if (seed >= kFirstAdapted) c.model.set_adapter(testing::lively_adapter(config, random));
  const std::vector<int32_t> shared = random.tokens(random.between(1, 70), config.vocab_size);
  for (int64_t i = random.between(1, 5); i > 0; --i) {
    GenerationRequest r;
    if (random.chance(0.5)) r.prompt_ids = shared;  // prompts with a common beginning
    const std::vector<int32_t> own = random.tokens(random.between(1, 40), config.vocab_size);
    r.prompt_ids.insert(r.prompt_ids.end(), own.begin(), own.end());
    r.prompt_index = static_cast<uint32_t>(random.below(1000)) * 8 + static_cast<uint32_t>(i);
    r.num_generations = static_cast<int32_t>(random.between(1, 6));
    c.requests.push_back(r);
  }
  c.options.sampling.temperature = random.one_of<float>({1.0f, 0.7f, 1.3f});
  c.options.max_completion_length = static_cast<int32_t>(random.one_of<int64_t>({1, 2, 33, 70}));
  for (int i = 0; i < 3; ++i)
    c.options.end_tokens.push_back(static_cast<int32_t>(random.below(config.vocab_size)));
  c.options.seed = random.below(1 << 30);
  c.options.step = static_cast<uint32_t>(random.below(1000));
  random_schedule(random, c);
  return c;
}

Completions roll_out(const Case& c, KeptActivations* keep = nullptr) {
  return generate(c.model, any_tokenizer(), c.requests, c.options, {}, keep);
}

bool same(const Completions& a, const Completions& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < a[i].size(); ++j) {
      const Completion &x = a[i][j], &y = b[i][j];
      if (x.ids != y.ids || x.stopped != y.stopped || !same_bits(x.log_probs, y.log_probs) ||
          !same_bits(x.entropies, y.entropies))
        return false;
    }
  }
  return a.size() == b.size();
}

// The batch that training sees: a prompt's completions as its branches, head rows in the order of samples.
TokenTree training_tree(const Case& c, const Completions& completions) {
  TokenTree tree;
  for (size_t i = 0; i < completions.size(); ++i) {
    const int32_t prompt = tree.add(-1, c.requests[i].prompt_ids);
    for (const Completion& s : completions[i]) tree.add_completion(prompt, s.ids);
  }
  return tree;
}

class OnPolicyTest : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Seeds, OnPolicyTest, ::testing::Range(0, kCases));

// Catches: every difference between decode, prefill and training: kernels, chunks, cache blocks, rows of the
// head, the sampler's log-sum-exp, and the end token left out of the record.
TEST_P(OnPolicyTest, RecordedLogProbIsTrainings) {
  const Case c = make_case(GetParam());
  const Completions completions = roll_out(c);
  const TokenTree tree = training_tree(c, completions);
  Transformer transformer;
  const RowOutputs training =
      transformer.forward(c.model, tree, c.options.sampling.temperature, Activations::Keep::none);
  std::vector<float> log_probs, entropies;
  for (const auto& group : completions) {
    for (const Completion& s : group) {
      ASSERT_EQ(s.ids.size(), s.log_probs.size());
      ASSERT_FALSE(s.ids.empty());
      log_probs.insert(log_probs.end(), s.log_probs.begin(), s.log_probs.end());
      entropies.insert(entropies.end(), s.entropies.begin(), s.entropies.end());
      const auto& ends = c.options.end_tokens;
      EXPECT_EQ(s.stopped, std::find(ends.begin(), ends.end(), s.ids.back()) != ends.end());
      EXPECT_TRUE(s.stopped || static_cast<int32_t>(s.ids.size()) == c.options.max_completion_length);
    }
  }
  EXPECT_TRUE(same_bits(log_probs, training.log_prob));
  EXPECT_TRUE(same_bits(entropies, training.entropy));
}

// Catches: a token or a bit that depends on places, memory, chunks, threads, or on what else is in the batch.
TEST_P(OnPolicyTest, ScheduleChangesNoBit) {
  Case c = make_case(GetParam());
  Random random(5000 + GetParam());
  const Completions first = roll_out(c);
  const int before = omp_get_max_threads();
  for (int again = 0; again < 3; ++again) {
    random_schedule(random, c);
    omp_set_num_threads(again + 1);
    EXPECT_TRUE(same(roll_out(c), first))
        << c.options.max_sequences << " places, chunks of " << c.options.prefill_chunk;
  }
  omp_set_num_threads(before);
  // The requests in reverse, then the last alone.
  std::reverse(c.requests.begin(), c.requests.end());
  Completions reversed = roll_out(c);
  c.requests.resize(1);
  EXPECT_TRUE(same(roll_out(c), {first.back()}));
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_TRUE(same(reversed, first));
}

// Catches: kept rows that are not the training forward's, or stand in for another node's.
TEST_P(OnPolicyTest, KeptActivationsGiveTheSameGradient) {
  const Case c = make_case(GetParam());
  KeptActivations kept;
  const Completions completions = roll_out(c, &kept);
  const TokenTree tree = training_tree(c, completions);
  std::vector<int32_t> row_of_node;
  for (size_t i = 0; i < completions.size(); ++i) {
    row_of_node.insert(row_of_node.end(), kept.prompt_rows[i].begin(), kept.prompt_rows[i].end());
    for (const auto& rows : kept.completion_rows[i])
      row_of_node.insert(row_of_node.end(), rows.begin(), rows.end());
  }
  Random random(GetParam());
  const RowSeeds seeds = testing::random_seeds(random, tree);
  const float temperature = c.options.sampling.temperature;

  Transformer transformer;
  Gradients from_rollout(c.model), from_forward(c.model);
  transformer.backward_kept(c.model, tree, temperature, seeds, kept.activations, row_of_node, from_rollout);
  from_rollout.finish();
  transformer.forward(c.model, tree, temperature, Activations::Keep::all);
  transformer.backward(c.model, tree, seeds, from_forward);
  from_forward.finish();
  EXPECT_TRUE(same_bits(copy(from_rollout.flat()), copy(from_forward.flat())));
}

// Catches: groups whose samples are copies of one another, and seeds, steps or prompt indices that key
// nothing.
TEST(RandomNumbers, AreKeyedBySeedStepPromptAndSample) {
  Case c = make_case(3);
  c.requests.resize(1);
  c.requests[0].num_generations = 4;
  c.options.max_completion_length = 33;
  c.options.end_tokens.clear();
  c.options.kv_memory_bytes = int64_t{1} << 26;
  const Completions first = roll_out(c);
  EXPECT_NE(first[0][0].ids, first[0][1].ids);
  for (int changed = 0; changed < 3; ++changed) {
    Case other = make_case(3);
    other.requests = c.requests;
    other.options = c.options;
    if (changed == 0) ++other.options.seed;
    if (changed == 1) ++other.options.step;
    if (changed == 2) ++other.requests[0].prompt_index;
    EXPECT_NE(roll_out(other)[0][0].ids, first[0][0].ids) << changed;
  }
}

// Catches: a NaN guard that guards nothing.
TEST(FreshMemory, IsNaN) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  for (int64_t size : {5, 1 << 20, 1 << 22}) {
    const Buffer buffer(size);
    EXPECT_TRUE(std::isnan(buffer.data()[0]) && std::isnan(buffer.data()[size - 1]));
  }
}

// Catches: any error in reading GGUF (dequantisation, order of q and k rows, rope base, tokenizer) or in the
// engine at the size of a real model. Expected: transformers in fp32 (tools/oracle_smollm2.py); every choice
// there has a margin >= 0.01.
TEST(SmolLM2, GreedyTokensAreTransformers) {
  const char* path = std::getenv("COHORT_SMOLLM2");
  if (!path) GTEST_SKIP() << "COHORT_SMOLLM2 does not name SmolLM2-135M-Instruct.Q4_1.gguf";
  const nlohmann::json oracle = nlohmann::json::parse(
      read_file(std::filesystem::path(COHORT_SOURCE_DIR) / "tests/fixtures/oracles/smollm2_greedy.json"));
  Checkpoint checkpoint = load_checkpoint(path);
  const Tokenizer tokenizer = std::move(checkpoint.tokenizer);
  const Model model(checkpoint.config, std::move(checkpoint.weights));
  std::vector<GenerationRequest> requests;
  for (const auto& row : oracle["rows"]) {
    EXPECT_EQ(tokenizer.encode(row["prompt"].get<std::string>(), false), row["prompt_ids"]) << row["prompt"];
    requests.push_back({row["prompt_ids"], static_cast<uint32_t>(requests.size()), 1});
  }
  GenerationOptions options;
  options.sampling.temperature = 0;
  options.max_completion_length = oracle["max_completion_length"];
  options.end_tokens = {oracle["end_token"].get<int32_t>()};
  const Completions completions = generate(model, tokenizer, requests, options);
  for (size_t i = 0; i < completions.size(); ++i) {
    const auto& row = oracle["rows"][i];
    const Completion& ours = completions[i][0];
    EXPECT_EQ(ours.ids, row["completion_ids"]) << row["prompt"];
    for (size_t t = 0; t < ours.ids.size() && t < row["log_probs"].size(); ++t)
      EXPECT_NEAR(ours.log_probs[t], row["log_probs"][t].get<double>(), 2e-4)
          << row["prompt"] << " token " << t;
  }
}

}  // namespace
}  // namespace cohort
