#include "tensor/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tensor/file_cases.h"

namespace cohort {
namespace {

const char* kFixture = COHORT_SOURCE_DIR "/tests/fixtures/gguf/quantised.gguf";

// Touches everything that the file claims to hold.
void read_all(const std::filesystem::path& path) {
  const GgufFile file(path);
  for (const auto& [key, value] : file.metadata()) {
    const auto attempt = [&](auto read) { accepts([&] { read(); }); };
    attempt([&] { file.string(key); });
    attempt([&] { file.boolean(key); });
    attempt([&] { file.number(key); });
    attempt([&] { file.strings(key); });
    attempt([&] { file.int32s(key); });
    attempt([&] { file.floats(key); });
  }
  for (const GgufTensor& t : file.tensors()) {
    const EncodingInfo& info = encoding_info(t.encoding);
    std::vector<float> out(t.bytes.size() / static_cast<size_t>(info.block_bytes) *
                           static_cast<size_t>(info.block_values));
    dequantize(t.encoding, t.bytes, out.data());
  }
}

// Faults: accepting files that ggml refuses (wrapped counts, bad types, overlapping or misaligned tensors),
// or the reverse.
TEST(Gguf, ExternalCases) {
  const auto cases = file_cases("gguf_files.jsonl");
  if (cases.empty()) GTEST_SKIP() << "../shared/cases is not here";
  const Scratch scratch;
  for (const FileCase& c : cases) {
    scratch.write(c.bytes);
    EXPECT_EQ(accepts([&] { read_all(scratch.path()); }), c.accept) << c.name;
  }
}

// Faults: a value type read with the wrong width or sign.
TEST(Gguf, MetadataOfEveryType) {
  const GgufFile file(kFixture);
  EXPECT_EQ(file.integer("general.alignment"), 64);
  EXPECT_EQ(file.integer("a.uint8"), 200);
  EXPECT_EQ(file.integer("a.int8"), -100);
  EXPECT_EQ(file.integer("a.uint16"), 60000);
  EXPECT_EQ(file.integer("a.int16"), -30000);
  EXPECT_EQ(file.integer("a.uint32"), 4000000000);
  EXPECT_EQ(file.integer("a.int32"), -2000000000);
  EXPECT_EQ(file.integer("a.int64"), -(int64_t{1} << 62));
  EXPECT_EQ(file.number("a.float32"), 0.5);
  EXPECT_EQ(file.number("a.float64"), 0.1);
  EXPECT_EQ(file.number("a.int8"), -100);
  EXPECT_TRUE(file.boolean("a.bool"));
  EXPECT_EQ(file.string("a.string"), "h\xC3\xA9llo");
  EXPECT_EQ(file.strings("a.strings"), (std::vector<std::string>{"one", "", "three"}));
  EXPECT_EQ(file.int32s("a.int32s"), (std::vector<int32_t>{1, -2, 3}));
  EXPECT_EQ(file.floats("a.floats"), (std::vector<float>{0.5f, -1.5f}));
}

// Faults: a message without the key or without what was found; silent conversion between kinds; a wrapped
// 64-bit number.
TEST(Gguf, WrongKindsAreNamed) {
  const GgufFile file(kFixture);
  const auto error = [&](auto read) -> std::string {
    try {
      read();
      return "";
    } catch (const Error& e) {
      return e.what();
    }
  };
  using testing::HasSubstr;
  EXPECT_THAT(error([&] { file.integer("nowhere"); }), HasSubstr("'nowhere' is missing"));
  EXPECT_THAT(error([&] { file.integer("a.string"); }),
              HasSubstr("'a.string': expected an integer, found string"));
  EXPECT_THAT(error([&] { file.string("a.strings"); }),
              HasSubstr("expected a string, found array of string"));
  EXPECT_THAT(error([&] { file.strings("a.int32s"); }),
              HasSubstr("expected an array of strings, found array of int32"));
  EXPECT_THAT(error([&] { file.integer("a.uint64"); }), HasSubstr("does not fit"));
  EXPECT_THAT(error([&] { file.boolean("a.uint8"); }), HasSubstr("expected a bool, found uint8"));
  EXPECT_THAT(error([&] { file.floats("a.float32"); }), HasSubstr(kFixture));
}

// Faults: any slip in a block's layout, scales, signs or order of roundings: values must equal those of
// PyPI's gguf, bit for bit.
TEST(Gguf, DequantizesLikeGgufPackage) {
  const GgufFile file(kFixture);
  int compared = 0;
  for (const GgufTensor& t : file.tensors()) {
    const GgufTensor* expected = file.find_tensor(t.name + ".expected");
    if (!expected) continue;
    ASSERT_EQ(expected->encoding, Encoding::f32);
    EXPECT_EQ(t.shape, expected->shape);
    std::vector<float> out(expected->bytes.size() / sizeof(float));
    dequantize(t.encoding, t.bytes, out.data());
    for (size_t i = 0; i < out.size(); ++i)
      ASSERT_EQ(std::memcmp(&out[i], expected->bytes.data() + 4 * i, 4), 0)
          << t.name << " value " << i << ": " << out[i];
    ++compared;
  }
  EXPECT_EQ(compared, 10);
}

// Faults: reading past the end, accepting a torn file (the padding behind the last tensor may be missing).
TEST(Gguf, EveryTruncationIsRefused) {
  const Scratch scratch;
  const std::string whole = read_file(kFixture);
  size_t end = 0;
  {
    const GgufFile file(kFixture);
    const GgufTensor& last = file.tensors().back();
    end = whole.rfind(std::string(last.bytes)) + last.bytes.size();
  }
  for (size_t size = 0; size < end; ++size) {
    scratch.write(std::string_view(whole).substr(0, size));
    EXPECT_FALSE(accepts([&] { read_all(scratch.path()); })) << size;
  }
}

// Faults: crashes, giant allocations and exceptions other than Error on damaged bytes.
TEST(Gguf, DamageNeverCrashes) {
  const Scratch scratch;
  const std::string whole = read_file(kFixture);
  const std::string header = whole.substr(0, 2200), rest = whole.substr(2200);
  int accepted = 0;
  for (uint32_t seed = 0; seed < 4000; ++seed) {
    scratch.write(damaged(header, seed) + rest);
    accepted += accepts([&] { read_all(scratch.path()); });
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 3000);
}

// Faults: a version or byte order read as if it were 3.
TEST(Gguf, Versions) {
  const Scratch scratch;
  std::string bytes = read_file(kFixture);
  const auto with_version = [&](std::initializer_list<char> version) {
    std::copy(version.begin(), version.end(), bytes.begin() + 4);
    scratch.write(bytes);
    return accepts([&] { GgufFile file(scratch.path()); });
  };
  EXPECT_TRUE(with_version({2, 0, 0, 0}));
  EXPECT_FALSE(with_version({1, 0, 0, 0}));
  EXPECT_FALSE(with_version({4, 0, 0, 0}));
  EXPECT_FALSE(with_version({0, 0, 0, 3}));
}

}  // namespace
}  // namespace cohort
