#include "tensor/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tensor/file_cases.h"

namespace cohort {
namespace {

std::string file_bytes(std::string header, std::string_view data) {
  const uint64_t size = header.size();
  header.insert(0, reinterpret_cast<const char*>(&size), 8);
  return header.append(data);
}

std::string error_of(const std::filesystem::path& path) {
  try {
    SafetensorsFile file(path);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

std::vector<float> values(const SafetensorsEntry& e) {
  std::vector<float> out(e.bytes.size());
  const Encoding encoding = float_encoding(e, "file");
  out.resize(e.bytes.size() / static_cast<size_t>(encoding_info(encoding).block_bytes));
  dequantize(encoding, e.bytes, out.data());
  return out;
}

// Faults: accepting what the reference implementation refuses (holes, overlaps, wrapped sizes, duplicate
// keys), or the reverse.
TEST(Safetensors, ExternalCases) {
  const auto cases = file_cases("safetensors_files.jsonl");
  if (cases.empty()) GTEST_SKIP() << "../shared/cases is not here";
  const Scratch scratch;
  for (const FileCase& c : cases) {
    scratch.write(c.bytes);
    EXPECT_EQ(accepts([&] { SafetensorsFile file(scratch.path()); }), c.accept) << c.name;
  }
}

// Faults: values or shapes changed on the way, tensors out of place, lost metadata, an unaligned header,
// empty tensors and scalars.
TEST(Safetensors, WhatIsWrittenIsRead) {
  const Scratch scratch;
  const std::vector<float> a = {1, -2.5f, 3e-40f, 4, 5, 6}, b = {7};
  const std::vector<NamedFloats> tensors = {
      {"z \"quoted\"", {2, 3}, a.data()}, {"empty", {0, 4}, nullptr}, {"a.scalar", {}, b.data()}};
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"state", R"({"step": 3})"}};
  save_safetensors(scratch.path(), tensors, metadata);
  const SafetensorsFile file(scratch.path());
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.entries().size(), 3u);
  for (const NamedFloats& t : tensors) {
    const SafetensorsEntry* e = file.find(t.name);
    ASSERT_TRUE(e) << t.name;
    EXPECT_EQ(e->shape, t.shape);
    EXPECT_EQ(e->dtype, "F32");
  }
  EXPECT_EQ(values(*file.find("z \"quoted\"")), a);
  EXPECT_EQ(values(*file.find("a.scalar")), b);
  uint64_t header;
  const std::string bytes = read_file(scratch.path());
  std::memcpy(&header, bytes.data(), 8);
  EXPECT_EQ(header % 8, 0u);
  EXPECT_EQ(file.find("missing"), nullptr);
}

// Faults: wrong widening of half, bfloat16 or double; reading integers as weights.
TEST(Safetensors, FloatingTypesWiden) {
  const Scratch scratch;
  const uint16_t half[] = {0x3C00, 0xC100, 0x0001}, brain[] = {0x3F80, 0xC020, 0x0001};
  const double wide[] = {0.1, -1e300};
  const int64_t whole = 5;
  std::string data(reinterpret_cast<const char*>(half), 6);
  data.append(reinterpret_cast<const char*>(brain), 6).append(reinterpret_cast<const char*>(wide), 16);
  data.append(reinterpret_cast<const char*>(&whole), 8);
  scratch.write(file_bytes(R"({"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},)"
                           R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[6,12]},)"
                           R"("d":{"dtype":"F64","shape":[2],"data_offsets":[12,28]},)"
                           R"("i":{"dtype":"I64","shape":[],"data_offsets":[28,36]}})",
                           data));
  const SafetensorsFile file(scratch.path());
  EXPECT_EQ(values(*file.find("h")), (std::vector<float>{1, -2.5f, 0x1p-24f}));
  EXPECT_EQ(values(*file.find("b")), (std::vector<float>{1, -2.5f, 0x1p-133f}));
  EXPECT_EQ(values(*file.find("d"))[0], 0.1f);
  EXPECT_TRUE(std::isinf(values(*file.find("d"))[1]));
  EXPECT_THROW(float_encoding(*file.find("i"), "x"), Error);
}

// Faults: each is a rule of the format that a lax reader misses, and each message must name the file and the
// tensor.
TEST(Safetensors, LyingHeadersAreNamed) {
  const Scratch scratch;
  const std::pair<const char*, const char*> cases[] = {
      {R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}})", "expected 16 bytes"},
      {R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", "up to byte 16"},
      {R"({"w":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}})", "unknown dtype 'F99'"},
      {R"({"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "found -2"},
      {R"({"w":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "found 2.0"},
      {R"({"w":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]}})", "overflows"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,0]}})",
       "found 18446744073709551608"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "expected 4 bytes of data, found 8"},
      {R"({"w":7})", "expected an object"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "duplicate key 'w'"},
      {R"({"w":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", "duplicate key 'shape'"},
      {R"( {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "starts with '{'"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}x)", "not valid JSON"},
      {R"({"__metadata__":{"k":1},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "expected a string"},
      {R"({"x":[[[[[[[[[[1]]]]]]]]]]})", "nested deeper"}};
  for (const auto& [header, expected] : cases) {
    scratch.write(file_bytes(header, "12345678"));
    const std::string error = error_of(scratch.path());
    EXPECT_THAT(error, testing::HasSubstr(expected));
    EXPECT_THAT(error, testing::HasSubstr(scratch.path().string()));
  }
  scratch.write(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10));
  EXPECT_THAT(error_of(scratch.path()), testing::HasSubstr("at most 100000000"));
}

std::string small_file(const Scratch& scratch) {
  const std::vector<float> a = {1, 2, 3, 4}, b = {5, 6};
  const std::vector<NamedFloats> tensors = {{"a", {2, 2}, a.data()}, {"b", {2}, b.data()}};
  save_safetensors(scratch.path(), tensors, {{"format", "pt"}});
  return read_file(scratch.path());
}

// Faults: reading past the end, accepting a torn file.
TEST(Safetensors, EveryTruncationIsRefused) {
  const Scratch scratch;
  const std::string whole = small_file(scratch);
  for (size_t size = 0; size < whole.size(); ++size) {
    scratch.write(whole.substr(0, size));
    EXPECT_FALSE(accepts([&] { SafetensorsFile file(scratch.path()); })) << size;
  }
  scratch.write(whole + '\0');
  EXPECT_FALSE(accepts([&] { SafetensorsFile file(scratch.path()); }));
}

// Faults: crashes, giant allocations and exceptions other than Error on damaged bytes; views outside the file
// (under a sanitizer).
TEST(Safetensors, DamageNeverCrashes) {
  const Scratch scratch;
  const std::string whole = small_file(scratch);
  int accepted = 0;
  for (uint32_t seed = 0; seed < 4000; ++seed) {
    scratch.write(damaged(whole, seed));
    accepted += accepts([&] {
      const SafetensorsFile file(scratch.path());
      for (const SafetensorsEntry& e : file.entries()) values(e);
    });
  }
  EXPECT_GT(accepted, 0);     // damage to the data only
  EXPECT_LT(accepted, 3000);  // damage to the header is noticed
}

}  // namespace
}  // namespace cohort
