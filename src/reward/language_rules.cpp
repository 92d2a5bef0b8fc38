#include <nlohmann/json.hpp>

#include "base/check.h"
#include "reward/language.h"
#include "reward/rules.h"

namespace cohort {

// DeepSeek-R1 (arXiv 2501.12948, section 2.3.2): the share of the target language's words in the chain of thought.
const RewardRule kLanguageConsistencyRule = {
    "language_consistency",
    "the share of the reasoning's words that are in the row's language (or the recipe's); 1 where it has "
    "letters only "
    "in code and formulas, 0 where it is empty",
    [](const RewardSettings& s, int64_t, RewardFunction& f) {
      if (!is_known_language(s.language))
        fail("language: expected a code such as en, ko or zh, found \"{}\"", s.language);
      f.call = [fallback = s.language](const RewardInput& input) {
        std::string code = fallback;
        if (const auto field = input.fields.find("language"); field != input.fields.end()) {
          if (!field->is_string() || !is_known_language(field->get<std::string>()))
            return not_computed(
                fmt::format("\"language\" is {}, expected a code such as en, ko or zh", field->dump()));
          code = field->get<std::string>();
        }
        const std::string_view reasoning = reasoning_of(input.completion);
        const LanguageShare share = language_share(reasoning, code);
        const bool blank = reasoning.find_first_not_of(" \t\r\n") == std::string_view::npos;
        return computed(share.words > 0 ? share.target / share.words : blank ? 0 : 1);
      };
    }};

}  // namespace cohort
