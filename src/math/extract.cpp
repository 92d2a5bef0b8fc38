#include "math/extract.h"

#include <algorithm>
#include <optional>

#include "math/ascii.h"
#include "math/places.h"

namespace cohort::math {
namespace {

constexpr size_t kShort = 300;  // bytes of a text that may be an answer and nothing else

// What stands between two answers that belong together: commas, "and", "or", with layout around them.
bool joins(std::string_view gap) {
  if (gap.size() > 80) return false;
  std::string words;
  for (size_t i = 0; i < gap.size(); ++i) {
    if (gap[i] == '\\') {
      size_t j = i + 1;
      while (j < gap.size() && ((gap[j] >= 'a' && gap[j] <= 'z') || (gap[j] >= 'A' && gap[j] <= 'Z'))) ++j;
      i = j > i + 1 ? j - 1 : i + 1;
      words += ' ';
    } else if (std::string_view("${}~ \n()[]&").find(gap[i]) != npos) {
      words += ' ';
    } else {
      words += lower(gap[i]);
    }
  }
  const std::string_view text = trimmed(words);
  if (text.empty()) return true;
  if (text.find('.') != npos || text.find(':') != npos || text.find('=') != npos) return false;
  return text == "," || text == ";" || text == "and" || text == "or" || text.ends_with(" and") ||
         text.ends_with(" or") || text == ", and" || text == ", or" || text.starts_with("and ") ||
         text.starts_with("or ") || text == "&";
}

std::optional<Candidate> last_joined(std::string_view text, const std::vector<Span>& spans, Source source,
                                     bool adjacent) {
  if (spans.empty()) return std::nullopt;
  size_t last = spans.size() - 1;
  const auto before = [&](size_t i) { return text.substr(spans[i - 1].to, spans[i].from - spans[i - 1].to); };
  while (last > 0 && before(last).size() < 20 && before(last).find("where ") != npos)
    --last;  // "..., where a > 0"
  size_t first = last;
  while (first > 0) {
    const std::string_view gap = before(first);
    if (!joins(gap) || (!adjacent && trimmed(gap).empty())) break;
    --first;
  }
  bool repeated = first < last;  // the same answer twice
  for (size_t i = first; i < last; ++i)
    repeated = repeated && trimmed(spans[i].inside) == trimmed(spans[last].inside);
  if (repeated) first = last;
  std::string joined;
  for (size_t i = first; i <= last; ++i) {
    std::string_view inside = trimmed(spans[i].inside);
    while (inside.ends_with(',') || (inside.ends_with('.') && !inside.ends_with("...")))
      inside = trimmed(inside.substr(0, inside.size() - 1));
    if (i > first) joined += " , ";
    joined += inside;
  }
  return Candidate{std::move(joined), source};
}

// What follows #### at the beginning of the last line that has it, as in GSM8K; empty where there is none.
std::string_view after_hashes(std::string_view text) {
  const size_t at = text.rfind("####");
  if (at == npos || (at > 0 && text[at - 1] != '\n')) return {};
  const std::string_view rest = text.substr(at + 4);
  const std::string_view line = trimmed(rest.substr(0, rest.find('\n')));
  return line.starts_with('#') ? std::string_view{} : line;
}

}  // namespace

std::string_view source_name(Source source) {
  static constexpr std::string_view kNames[] = {"boxed",   "answer_tag",  "phrase",
                                                "formula", "last_number", "whole"};
  return kNames[static_cast<size_t>(source)];
}

std::vector<Candidate> find_answers(std::string_view text, const ExtractOptions& options) {
  if (options.think != ExtractOptions::ignore) {
    const size_t end = text.rfind("</think>");
    if (end != npos)
      text = text.substr(end + 8);
    else if (options.think == ExtractOptions::required)
      return {};
  }
  const std::vector<Span> boxed = boxes(text);
  const Phrase phrase = last_phrase(text);
  std::vector<Span> all_formulas;
  const auto wanted = [&](Source s) {
    return std::find(options.order.begin(), options.order.end(), s) != options.order.end();
  };
  if (wanted(Source::formula) || wanted(Source::phrase)) all_formulas = formulas(text);

  std::vector<Candidate> out;
  const std::string_view hashes = after_hashes(text);
  const auto add_phrase = [&] {
    // A heading's number is no answer: "#### Step 3".
    const bool later = phrase.at == npos || hashes.data() > text.data() + phrase.at;
    if (!hashes.empty() && later && hashes.find_first_of("0123456789") != npos && !prose(hashes))
      out.push_back({std::string(hashes), Source::phrase});
    if (phrase.at == npos) return;
    size_t end = sentence_end(text, phrase.after);
    std::vector<Span> inside;
    for (const Span& s : all_formulas)
      if (s.from >= phrase.after && s.from < end) inside.push_back(s);
    std::string_view sentence = trimmed(text.substr(phrase.after, end - phrase.after));
    while (sentence.starts_with('*') || sentence.starts_with('_')) sentence = trimmed(sentence.substr(1));
    while (sentence.ends_with('*') || sentence.ends_with('_'))
      sentence = trimmed(sentence.substr(0, sentence.size() - 1));
    // "42, not 41", "42 (since ...)": what follows is no part of the answer.
    size_t stop = npos;
    for (const std::string_view mark : {", not ", " (since ", " (because ", " (as ", ", since ", ", because ",
                                        " since ", " because ", " instead of ", " rather than "})
      stop = std::min(stop, sentence.find(mark));
    if (stop != npos && stop > 0) {
      const size_t cut = static_cast<size_t>(sentence.data() - text.data()) + stop;
      std::erase_if(inside, [&](const Span& s) { return s.from >= cut; });
      sentence = trimmed(sentence.substr(0, stop));
      end = cut;
    }
    // "The volume of $ABCD$ is 120": a number after a formula without one.
    const bool number_follows =
        !inside.empty() && inside.back().inside.find_first_of("0123456789") == npos &&
        text.substr(inside.back().to, end - inside.back().to).find_first_of("0123456789") != npos;
    if (!inside.empty() && !number_follows) {
      if (auto c = last_joined(text, inside, Source::phrase, false)) out.push_back(std::move(*c));
    }
    const size_t is = sentence.rfind(" is ");  // "the answer: its area is 5"
    const bool told = is != npos && (number_follows || prose(sentence.substr(0, is)));
    if (told) out.push_back({std::string(trimmed(sentence.substr(is + 4))), Source::phrase});
    if (!told && !sentence.empty() && !number_follows) out.push_back({std::string(sentence), Source::phrase});
    if (const auto n = value_at_end(sentence)) out.push_back({std::string(*n), Source::phrase});
  };
  const bool phrase_first = phrase.at != npos && phrase.final && !boxed.empty() &&
                            phrase.at > boxed.back().to && wanted(Source::phrase);
  if (phrase_first) add_phrase();
  for (const Source source : options.order) {
    switch (source) {
      case Source::boxed:
        if (auto c = last_joined(text, boxed, source, true)) out.push_back(std::move(*c));
        break;
      case Source::answer_tag: {
        const size_t open = text.rfind("<answer>");
        if (open == npos) break;
        const size_t close = text.find("</answer>", open);
        const std::string_view inside =
            text.substr(open + 8, (close == npos ? text.size() : close) - open - 8);
        if (const auto formula = formulas(inside); formula.size() == 1)
          out.push_back({std::string(trimmed(formula[0].inside)), source});
        const size_t is = inside.rfind(" is ");  // "The value is 4"
        if (is != npos && prose(inside.substr(0, is)))
          out.push_back({std::string(trimmed(inside.substr(is + 4))), source});
        out.push_back({std::string(trimmed(inside)), source});
        if (const auto n = value_at_end(inside)) out.push_back({std::string(*n), source});
        break;
      }
      case Source::phrase:
        if (!phrase_first) add_phrase();
        break;
      case Source::formula: {
        if (all_formulas.empty()) {  // all of it may be one: "\frac{10}{9}"
          if (text.size() <= kShort && trimmed(text).find('\n') == npos && !prose(text))
            out.push_back({std::string(trimmed(text)), source});
          break;
        }
        // A number in a later sentence is nearer to the end than the last formula.
        const std::string_view after = text.substr(all_formulas.back().to);
        const size_t stop = after.find(". ");
        if (stop != npos && wanted(Source::last_number))
          if (const auto n = value_at_end(after.substr(stop)))
            out.push_back({std::string(*n), Source::last_number});
        if (auto c = last_joined(text, all_formulas, source, false)) out.push_back(std::move(*c));
        break;
      }
      case Source::last_number:
        if (const auto n = value_at_end(text)) out.push_back({std::string(*n), source});
        break;
      case Source::whole:
        out.push_back({std::string(trimmed(text)), source});
        break;
    }
  }
  std::erase_if(out, [](const Candidate& c) { return c.text.empty(); });
  return out;
}

std::vector<Candidate> find_gold(std::string_view gold) {
  // GSM8K's solutions end in that line; the dollar signs before it are money.
  if (const std::string_view last = after_hashes(gold); !last.empty() && trimmed(gold).ends_with(last))
    gold = last;
  ExtractOptions options;
  options.think = ExtractOptions::ignore;
  const std::vector<Span> spans = formulas(gold);
  const bool marked =
      !spans.empty() || !boxes(gold).empty() || gold.find("<answer>") != npos || last_phrase(gold).at != npos;
  if (!marked) {
    options.order = {Source::whole, Source::last_number};
  } else if (spans.size() == 1 && trimmed(gold).size() == spans[0].to - spans[0].from &&
             boxes(gold).empty()) {
    options.order = {Source::formula};  // $...$ alone
  }
  return find_answers(gold, options);
}

}  // namespace cohort::math
