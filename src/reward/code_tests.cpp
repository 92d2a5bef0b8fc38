#include "reward/code_tests.h"

#include <algorithm>

#include "base/check.h"
#include "base/json.h"

namespace cohort {
namespace {

using nlohmann::json;

std::string text_field(const json& object, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto it = object.find(name); it != object.end() && it->is_string())
      return it->get<std::string>();
  return {};
}

// A string, or lines as an array of strings; other values as they are written.
std::string as_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return dump_json(value);
  std::string text;
  for (const json& line : value) text += (line.is_string() ? line.get<std::string>() : dump_json(line)) + "\n";
  return text;
}

json parse_or_text(const std::string& text) {
  json value = try_parse_json(text);
  return value.is_discarded() ? json(text) : value;
}

std::string arguments(const json& input) {
  if (input.is_array()) return dump_json(input);
  if (!input.is_string()) return dump_json(json::array({input}));
  json list = json::array();
  const std::string text = input.get<std::string>();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string::npos) list.push_back(parse_or_text(line));
    at = end + 1;
  }
  return dump_json(list);
}

CodeTest make_test(const json& input, const json& output, bool call) {
  CodeTest test;
  if (!call) {
    test.input = as_text(input);
    test.output = as_text(output);
    return test;
  }
  test.kind = CodeTestKind::call;
  test.input = arguments(input);
  test.expected = input.is_string() && output.is_string() ? parse_or_text(output.get<std::string>()) : output;
  return test;
}

CodeTest asserts(std::string code) {
  CodeTest test;
  test.kind = CodeTestKind::asserts;
  test.input = std::move(code);
  return test;
}

void read_value(const json& value, CodeTests& out);

void read_case(const json& item, CodeTests& out) {
  if (item.is_string()) {
    out.tests.push_back(asserts(item.get<std::string>()));
    return;
  }
  if (!item.is_object() || !item.contains("input") || !item.contains("output"))
    fail("its tests: expected objects with \"input\" and \"output\", or code, found {:.80}", dump_json(item));
  const std::string name = text_field(item, {"fn_name"});
  if (!name.empty()) {
    if (!out.fn_name.empty() && out.fn_name != name)
      fail("its tests: two functions are named, {} and {}", out.fn_name, name);
    out.fn_name = name;
  }
  const std::string type = text_field(item, {"type", "testtype"});
  const bool by_type = type == "functional" || type == "function_call";
  if (by_type && out.fn_name.empty()) fail("its tests: a test calls a function, and no fn_name says which");
  out.tests.push_back(
      make_test(item["input"], item["output"], type.empty() ? !out.fn_name.empty() : by_type));
}

void read_object(const json& value, CodeTests& out) {
  if (const std::string name = text_field(value, {"fn_name", "func_name"}); !name.empty()) out.fn_name = name;
  if (const std::string language = text_field(value, {"language"}); !language.empty())
    out.language = language;
  if (value.contains("test_cases")) return read_value(value["test_cases"], out);
  if (value.contains("input") && value["input"].is_array() && value.contains("output") && value["output"].is_array()) {
    json several = value;  // TACO, CodeContests: one list of inputs, one of outputs
    several["inputs"] = value["input"];
    several["outputs"] = value["output"];
    several.erase("input");
    return read_object(several, out);
  }
  if (value.contains("input")) return read_case(value, out);
  const auto inputs = value.find("inputs"), outputs = value.find("outputs");
  if (inputs == value.end() || outputs == value.end() || !inputs->is_array() || !outputs->is_array())
    fail("its tests: expected \"inputs\" and \"outputs\", two arrays, found {:.80}", dump_json(value));
  if (inputs->size() != outputs->size())
    fail("its tests: {} inputs and {} outputs", inputs->size(), outputs->size());
  const bool call = !out.fn_name.empty();
  const bool wrapped =
      call && std::ranges::all_of(*outputs, [](const json& o) { return o.is_array() && o.size() == 1; });
  for (size_t i = 0; i < inputs->size(); ++i) {
    out.tests.push_back(make_test((*inputs)[i], (*outputs)[i], call));
    out.tests.back().wrapped = wrapped;
  }
  if (const auto more = value.find("assert_case"); more != value.end()) read_value(*more, out);
}

