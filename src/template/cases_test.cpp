// Other implementations' cases: real chat templates as Jinja2 renders them, minja's tests of syntax.
#include <gtest/gtest.h>

#include "base/check.h"
#include "base/external_cases.h"
#include "base/file.h"
#include "template/chat_template.h"
#include "template/json.h"

namespace cohort {
namespace {

using jinja::Kind;
using jinja::Value;

std::vector<Value> rows_of(const std::filesystem::path& path) {
  std::vector<Value> rows;
  const std::string text = read_file(path);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) rows.push_back(jinja::read_json(std::string_view(text).substr(at, end - at)));
    at = end + 1;
  }
  return rows;
}

const Value& field(const Value& row, std::string_view name) {
  const Value* value = row.entries().find(name);
  if (!value) fail("a case without {}", name);
  return *value;
}

bool flag(const Value& row, std::string_view name) {
  const Value* value = row.entries().find(name);
  return value && truth(*value);
}

constexpr int64_t kDate = 1721952000;  // 2024-07-26, as the golden texts were made on

// Catches: a character of difference to what transformers renders real templates to.
TEST(Cases, GoldenChatTemplates) {
  const auto path = external_cases("chat_template_goldens.jsonl");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  int passed = 0, count = 0;
  for (const Value& row : rows_of(path)) {
    ++count;
    const std::string name = field(row, "template_file").bytes();
    const Value *wanted = row.entries().find("output"), *refused = row.entries().find("error");
    std::string found;
    try {
      const ChatTemplate chat(read_file(external_cases("templates") / name), name);
      found = chat.render(field(row, "context"), {.now = kDate}).text;
    } catch (const Error& e) {
      found = std::string("error: ") + e.what();
      if (refused || !wanted || wanted->is(Kind::none)) found = "";
    }
    const std::string expected = wanted && wanted->is(Kind::string) ? wanted->bytes() : "";
    EXPECT_EQ(found, expected) << name << " " << field(row, "context_name").bytes();
    passed += found == expected;
  }
  std::printf("%d of %d\n", passed, count);
}

// Catches: a rule of the syntax that another implementation knows.
TEST(Cases, MinjaSyntax) {
  const auto path = external_cases("jinja_minja_syntax.jsonl");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  int passed = 0, count = 0;
  for (const Value& row : rows_of(path)) {
    if (!flag(row, "jinja2_agrees")) continue;
    ++count;
    const Value& options = field(row, "options");
    const jinja::Whitespace whitespace{flag(options, "trim_blocks"), flag(options, "lstrip_blocks"),
                                       flag(options, "keep_trailing_newline")};
    const Value* wanted = row.entries().find("expected");
    std::string found, error;
    try {
      found = ChatTemplate(field(row, "template").bytes(), "template", whitespace)
                  .render(field(row, "context"), {.changeable = true})
                  .text;
    } catch (const Error& e) {
      error = e.what();
    }
    const bool right =
        wanted && wanted->is(Kind::string) ? error.empty() && found == wanted->bytes() : !error.empty();
    EXPECT_TRUE(right) << field(row, "template").bytes() << "\nfound: " << found << "\nerror: " << error;
    passed += right;
  }
  std::printf("%d of %d\n", passed, count);
}

// Catches: anything that Python's Jinja2 does otherwise: statements, white space, errors, and expressions
// made at random (tools/make_template_cases.py).
TEST(Cases, AsJinja2Renders) {
  const std::filesystem::path folder = COHORT_SOURCE_DIR "/tests/fixtures/template";
  const Value context = jinja::read_json(read_file(folder / "context.json"));
  int wrong = 0;
  for (const Value& row : rows_of(folder / "cases.jsonl")) {
    const std::string& source = field(row, "template").bytes();
    jinja::Whitespace whitespace;
    if (const Value* options = row.entries().find("options"))
      whitespace = {flag(*options, "trim_blocks"), flag(*options, "lstrip_blocks"),
                    flag(*options, "keep_trailing_newline")};
    std::string found, error;
    std::vector<jinja::Span> spans;
    try {
      const auto rendered = ChatTemplate(source, "template", whitespace).render(context);
      found = rendered.text;
      spans = rendered.generation;
    } catch (const Error& e) {
      error = e.what();
    }
    const Value* wanted = row.entries().find("output");
    const bool right = wanted ? error.empty() && found == wanted->bytes() : !error.empty();
    EXPECT_TRUE(right) << source << "\nwanted: " << (wanted ? wanted->bytes() : "an error")
                       << "\nfound:  " << found << "\nerror:  " << error;
    if (!right && ++wrong > 200) break;
    const Value* wanted_spans = row.entries().find("spans");
    if (!wanted_spans) continue;
    ASSERT_EQ(spans.size(), wanted_spans->items().size()) << source;
    for (size_t i = 0; i < spans.size(); ++i) {  // theirs are in characters
      const auto characters_before = [&](size_t byte) {
        return characters(jinja::Text(found.substr(0, byte), false));
      };
      EXPECT_EQ(characters_before(spans[i].begin), wanted_spans->items()[i].items()[0].as_integer())
          << source;
      EXPECT_EQ(characters_before(spans[i].end), wanted_spans->items()[i].items()[1].as_integer()) << source;
    }
  }
}

}  // namespace
}  // namespace cohort
