#include "parquet/parquet.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "parquet/codec.h"
#include "parquet/schema.h"
#include "parquet/thrift.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using namespace parquet;

const fs::path kFixtures = fs::path(COHORT_SOURCE_DIR) / "tests/fixtures/parquet";

std::string rows_of(std::string_view file) {
  std::string out;
  parquet_rows(file, "f", [&](std::string_view line) {
    (out += line) += '\n';
    return true;
  });
  return out;
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

std::string error_of_file(const std::string& name) {
  const std::string file = read_file(kFixtures / name);
  return error_of([&] { parquet_rows(file, "f", [](std::string_view) { return true; }); });
}

// Each line as one writer writes it, so that only values and the order of fields count.
std::string normal(std::string_view lines) {
  std::string out;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = lines.find('\n', begin);
    out += dump_json(parse_ordered_json(lines.substr(begin, end - begin))) + "\n";
    begin = end + 1;
  }
  return out;
}

// Catches: any type, encoding, codec, page format, form of nesting or place of a null that is read
// otherwise than pyarrow reads it.
TEST(Parquet, RowsAreThoseOfPyarrow) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kFixtures)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".parquet") || name.starts_with("refused.")) continue;
    const std::string expected = read_file(kFixtures / (name.substr(0, name.find('.')) + ".jsonl"));
    EXPECT_EQ(normal(rows_of(read_file(entry.path()))), normal(expected)) << name;
    ++files;
  }
  EXPECT_GE(files, 28);
}

// Catches: numbers and times in another text than the documentation says, which a comparison of parsed JSON
// does not see.
TEST(Parquet, LinesAreAsDocumented) {
  const std::string lines = rows_of(read_file(kFixtures / "tiny.plain.parquet"));
  EXPECT_EQ(lines, "{\"q\":\"2+2\",\"a\":[4,null]}\n{\"q\":null,\"a\":[]}\n{\"q\":\"7*8=\",\"a\":null}\n");
  const std::string types = rows_of(read_file(kFixtures / "types.none.parquet"));
  for (const char* text : {"\"float\":-1.0,", "\"float\":0.10000000149011612,", "\"double\":null,",
                           "\"decimal_5_2\":\"0.05\"", "\"date\":\"1600-02-29\"",
                           "\"time_ms\":\"23:59:59.999\"", "\"at_us\":\"1969-12-31T23:59:59.999999Z\"",
                           "\"at_ns\":\"2024-01-31T12:34:56.789123456\"", "\"uint64\":18446744073709551615"})
    EXPECT_NE(types.find(text), std::string::npos) << text;
}

// Catches: what is not read (a codec, bytes that are no text, encryption) passed over or refused without
// saying where, and small files that claim much taking memory or time without end.
TEST(Parquet, WhatIsNotReadIsRefusedByName) {
  EXPECT_EQ(error_of_file("refused.brotli.parquet"),
            "f: row 1: column prompt: packed by Brotli; Cohort reads pages packed by snappy, gzip, zstd and "
            "LZ4_RAW");
  EXPECT_EQ(error_of_file("refused.bytes.parquet"),
            "f: row 3: column image.bytes: 5 bytes that are no text in UTF-8; Cohort reads text and numbers");
  EXPECT_TRUE(
      error_of_file("refused.rows.parquet").ends_with("the rows have more than 1000 times the file's bytes"));
  EXPECT_TRUE(error_of_file("refused.row.parquet")
                  .ends_with("f: row 1: column l.a: the rows have more than 1000 times the file's bytes"));
  EXPECT_EQ(error_of_file("refused.levels.parquet"),
            "f: row 1: column l.list.b: the levels differ from those of the columns beside it");
  EXPECT_EQ(error_of_file("refused.keys.parquet"), "f: row 1: column m.key: a map has the key \"a\" twice");
  EXPECT_EQ(error_of_file("refused.columns.parquet"), "f: row 1: a row group has 1 columns, the schema 2");
  EXPECT_EQ(error_of_file("refused.types.parquet"),
            "f: row 1: column m.value: its type in a row group is not the schema's");
  EXPECT_EQ(error_of_file("refused.level.parquet"),
            "f: row 1: column m.value.x: a page has the level 7 in a column whose highest is 4");
  EXPECT_EQ(error_of_file("refused.more.parquet"),
            "f: row 2: column m.key: more values than the row group's rows have");
  EXPECT_EQ(error_of_file("refused.fewer.parquet"),
            "f: row 3: column m.key: the values end before the row group's rows");
  std::string file = read_file(kFixtures / "tiny.plain.parquet");
  EXPECT_EQ(error_of([&] {
              parquet_rows(
                  file, "f", [](std::string_view) { return true; }, 23);
            }),
            "f: row 1: column a.element: a row of more than 23 bytes");
  EXPECT_EQ(error_of([&] { rows_of("{\"a\": 1}\n{\"a\": 2}\n"); }), "f: not a Parquet file");
  file.back() = 'E';
  EXPECT_EQ(error_of([&] { rows_of(file); }), "f: it is encrypted");
}

