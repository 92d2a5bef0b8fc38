#include "reward/settings.h"

namespace cohort {

void add_reward_settings(OptionTable& t, RewardSettings& s) {
  t.section("Rewards");
  t.add(
      "reward_funcs", &s.reward_funcs,
      "reward functions by name (docs/rewards.md), model:PATH for a reward model (docs/reward_models.md), or "
      "command:LINE for a program that answers in JSON lines; evaluation counts a completion as correct "
      "where the "
      "first pays 1");
  t.add("reward_weights", &s.reward_weights, "a weight for each of reward_funcs; 1 each where empty");
  t.add("reward_gates", &s.reward_gates,
        "those of reward_funcs that must pay at least 1, or the others count nothing (no format, no answer "
        "credit)");
  t.add("reward_factors", &s.reward_factors,
        "those of reward_funcs that multiply the weighted sum of the others instead of adding to it");
  t.add("reward_routes", &s.reward_routes,
        "KIND=NAME: that function judges only rows of this kind (several by repeating); *=NAME: of the kinds "
        "that no "
        "route names; a function without a route judges all rows");
  t.add("route_field", &s.route_field, "reward_routes: the field that says a row's kind");
  t.add("reward_errors", &s.reward_errors,
        "where a reward cannot be computed: continue without that completion, or stop the run")
      .one_of({"continue", "stop"});
  t.add("reward_workers", &s.reward_workers,
        "processes that judge by math and code while other completions are still drawn; 0: this process judges, "
        "afterwards")
      .at_least(0)
      .at_most(256);
  t.add("reward_command_timeout", &s.reward_command_timeout,
        "command: most seconds from one answer to the next")
      .above(0);
  t.add("soft_punish_cache", &s.soft_punish_cache,
        "soft_overlong_punishment: tokens before max_completion_length over which it falls from 0 to -1")
      .at_least(0);
  t.add("format_tags", &s.format_tags, "think_format, tag_count: the tags that are wanted, in order");
  t.add("format_strict", &s.format_strict,
        "think_format: nothing but the tags and what they hold; false: text may stand after the first part, "
        "and "
        "parts may be empty");
  t.add("cosine_max_len", &s.cosine_max_len,
        "cosine_scaled: tokens at which it ends; 0: max_completion_length")
      .at_least(0);
  t.add("cosine_min_value_wrong", &s.cosine_min_value_wrong,
        "cosine_scaled: of the shortest wrong completion");
  t.add("cosine_max_value_wrong", &s.cosine_max_value_wrong, "cosine_scaled: of the longest wrong one");
  t.add("cosine_min_value_correct", &s.cosine_min_value_correct, "cosine_scaled: of the longest right one");
  t.add("cosine_max_value_correct", &s.cosine_max_value_correct, "cosine_scaled: of the shortest right one");
  t.add("token_budget", &s.token_budget,
        "token_budget: tokens wanted of a completion; 0: the row's token_budget")
      .at_least(0);
  t.add("token_budget_alpha", &s.token_budget_alpha,
        "token_budget: what each token too many or too few costs")
      .at_least(0);
  t.add("repetition_n_grams", &s.repetition_n_grams, "repetition_penalty: words of an n-gram")
      .at_least(1)
      .at_most(64);
  t.add("repetition_max_penalty", &s.repetition_max_penalty,
        "repetition_penalty: where everything is repeated")
      .at_most(0);
  t.add("language", &s.language,
        "language_consistency: the language wanted, where the row has no field language");
  t.add("code_cpu_seconds", &s.code_cpu_seconds,
        "code: CPU time of one test; five times that of wall time is the last resort")
      .above(0);
  t.add("code_memory_mb", &s.code_memory_mb, "code: memory of one test")
      .at_least(16)
      .at_most(1 << 20);
  t.add("code_commands", &s.code_commands,
        "code: further languages, each \"TAG: COMMAND WORD ...\" for blocks with that tag; the source's file is "
        "the command's last word");
  t.add("code_read_only", &s.code_read_only,
        "code: folders that programs may read besides the system's, such as an interpreter's");
  t.add("math_extraction", &s.math_extraction,
        "math: where the final answer may stand, the most trusted place first")
      .one_of({"boxed", "answer_tag", "phrase", "formula", "last_number"});
  t.add("math_precision", &s.math_precision,
        "math: decimals to which a number written with a point is compared")
      .at_least(0)
      .at_most(15);
}

}  // namespace cohort
