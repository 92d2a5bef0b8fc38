#include "data/row_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/check.h"
#include "base/json.h"
#include "data/distinct.h"
#include "data/packed_test.h"
#include "data/row_pass.h"

namespace cohort {
namespace {

using nlohmann::json;
using testing::gzipped;
using testing::zstd_packed;

constexpr std::string_view kPrompt[] = {"prompt"};

// A folder for this test, and $TMPDIR in it.
class RowFiles : public ::testing::Test {
 protected:
  RowFiles() : folder_(std::filesystem::path(::testing::TempDir()) / fmt::format("cohort-row-file-{}", ::getpid())) {
    std::filesystem::create_directories(folder_ / "tmp");
    if (const char* before = std::getenv("TMPDIR")) before_ = before;
    ::setenv("TMPDIR", (folder_ / "tmp").c_str(), 1);
  }
  ~RowFiles() override {
    before_ ? ::setenv("TMPDIR", before_->c_str(), 1) : ::unsetenv("TMPDIR");
    std::filesystem::remove_all(folder_);
  }

  std::filesystem::path write(const char* name, std::string_view bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  // Every row as text, read in order; then again in another order, which must give the same.
  static std::vector<std::string> rows(const std::filesystem::path& path, std::vector<std::string> columns = {}) {
    RowFile file(path, {.required = kPrompt, .columns = std::move(columns)});
    std::vector<std::string> all;
    while (const int64_t found = file.find(100)) {
      for (int64_t i = file.size() - found; i < file.size(); ++i) all.push_back(dump_json(*file.row(i).fields));
      file.forget();
    }
    for (int64_t i = 0; i < file.size(); ++i) {
      const int64_t at = i * 7919 % file.size();
      EXPECT_EQ(dump_json(*file.row(at).fields), all[static_cast<size_t>(at)]);
    }
    return all;
  }
  static std::string error_of(const std::filesystem::path& path) {
    try {
      RowFile file(path, {.required = kPrompt});
      check_rows(file, "rows");
    } catch (const Error& e) {
      std::string what = e.what();
      return what.substr(what.find(path.filename().string()));
    }
    return "none";
  }

  std::filesystem::path folder_;
  std::optional<std::string> before_;
};

// Rows whose texts hold what each form treats in its own way; over a MB of them, so that they go over every border of a part.
json row_number(int64_t i) {
  std::string text = fmt::format("{}: \"a\", [b] {{c}}\\ \xED\x95\x9C\t,", i);
  for (int64_t k = 0; k < i % 7; ++k) text += "\nline\r\n, \"" + std::string(static_cast<size_t>(i * 37 % 211), 'x');
  return {{"prompt", text}, {"answer", std::to_string(i)}};
}
constexpr int64_t kRows = 5000;

// Catches: rows lost, cut or joined where a part of the unpacked text ends, a form that reads otherwise than the others, a byte order mark
// or CRLF taken into a row, and rows that change when they are read a second time.
TEST_F(RowFiles, EveryFormGivesTheSameRows) {
  std::string lines = "\xEF\xBB\xBF", array = "[", member = "{\"version\": 1, \"rows\": [", csv = "\xEF\xBB\xBFprompt,answer\r\n";
  std::vector<std::string> expected;
  for (int64_t i = 0; i < kRows; ++i) {
    const json row = row_number(i);
    expected.push_back(dump_json(row));
    lines += dump_json(row) + (i % 5 ? "\r\n" : "\n\n");
    array += (i ? ",\n" : "\n") + dump_json(row, i % 2 ? 2 : -1);
    member += (i ? "," : "") + dump_json(row);
    std::string quoted;
    for (const char c : row["prompt"].get<std::string>()) quoted += c == '"' ? "\"\"" : std::string(1, c);
    csv += fmt::format("\"{}\",{}{}", quoted, i, i % 3 ? "\r\n" : "\n");
  }
  array += "]\n";
  member += "], \"more\": []}";
  ASSERT_GT(lines.size(), size_t{1'200'000});
  for (const auto& [name, text] : {std::pair("a.jsonl", lines), {"a.json", array}, {"b.json", member}, {"a.csv", csv}}) {
    EXPECT_EQ(rows(write(name, text)), expected) << name;
    EXPECT_EQ(rows(write((name + std::string(".gz")).c_str(), gzipped(text))), expected) << name;
    EXPECT_EQ(rows(write((name + std::string(".zst")).c_str(), zstd_packed(text))), expected) << name;
  }
  EXPECT_EQ(rows(write("c.jsonl.gz", gzipped(lines)), {"solution=answer"}).at(0),
            "{\"prompt\":\"0: \\\"a\\\", [b] {c}\\\\ \xED\x95\x9C\\t,\",\"solution\":\"0\"}");
}

// Catches: a fault behind the first part overlooked, found at another line, or told after one that stands behind it.
TEST_F(RowFiles, FaultsNameTheirLine) {
  std::string good, late;
  for (int64_t i = 0; i < kRows; ++i) good += dump_json(row_number(i)) + (i % 100 ? "\n" : "\n\n");
  const int64_t lines = std::ranges::count(good, '\n');
  late = good + "{\"prompt\": \"\xFF\"}\n" + good + "{\"prompt\"\n";
  EXPECT_EQ(error_of(write("a.jsonl", late)), fmt::format("a.jsonl:{}: byte 13 is 0xff, expected UTF-8", lines + 1));
  EXPECT_EQ(error_of(write("a.jsonl.gz", gzipped(late))), fmt::format("a.jsonl.gz:{}: byte 13 is 0xff, expected UTF-8", lines + 1));
  EXPECT_EQ(error_of(write("b.jsonl", good + "{\"answer\": 1}")),
            fmt::format("b.jsonl:{}: no field \"prompt\" or \"prompt_ids\", found answer", lines + 1));
  EXPECT_EQ(error_of(write("c.json", "[{\"prompt\": \"a\"},\n {\"prompt\": \"a\",\n  \"b\": }\n]")).substr(0, 44),
            "c.json:2: not JSON: line 2, column 8: syntax");
  EXPECT_EQ(error_of(write("c.csv", "prompt\n\"a\nb\"\nx,y\n")), "c.csv: line 4: expected 1 fields as in the header, found 2");
  EXPECT_EQ(error_of(write("d.csv", "prompt\nb\n\xFF\n")), "d.csv:2: byte 1 is 0xff, expected UTF-8");
  EXPECT_EQ(error_of(write("d.csv", "prompt,a\nb,c\n,c\nx\n")), "d.csv:2: no field \"prompt\" or \"prompt_ids\", found a, prompt");
  EXPECT_EQ(error_of(write("e.jsonl", "\n")), "e.jsonl: no rows, expected one JSON object a line");
  EXPECT_EQ(error_of(write("e.json", "[]")), "e.json: no rows, expected an array of one object or more");
  EXPECT_EQ(error_of(write("e.json", "")), "e.json: not JSON: the file holds nothing");
  EXPECT_EQ(error_of(write("f.csv", "prompt\n")), "f.csv: no rows, expected records behind the line with the columns' names");
  EXPECT_EQ(error_of(write("f.csv", "prompt,answer\ra,b\rc,d\r")), "f.csv:1: expected lines that end with LF or CR LF, found CR alone");
  EXPECT_EQ(error_of(write("f.csv", "prompt,\"an\rswer\"\na,b\n")), "none");
}

// Catches: packed files of other programs refused: pzstd's, which begin with a frame that holds nothing, and gzip's from a tape, with zeros
// behind; and anything else behind a gzip member taken for nothing.
TEST_F(RowFiles, PackedByOtherPrograms) {
  const std::string text = "{\"prompt\": \"a\"}\n";
  const std::vector<std::string> expected = {"{\"prompt\":\"a\"}"};
  using namespace std::string_literals;
  const std::string frame = "\x50\x2A\x4D\x18\x04\0\0\0abcd"s;
  EXPECT_EQ(rows(write("a.jsonl.zst", frame + zstd_packed(text))), expected);
  EXPECT_EQ(rows(write("a.jsonl.zst", frame + zstd_packed(text) + frame)), expected);
  EXPECT_EQ(rows(write("a.jsonl.gz", gzipped(text) + std::string(100'000, '\0'))), expected);
  EXPECT_EQ(rows(write("a.jsonl.gz", gzipped(text) + gzipped("") + "\0"s)), expected);
  EXPECT_NE(error_of(write("a.jsonl.gz", gzipped(text) + "\0\0x"s)).find("not valid gzip"), std::string::npos);
  EXPECT_NE(error_of(write("a.jsonl.zst", frame.substr(0, 10))).find("ends early"), std::string::npos);
}

// Catches: what is unpacked left behind on the disk, held as a file with a name while it is used, and a full or missing folder that is not
// named.
TEST_F(RowFiles, LeaveNoTemporaryFile) {
  const std::filesystem::path path = write("a.jsonl.gz", gzipped("{\"prompt\": \"a\"}\n"));
  {
    RowFile file(path, {.required = kPrompt});
    EXPECT_EQ(file.find(5), 1);
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "tmp"));
    EXPECT_EQ(file.row(0).question, "a");
  }
  const std::filesystem::path large = write("b.jsonl.gz", gzipped("{\"prompt\": \"" + std::string(3'000'000, 'a') + "\"}\n"));
  rlimit before, small;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  small = before;
  small.rlim_cur = 1'500'000;
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string full = error_of(large);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_NE(full.find("b.jsonl.gz, unpacked: the temporary file in " + (folder_ / "tmp").string() + " cannot be written after 1.5 MB: "),
            std::string::npos)
      << full;
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "tmp"));
  ::setenv("TMPDIR", (folder_ / "missing").c_str(), 1);
  EXPECT_NE(error_of(path).find("temporary files"), std::string::npos) << error_of(path);
}

// Catches: a pipe that is mapped, or read once and then empty.
TEST_F(RowFiles, MayBePipes) {
  const std::filesystem::path path = folder_ / "pipe.jsonl";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n"; });
  EXPECT_EQ(rows(path), (std::vector<std::string>{"{\"prompt\":\"a\"}", "{\"prompt\":\"b\"}"}));
  writer.join();
}

// Catches: a look at the first rows that unpacks everything, that shows half a row, or that takes a document's beginning for lines.
TEST_F(RowFiles, TheBeginningNeedsNoMoreThanItsRows) {
  std::string lines, document = "{\"version\": 1,\n\"rows\": [\n";
  for (int64_t i = 0; lines.size() < size_t{40} << 20; ++i) {
    lines += fmt::format("{{\"prompt\": \"{}\", \"pad\": \"{}\"}}\n", i, std::string(size_t{1} << 20, 'x'));
    document += fmt::format("{}{{\"prompt\": \"{}\", \"pad\": \"{}\"}}\n", i ? "," : "", i, std::string(size_t{1} << 20, 'x'));
  }
  document += "]}";
  const auto first = [&](const char* name, const std::string& text, int64_t count) {
    const std::unique_ptr<RowFile> file = RowFile::beginning(write(name, text), {.required = kPrompt}, count);
    std::string found;
    for (int64_t i = 0; i < std::min(count, file->size()); ++i) found += file->row(i).question + " ";
    return found + (file->cut() ? "cut" : "whole");
  };
  EXPECT_EQ(first("a.jsonl.zst", zstd_packed(lines), 3), "0 1 2 cut");
  EXPECT_EQ(first("a.jsonl.zst", zstd_packed(lines), 20).substr(44), "18 19 whole");
  EXPECT_EQ(first("a.json.zst", zstd_packed(document), 3), "0 1 2 whole");
  EXPECT_EQ(first("a.jsonl", lines, 3), "0 1 2 whole");
  EXPECT_EQ(first("b.jsonl.gz", gzipped("{\"prompt\": \"a\"}"), 3), "a whole");
}

// Catches: rows of the same prompt taken for others for what stands beside it, and rows dropped that say something else.
TEST(Distinct, RowsGoByWhatTheyAskOrByAllThatTheySay) {
  const auto key = [](const char* row, RowKey which) { return key_of(json::parse(row), which); };
  const char *a = R"({"prompt": "1+1", "completion": "2", "answer": 1})", *b = R"({"prompt": "1+1", "completion": "3"})";
  EXPECT_EQ(key(a, RowKey::prompt), key(b, RowKey::prompt));
  EXPECT_NE(key(a, RowKey::content), key(b, RowKey::content));
  EXPECT_EQ(key(a, RowKey::content), key(R"({"completion": "2", "prompt": "1+1", "prompt_ids": null})", RowKey::content));
  const char *asked = R"({"messages": [{"role": "user", "content": "x"}]})",
             *answered = R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]})",
             *tools = R"({"messages": [{"role": "user", "content": "x"}], "tools": []})";
  EXPECT_EQ(key(asked, RowKey::prompt), key(answered, RowKey::prompt));
  EXPECT_NE(key(asked, RowKey::content), key(answered, RowKey::content));
  EXPECT_NE(key(asked, RowKey::prompt), key(tools, RowKey::prompt));
  EXPECT_NE(key(R"({"prompt": "1,2"})", RowKey::prompt), key(R"({"prompt_ids": [1, 2]})", RowKey::prompt));
  EXPECT_NE(key(R"({"text": "a"})", RowKey::prompt), key(R"({"text": "b"})", RowKey::prompt));
  for (const char* odd : {R"({"messages": []})", R"({"messages": 5})", R"({"messages": ["a"]})", R"({"messages": [{"role": 1}]})"})
    EXPECT_FALSE(key(odd, RowKey::prompt).empty());
}

// Catches: a hash that is not FNV-1a, one that is there taken for new, or lost when the table grows.
TEST(Distinct, TextsAreFoundAgain) {
  const TextHash128 empty = text_hash_128(""), a = text_hash_128("a");
  EXPECT_EQ(empty.high, 0x6C62272E07BB0142u);
  EXPECT_EQ(empty.low, 0x62B821756295C58Du);
  EXPECT_EQ(a.high, 0xD228CB696F1A8CAFu);
  EXPECT_EQ(a.low, 0x78912B704E4A8964u);
  DistinctTexts texts;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 20'000; ++i) EXPECT_EQ(texts.insert(text_hash_128(std::to_string(i))), round == 0) << i;
  EXPECT_EQ(texts.size(), 20'000);
  EXPECT_TRUE(texts.insert({0, 0}));
  EXPECT_FALSE(texts.insert({0, 0}));
}

}  // namespace
}  // namespace cohort
