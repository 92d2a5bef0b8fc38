#include "base/log.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "run/plan.h"
#include "run/run.h"
#include "web/report.h"

namespace cohort {
namespace {

int run_train(std::span<const std::string> arguments) {
  const Recipe recipe = load_recipe(arguments);
  const bool finished = train(recipe, {stop_on_signals(), {}});
  const std::filesystem::path report = write_report(recipe.output_dir);
  log_info("{}", report.string());
  return finished ? 0 : 130;
}

std::string recipe_help() {
  Recipe recipe;
  OptionTable table;
  add_recipe_options(table, recipe);
  return table.help();
}

int run_plan(std::span<const std::string> arguments) {
  const Recipe recipe = load_recipe(arguments);
  const RecipePlan planned = plan_recipe(recipe);
  fmt::print("{}\n", describe(planned.plan, planned.limit));
  check(planned.plan, planned.limit, recipe);
  return 0;
}

}  // namespace

const Command kTrainCommand = {"train",
                               "train a model by a recipe",
                               "cohort train [RECIPE.toml] [--option value]...",
                               "cohort train recipes/smollm2-sums.toml --seed 1 --output_dir runs/sums-1",
                               recipe_help,
                               run_train};

const Command kPlanCommand = {
    "plan",
    "parameters, memory in the worst case, tokens and FLOPs of a step, before anything runs",
    "cohort plan [RECIPE.toml] [--option value]...",
    "cohort plan recipes/smollm2-sums.toml --num_generations 16",
    recipe_help,
    run_plan};

}  // namespace cohort
