// Everything that rewards do with a completion's text.
#include <nlohmann/json.hpp>

#include "base/fuzz_support.h"
#include "reward/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  static const std::vector<RewardFunction> functions = [] {
    RewardSettings s;
    s.soft_punish_cache = 1;
    s.reward_funcs = {"answer_tag"};
    for (const RewardRule* rule : reward_rules()) {
      const std::string name(rule->name);  // what runs programs is not for here
      if (name != "answer_tag" && !name.starts_with("code") && name != "math") s.reward_funcs.push_back(name);
    }
    return make_rewards(s, 100);
  }();
  static const nlohmann::json row{{"answer", "7"}, {"numbers", {3, 4}}, {"target", 7}, {"language", "fr"}};
  const std::string_view text = fuzz::text_of(data, size);
  for (const RewardFunction& f : functions) {
    f.call({row, "", text, static_cast<int64_t>(size)});
    if (f.extract) f.extract(text);
  }
  return 0;
}
