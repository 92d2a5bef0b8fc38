// Patterns as in llama.cpp's llm_tokenizer_bpe, but for two adaptations that its engine needs and the models'
// own files do not have: contractions are (?i:'s|...) here, and upper and lower case of gpt-4o and tekken are
// Unicode's. Characters beyond ASCII are written as escapes, so that no editor normalises them.
#include "text/gguf_pre_tokenizers.h"

#include <map>

namespace cohort {
namespace {

constexpr std::string_view kGpt2 =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
constexpr std::string_view kDigit = "\\p{N}";
constexpr std::string_view kDigits = "\\p{N}+";
constexpr std::string_view kThreeDigits = "[0-9][0-9][0-9]";
constexpr std::string_view kUpToThreeDigits = "\\p{N}{1,3}";
constexpr std::string_view kLlama3 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kQwen2 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^"
    "\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kQwen35 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{"
    "N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kGpt4o =
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'"
    "re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}"
    "\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+"
    "(?!\\S)|\\s+";
constexpr std::string_view kTekken =
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\"
    "p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}"
    "\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kDeepseekLlm = "[\r\n]";
constexpr std::string_view kDeepseekLlm2 =
    "\\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF"
    "\u0370-\u0373\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5"
    "\u03F7-\u0481\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-"
    "\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D"
    "\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-"
    "\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113"
    "\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149"
    "\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B"
    "\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-"
    "\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3\U000104D8-\U000104FB\U00010C80-\U00010CB2\U00010CC0"
    "-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943]+";
constexpr std::string_view kDeepseekLlm3 =
    "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+";
constexpr std::string_view kDeepseekLlm4 = "\\s+$";
constexpr std::string_view kDeepseekLlm5 = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";
constexpr std::string_view kDeepseek3 = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
constexpr std::string_view kDeepseek32 =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?["
    "\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kDeepseekCoder = "\\s?\\p{L}+";
constexpr std::string_view kDeepseekCoder2 = "\\s?\\p{P}+";
constexpr std::string_view kFalcon = "[\\p{P}\\$\\+<=>\\^~\\|`]+";
constexpr std::string_view kChameleon = "<sentinel:[0-9]+>";
constexpr std::string_view kChameleon2 = "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z";
constexpr std::string_view kChameleon3 = "([\\t\\n]|    |  )";
constexpr std::string_view kChameleon4 = "[\\p{P}!-/:-@\\[-`{-~]";
constexpr std::string_view kDefault = "[\\p{P}\\$\\+<=>\\^~\\|]+";
constexpr std::string_view kBloom = " ?[^(\\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+";
constexpr std::string_view kBailing =
    "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]"
    "+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
constexpr std::string_view kSeed =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?"
    "[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kLines = "[^\\n]+|[\\n]+";

const std::map<std::string_view, GgufPreTokenizer>& table() {
  static const std::map<std::string_view, GgufPreTokenizer> rows = {
      {"a.x-4.0", {.patterns = {kGpt2}}},
      {"bailingmoe", {.patterns = {kBailing}}},
      {"bailingmoe2", {.patterns = {kBailing}}},
      {"bloom", {.patterns = {kBloom}}},
      {"chameleon",
       {.patterns = {kChameleon, kChameleon2, kChameleon3, kDigit, kChameleon4, kGpt2}, .add_bos = true}},
      {"chatglm-bpe", {.patterns = {kLlama3}}},
      {"codeshell", {.patterns = {kDigit, kGpt2}}},
      {"command-r", {.patterns = {kDigit, kGpt2}}},
      {"dbrx", {.patterns = {kLlama3}}},
      {"deepseek-coder",
       {.patterns = {kDeepseekLlm, kDeepseekCoder, kDeepseekCoder2, kDeepseekLlm5, kDigit}}},
      {"deepseek-llm",
       {.patterns = {kDeepseekLlm, kDeepseekLlm2, kDeepseekLlm3, kDeepseekLlm4, kDeepseekLlm5, kDigits}}},
      {"deepseek-r1-qwen", {.patterns = {kQwen2}}},
      {"deepseek-v3", {.patterns = {kUpToThreeDigits, kDeepseek3, kDeepseek32}}},
      {"default", {.patterns = {kDefault, kGpt2, kDigits, kThreeDigits}}},
      {"exaone", {.patterns = {kDigit, kGpt2}}},
      {"exaone4", {.patterns = {kGpt2}}},
      {"falcon", {.patterns = {kFalcon, kGpt2, kThreeDigits}}},
      {"falcon-h1", {.patterns = {kLlama3}, .ignore_merges = true, .add_bos = true}},
      {"falcon3", {.patterns = {kLlama3}, .ignore_merges = true, .add_bos = true}},
      {"gemma4", {.patterns = {kLines}, .add_bos = true, .byte_level = false}},
      {"gigachat", {.patterns = {kGpt2}}},
      {"glm4", {.patterns = {kLlama3}, .ignore_merges = true}},
      {"glm5", {.patterns = {kLlama3}, .ignore_merges = true}},
      {"gpt-2", {.patterns = {kGpt2}}},
      {"gpt-4o", {.patterns = {kGpt4o}, .ascii_case = true}},
      {"gpt3-finnish", {.patterns = {kBloom}}},
      {"granite-docling", {.patterns = {kGpt2}}},
      {"grok-2", {.patterns = {kQwen2}}},
      {"hunyuan", {.patterns = {kQwen2}}},
      {"hunyuan-dense", {.patterns = {kUpToThreeDigits, kDeepseek3, kDeepseek32}}},
      {"jais", {.patterns = {kGpt2}}},
      {"jina-de", {.patterns = {kGpt2}}},
      {"jina-es", {.patterns = {kGpt2}}},
      {"jina-v1-en", {.patterns = {kGpt2}}},
      {"jina-v2-code", {.patterns = {kGpt2}}},
      {"jina-v2-de", {.patterns = {kGpt2}}},
      {"jina-v2-es", {.patterns = {kGpt2}}},
      {"joyai-llm", {.patterns = {kUpToThreeDigits, kDeepseek3, kDeepseek32}}},
      {"kanana2", {.patterns = {kGpt4o}, .ascii_case = true}},
      {"lfm2", {.patterns = {kLlama3}, .ignore_merges = true, .add_bos = true}},
      {"llada-moe", {.patterns = {kBailing}}},
      {"llama-bpe", {.patterns = {kLlama3}, .ignore_merges = true, .add_bos = true}},
      {"llama-v3", {.patterns = {kLlama3}, .ignore_merges = true, .add_bos = true}},
      {"llama3", {.patterns = {kLlama3}, .ignore_merges = true, .add_bos = true}},
      {"llama4", {.patterns = {kGpt4o}, .ascii_case = true}},
      {"megrez", {.patterns = {kQwen2}}},
      {"mellum", {.patterns = {kGpt2}}},
      {"mellum2", {.patterns = {kDigit, kGpt2}}},
      {"midm-2.0", {.patterns = {kLlama3}, .ignore_merges = true, .add_bos = true}},
      {"minerva-7b", {.patterns = {kDigit, kGpt2}}},
      {"modern-bert", {.patterns = {kGpt2}}},
      {"mpt", {.patterns = {kGpt2}, .nfc = true}},
      {"olmo", {.patterns = {kGpt2}, .nfc = true}},
      {"phi-2", {.patterns = {kGpt2}}},
      {"pixtral", {.patterns = {kLlama3}, .ignore_merges = true, .add_bos = true}},
      {"poro-chat", {.patterns = {kBloom}}},
      {"qwen2", {.patterns = {kQwen2}, .nfc = true}},
      {"qwen35", {.patterns = {kQwen35}}},
      {"refact", {.patterns = {kDigit, kGpt2}}},
      {"roberta-bpe", {.patterns = {kGpt2}}},
      {"seed-coder", {.patterns = {kSeed}}},
      {"smaug-bpe", {.patterns = {kLlama3}}},
      {"smollm", {.patterns = {kDigit, kGpt2}}},
      {"solar-open", {.patterns = {kQwen2}}},
      {"stablelm2", {.patterns = {kQwen2}}},
      {"starcoder", {.patterns = {kDigit, kGpt2}}},
      {"tekken", {.patterns = {kTekken}, .ignore_merges = true, .add_bos = true, .ascii_case = true}},
      {"trillion", {.patterns = {kGpt2}}},
      {"viking", {.patterns = {kBloom, kDigit}}},
  };
  return rows;
}

}  // namespace

const GgufPreTokenizer* find_gguf_pre_tokenizer(std::string_view name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

std::vector<std::string_view> gguf_pre_tokenizer_list() {
  std::vector<std::string_view> names;
  for (const auto& [name, row] : table()) names.push_back(name);
  return names;
}

std::string gguf_pre_tokenizer_names() {
  std::string out;
  for (const auto& [name, row] : table()) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

}  // namespace cohort