// Catches: a crash, a hang or memory without bound for a file that ends early, and one that is taken for
// whole.
TEST(Parquet, FilesThatEndEarlyAreRefused) {
  for (const char* name : {"tiny.plain.parquet", "tiny.snappy.parquet", "legacy_lists.parquet"}) {
    const std::string file = read_file(kFixtures / name);
    for (size_t size = 0; size < file.size(); ++size)
      EXPECT_TRUE(error_of([&] { rows_of(file.substr(0, size)); }).starts_with("f: ")) << name << size;
    // The footer is there, and what stands before it is shorter than it says.
    const std::string error = error_of([&] { rows_of("PAR1" + file.substr(file.size() / 3)); });
    EXPECT_TRUE(error.starts_with("f: ")) << name << error;
  }
}

// Catches: a crash for any byte that is not what it was, and a page whose checksum is not looked at.
TEST(Parquet, ChangedBytesGiveErrorsOrRows) {
  for (const char* name : {"tiny.plain.parquet", "tiny.snappy.parquet", "legacy_lists.parquet",
                           "legacy_map.parquet", "few.parquet"}) {
    const std::string file = read_file(kFixtures / name);
    for (size_t i = 0; i < file.size(); ++i)
      for (const int change : {0x01, 0x02, 0x10, 0x80, 0xFF}) {
        std::string broken = file;
        broken[i] = static_cast<char>(broken[i] ^ change);
        size_t lines = 0;
        const std::string error = error_of([&] {
          parquet_rows(broken, "f", [&](std::string_view line) {
            EXPECT_TRUE(try_parse_json(line).is_object()) << name << i;
            return ++lines < 100;
          });
        });
        EXPECT_TRUE(error == "accepted" || error.starts_with("f: ")) << error;
      }
  }
  std::string file = read_file(kFixtures / "tiny.plain.parquet");
  const size_t text = file.find("7*8=");
  ASSERT_NE(text, std::string::npos);
  file[text] = '6';
  EXPECT_TRUE(error_of([&] { rows_of(file); }).ends_with("does not have the checksum in its header"));
}

std::string unpacked_page(Codec codec, std::string_view bytes, size_t size) {
  Budget budget;
  Buffer buffer(budget);
  return std::string(unpack_page(codec, bytes, size, buffer));
}

// Catches: copies from before the page's begin, from 0 bytes ago and beyond its end, and lengths in one to
// four bytes misread. (Whole pages are compared in the fixtures.)
TEST(ParquetCodecs, SnappyAndLz4StayWithinThePage) {
  using namespace std::string_literals;
  const std::string long_text(300, 'q');
  EXPECT_EQ(unpacked_page(Codec::snappy,
                          "\x0A\x08"
                          "abc"
                          "\x0D\x03"s,
                          10),
            "abcabcabca");
  EXPECT_EQ(unpacked_page(Codec::snappy,
                          "\x0A\x08"
                          "abc"
                          "\x1A\x03\x00"s,
                          10),
            "abcabcabca");
  EXPECT_EQ(unpacked_page(Codec::snappy,
                          "\x0A\x08"
                          "abc"
                          "\x1B\x03\x00\x00\x00"s,
                          10),
            "abcabcabca");
  EXPECT_EQ(unpacked_page(Codec::snappy, "\xAC\x02\xF4\x2B\x01"s + long_text, 300), long_text);
  EXPECT_EQ(unpacked_page(Codec::lz4,
                          "\x33"
                          "abc"
                          "\x03\x00"s,
                          10),
            "abcabcabca");
  EXPECT_EQ(unpacked_page(Codec::lz4, "\xF0\xFF\x1E"s + long_text, 300), long_text);
  const std::string broken = "a page is broken: what it was packed into does not fit";
  for (const std::string& bytes : {"\x0A\x08"
                                   "abc"
                                   "\x0D\x04"s,
                                   "\x0A\x08"
                                   "abc"
                                   "\x0D\x00"s,
                                   "\x0A\x08"
                                   "abc"
                                   "\x11\x03"s,
                                   "\x0A\x08"
                                   "abc"s,
                                   "\x0B\x08"
                                   "abc"
                                   "\x0D\x03"s,
                                   "\x0A\xFC\xFF\xFF\xFF\xFF"s,
                                   "\x0A\x08"
                                   "ab"s,
                                   "\xFF\xFF\xFF\xFF\xFF\x0F"s, ""s})
    EXPECT_EQ(error_of([&] { unpacked_page(Codec::snappy, bytes, 10); }), broken);
  for (const std::string& bytes : {"\x33"
                                   "abc"
                                   "\x04\x00"s,
                                   "\x33"
                                   "abc"
                                   "\x00\x00"s,
                                   "\x34"
                                   "abc"
                                   "\x03\x00"s,
                                   "\x33"
                                   "abc"s,
                                   "\xF0\xFF"s, ""s})
    EXPECT_EQ(error_of([&] { unpacked_page(Codec::lz4, bytes, 10); }), broken);
  Budget budget{100};
  Buffer buffer(budget);
  EXPECT_TRUE(error_of([&] { unpack_page(Codec::zstd, "x", 101, buffer); }).find("of memory at once") !=
              std::string::npos);
}