void read_value(const json& value, CodeTests& out) {
  if (value.is_object()) return read_object(value, out);
  if (value.is_array()) {
    for (const json& item : value) read_case(item, out);
    return;
  }
  if (!value.is_string()) fail("its tests: expected an array, an object or text, found {:.80}", dump_json(value));
  const std::string text = value.get<std::string>();
  const json parsed = try_parse_json(text);
  if (parsed.is_object() || parsed.is_array()) return read_value(parsed, out);
  const auto has = [&](const char* word) { return text.find(word) != std::string::npos; };
  if (!has("assert") && !has("raise") && !has("unittest") && !has("check("))
    fail("its tests: expected JSON, or Python that asserts something, found {:.80}", text);
  out.tests.push_back(asserts(text));
}

std::string function_name(const json& row) {
  if (const std::string name = text_field(row, {"fn_name", "func_name"}); !name.empty()) return name;
  const auto about = row.find("metadata");
  if (about == row.end()) return {};
  const json parsed = about->is_string() ? try_parse_json(about->get<std::string>()) : *about;  // LiveCodeBench: text
  return parsed.is_object() ? text_field(parsed, {"fn_name", "func_name"}) : std::string();
}

// The one field that holds all tests, or null.
const json* tests_of(const json& row, const std::string& entry) {
  // What checks an entry point goes before the same cases in words (LeetCodeDataset).
  if (const auto test = row.find("test"); !entry.empty() && test != row.end() && test->is_string()) return &*test;
  for (const char* name :
       {"tests", "test_cases", "verification_info", "input_output", "test_list", "test", "ground_truth"})
    if (const auto it = row.find(name); it != row.end() && !it->is_null()) return &*it;
  if (const auto it = row.find("reward_model");
      it != row.end() && it->is_object() && it->contains("ground_truth"))
    return &(*it)["ground_truth"];
  return nullptr;
}

// CodeContests and LiveCodeBench keep the tests in several fields; all of them count.
constexpr const char* kParts[] = {"public_tests", "private_tests", "generated_tests", "public_test_cases",
                                  "private_test_cases"};

void read_part(const char* name, const json& value, CodeTests& out) {
  const json parsed = value.is_string() ? try_parse_json(value.get<std::string>()) : value;
  if (!parsed.is_object() && !parsed.is_array())
    fail("its tests: expected \"{}\" as JSON, found {:.40} (LiveCodeBench compresses them: unpack them first)", name,
         dump_json(value));
  read_value(parsed, out);
}

}  // namespace

bool CodeTests::exposed() const {
  return std::ranges::any_of(tests, [](const CodeTest& t) { return t.kind == CodeTestKind::asserts; });
}

CodeTests read_code_tests(const json& row) {
  CodeTests out;
  out.fn_name = function_name(row);
  const std::string entry = text_field(row, {"entry_point"});
  if (const json* found = tests_of(row, entry)) {
    read_value(*found, out);
  } else {
    for (const char* name : kParts)
      if (const auto it = row.find(name); it != row.end() && !it->is_null()) read_part(name, *it, out);
  }
  // HumanEval's tests define check(candidate) and leave it to be called.
  if (!entry.empty())
    for (CodeTest& test : out.tests)
      if (test.kind == CodeTestKind::asserts && test.input.find("def check(") != std::string::npos)
        test.input += fmt::format("\ncheck({})\n", entry);
  // MBPP's imports and setup come before its assertions.
  std::string setup;
  if (const auto imports = row.find("test_imports"); imports != row.end() && imports->is_array())
    for (const json& line : *imports) setup += as_text(line) + "\n";
  for (const char* name : {"test_setup_code", "challenge_test_setup"})
    if (const std::string text = text_field(row, {name}); !text.empty()) setup += text + "\n";
  if (!setup.empty())
    for (CodeTest& test : out.tests)
      if (test.kind == CodeTestKind::asserts) test.input = setup + test.input;
  if (out.tests.empty()) fail("the row has no tests (a field \"tests\", or another that docs/sandbox.md lists)");
  return out;
}

}  // namespace cohort
