#include "reward/language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "reward/script.h"

namespace cohort {
namespace {

// Languages whose words are told by the script. All others are told by CLD2 among those of their scripts.
struct Written {
  std::string_view code;
  std::vector<Script> scripts;
  bool alone;  // no other language that CLD2 knows is written so
};
const Written& written(std::string_view code) {
  static const std::vector<Written> table = {
      {"ko", {Script::hangul}, true},      {"zh", {Script::han}, false},
      {"zh-Hant", {Script::han}, false},   {"ja", {Script::han, Script::kana}, false},
      {"el", {Script::greek}, true},       {"hy", {Script::armenian}, true},
      {"th", {Script::thai}, true},        {"lo", {Script::lao}, true},
      {"my", {Script::myanmar}, true},     {"ka", {Script::georgian}, true},
      {"km", {Script::khmer}, true},       {"ta", {Script::tamil}, true},
      {"te", {Script::telugu}, true},      {"kn", {Script::kannada}, true},
      {"ml", {Script::malayalam}, true},   {"gu", {Script::gujarati}, true},
      {"pa", {Script::gurmukhi}, true},    {"si", {Script::sinhala}, true},
      {"he", {Script::hebrew}, false},     {"iw", {Script::hebrew}, false},
      {"yi", {Script::hebrew}, false},     {"bn", {Script::bengali}, false},
      {"hi", {Script::devanagari}, false}, {"mr", {Script::devanagari}, false},
      {"ne", {Script::devanagari}, false}, {"am", {Script::ethiopic}, false},
      {"ar", {Script::arabic}, false},     {"fa", {Script::arabic}, false},
      {"ur", {Script::arabic}, false},     {"ru", {Script::cyrillic}, false},
      {"uk", {Script::cyrillic}, false},   {"bg", {Script::cyrillic}, false},
      {"be", {Script::cyrillic}, false},   {"mk", {Script::cyrillic}, false},
      {"kk", {Script::cyrillic}, false},   {"ky", {Script::cyrillic}, false},
      {"mn", {Script::cyrillic}, false},   {"sr", {Script::cyrillic, Script::latin}, false},
      {"", {Script::latin}, false},
  };
  for (const Written& w : table)
    if (w.code == code) return w;
  return table.back();
}

CLD2::Language language_of(std::string_view code) {
  if (code == "he") code = "iw";  // as CLD2 calls it
  return CLD2::GetLanguageFromName(std::string(code).c_str());
}

// Whether a verdict stands for the language that is wanted.
bool is_near(CLD2::Language found, CLD2::Language wanted) {
  if (found == wanted) return true;
  constexpr CLD2::Language groups[][4] = {
      {CLD2::INDONESIAN, CLD2::MALAY, CLD2::JAVANESE, CLD2::SUNDANESE},
      {CLD2::NORWEGIAN, CLD2::DANISH, CLD2::NORWEGIAN_N, CLD2::NORWEGIAN},
      {CLD2::CROATIAN, CLD2::SERBIAN, CLD2::BOSNIAN, CLD2::SLOVENIAN},
      {CLD2::CHINESE, CLD2::CHINESE_T, CLD2::CHINESE, CLD2::CHINESE_T},
      {CLD2::PORTUGUESE, CLD2::GALICIAN, CLD2::PORTUGUESE, CLD2::GALICIAN},
      {CLD2::CZECH, CLD2::SLOVAK, CLD2::CZECH, CLD2::SLOVAK},
  };
  for (const auto& group : groups)
    if (std::ranges::find(group, found) != std::end(group) &&
        std::ranges::find(group, wanted) != std::end(group))
      return true;
  return false;
}

// CLD2's verdicts on stretches of valid UTF-8, by their ends.
struct Stretch {
  size_t end;
  CLD2::Language language;
};

// Those of one sentence, which begins at `begin`: with a verdict where CLD2 is not sure, too.
void add_stretches(const std::string& text, size_t begin, size_t end, std::vector<Stretch>& stretches) {
  CLD2::Language languages[3];
  int percents[3], bytes = 0;
  double scores[3];
  bool reliable = false;
  CLD2::CLDHints hints{nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  CLD2::ResultChunkVector chunks;
  CLD2::ExtDetectLanguageSummary(text.data() + begin, static_cast<int>(end - begin), true, &hints,
                                 CLD2::kCLDFlagBestEffort, languages, percents, scores, &chunks, &bytes,
                                 &reliable);
  if (chunks.size() <= 1) {  // of one language, as far as can be told
    stretches.push_back({end, languages[0]});
    return;
  }
  for (const CLD2::ResultChunk& chunk : chunks)
    stretches.push_back({begin + static_cast<size_t>(chunk.offset) + static_cast<size_t>(chunk.bytes),
                         static_cast<CLD2::Language>(chunk.lang1)});
  stretches.back().end = end;
}

// A language rarely changes inside a sentence, and CLD2 looks at stretches that are longer than most sentences: each
// is asked about by itself.
std::vector<Stretch> stretches_of(const std::string& text) {
  std::vector<Stretch> stretches;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    for (; end < text.size(); ++end) {
      if (text[end] == '\n') break;
      const bool stop = text[end] == '.' || text[end] == '!' || text[end] == '?';
      if (stop && (end + 1 == text.size() || text[end + 1] == ' ')) break;
      if (text.compare(end, 3, "\u3002") == 0) break;
    }
    end = std::min(end + 1, text.size());
    add_stretches(text, begin, end, stretches);
    begin = end;
  }
  return stretches;
}

// "ko-KR" is Korean, "zh-TW" Chinese in traditional characters, "DE" German.
std::string plain_code(std::string_view code) {
  std::string out(code);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '_' ? '-' : c;
  const size_t dash = out.find('-');
  if (dash == std::string::npos) return out;
  const std::string region = out.substr(dash + 1);
  out.resize(dash);
  return out == "zh" && (region == "hant" || region == "tw" || region == "hk" || region == "mo") ? "zh-Hant" : out;
}

constexpr size_t kMostBytes = size_t{1} << 20;  // of one text; CLD2 counts in int

}  // namespace

bool is_known_language(std::string_view code) { return language_of(plain_code(code)) != CLD2::UNKNOWN_LANGUAGE; }

LanguageShare language_share(std::string_view raw, std::string_view wanted_code) {
  const std::string code = plain_code(wanted_code);
  const std::string text = prose_of(replace_invalid_utf8(raw.substr(0, kMostBytes)));
  const CLD2::Language wanted = language_of(code);
  const Written& target = written(code);
  const std::vector<Stretch> stretches = target.alone ? std::vector<Stretch>{} : stretches_of(text);
  LanguageShare share;
  auto stretch = stretches.begin();
  const auto count = [&](size_t at, Script script, size_t letters) {
    if (script == Script::none || (script == Script::latin && letters == 1)) return;
    const double words = is_unspaced(script) ? 0.5 * static_cast<double>(letters) : 1;
    share.words += words;
    if (std::ranges::find(target.scripts, script) == target.scripts.end()) return;
    while (stretch != stretches.end() && stretch->end <= at) ++stretch;
    const bool told = stretch != stretches.end() && stretch->language != CLD2::UNKNOWN_LANGUAGE;
    if (!told || is_near(stretch->language, wanted)) share.target += words;
  };
  size_t begin = 0, letters = 0;  // of the word that is open
  Script open = Script::none;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = next_utf8(std::string_view(text).substr(at));
    Script script = script_of(c.code);
    if (script == Script::other && open != Script::none) script = open;  // a mark
    if (script != open) {
      count(begin, open, letters);
      open = script, begin = at, letters = 0;
    }
    ++letters;
    at += c.size;
  }
  count(begin, open, letters);
  return share;
}

}  // namespace cohort