// Catches: counts above what is there, nesting without end, numbers of more than 64 bits, and fields of
// unknown kinds that stop the reading.
TEST(ParquetThrift, IsReadWithinItsBytes) {
  const auto error = [](std::string_view bytes) {
    return error_of([&] { ThriftReader(bytes).structure([](int) {}); });
  };
  using namespace std::string_view_literals;
  // A field of each kind: booleans, numbers, a double, a text, a list of booleans, a set of bytes, a map, a
  // structure.
  EXPECT_EQ(error("\x11\x12\x13\x05\x14\x06\x15\x07\x16\x08\x17"
                  "12345678"
                  "\x18\x02"
                  "ab"
                  "\x19\x21\x01\x02\x1A\x23\x01\x02\x1B\x01\x85\x01"
                  "c"
                  "\x02\x1B\x00\x1C\x11\x00\x00"sv),
            "accepted");
  EXPECT_EQ(error("\x19\xF5\xFF\xFF\x03\x00"sv),
            "a header counts 65535 items or bytes at its byte 5, where 1 bytes remain");
  EXPECT_EQ(error("\x18\x09"
                  "abc"sv),
            "a header counts 9 items or bytes at its byte 2, where 3 bytes remain");
  EXPECT_EQ(error("\x16\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x00"sv),
            "a header has a number of more than 64 bits before its byte 11");
  EXPECT_EQ(error("\x1D\x00"sv), "a header has a value of unknown type 13 before its byte 1");
  EXPECT_EQ(error("\x15"sv), "a header ends early, after 1 bytes");
  EXPECT_EQ(error(std::string(1000, '\x1C')), "a header's structures are nested deeper than 64");
  EXPECT_EQ(error(std::string(1, '\x19') + std::string(1000, '\x19')),
            "a header's structures are nested deeper than 64");
}

SchemaElement group(std::string name, int32_t children, Meaning meaning = Meaning::plain,
                    Repetition repetition = Repetition::optional) {
  SchemaElement out;
  out.name = std::move(name);
  out.children = children;
  out.meaning = meaning;
  out.repetition = repetition;
  return out;
}

SchemaElement leaf(std::string name, Type type, Meaning meaning = Meaning::plain,
                   Repetition repetition = Repetition::optional) {
  SchemaElement out = group(std::move(name), 0, meaning, repetition);
  out.type = type;
  return out;
}

// Catches: schemas that are no tree, or of no meaning, that are taken, and trees so deep that the reader's
// stack ends.
TEST(ParquetSchemas, AreTreesOfKnownForms) {
  const auto error = [](std::vector<SchemaElement> elements) {
    return error_of([&] { make_schema(elements); });
  };
  const SchemaElement a = leaf("a", Type::int32),
                      items = group("list", 1, Meaning::plain, Repetition::repeated);
  EXPECT_EQ(error({group("root", 1), a}), "accepted");
  EXPECT_EQ(error({}), "the schema ends early, after 0 elements");
  EXPECT_EQ(error({group("root", 0)}), "the schema has no columns");
  EXPECT_EQ(error({group("root", 2), a}), "the schema ends early, after 2 elements");
  EXPECT_EQ(error({group("root", 1), a, a}), "the schema counts 3 elements, its tree has 2");
  EXPECT_EQ(error({group("root", 2), a, a}), "two columns have the name \"a\":");
  EXPECT_EQ(error({group("root", 1), group("s", 0)}), "column s: a structure without fields");
  EXPECT_EQ(error({group("root", 1), group("l", 2, Meaning::list), items, a, a}),
            "column l: a list or map of 2 fields, expected 1");
  EXPECT_EQ(error({group("root", 1), group("l", 1, Meaning::list), a}),
            "column l: a list or map whose field is not repeated");
  EXPECT_EQ(error({group("root", 1), group("m", 1, Meaning::map), items, a}),
            "column m.list: a map without keys and values");
  EXPECT_EQ(error({group("root", 1), group("m", 1, Meaning::map),
                   group("list", 2, Meaning::plain, Repetition::repeated), group("k", 1), a, a}),
            "column m.list: a map whose keys are no plain values");
  EXPECT_EQ(error({group("root", 1), leaf("x", Type::float32, Meaning::date)}),
            "column x: values of a kind that Cohort does not read");
  EXPECT_EQ(error({group("root", 1), leaf("x", Type::fixed_bytes, Meaning::interval)}),
            "column x: values of a kind that Cohort does not read");
  EXPECT_EQ(error({group("root", 1), leaf("\xFF", Type::int32)}),
            "a column's name is not UTF-8: \"\xEF\xBF\xBD\"");
  std::vector<SchemaElement> deep;
  for (int i = 0; i < 10'000; ++i) deep.push_back(group("g", 1));
  deep.push_back(a);
  EXPECT_TRUE(error(deep).ends_with("g: nested deeper than 64 levels"));
}

}  // namespace
}  // namespace cohort
