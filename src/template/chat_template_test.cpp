// What templates may not do, and what errors say.
#include "template/chat_template.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "template/json.h"

namespace cohort {
namespace {

std::string render(const std::string& source, const std::string& context = "{}",
                   jinja::Settings settings = {}) {
  return ChatTemplate(source, "chat").render(jinja::read_json(context), settings).text;
}

std::string error_of(const std::string& source, const std::string& context = "{}",
                     jinja::Limits limits = {}) {
  try {
    ChatTemplate(source, "chat").render(jinja::read_json(context), {}, limits);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

std::string repeat(const std::string& text, int n) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

// Catches: a template that holds the machine: endless loops, growing values, endless output.
TEST(Limits, LoopsGrowthAndOutputEnd) {
  const auto expect = [](const std::string& source, const char* words) {
    const std::string error = error_of(source);
    EXPECT_NE(error.find(words), std::string::npos) << source << "\n" << error;
    EXPECT_TRUE(error.starts_with("chat: line 1: ")) << error;
  };
  expect("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
         "loops for too long");
  expect("{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
         "stopped");
  expect("{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}",
         "stopped");
  expect("{{ 'a' * 99999999999 }}", "stopped");
  expect("{{ ['a'] * 99999999999 }}", "stopped");
  expect("{{ 'a'.ljust(9999999999) }}", "stopped");
  expect("{{ '%9999999d' % 1 ~ '%99999999999d' % 1 }}", "width");
  expect("{% for i in range(99999) %}{{ 'a' * 9999 }}{% endfor %}", "stopped");
  expect("{{ range(100001) }}", "100000 at most");
  expect("{{ 9223372036854775807 + 1 }}", "64 bits");
}

// Catches: a stack that overflows on nesting, in the template, in its data or while it runs.
TEST(Limits, NestingIsAnErrorAndNoOverflow) {
  for (const int n : {1000, 10000, 100000}) {
    EXPECT_NE(error_of("{{ " + repeat("(", n) + "1" + repeat(")", n) + " }}").find("nested deeper"),
              std::string::npos);
    EXPECT_NE(error_of("{{ " + repeat("[", n) + repeat("]", n) + " }}").find("nested deeper"),
              std::string::npos);
    EXPECT_NE(error_of("{{ " + repeat("not ", n) + "1 }}").find("nested deeper"), std::string::npos);
    EXPECT_NE(error_of("{{ " + repeat("-", n) + "1 }}").find("nested deeper"), std::string::npos);
    EXPECT_NE(error_of("{{ 1" + repeat(" if 1 else 1", n) + " }}").find("nested deeper"), std::string::npos);
    EXPECT_NE(error_of("{{ 1" + repeat("+1", n) + " }}").find("levels"), std::string::npos);
    EXPECT_NE(error_of("{{ x" + repeat("|e", n) + " }}").find("levels"), std::string::npos);
    EXPECT_NE(error_of("{{ x" + repeat(".a", n) + " }}").find("levels"), std::string::npos);
    EXPECT_NE(error_of(repeat("{% if 1 %}", n) + repeat("{% endif %}", n)).find("nested deeper"),
              std::string::npos);
    EXPECT_NE(error_of("{% set " + repeat("(", n) + "a" + repeat(")", n) + " = 1 %}").find("nested deeper"),
              std::string::npos);
  }
  EXPECT_NE(error_of("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").find("nested deeper"),
            std::string::npos);
  EXPECT_NE(error_of("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}").find("nested deeper"),
            std::string::npos);
  const std::string deep =
      "{% set n = namespace(l=[]) %}{% for i in range(90000) %}{% set n.l = [n.l] %}{% endfor %}";
  EXPECT_EQ(error_of(deep), "none");  // taken apart without recursion
  for (const char* use : {"{{ n.l }}", "{{ n.l|tojson }}", "{{ n.l == [n.l] }}", "{{ n.l < [n.l] }}"})
    EXPECT_NE(error_of(deep + use).find("nested deeper"), std::string::npos) << use;
  EXPECT_THROW(jinja::read_json(repeat("[", 10000)), Error);
}

// Catches: a namespace that holds itself and leaks, or is gone over for ever.
TEST(Limits, ANamespaceMayHoldItself) {
  EXPECT_EQ(render("{% set n = namespace(a=1) %}{% set n.n = n %}{{ n.n.n.a }}"), "1");
  EXPECT_NE(error_of("{% set n = namespace(a=1) %}{% set n.n = n %}{{ n }}").find("nested deeper"),
            std::string::npos);
}

// Catches: data changed by a template where Hugging Face's sandbox refuses it, and the reverse.
TEST(Sandbox, DataDoesNotChange) {
  for (const char* change : {"l.append(1)", "l.pop()", "l.clear()", "l.sort()", "d.update({})", "d.pop('a')",
                             "d.setdefault('b', 1)"})
    EXPECT_NE(error_of(fmt::format("{{{{ {} }}}}", change), R"({"l": [1], "d": {"a": 1}})").find("unsafe"),
              std::string::npos)
        << change;
  EXPECT_EQ(render("{% set l = [] %}{% set _ = l.append(1) %}{{ l }}", "{}", {.changeable = true}), "[1]");
}

// Catches: errors without the template's name and line.
TEST(Errors, NameTheLine) {
  EXPECT_EQ(error_of("a\n\n{{ raise_exception('Roles must alternate!') }}"),
            "chat: line 3: Roles must alternate!");
  EXPECT_EQ(error_of("a\n{{ x.y.z }}", R"({"x": {}})"), "chat: line 2: 'dict object' has no attribute 'y'");
  EXPECT_EQ(error_of("a\n{{ q.y }}"), "chat: line 2: 'q' is undefined");
  EXPECT_EQ(
      error_of("\n{% if x %}\n{{ y }}\n"),
      "chat: line 3: the template ends inside {% if %}, expected {% elif %} or {% else %} or {% endif %}");
  EXPECT_EQ(error_of("\n\n{% endfor %}"), "chat: line 3: unexpected {% endfor %}");
  EXPECT_EQ(error_of("{{ 'a' }"), "chat: line 1: unexpected '}'");
  EXPECT_EQ(error_of("{{ x | nothing }}"), "chat: line 1: no filter named 'nothing'");
  EXPECT_EQ(error_of("\xff"), "chat: the template is not UTF-8");
  EXPECT_EQ(error_of("{% include 7"), "chat: line 1: expected '%}', found the end of the template");
}

// Catches: dates of another clock than the one given.
TEST(Functions, StrftimeNow) {
  EXPECT_EQ(render("{{ strftime_now('%d %b %Y, %A %H:%M:%S %j %y %-d %p %U %%') }}", "{}",
                   {.now = 1721952000 + 3661}),
            "26 Jul 2024, Friday 01:01:01 208 24 26 AM 29 %");
}

// Catches: a generation block inside a macro whose place is made up.
TEST(Generation, PlacesOrTheirLossAreTold) {
  const ChatTemplate chat("{% macro m() %}{% generation %}a{% endgeneration %}{% endmacro %}x{{ m() }}",
                          "chat");
  EXPECT_TRUE(chat.has_generation());
  EXPECT_TRUE(chat.render(jinja::read_json("{}")).generation_lost);
  const auto rendered =
      ChatTemplate("é{% generation %}bc{% endgeneration %}", "chat").render(jinja::read_json("{}"));
  ASSERT_EQ(rendered.generation.size(), 1u);
  EXPECT_EQ(rendered.generation[0].begin, 2u);
  EXPECT_EQ(rendered.generation[0].end, 4u);
}

// Catches: keys in another order than the file's, numbers of another kind, surrogates.
TEST(Json, AsPythonReadsIt) {
  EXPECT_EQ(render("{{ x|tojson }}", R"({"x": {"b": 1, "a": [1.0, -0, 1e2, "\ud83d\ude00\u00e9"], "b": 2}})"),
            "{\"b\": 2, \"a\": [1.0, 0, 100.0, \"😀é\"]}");
  for (const char* bad : {"", "{", "[1,]", "{\"a\" 1}", "01", "1.", "nul", "\"a", "\"\\x\"", "[1] 2",
                          "{1: 2}", "99999999999999999999"})
    EXPECT_THROW(jinja::read_json(bad), Error) << bad;
}

}  // namespace
}  // namespace cohort
