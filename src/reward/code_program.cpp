#include "reward/code_program.h"

#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "reward/code_compare.h"

namespace cohort {
namespace {

// Reads what it needs and closes its input before the program's first line runs; the result goes to the
// output as it was at the start, and what the program prints goes nowhere.
constexpr char kDriver[] = R"(import json, os, sys
request = json.load(sys.stdin)
sys.stdin.close()
answer = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
module = type(sys)("solution")
sys.modules["solution"] = module
space = module.__dict__
exec("import bisect, collections, functools, heapq, itertools, math\n"
     "from collections import Counter, OrderedDict, defaultdict, deque\n"
     "from typing import *", space)
with open("solution.py", encoding="utf-8") as file:
    exec(compile(file.read(), "solution.py", "exec"), space)
def run_tests(source):  # whether anything was tested; raises where a test fails
    tree = ast.parse(source, "tests.py")
    quiet = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Pass, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    words = lambda n: isinstance(n, ast.Expr) and not isinstance(n.value, (ast.Call, ast.Await))
    tested = any(not isinstance(n, quiet) and not words(n) for n in tree.body)
    exec(compile(tree, "tests.py", "exec"), space)
    for node in tree.body:
        found = space.get(getattr(node, "name", None))
        if isinstance(found, type) and issubclass(found, unittest.TestCase):
            result = unittest.TestResult()
            unittest.defaultTestLoader.loadTestsFromTestCase(found).run(result)
            for _, why in result.errors + result.failures:
                raise AssertionError(why.strip().splitlines()[-1])
            tested = tested or result.testsRun > 0
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test") and not node.args.args:
            found()
            tested = True
    return tested
if "asserts" in request:
    import ast, unittest
    try:
        ast.parse(request["asserts"])
        text = request["token"] if run_tests(request["asserts"]) else request["nothing"]
    except SyntaxError as fault:
        if fault.filename not in ("tests.py", "<unknown>"):
            raise
        text = request["nothing"]
else:
    owner = space.get("Solution")
    name = request["fn_name"]
    function = getattr(owner(), name) if isinstance(owner, type) and hasattr(owner, name) else space[name]
    def plain(value):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    text = json.dumps(function(*request["args"]), default=plain)
data = text.encode()
while data:
    data = data[os.write(answer, data):]
)";
constexpr char kToken[] = "the tests have run to their end", kNothing[] = "the tests test nothing";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::vector<std::string> split_at_spaces(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; (at = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace

const CodeLanguage* find_language(std::span<const CodeLanguage> languages, std::string_view tag) {
  for (const CodeLanguage& language : languages)
    if (std::ranges::find(language.tags, lower(tag)) != language.tags.end()) return &language;
  return nullptr;
}

std::vector<CodeLanguage> code_languages(std::span<const std::string> commands) {
  std::vector<CodeLanguage> out;
  for (const std::string& command : commands) {
    const size_t colon = command.find(':');
    const std::string tag = lower(command.substr(0, std::min(colon, command.size())));
    const std::vector<std::string> words = colon == std::string::npos
                                               ? std::vector<std::string>()
                                               : split_at_spaces(std::string_view(command).substr(colon + 1));
    if (tag.empty() || words.empty() || tag.find_first_of(" \t/") != std::string::npos)
      fail("code_commands: expected \"TAG: COMMAND\", found \"{}\"", command);
    CodeLanguage language{tag, {tag}, "main." + tag, {}, words};
    language.run.push_back(language.file);
    out.push_back(std::move(language));
  }
  out.push_back({"python", {"python", "py", "python3"}, "main.py", {}, {"python3", "-B", "main.py"}});
  out.push_back({"cpp",
                 {"cpp", "c++", "cxx", "cc"},
                 "main.cpp",
                 {"g++", "-std=c++20", "-O2", "-o", "program", "main.cpp"},
                 {"./program"}});
  out.push_back({"sh", {"sh", "shell"}, "main.sh", {}, {"sh", "main.sh"}});
  out.push_back({"bash", {"bash"}, "main.sh", {}, {"bash", "main.sh"}});
  return out;
}

namespace {

// Of a block in a list: each line without as many spaces as the fence has before it.
std::string without_indent(std::string_view source, size_t indent) {
  std::string out;
  while (!source.empty()) {
    const size_t end = std::min(source.find('\n'), source.size() - 1) + 1;
    const size_t spaces = std::min(source.find_first_not_of(' '), end - 1);
    out += source.substr(std::min(indent, spaces), end - std::min(indent, spaces));
    source.remove_prefix(end);
  }
  return out;
}

}  // namespace

std::optional<CodeBlock> last_code_block(std::string_view completion, std::span<const CodeLanguage> languages,
                                         std::string_view wanted) {
  const CodeLanguage* only = wanted.empty() ? nullptr : find_language(languages, wanted);
  if (!wanted.empty() && !only)
    fail("its tests are for \"{}\", a language that is not known (code_commands)", wanted);
  constexpr std::string_view kThought = "</think>";  // what comes before it is no answer
  if (const size_t at = completion.rfind(kThought); at != std::string_view::npos)
    completion.remove_prefix(at + kThought.size());
  std::optional<CodeBlock> tagged, bare;
  size_t fence = 0, begin = 0, indent = 0;  // of the open block
  std::string tag;
  for (size_t at = 0; at < completion.size();) {
    const size_t end = std::min(completion.find('\n', at), completion.size());
    std::string_view line = completion.substr(at, end - at);
    if (const size_t ticks = line.find("```"); fence == 0 && ticks != std::string_view::npos)
      line.remove_prefix(line.find_first_not_of(' ') == ticks ? 0 : ticks);  // words before a block, on its line
    const size_t spaces = std::min(line.find_first_not_of(' '), line.size());
    line.remove_prefix(spaces);
    const size_t ticks = std::min(line.find_first_not_of('`'), line.size());
    const std::string rest = [&] {
      const std::vector<std::string> words = split_at_spaces(line.substr(ticks));
      return words.empty() || words[0] == "\r" ? std::string() : words[0];
    }();
    if (fence == 0 && ticks >= 3 && line.find('`', ticks) == std::string_view::npos) {
      fence = ticks;
      begin = end + 1;
      indent = spaces;
      tag = lower(rest.substr(0, rest.find_first_of("\r{")));
    } else if (fence > 0 && ticks >= fence && (rest.empty() || rest.front() == '<' || line.find(' ', ticks) == ticks)) {
      const CodeLanguage* language = tag.empty() ? nullptr : find_language(languages, tag);
      std::string source = without_indent(at > begin ? completion.substr(begin, at - begin) : "", indent);
      if (language && (!only || language == only))
        tagged = CodeBlock{language, std::move(source)};
      else if (tag.empty())
        bare = CodeBlock{only ? only : find_language(languages, "python"), std::move(source)};
      fence = 0;
    }
    at = end + 1;
  }
  return tagged ? tagged : bare;
}

Job compile_job(const CodeBlock& block) {
  Job job;
  job.argv = block.language->compile;
  job.files = {{block.language->file, block.source}};
  job.fetch = "program";
  job.limits.cpu_seconds = 20;
  job.limits.wall_seconds = 100;
  job.limits.memory = 1 << 30;
  return job;
}

Job test_job(const CodeBlock& block, const CodeTests& tests, const CodeTest& test,
             const std::string& compiled, const JobLimits& limits) {
  Job job;
  job.limits = limits;
  if (test.kind == CodeTestKind::io) {
    job.argv = block.language->run;
    job.files = {block.language->compile.empty() ? JobFile{block.language->file, block.source}
                                                 : JobFile{"program", compiled}};
    job.input = test.input;
    job.limits.output = std::max(limits.output, 2 * std::ssize(test.output));
    return job;
  }
  if (block.language->name != "python")
    fail("its tests call functions of Python, and the program is in {}", block.language->name);
  job.argv = {"python3", "-B", "main.py"};
  job.files = {{"main.py", kDriver}, {"solution.py", block.source}};
  nlohmann::json request;
  if (test.kind == CodeTestKind::call) {
    request["fn_name"] = tests.fn_name;
    request["args"] = parse_json(test.input);
  } else {
    request["asserts"] = test.input;
    request["token"] = kToken;
    request["nothing"] = kNothing;
  }
  job.input = dump_json(request, -1, true);
  return job;
}

bool tests_nothing(const CodeTest& test, std::string_view out) {
  return test.kind == CodeTestKind::asserts && out == kNothing;
}

bool passed(const CodeTest& test, std::string_view out) {
  switch (test.kind) {
    case CodeTestKind::io:
      return same_output(out, test.output);
    case CodeTestKind::call:
      return same_result(out, test.expected, test.wrapped);
    case CodeTestKind::asserts:
      return out == kToken;
  }
  return false;
}

}  // namespace cohort
