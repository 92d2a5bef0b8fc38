#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/new_folder.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "model/checkpoint.h"
#include "model/resize.h"

namespace cohort {
namespace {

struct AddTokensSettings {
  std::string model, output_dir;
  std::vector<std::string> tokens;
  bool special = false;
  int64_t pad_to_multiple_of = 1, seed = 0;
};

void declare(OptionTable& t, AddTokensSettings& s) {
  t.add("model", &s.model, "the model to add them to").shown_as("DIR|GGUF");
  t.add("tokens", &s.tokens, "texts that become one token each; several by repeating the option");
  t.add("special", &s.special, "special tokens, which decoding leaves out, as an end token is");
  t.add("pad_to_multiple_of", &s.pad_to_multiple_of, "the embedding gets rows up to a multiple of this")
      .at_least(1)
      .at_most(1 << 20);
  t.add("seed", &s.seed, "of the new rows").at_least(0);
  t.add("output_dir", &s.output_dir, "folder to write; must be new").shown_as("DIR");
}

void check_tokens(const AddTokensSettings& s, const Tokenizer& tokenizer) {
  std::set<std::string> seen;
  for (const std::string& token : s.tokens) {
    if (token.empty()) fail("tokens: expected texts, found an empty one");
    if (!is_valid_utf8(token)) fail("tokens: expected UTF-8, found \"{}\"", replace_invalid_utf8(token));
    if (!seen.insert(token).second) fail("tokens: \"{}\" stands there twice", token);
    if (const int32_t id = tokenizer.token_id(token); id >= 0)
      fail("tokens: \"{}\" is a token of {} already, id {}", token, s.model, id);
  }
}

int run_add_tokens(std::span<const std::string> arguments) {
  const AddTokensSettings s = read_options<AddTokensSettings, declare>("add-tokens", arguments);
  require_option("add-tokens", "model", !s.model.empty(), kModelExpected);
  require_option("add-tokens", "tokens", !s.tokens.empty(), "texts that become one token each, such as <think>");
  require_option("add-tokens", "output_dir", !s.output_dir.empty(), "the folder to write");
  check_new_folder(s.output_dir);
  Checkpoint c = load_checkpoint(s.model, Weights::later);
  if (c.adapter) fail("{}: expected a model, found an adapter: merge it first (cohort merge)", s.model);
  check_tokens(s, c.tokenizer);
  const int64_t known = c.tokenizer.size();
  c.tokenizer = c.tokenizer.with_tokens(s.tokens, s.special, s.model);
  ModelConfig config = c.config;
  if (c.tokenizer.size() > config.vocab_size || s.pad_to_multiple_of > 1) {
    const int64_t needed = std::max(c.tokenizer.size(), config.vocab_size), m = s.pad_to_multiple_of;
    config.vocab_size = (needed + m - 1) / m * m;
  }
  load_weights(c);
  const Buffer weights = resized_weights(c.config, config, c.weights.data(), known, static_cast<uint64_t>(s.seed));
  NewFolder folder(s.output_dir);
  save_checkpoint(folder.path(), config, weights.data(), c.tokenizer, c.texts);
  folder.finish();
  log_info("{}: {} with {} more tokens, ids {} to {}; {} rows of the embedding (before: {})", s.output_dir, c.source,
           s.tokens.size(), known, c.tokenizer.size() - 1, config.vocab_size, c.config.vocab_size);
  return 0;
}

}  // namespace

const Command kAddTokensCommand = {
    "add-tokens",
    "give a model more tokens, such as <think>, and the rows that they need",
    "cohort add-tokens --model DIR|GGUF --tokens TEXT [--tokens TEXT]... --output_dir DIR",
    "cohort add-tokens --model models/base --tokens '<think>' --tokens '</think>' --output_dir models/with-tags",
    options_help<AddTokensSettings, declare>,
    run_add_tokens};

}  // namespace cohort
