// Rewards for the shape of a completion.
#include "base/check.h"
#include "reward/format.h"
#include "reward/rules.h"

namespace cohort {
namespace {

void check_tags(std::string_view rule, const RewardSettings& s) {
  if (s.format_tags.empty()) fail("format_tags: {} needs at least one tag, found none", rule);
  for (const std::string& tag : s.format_tags)
    if (tag.empty() || tag.find_first_of("<>/ \n") != std::string::npos)
      fail("format_tags: expected names such as think, found \"{}\"", tag);
}

}  // namespace

const RewardRule kThinkFormatRule = {"think_format",
                                     "1 where the completion is <think> ... </think> <answer> ... </answer> "
                                     "and nothing else (or as format_tags and "
                                     "format_strict say)",
                                     [](const RewardSettings& s, int64_t, RewardFunction& f) {
                                       check_tags(kThinkFormatRule.name, s);
                                       f.call = [tags = s.format_tags,
                                                 strict = s.format_strict](const RewardInput& input) {
                                         return computed(follows_format(input.completion, tags, strict));
                                       };
                                     }};

const RewardRule kTagCountRule = {
    "tag_count", "the share of the opening and closing format_tags that stand there exactly once (open-r1)",
    [](const RewardSettings& s, int64_t, RewardFunction& f) {
      check_tags(kTagCountRule.name, s);
      f.call = [tags = s.format_tags](const RewardInput& input) {
        return computed(tag_count(input.completion, tags));
      };
    }};

}  // namespace cohort
