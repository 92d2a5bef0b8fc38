#include "run/recipe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/check.h"
#include "base/file.h"

namespace cohort {
namespace {

std::filesystem::path recipe_file(const std::string& text) {
  // A folder for each process: tests run beside one another.
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / fmt::format("recipe-test-{}", getpid());
  std::filesystem::create_directories(folder);
  const std::filesystem::path path = folder / "sums.toml";
  write_file(path, text);
  return path;
}

std::string error_of(const std::string& toml, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {
      recipe_file("model = 'm'\ndata = 'd'\nreward_funcs = ['a']\n" + toml).string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  try {
    load_recipe(arguments);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// Catches a recipe whose command line does not win, and a run folder that is not named after the recipe.
TEST(Recipe, CommandLineOverridesTheFile) {
  const std::string file =
      recipe_file("model = 'm'\ndata = 'd'\nreward_funcs = ['a']\nbeta = 0.04\nseed = 7\n").string();
  const std::vector<std::string> arguments = {"--seed", "9", file, "--stop=x"};
  const Recipe recipe = load_recipe(arguments);
  EXPECT_EQ(recipe.seed, 9);
  EXPECT_EQ(recipe.beta, 0.04);
  EXPECT_EQ(recipe.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(recipe.output_dir, "runs/sums");
}

// Catches a default that belongs to the other method, and one that beats what the user wrote.
TEST(Recipe, LearningRateDefaultsByMethod) {
  const auto rate = [](std::vector<std::string> arguments) {
    for (const char* word : {"--model=m", "--data=d", "--output_dir=o", "--reward_funcs=a"})
      arguments.push_back(word);
    return load_recipe(arguments).learning_rate;
  };
  EXPECT_EQ(rate({}), 1e-6);
  EXPECT_EQ(rate({"--method=sft"}), 2e-5);
  EXPECT_EQ(rate({"--method=sft", "--learning_rate=1e-6"}), 1e-6);
}

// Catches a combination that would train something else than the recipe says.
TEST(Recipe, RefusesWhatCannotBeTrainedAsWritten) {
  EXPECT_EQ(error_of(""), "no error");
  EXPECT_NE(error_of("top_p = 0.9").find("top_p: completions sampled from a truncated distribution"),
            std::string::npos);
  EXPECT_NE(error_of("", {"--top_k", "5"}).find("top_k: "), std::string::npos);
  EXPECT_NE(error_of("min_p = 0.1").find("min_p: "), std::string::npos);
  EXPECT_EQ(error_of("min_p = 0.1\nmethod = 'sft'"), "no error");
  EXPECT_NE(error_of("temperature = 0").find("sums.toml:4: temperature: expected a number above 0, found 0"),
            std::string::npos);
  EXPECT_EQ(
      error_of("train_batch_size = 12"),
      "train_batch_size (12) must be a multiple of num_generations (8): a group is trained on as a whole");
  EXPECT_NE(error_of("num_generations = 1").find("expected at least 2, found 1"), std::string::npos);
  EXPECT_NE(error_of("reward_weights = [1, 2]").find("expected 1 weights"), std::string::npos);
  EXPECT_NE(error_of("delta = 1.1").find("delta: expected more than 1 + epsilon_high = 1.2, found 1.1"),
            std::string::npos);
  EXPECT_NE(error_of("load_best_model_at_end = true").find("set eval_steps"), std::string::npos);
  EXPECT_NE(error_of("max_steps = 0").find("found 0"), std::string::npos);
  EXPECT_NE(error_of("", {"second.toml"}).find("expected one recipe file, found also second.toml"),
            std::string::npos);
  EXPECT_NE(error_of("per_device_train_batch_size = 8").find("did you mean train_batch_size?"),
            std::string::npos);
}

// Catches a resolved recipe that depends on more than its values, or that changes when it is read again.
TEST(Recipe, ResolvedRecipeIsAFixedPoint) {
  Recipe recipe = default_recipe("grpo");
  recipe.model = "m", recipe.data = "d", recipe.output_dir = "o", recipe.reward_funcs = {"a"};
  recipe.epsilon_high = 0.28;
  const std::string text = resolved_recipe(recipe);
  const std::string file = recipe_file(text).string();
  recipe.resume = true;
  EXPECT_EQ(resolved_recipe(recipe), text);
  EXPECT_EQ(resolved_recipe(load_recipe(std::vector<std::string>{file})), text);
}

// Catches docs that list other options or defaults than the program has. COHORT_UPDATE_DOCS=1 writes the page
// anew.
TEST(Recipe, DocsListTheTable) {
  Recipe recipe = default_recipe("grpo");
  OptionTable table;
  add_recipe_options(table, recipe);
  const std::string page =
      "# The recipe\n\nA recipe is a TOML file of `name = value`; any of them is also an option of `cohort "
      "train`: `--name value`, and wins "
      "over the file.\nNames and defaults are TRL 1.16's where it has them, else verl's. `\"none\"` stands "
      "for no value. The run folder's "
      "`recipe.toml` holds them all.\n\n" +
      table.markdown();
  const std::filesystem::path path = std::filesystem::path(COHORT_SOURCE_DIR) / "docs/recipe.md";
  if (std::getenv("COHORT_UPDATE_DOCS")) write_file(path, page);
  EXPECT_EQ(read_file(path), page) << "COHORT_UPDATE_DOCS=1 on this test writes it anew";
}

}  // namespace
}  // namespace cohort
