// cohort add-tokens: a tokenizer with more tokens and a model with rows for them.
#include "model/resize.h"
#include "run_support.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::run_program;

class AddTokens : public ::testing::Test {
 protected:
  void SetUp() override { testing::make_tiny_model(model()); }
  fs::path model() const { return folder_.path() / "model"; }
  fs::path out() const { return folder_.path() / "out"; }
  testing::Process::Result add(std::vector<std::string> more, const fs::path& to) const {
    std::vector<std::string> words{"add-tokens", "--model", model().string(), "--output_dir", to.string()};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  }
  testing::TempFolder folder_;
};

float value(const Checkpoint& c, const std::string& name, int64_t row, int64_t column) {
  for (const Parameter& p : parameter_list(c.config))
    if (p.name == name) return c.weights.data()[p.offset + row * p.shape[1] + column];
  ADD_FAILURE() << name;
  return 0;
}

// Catches: a token that is cut into letters all the same, or whose id is another's; old rows that moved; new ones
// that are zero, equal to one another, or far from the mean; a vocabulary that config.json does not know of.
TEST_F(AddTokens, AreFoundAndHaveRows) {
  const auto r = add({"--tokens", "<think>", "--tokens", "1, 2", "--special", "--pad_to_multiple_of", "16"}, out());
  ASSERT_EQ(r.status, 0) << r.text;
  const Checkpoint before = load_checkpoint(model()), after = load_checkpoint(out());
  const auto first = static_cast<int32_t>(before.tokenizer.size());
  EXPECT_EQ(after.tokenizer.size(), first + 2);
  EXPECT_EQ(after.config.vocab_size, 16);
  const std::vector<int32_t> old = before.tokenizer.encode("3+", false),
                             ids = after.tokenizer.encode("3+<think>3+1, 2", false);
  EXPECT_EQ(ids, (std::vector<int32_t>{old[0], old[1], first, old[0], old[1], first + 1}));
  EXPECT_EQ(after.tokenizer.decode(ids, false), "3+<think>3+1, 2");
  EXPECT_EQ(after.tokenizer.decode(ids, true), "3+3+");
  const std::string table = "model.embed_tokens.weight";
  for (int64_t c = 0; c < before.config.hidden_size; ++c) {
    double mean = 0;
    for (int64_t row = 0; row < first; ++row) {
      EXPECT_EQ(value(after, table, row, c), value(before, table, row, c));
      mean += value(before, table, row, c) / static_cast<double>(first);
    }
    for (int64_t row = first; row < 16; ++row) EXPECT_NEAR(value(after, table, row, c), mean, 1e-4);
    EXPECT_NE(value(after, table, first, c), value(after, table, first + 1, c));
    EXPECT_EQ(value(after, "model.layers.1.mlp.down_proj.weight", 3, c), value(before, "model.layers.1.mlp.down_proj.weight", 3, c));
  }
  // Again, into the rows that were padding; and what it wrote is a model that other commands take.
  const fs::path again = folder_.path() / "again";
  const auto second = run_program({"add-tokens", "--model", out().string(), "--tokens", "</think>", "--output_dir", again.string()});
  ASSERT_EQ(second.status, 0) << second.text;
  EXPECT_EQ(load_checkpoint(again).config.vocab_size, 16);
  EXPECT_EQ(load_checkpoint(again).tokenizer.encode("</think>", false), (std::vector<int32_t>{first + 2}));
  for (const char* to : {"gguf:f32", "hf"}) {
    const auto exported = run_program({"export", "--model", again.string(), "--to", to, "--output", (folder_.path() / "e").string()});
    EXPECT_EQ(exported.status, 0) << exported.text;
    fs::remove_all(folder_.path() / "e");
  }
}

// Catches: a head of its own that keeps the old rows' number.
TEST(ResizedWeights, AHeadOfItsOwnGrows) {
  ModelConfig from = testing::tiny_config();
  from.tie_word_embeddings = false;
  ModelConfig to = from;
  to.vocab_size += 5;
  const Buffer weights = random_weights(from, 3), more = resized_weights(from, to, weights.data(), from.vocab_size, 0);
  const WeightViews old = weight_views(from, weights.data()), now = weight_views(to, more.data());
  EXPECT_EQ(std::memcmp(old.head.data, now.head.data, static_cast<size_t>(old.head.size()) * 4), 0);
  EXPECT_NE(now.head.row(to.vocab_size - 1)[0], 0);
  EXPECT_NE(now.head.row(to.vocab_size - 1)[0], now.embedding.row(to.vocab_size - 1)[0]);
}

// Catches: tokens added twice, something overwritten, a half-written folder.
TEST_F(AddTokens, Refusals) {
  const auto error = [&](std::vector<std::string> more) {
    const auto r = add(std::move(more), out());
    EXPECT_EQ(r.status, 1) << r.text;
    EXPECT_FALSE(fs::exists(out()));
    return r.text;
  };
  EXPECT_NE(error({}).find("--tokens is missing"), std::string::npos);
  EXPECT_NE(error({"--tokens", ""}).find("found an empty one"), std::string::npos);
  EXPECT_NE(error({"--tokens", "\xff"}).find("expected UTF-8"), std::string::npos);
  // What lies beside the folder is not ours; a slash at its end is no other folder.
  fs::create_directories(out().string() + ".tmp");
  testing::write_text(out().string() + ".tmp/mine", "precious");
  EXPECT_EQ(add({"--tokens", "<a>"}, out().string() + "/").status, 0);
  EXPECT_TRUE(fs::exists(out() / "model.safetensors") && fs::exists(out().string() + ".tmp/mine"));
  fs::remove_all(out());
  testing::write_text(model() / "added_tokens.json", "[1]");
  EXPECT_NE(error({"--tokens", "<a>"}).find("model/added_tokens.json: expected an object, found array"), std::string::npos);
  EXPECT_NE(error({"--tokens", "<a>", "--tokens", "<a>"}).find("stands there twice"), std::string::npos);
  EXPECT_NE(error({"--tokens", "<|end|>"}).find("is a token of"), std::string::npos);
  EXPECT_NE(error({"--tokens", "<a>", "--pad_to_multiple_of", "0"}).find("at least 1"), std::string::npos);
  fs::create_directories(out());
  EXPECT_NE(add({"--tokens", "<a>"}, out()).text.find("expected a new folder"), std::string::npos);
}

}  // namespace
}  // namespace cohort
