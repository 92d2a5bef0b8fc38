#include "run/chat_format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "base/file.h"
#include "data/pairs.h"
#include "run/problem.h"

namespace cohort {
namespace {

constexpr const char* kChatml =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
constexpr const char* kMarked =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}"
    "{{ m.content }}<|im_end|>{% endgeneration %}{{ '\n' }}{% else %}{{ m.content }}<|im_end|>\n{% endif "
    "%}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
// As Qwen3's: what the assistant thought is dropped from all but the last answer.
constexpr const char* kForgetful =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and loop.last %}<think>\n"
    "{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

constexpr const char* kTalk =
    R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "a"}, )"
    R"({"role": "assistant", "content": "b", "thinking": "t"}, {"role": "user", "content": "c"}, )"
    R"({"role": "assistant", "content": "d"}]})";

class ChatFormatTest : public ::testing::Test {
 protected:
  ChatFormatTest()
      : tokenizer(Tokenizer::characters("abcdefghijklmnopqrstuvwxyzS\n</>{}", {"<|im_start|>", "<|im_end|>"},
                                        "<|im_end|>")),
        path(std::filesystem::path(::testing::TempDir()) /
             fmt::format("cohort_chat_format_{}.jinja", ::getpid())) {}  // the tests run at the same time
  ~ChatFormatTest() override { std::filesystem::remove(path); }

  Row row(const std::string& line) {
    return parse_rows(line, "rows.jsonl", {{}, Conversations::chat}).at(0);
  }
  Row rendered(const char* chat_template, const std::string& line, ChatFormat::Wanted wanted) {
    std::ofstream(path) << chat_template;
    Row r = row(line);
    ChatSettings settings;
    settings.chat_template_path = path.string();
    ChatFormat(tokenizer, settings).render(r, wanted, "rows.jsonl:1");
    return r;
  }
  // The tokens that are trained on, as text, "|" between spans.
  std::string trained(const Problem& p) {
    std::string text;
    for (const TokenSpan& s : p.spans)
      if (s.sampled)
        text += tokenizer.decode(std::span(p.completion_ids).subspan(s.begin, s.end - s.begin), false) + "|";
    return text;
  }

  Tokenizer tokenizer;
  std::filesystem::path path;
};

// Catches: an answer that stays in the prompt, a missing generation prompt, a question that is not the last.
TEST_F(ChatFormatTest, PromptsEndWhereTheAnswerBegins) {
  const std::string wanted =
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
      "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n";
  const Row whole = rendered(kChatml, kTalk, ChatFormat::Wanted::prompt);
  EXPECT_EQ(whole.prompt, wanted);
  EXPECT_EQ(whole.question, "c");
  std::string only = kTalk;
  only.replace(2, 8, "prompt");
  only = only.substr(0, only.rfind(", {")) + "]}";
  EXPECT_EQ(rendered(kChatml, only, ChatFormat::Wanted::prompt).prompt, wanted);
  const Problem p = make_problem(whole, false, tokenizer);
  EXPECT_EQ(p.prompt_ids, tokenizer.encode(wanted, false));
  EXPECT_EQ(p.prompt_ids[0], tokenizer.token_id("<|im_start|>"));
}

// Catches: masks that differ between a template that marks answers and one whose beginnings are compared;
// white space behind the end token trained on; a token lost or doubled where turns meet.
TEST_F(ChatFormatTest, TheAssistantsWordsAreTheSameEitherWay) {
  for (const char* chat_template : {kChatml, kMarked}) {
    const Problem p =
        make_problem(rendered(chat_template, kTalk, ChatFormat::Wanted::completion), true, tokenizer);
    EXPECT_EQ(trained(p), "b<|im_end|>|d<|im_end|>|");
    EXPECT_EQ(
        tokenizer.decode(p.prompt_ids, false) + tokenizer.decode(p.completion_ids, false),
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
        "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\nd<|im_end|>");
    EXPECT_EQ(p.spans.front().begin, 0);
    EXPECT_EQ(p.spans.back().end, std::ssize(p.completion_ids));
  }
  const Problem split = make_problem(
      rendered(
          kChatml,
          R"({"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "b"}]})",
          ChatFormat::Wanted::completion),
      true, tokenizer);
  EXPECT_EQ(tokenizer.decode(split.prompt_ids, false),
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(tokenizer.decode(split.completion_ids, false), "b<|im_end|>");
}

// Catches: pairs whose prompt is not the template's, in both of TRL's forms.
TEST_F(ChatFormatTest, Pairs) {
  const std::string answers =
      R"("chosen": [%{"role": "assistant", "content": "b"}], "rejected": [%{"role": "assistant", "content": "d"}]})";
  const std::string user = R"({"role": "user", "content": "a"})";
  for (const bool implicit : {false, true}) {
    std::string line = implicit ? "{" + answers : "{\"prompt\": [" + user + "], " + answers;
    for (size_t at = 0; (at = line.find('%', at)) != line.npos;)
      line.replace(at, 1, implicit ? user + ", " : "");
    const Pair pair = pair_of(rendered(kChatml, line, ChatFormat::Wanted::pair));
    EXPECT_EQ(pair.chosen.prompt, "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(tokenizer.decode(make_problem(pair.chosen, true, tokenizer).completion_ids, false),
              "b<|im_end|>");
    EXPECT_EQ(tokenizer.decode(make_problem(pair.rejected, true, tokenizer).completion_ids, false),
              "d<|im_end|>");
  }
}

