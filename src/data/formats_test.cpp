#include "data/formats.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "data/columns.h"
#include "data/packed_test.h"
#include "data/records.h"
#include "data/row_file.h"
#include "data/rows.h"
#include "data/unpack.h"

namespace cohort {
namespace {

using testing::gzipped;
using testing::zstd_packed;

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

// The rows of a text, a line each.
std::string rows_of(std::string_view text, Form form, const char* name) {
  Records records(text, form, name);
  std::string lines;
  while (const std::optional<size_t> begin = records.next()) lines += records.json(*begin) + "\n";
  return lines;
}
std::string csv(std::string_view text) { return rows_of(text, Form::csv, "t.csv"); }
std::string from_json(std::string_view text) { return rows_of(text, Form::json, "t.json"); }

std::string unpacked(std::string_view bytes, size_t most = std::string::npos) {
  std::string content;
  unpack(bytes, "f", [&](std::string_view part, size_t read) {
    EXPECT_LE(read, bytes.size());
    content += part;
    return content.size() < most;
  });
  return content;
}

// Catches: separators, quotes and newlines within quotes taken apart, CRLF and a byte order mark kept, an empty field that is text, a
// last line without newline lost, blank lines that become rows.
TEST(Csv, IsReadAsRfc4180HasIt) {
  EXPECT_EQ(csv("\xEF\xBB\xBFprompt,answer\r\n\"1, \"\"2\"\"\nand 3\",6\r\n\r\n,\"\"\nlast,7"),
            "{\"prompt\":\"1, \\\"2\\\"\\nand 3\",\"answer\":\"6\"}\n{\"prompt\":null,\"answer\":\"\"}\n"
            "{\"prompt\":\"last\",\"answer\":\"7\"}\n");
  EXPECT_EQ(rows_of("a\tb\n1,2\t3\n", Form::tsv, "t.tsv"), "{\"a\":\"1,2\",\"b\":\"3\"}\n");
  EXPECT_EQ(error_of([] { csv("a,b\n1,2\n\"x\ny\",2,3\n"); }), "t.csv: line 3: expected 2 fields as in the header, found 3");
  EXPECT_EQ(error_of([] { csv("a,b\n1,\"2\n"); }), "t.csv: line 2: a quoted field is never closed");
  EXPECT_EQ(error_of([] { csv("a,b\n\"1\"2,3\n"); }),
            "t.csv: line 2: expected a separator or the line's end behind a quoted field, found '2'");
  EXPECT_EQ(error_of([] { csv(""); }), "t.csv: empty, expected a line with the columns' names");
  EXPECT_EQ(error_of([] { csv("a,b,a\n1,2,3\n"); }), "t.csv:1: two columns are named \"a\"");
  EXPECT_EQ(csv("a,,\n1,,\n"), "{\"a\":\"1\",\"\":null,\"\":null}\n");
}

// Catches: an array, or the one array in an object, not found; the order of fields lost; JSONL called .json refused.
TEST(JsonFiles, AreRowsInAnArrayOrLines) {
  EXPECT_EQ(from_json("[{\"b\": 1, \"a\": [2]}, {}]"), "{\"b\": 1, \"a\": [2]}\n{}\n");
  EXPECT_EQ(from_json("{\"version\": [1], \"data\": [{\"a\": 1}]}"), "{\"a\": 1}\n");
  EXPECT_EQ(from_json("{\"a\": 1}\n{\"a\": 2}\n"), "{\"a\": 1}\n{\"a\": 2}\n");
  EXPECT_EQ(from_json("{\"a\": 1}"), "{\"a\": 1}\n");
  EXPECT_EQ(from_json("{\"a\": [], \"b\": [{\"x\": 1}, 2], \"c\": \"]}\\\"\"}"), "{\"a\": [], \"b\": [{\"x\": 1}, 2], \"c\": \"]}\\\"\"}\n");
  EXPECT_EQ(from_json("\xEF\xBB\xBF [\r\n {\"a\": \"[{\\\\\"}\r\n , {\"b\": [{}, \"\\\"]\"]} ]\n"),
            "{\"a\": \"[{\\\\\"}\n{\"b\": [{}, \"\\\"]\"]}\n");
  EXPECT_EQ(from_json("{\"a\": [{\"x\": 1}]}\n{\"a\": [{\"x\": 2}]}"), "{\"a\": [{\"x\": 1}]}\n{\"a\": [{\"x\": 2}]}\n");
  EXPECT_EQ(from_json("[]"), "");
  EXPECT_EQ(error_of([] { from_json("{\"a\": [{\"x\": 1}], \"b\": [{\"x\": 1}]}"); }),
            "t.json: expected one array of objects, found several");
  EXPECT_EQ(error_of([] { from_json("[1]"); }), "t.json: line 1: expected an array of objects, found 1] as row 1");
  EXPECT_EQ(error_of([] { from_json("[{},\n {}\n, [2]]"); }), "t.json: line 3: expected an array of objects, found [2]] as row 3");
  EXPECT_EQ(error_of([] { from_json("5"); }), "t.json: expected an array of objects, found 5");
  EXPECT_EQ(error_of([] { from_json(" \n"); }), "t.json: not JSON: the file holds nothing");
  EXPECT_EQ(error_of([] { from_json("[{\"a\": 1}"); }),
            "t.json: not JSON: line 1: expected a comma or the array's end behind row 1, found the file's end");
  EXPECT_EQ(error_of([] { from_json("[{\"a\": 1} {}]"); }),
            "t.json: not JSON: line 1: expected a comma or the array's end behind row 1, found '{}]'");
  EXPECT_EQ(error_of([] { from_json("[{},\n{\"a\": [1}"); }), "t.json: not JSON: line 2: row 2 is never closed");
  EXPECT_EQ(error_of([] { from_json("[{}]\n]"); }), "t.json: not JSON: line 2: expected the end behind the array, found ']'");
}

// Catches: a second member or frame lost, a file that is cut taken for whole, more unpacked than is asked for, and bytes
// that crash.
TEST(PackedFiles, AreUnpackedWholeOrRefused) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += std::to_string(i * 7919 % 10007) + "\n";
  EXPECT_FALSE(is_packed(text));
  for (const auto& pack : {gzipped, zstd_packed}) {
    const std::string packed = pack(text);
    ASSERT_LT(packed.size(), text.size());
    EXPECT_TRUE(is_packed(packed));
    EXPECT_EQ(unpacked(packed), text);
    EXPECT_EQ(unpacked(packed + pack("more")), text + "more");
    for (const size_t cut : {size_t{4}, size_t{30}, packed.size() / 2, packed.size() - 1}) {
      const std::string message = error_of([&] { unpacked(packed.substr(0, cut)); });
      EXPECT_TRUE(message.starts_with("f: ")) << cut << message;
    }
    EXPECT_LT(unpacked(packed + "broken", 1000).size(), text.size());
    for (size_t i = 0; i < 400; ++i) {
      std::string broken = packed;
      broken[i * 31 % broken.size()] ^= static_cast<char>(1 + i % 255);
      error_of([&] { unpacked(broken); });
    }
  }
}

// Catches: a column lost where names change places, values written anew, a name for two columns.
TEST(Columns, AreRenamedAllAtOnce) {
  const auto renamed = [](const char* row, std::vector<std::string> columns) {
    check_columns(columns);
    return rename_columns(row, columns, "rows:1");
  };
  const char* row = R"({"question": "Q", "prompt": "P\u00e9", "n": 12345678901234567890123, "x": 1.50})";
  EXPECT_EQ(renamed(row, {"prompt=question", "question=prompt"}),
            R"({"n":12345678901234567890123,"x":1.50,"prompt":"Q","question":"P\u00e9"})");
  EXPECT_EQ(renamed(row, {"topic=prompt", "prompt=question"}),
            R"({"n":12345678901234567890123,"x":1.50,"topic":"P\u00e9","prompt":"Q"})");
  EXPECT_EQ(renamed(row, {"a=n", "b=n"}), R"({"question":"Q","prompt":"P\u00e9","x":1.50,"a":12345678901234567890123,"b":12345678901234567890123})");
  EXPECT_EQ(renamed(R"({"a\u0062": 1})", {"c=ab"}), R"({"c":1})");
  for (const char* text : {"[1]", "{\"a\" 1}", "{\"a\": 1", "{\"a\": 1} 2", "x"}) EXPECT_EQ(renamed(text, {"b=a"}), text);
  EXPECT_EQ(error_of([&] { renamed(row, {"a=n", "a=x"}); }), "columns: expected one old column for each new name, found two for \"a\"");
  EXPECT_EQ(renamed("{\"x\": 1, \"a\": tru}", {"b=a"}), "{\"x\": 1, \"a\": tru}");  // its reader says where it breaks
  EXPECT_EQ(error_of([&] { renamed("{}", {"a=y"}); }), "rows:1: no field \"y\", which columns names, found ");
  EXPECT_EQ(error_of([&] { renamed(row, {"a=y"}); }), "rows:1: no field \"y\", which columns names, found question, prompt, n, x");
}

// Catches: an ending behind .gz overlooked, a Parquet file not known by its name or its first bytes, columns renamed in one form only, and a column that is not there passed over.
TEST(DataFiles, AreKnownByTheirNameAndRenameColumns) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / fmt::format("cohort-formats-{}", getpid());
  std::filesystem::create_directories(folder);
  const std::string_view required[] = {"prompt"};
  const std::string columns[] = {"prompt=question", "answer=gold"};
  const auto questions = [&](const char* name, const std::string& bytes) {
    write_file(folder / name, bytes);
    std::string out;
    for (const Row& row : read_rows(folder / name, {.required = required, .columns = {std::begin(columns), std::end(columns)}}))
      out += row.question + "=" + row.text("answer") + ";";
    return out;
  };
  EXPECT_EQ(questions("a.csv.gz", gzipped("question,gold\n1+1,2\n2+2,4\n")), "1+1=2;2+2=4;");
  EXPECT_EQ(questions("a.tsv", "question\tgold\n1+1\t2\n"), "1+1=2;");
  EXPECT_EQ(questions("a.json.zst", zstd_packed("[{\"question\": \"1+1\", \"gold\": 2}]")), "1+1=2;");
  EXPECT_EQ(questions("a.jsonl", "{\"prompt\": \"old\", \"question\": \"1+1\", \"gold\": 2}\n"), "1+1=2;");
  EXPECT_TRUE(error_of([&] { questions("b.jsonl", "{\"question\": \"1\", \"answer\": 2}\n"); })
                  .ends_with("b.jsonl:1: no field \"gold\", which columns names, found question, answer"));
  const std::string parquet = read_file(std::filesystem::path(COHORT_SOURCE_DIR) / "tests/fixtures/parquet/codecs.zstd1.parquet");
  for (const auto& [name, bytes] : {std::pair{"d.parquet", parquet}, {"d.parquet.gz", gzipped(parquet)}, {"d", parquet}}) {
    write_file(folder / name, bytes);
    const RowRules rules{.required = required, .columns = {"answer=score"}};
    const std::vector<Row> rows = read_rows(folder / name, rules);
    ASSERT_EQ(rows.size(), 53u) << name;
    EXPECT_EQ(rows[51].question, std::string(3000, 'z'));
    EXPECT_FALSE(rows[51].text("answer").empty());
    EXPECT_EQ(RowFile::beginning(folder / name, rules, 2)->row(1).question, rows[1].question);
  }
  EXPECT_TRUE(error_of([&] { questions("c.parquet", "{\"prompt\": 1}\n"); }).ends_with("c.parquet: not a Parquet file"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cohort
