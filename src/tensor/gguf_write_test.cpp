#include "tensor/gguf_write.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tensor/file_cases.h"
#include "tensor/gguf.h"

namespace cohort {
namespace {

// Faults: a count, a width or an alignment that the reader, which checks them all, sees otherwise; shapes in
// the wrong order.
TEST(GgufWrite, ReadBack) {
  const Scratch scratch;
  GgufWriter file;
  file.uint32("a.uint32", 4000000000);
  file.float32("a.float32", 0.1);
  file.boolean("a.bool", true);
  file.string("a.string", std::string("h\xC3\xA9llo\0x", 8));
  file.strings("a.strings", std::vector<std::string>{"one", "", "three"});
  file.strings("a.none", {});
  file.int32s("a.int32s", std::vector<int32_t>{1, -2});
  file.floats("a.floats", std::vector<float>{0.5f});
  file.tensor("first", Encoding::f32, {3});
  file.tensor("second", Encoding::q8_0, {2, 64});
  file.tensor("third", Encoding::f16, {2, 3, 1});
  EXPECT_EQ(file.tensor_bytes(), 12 + 136 + 12);
  const float first[3] = {1, 2, 3};
  const std::string second(136, 's'), third(12, 't');
  file.begin(scratch.path());
  file.append({reinterpret_cast<const char*>(first), 12});
  file.append(std::string_view(second).substr(0, 100));
  file.append(std::string_view(second).substr(100));
  file.append(third);
  file.finish();

  const GgufFile back(scratch.path());
  EXPECT_EQ(back.integer("a.uint32"), 4000000000);
  EXPECT_EQ(back.number("a.float32"), 0.1f);
  EXPECT_TRUE(back.boolean("a.bool"));
  EXPECT_EQ(back.string("a.string"), std::string("h\xC3\xA9llo\0x", 8));
  EXPECT_EQ(back.strings("a.strings"), (std::vector<std::string>{"one", "", "three"}));
  EXPECT_TRUE(back.strings("a.none").empty());
  EXPECT_EQ(back.int32s("a.int32s"), (std::vector<int32_t>{1, -2}));
  EXPECT_EQ(back.floats("a.floats"), (std::vector<float>{0.5f}));
  ASSERT_EQ(back.tensors().size(), 3u);
  EXPECT_EQ(back.tensors()[0].bytes, std::string_view(reinterpret_cast<const char*>(first), 12));
  EXPECT_EQ(back.tensors()[1].shape, (std::vector<int64_t>{2, 64}));
  EXPECT_EQ(back.tensors()[1].bytes, second);
  EXPECT_EQ(back.tensors()[2].shape, (std::vector<int64_t>{2, 3, 1}));
  EXPECT_EQ(back.tensors()[2].bytes, third);
  EXPECT_EQ(back.tensors()[2].encoding, Encoding::f16);
}

}  // namespace
}  // namespace cohort
