// How completions end, and what a rollout does where memory is short. That their bits depend on no schedule
// is shown in on_policy_test.cpp.
#include <algorithm>

#include "model/transformer.h"
#include "rollout/engine.h"
#include "rollout/kv_blocks.h"
#include "rollout/scheduler.h"
#include "run_support.h"

namespace cohort {
namespace {

struct Rollout {
  Model model{testing::tiny_config(), random_weights(testing::tiny_config(), 7, 0.08)};
  Tokenizer tokenizer = testing::tiny_tokenizer();
  std::vector<GenerationRequest> requests;
  GenerationOptions options;

  Rollout() {
    for (uint32_t i = 0; i < 6; ++i) requests.push_back({tokenizer.encode("0+1=", true), i, 5});
    options.max_completion_length = 40;
    options.seed = 5;
  }
  std::vector<Completion> run() const {
    std::vector<Completion> all;
    for (auto& group : generate(model, tokenizer, requests, options))
      all.insert(all.end(), group.begin(), group.end());
    return all;
  }
  // The training forward's log-probs of a completion.
  std::vector<float> log_probs(const Completion& c) const {
    TokenTree tree;
    tree.add_completion(tree.add(-1, requests[0].prompt_ids), c.ids);
    return Transformer().forward(model, tree, 1.0f, Activations::Keep::none).log_prob;
  }
};

// Catches: an end token that is dropped, has no log-prob, or does not end; a completion that goes on behind
// it.
TEST(Completions, EndTokenIsPartOfIt) {
  Rollout r;
  r.options.end_tokens = {r.tokenizer.eos_token_id()};
  size_t stopped = 0, cut = 0;
  for (const Completion& c : r.run()) {
    const auto end = std::find(c.ids.begin(), c.ids.end(), r.tokenizer.eos_token_id());
    EXPECT_EQ(c.stopped, end != c.ids.end());
    EXPECT_TRUE(c.stopped ? end == c.ids.end() - 1 : c.ids.size() == 40u);
    ASSERT_EQ(c.log_probs.size(), c.ids.size());
    EXPECT_LT(c.log_probs.back(), 0);
    EXPECT_TRUE(testing::same_bits(c.log_probs, r.log_probs(c)));
    (c.stopped ? stopped : cut) += 1;
  }
  EXPECT_GT(stopped, 10u);  // at a chance of 1/8 a token nearly all end
  Rollout on = std::move(r);
  on.options.ignore_end = true;
  for (const Completion& c : on.run()) EXPECT_EQ(c.ids.size(), 40u);
}

// Catches: stop strings that are seen late, early, only at the start of a token, or only within one.
TEST(Completions, EndWithTheTokenThatCompletesAStopString) {
  Rollout plain, r;
  r.options.stop = {"=1", "00", "+"};
  const std::vector<Completion> without = plain.run(), with = r.run();
  size_t stopped = 0;
  for (size_t i = 0; i < with.size(); ++i) {
    // The same text, cut where the first stop string is complete.
    std::string text;
    size_t length = 0;
    bool complete = false;
    while (!complete && length < without[i].ids.size()) {
      text += plain.tokenizer.token_bytes(without[i].ids[length++]);
      for (const std::string& s : r.options.stop) complete |= text.ends_with(s);
    }
    stopped += complete;
    EXPECT_EQ(with[i].stopped, complete);
    EXPECT_EQ(with[i].ids, std::vector<int32_t>(without[i].ids.begin(),
                                                without[i].ids.begin() + static_cast<int64_t>(length)));
    EXPECT_EQ(with[i].log_probs.size(), length);
  }
  EXPECT_GT(stopped, 10u);
}

// Catches: a memory limit that is exceeded, or that fails instead of making sequences wait.
TEST(Completions, WaitWhereMemoryIsShort) {
  Rollout r;
  const std::vector<Completion> plenty = r.run();
  const int64_t one =
      KvBlocks::blocks_for(static_cast<int64_t>(r.requests[0].prompt_ids.size())) + KvBlocks::blocks_for(39);
  for (int64_t blocks = one; blocks < one + 4; ++blocks) {
    r.options.kv_memory_bytes = blocks * KvBlocks::block_bytes(r.model.config()) + 17;
    EXPECT_LE(Scheduler(r.model.config(), r.requests, r.options).blocks().free_blocks(), blocks);
    const std::vector<Completion> tight = r.run();
    for (size_t i = 0; i < plenty.size(); ++i) {
      EXPECT_EQ(tight[i].ids, plenty[i].ids) << blocks;
      EXPECT_TRUE(testing::same_bits(tight[i].log_probs, plenty[i].log_probs)) << blocks;
    }
  }
}

// Catches: a continuation that attends to other keys and values than the completion it goes on from, draws
// other random numbers, or forgets the length and the stop strings that began before its fork; forks that mix
// up their completions; a schedule that changes one.
TEST(Completions, ForksGoOnAsTheWholeCompletionDid) {
  Rollout r;
  r.options.stop = {"=1", "00"};
  const std::vector<GenerationRequest> prompts = r.requests;
  const auto whole = generate(r.model, r.tokenizer, prompts, r.options);
  const auto length = static_cast<int32_t>(prompts[0].prompt_ids.size());
  struct Expected {
    const Completion* whole;
    int32_t begun;
  };
  std::vector<std::vector<Expected>> expected;
  r.requests.clear();
  for (size_t p = 0; p < whole.size(); ++p)
    for (uint32_t s = 0; s < whole[p].size(); ++s) {
      const Completion& c = whole[p][s];
      GenerationRequest path{prompts[p].prompt_ids, prompts[p].prompt_index, 1, {}, length};
      std::vector<Expected>& of_path = expected.emplace_back();
      for (int32_t begun = 0; begun < std::ssize(c.ids); begun += 3) {
        path.forks.push_back({length + begun, s});
        of_path.push_back({&c, begun});
      }
      path.prompt_ids.insert(path.prompt_ids.end(), c.ids.begin(), c.ids.begin() + of_path.back().begun);
      r.requests.push_back(path);
    }
  // Several completions of each fork, some of them the same: 0 1 2 and 2 3 4 of the first group.
  r.requests.push_back(
      {prompts[0].prompt_ids, prompts[0].prompt_index, 3, {{length, 0}, {length, 2}}, length});
  expected.emplace_back();
  for (size_t s : {0, 1, 2, 2, 3, 4}) expected.back().push_back({&whole[0][s], 0});

  size_t stopped = 0;
  for (const auto& [sequences, chunk, blocks] : {std::tuple(256, 512, 10000), {3, 5, 10000}, {256, 7, 9}}) {
    r.options.max_sequences = sequences;
    r.options.prefill_chunk = chunk;
    r.options.kv_memory_bytes = blocks * KvBlocks::block_bytes(r.model.config());
    const auto found = generate(r.model, r.tokenizer, r.requests, r.options);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].size(), expected[i].size());
      for (size_t j = 0; j < found[i].size(); ++j) {
        const auto& [c, begun] = expected[i][j];
        EXPECT_EQ(found[i][j].ids, std::vector<int32_t>(c->ids.begin() + begun, c->ids.end()));
        EXPECT_TRUE(testing::same_bits(found[i][j].log_probs,
                                       std::vector<float>(c->log_probs.begin() + begun, c->log_probs.end())));
        EXPECT_EQ(found[i][j].stopped, c->stopped);
        stopped += c->stopped;
      }
    }
  }
  EXPECT_GT(stopped, 100u);
}

// The text of the error, empty where there is none.
std::string error_of(const Rollout& r) {
  try {
    r.run();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

// Catches: an endless wait, or a crash, where not even one sequence fits.
TEST(Completions, OneThatCannotFitIsAnError) {
  Rollout r;
  const int64_t one = KvBlocks::blocks_for(4) + KvBlocks::blocks_for(39);
  r.options.kv_memory_bytes = one * KvBlocks::block_bytes(r.model.config()) - 1;
  EXPECT_NE(error_of(r).find("key/value cache"), std::string::npos) << error_of(r);
  ++r.options.kv_memory_bytes;
  EXPECT_EQ(error_of(r), "");
  r.options.max_completion_length = 61;
  r.options.kv_memory_bytes = 1 << 30;
  EXPECT_NE(error_of(r).find("context of 64"), std::string::npos) << error_of(r);
  r.options.max_completion_length = 60;
  EXPECT_EQ(error_of(r), "");
}

}  // namespace
}  // namespace cohort
