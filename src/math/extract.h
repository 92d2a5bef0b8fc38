// Where in a completion its answer stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort::math {

enum class Source { boxed, answer_tag, phrase, formula, last_number, whole };
std::string_view source_name(Source source);

inline constexpr size_t kMaxAnswer = 4000;  // bytes of an answer; a longer one is not judged

struct Candidate {
  std::string text;
  Source source;
};

struct ExtractOptions {
  // In this order of trust. A later "final answer is ..." is trusted before an earlier box.
  std::vector<Source> order = {Source::boxed, Source::answer_tag, Source::phrase, Source::formula,
                               Source::last_number};
  // What follows the last </think> alone counts: where there is one (after), always (required), or it has
  // no meaning (ignore).
  enum Think { after, required, ignore } think = after;
};

// The last of each kind, the most trusted first; empty where there is nothing. Several boxes, formulas or
// numbers that commas, "and" or "or" join are one answer.
std::vector<Candidate> find_answers(std::string_view completion, const ExtractOptions& options);

// The text itself where it is short, and what find_answers() finds.
std::vector<Candidate> find_gold(std::string_view gold);

}  // namespace cohort::math
