#include "reward/settings.h"

namespace cohort {

void add_reward_settings(OptionTable& t, RewardSettings& s) {
  t.section("Rewards");
  t.add("reward_funcs", &s.reward_funcs,
        "reward functions by name, or model:PATH for a reward model (docs/reward_models.md); evaluation "
        "counts a completion as correct where the first pays 1");
  t.add("reward_weights", &s.reward_weights, "a weight for each of reward_funcs; 1 each where empty");
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
}

}  // namespace cohort
