// What goes over text or items pays for it in steps, so that the bound on steps is a bound on the time.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/check.h"
#include "template/chat_template.h"
#include "template/filters.h"
#include "template/methods.h"

namespace cohort {
namespace {

using jinja::Dict;
using jinja::Value;

std::string repeat(std::string_view text, size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return all;
}

// Made where nothing is metered. w: the text; d: a dict of it.
Value context_of(const std::string& text) {
  Dict d, all;
  d.set(Value::text(text), Value::integer(1));
  all.set(Value::text("d"), Value::dict(std::move(d)));
  all.set(Value::text("w"), Value::text(text));
  all.set(Value::text("v"), Value::text(text));  // equal, and not the same
  return Value::dict(std::move(all));
}

std::string outcome(const std::string& source, const Value& context, int64_t steps) {
  try {
    return ChatTemplate(source, "chat").render(context, {}, {.steps = steps}).text;
  } catch (const Error& e) {
    return e.what();
  }
}
bool stopped(const std::string& outcome) { return outcome.find("loops for too long") != outcome.npos; }

struct Operation {
  std::string name, expression;
};

std::vector<Operation> operations() {
  const std::map<std::string, std::string> given = {
      {"center", "9"},       {"count", "'x'"},        {"endswith", "w"},      {"find", "'x'"},        {"index", "'x'"},
      {"join", "w"},         {"ljust", "9"},          {"partition", "'x'"},   {"removeprefix", "w"},  {"removesuffix", "w"},
      {"replace", "'x','y'"}, {"rfind", "'x'"},       {"rindex", "'x'"},      {"rjust", "9"},         {"rpartition", "'x'"},
      {"startswith", "w"},   {"zfill", "9"},          {"attr", "'x'"},        {"batch", "3"},         {"slice", "3"},
      {"groupby", "'x'"},    {"map", "'upper'"},      {"selectattr", "'x'"},  {"rejectattr", "'x'"},  {"truncate", "9"},
      {"wordwrap", "9"},     {"divisibleby", "3"}};
  const auto arguments = [&](std::string_view name, const char* otherwise) {
    const auto found = given.find(std::string(name));
    return found == given.end() ? std::string(otherwise) : found->second;
  };
  std::vector<Operation> all;
  for (const jinja::Method& method : jinja::string_methods())
    all.push_back({fmt::format("w.{}", method.name), fmt::format("w.{}({})", method.name, arguments(method.name, ""))});
  for (const auto filters : {jinja::text_filters(), jinja::sequence_filters(), jinja::selection_filters(), jinja::value_filters()})
    for (const jinja::Filter& filter : filters) {
      const std::string with = filter.name == "count" || filter.name == "join" || filter.name == "center" ? "" : arguments(filter.name, "");
      all.push_back({fmt::format("w|{}", filter.name), fmt::format("w|{}({})", filter.name, with)});
    }
  const std::set<std::string_view> alone = {"defined", "undefined", "none",   "boolean", "integer", "float",    "string",
                                            "mapping", "number",    "true",   "false",   "iterable", "sequence", "callable",
                                            "lower",   "upper",     "even",   "odd",     "escaped", "filter",   "test"};
  for (const jinja::Test& test : jinja::tests()) {
    const bool sign = !std::isalpha(static_cast<unsigned char>(test.name[0]));
    if (!sign)
      all.push_back({fmt::format("is {}", test.name),
                     fmt::format("w is {}{}", test.name, alone.contains(test.name) ? "" : "(" + arguments(test.name, "v") + ")")});
  }
  for (const char* expression :
       {"w ~ 'x'", "w + 'x'", "w == v", "w != v", "w < v", "w >= v", "w in v", "v in [w]", "'x' not in w", "w * 2", "w[1:]", "w[::2]", "w % ()",
        "{w: 1}", "d[w]", "d.get(w)", "w in d", "[w]|string", "{'a': w}|tojson", "'%.1s' % w", "'{:.1}'.format(w)", "dict([[w, 1]])",
        "[w, v]|unique|list", "[w, v]|sort", "[w, v]|max", "(w, v).index(v)", "(1, 2)[w]", "strftime_now(w)"})
    all.push_back({expression, expression});
  return all;
}

constexpr size_t kBytes = 1 << 18;
constexpr std::string_view kTexts[] = {" ", "1", "a", "Ab-\n"};

// Catches: a method, a filter, a test or an operator that goes over a text for nothing: in a loop it runs for hours within any bound.
TEST(Cost, WhatGoesOverATextPaysForIt) {
  const std::set<std::string> constant = {
      "w|safe",      "w|string",  "w|length", "w|count",  "w|default", "w|d",          "w|abs",     "w|round",    "w|attr",
      "w|items",     "w|dictsort", "is defined", "is undefined", "is none", "is boolean",  "is integer", "is float", "is string",
      "is mapping",  "is number", "is true",  "is false", "is iterable", "is sequence", "is callable", "is escaped", "is filter",
      "is test",     "is sameas"};
  for (const Operation& operation : operations()) {
    bool paid = false;
    for (const std::string_view text : kTexts) {
      const Value context = context_of(repeat(text, kBytes));
      paid |= stopped(outcome("{% set x = " + operation.expression + " %}{{ 1 }}", context, kBytes / 64));
    }
    EXPECT_TRUE(paid || constant.contains(operation.name)) << operation.expression;
  }
}

// Catches: a single operation whose time grows faster than its steps. It ends with its result or with the bound.
TEST(Cost, ALongLoopOverABigTextEnds) {
  for (const Operation& operation : operations()) {
    for (const std::string_view text : kTexts) {
      const std::string found =
          outcome("{% for i in range(20000) %}{% set x = " + operation.expression + " %}{% endfor %}done", context_of(repeat(text, kBytes)), 200'000);
      EXPECT_FALSE(found.empty()) << operation.expression;
    }
  }
}

// Catches: searching that looks at the whole needle at every place, wrapping that moves the rest of the text for every line,
// names and arguments that are compared with all others, lists copied into a text once for every level.
TEST(Cost, TheWorstTextsAreGoneOverOnce) {
  const Value context = context_of(repeat("a", 1 << 20));
  const auto ends = [&](const std::string& source, const std::string& wanted) {
    const std::string found = outcome(source, context, 20'000'000);
    EXPECT_EQ(found.substr(0, 100), wanted) << source.substr(0, 100);
  };
  const std::string needle = "{% set n = w[:500000] ~ 'b' %}", backward = "{% set n = 'b' ~ w[:500000] %}";
  ends(needle + "{{ w.find(n) }} {{ n in w }} {{ w.count(n) }} {{ w.split(n)|length }} {{ w.replace(n, '')|length }}", "-1 False 0 1 1048576");
  ends(backward + "{{ w.rfind(n) }} {{ w.rsplit(n)|length }} {{ w.rpartition(n)[2]|length }}", "-1 1 1048576");
  ends("{{ w|wordwrap(1)|length }} {{ w|replace('a', '-')|wordwrap(2)|length }}", "2097151 1572863");
  ends("{{ '{:0300000,}'.format(7)|length }}", "300001");
  ends("{% set n = namespace(l=[w]) %}{% for i in range(150) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l|string|length }}", "1048880");
  std::string names, arguments = "0";
  for (int i = 0; i < 40000; ++i) {
    names += fmt::format("{{% set a{} = 1 %}}", i);
    arguments += fmt::format(",a{}=1", i);
  }
  EXPECT_TRUE(stopped(outcome(names, context, 20'000'000)));
  ends("{{ dict(" + arguments.substr(2) + ")|length }}", "40000");
  for (const char* endless : {"w|wordwrap(1, wrapstring=w)", "w|map('list', *w|list)|list", "w.strip(w ~ 'b')"})
    EXPECT_NE(outcome(fmt::format("{{{{ {} }}}}", endless), context, 20'000'000).find("stopped"), std::string::npos) << endless;
}

// Catches: a bound that a long conversation meets: fifty messages of a megabyte each, gone over as templates do.
TEST(Cost, FiftyLongMessagesAreRendered) {
  std::vector<Value> messages;
  for (int i = 0; i < 50; ++i) {
    Dict message;
    message.set(Value::text("role"), Value::text(i % 2 ? "assistant" : "user"));
    message.set(Value::text("content"), Value::text(repeat("some words, ", 1'000'000)));
    messages.push_back(Value::dict(std::move(message)));
  }
  Dict context;
  context.set(Value::text("messages"), Value::list(std::move(messages)));
  const std::string source =
      "{% for m in messages %}{% if m.content is string and '</think>' not in m.content and not m.content.startswith('<tool>') %}"
      "{{ '<|im_start|>' + m.role + '\n' }}{{ m.content|trim }}{{ '<|im_end|>' }}{% endif %}{% endfor %}";
  EXPECT_GT(outcome(source, Value::dict(std::move(context)), jinja::Limits().steps).size(), 50'000'000u);
}

}  // namespace
}  // namespace cohort
