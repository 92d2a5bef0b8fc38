#include <bitset>
#include <filesystem>
#include <memory>
#include <set>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "cli/random_model.h"
#include "data/row_pass.h"
#include "run/problem_maker.h"

namespace cohort {
namespace {

struct InitSettings {
  std::vector<std::string> data;
  Recipe recipe;  // how a built-in task makes its rows
  std::string output_dir;
  RandomModelShape shape;
};

void declare(OptionTable& t, InitSettings& s) {
  t.add("data", &s.data,
        "the characters of these rows' prompts and completions become the tokenizer: JSONL files or names of "
        "built-in tasks; several by repeating the option")
      .shown_as("FILE|TASK");
  t.add("output_dir", &s.output_dir, "folder to write; must be new").shown_as("DIR");
  t.add("seed", &s.recipe.seed, "the same seed gives the same weights").at_least(0);
  t.add("hidden_size", &s.shape.hidden_size, "width of the residual stream").at_least(1);
  t.add("intermediate_size", &s.shape.intermediate_size, "width of the feed-forward part").at_least(1);
  t.add("num_hidden_layers", &s.shape.num_hidden_layers, "layers").at_least(1);
  t.add("num_attention_heads", &s.shape.num_attention_heads, "heads, for queries and for keys").at_least(1);
  t.add("max_position_embeddings", &s.shape.max_position_embeddings, "longest prompt with its completion")
      .at_least(1);
  t.add("initializer_range", &s.shape.initializer_range, "standard deviation of the random matrices")
      .above(0);
}

// Each character of the row once, in order of their bytes.
std::set<std::string, std::less<>> characters_of(const Row& row) {
  std::set<std::string, std::less<>> characters;
  std::bitset<256> seen;  // first bytes that are a character by themselves
  for (std::string_view text : {std::string_view(row.prompt), std::string_view(row.completion)})
    while (!text.empty()) {
      const std::string_view character = text.substr(0, static_cast<size_t>(next_utf8(text).size));
      text.remove_prefix(character.size());
      const auto first = static_cast<unsigned char>(character[0]);
      if (seen[first]) continue;
      seen[first] = character.size() == 1;
      if (!characters.contains(character)) characters.emplace(character);
    }
  return characters;
}

int run_init(std::span<const std::string> arguments) {
  const InitSettings s = read_options<InitSettings, declare>("init", arguments);
  require_option("init", "data", !s.data.empty(), kDataExpected);
  require_option("init", "output_dir", !s.output_dir.empty(), "the folder to write");
  if (std::filesystem::exists(s.output_dir))
    fail("{}: expected a new folder, found one that exists", s.output_dir);
  using Characters = std::set<std::string, std::less<>>;
  Characters characters;
  for (const std::string& name : s.data) {
    const std::unique_ptr<RowSource> source = open_rows(name, s.recipe);
    pass_over<Characters>(*source, "read " + name, [&](int64_t i) { return characters_of(source->row(i)); },
                          [&](int64_t, Characters&& found) { characters.merge(found); });
  }
  std::string alphabet;
  for (const std::string& c : characters) alphabet += c;
  write_random_model(s.output_dir, s.shape, alphabet, static_cast<uint64_t>(s.recipe.seed));
  log_info("{}: {} layers of width {}, {} characters", s.output_dir, s.shape.num_hidden_layers,
           s.shape.hidden_size, characters.size());
  return 0;
}

}  // namespace

const Command kInitCommand = {"init",
                              "make a small model of random weights, to train from scratch",
                              "cohort init --data ROWS --output_dir DIR [--option value]...",
                              "cohort init --data carries --output_dir runs/scratch",
                              options_help<InitSettings, declare>,
                              run_init};

}  // namespace cohort