// Catches: a template that rewrites the past trained on at the wrong tokens; errors that do not say where or
// what to do.
TEST_F(ChatFormatTest, WhatIsRefused) {
  const auto error = [&](const auto& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  const std::string forgets = error([&] { rendered(kForgetful, kTalk, ChatFormat::Wanted::completion); });
  EXPECT_NE(forgets.find("rows.jsonl:1: "), std::string::npos) << forgets;
  EXPECT_NE(forgets.find("the first 3 messages are rendered otherwise when more follow, from byte 82 on: "
                         "'<think>\\nt</think>b"),
            std::string::npos)
      << forgets;
  EXPECT_EQ(error([&] {
              Row r = row(kTalk);
              ChatFormat(tokenizer, {}).render(r, ChatFormat::Wanted::prompt, "rows.jsonl:1");
            }).substr(0, 76),
            "rows.jsonl:1: the row holds messages, and the model has no chat template; gi");
  EXPECT_NE(error([&] {
              rendered("{{ raise_exception('no system here') }}", kTalk, ChatFormat::Wanted::prompt);
            }).find("line 1: no system here"),
            std::string::npos);
  for (const char* bad :
       {R"({"messages": []})", R"({"messages": [1]})", R"({"messages": [{"content": "x"}]})",
        R"({"prompt": [{"role": "user"}], "messages": 1, "chosen": [2]})"})
    EXPECT_NE(error([&] { row(bad); }).find("rows.jsonl:1: "), std::string::npos) << bad;
  ChatSettings settings;
  settings.chat_template_kwargs = "[1]";
  EXPECT_NE(error([&] { ChatFormat(tokenizer, settings); }).find("expected a JSON object"),
            std::string::npos);
  settings = {};
  settings.chat_template_date = "2024-13-01";
  EXPECT_NE(error([&] { ChatFormat(tokenizer, settings); }).find("expected a day"), std::string::npos);
}

// Catches: variables of the recipe or the row that do not reach the template, tools as text, and the day of
// the clock.
TEST_F(ChatFormatTest, WhatTheTemplateSees) {
  std::ofstream(path)
      << "{{ eos_token }}{{ who }}{{ tools[0].name }}{{ strftime_now('%d %b %Y') }}{{ last }}";
  ChatSettings settings;
  settings.chat_template_path = path.string();
  settings.chat_template_kwargs = R"({"who": "me", "last": 1})";
  Row r = row(R"({"messages": [{"role": "user", "content": "x"}], "tools": "[{\"name\": \"f\"}]", )"
              R"("chat_template_kwargs": {"last": 2}})");
  ChatFormat(tokenizer, settings).render(r, ChatFormat::Wanted::prompt, "rows.jsonl:1");
  EXPECT_EQ(r.prompt, "<|im_end|>mef26 Jul 20242");
}

// Catches: documents of the row or the recipe put out by none, and named special tokens that a template cannot see.
TEST_F(ChatFormatTest, DocumentsAndAllNamedTokensReachTheTemplate) {
  std::ofstream(path) << "{{ documents is defined }}{{ documents[0].title if documents }}{{ unk_token }}{{ sep_token }}{{ mask_token is defined }}";
  ChatSettings settings;
  settings.chat_template_path = path.string();
  const Tokenizer named = Tokenizer::from_files(
      {{"tokenizer.json", read_file(COHORT_SOURCE_DIR "/tests/fixtures/tokenizer/gpt2/tokenizer.json")},
       {"tokenizer_config.json", R"({"unk_token": "!", "sep_token": {"content": "#"}})"}},
      "folder");
  const auto prompt = [&](const std::string& more) {
    Row r = row(R"({"messages": [{"role": "user", "content": "x"}])" + more + "}");
    ChatFormat(named, settings).render(r, ChatFormat::Wanted::prompt, "rows.jsonl:1");
    return r.prompt;
  };
  EXPECT_EQ(prompt(""), "True!#False");
  EXPECT_EQ(prompt(R"(, "chat_template_kwargs": {"documents": [{"title": "t"}], "unk_token": "?"})"), "Truet?#False");
  settings.chat_template_kwargs = R"({"documents": [{"title": "all"}]})";
  EXPECT_EQ(prompt(""), "Trueall!#False");
  EXPECT_EQ(prompt(R"(, "chat_template_kwargs": {"documents": null})"), "True!#False");
}

}  // namespace
}  // namespace cohort
