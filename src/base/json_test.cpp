#include "base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cohort {
namespace {

using nlohmann::json;

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

// Catches: digits of an integer lost in a double, a number of another kind taken for one, values put in the wrong place.
TEST(Json, IntegersBeyond64BitsKeepTheirDigits) {
  const json read = parse_json_whole_digits(
      R"({"a":[18446744073709551616,-9223372036854775809,{"b":18446744073709551615}],"c":1e30,"d":[[],{}],"a2":-1,"e":null,"f":true,"g":"x"})");
  EXPECT_EQ(dump_json(read), R"({"a":["18446744073709551616","-9223372036854775809",{"b":18446744073709551615}],"a2":-1,"c":1e+30,)"
                             R"("d":[[],{}],"e":null,"f":true,"g":"x"})");
  EXPECT_EQ(parse_json_whole_digits("\"only\""), "only");
  for (const char* text : {"", "{", "[1,]", "{\"a\":1}x", "1e999"}) {
    EXPECT_THROW(parse_json_whole_digits(text), json::exception) << text;
    try {
      parse_json(text);
    } catch (const json::exception& expected) {
      try {
        parse_json_whole_digits(text);
      } catch (const json::exception& e) {
        EXPECT_STREQ(e.what(), expected.what());
      }
    }
  }
}

// Catches: text that breaks its line or its quotes, and bytes that make the line unreadable or throw.
TEST(Json, AWrittenStringCanAlwaysBeRead) {
  EXPECT_EQ(json_text("a \"b\"\n\\ \xC3\xA9"), "\"a \\\"b\\\"\\n\\\\ \xC3\xA9\"");
  EXPECT_EQ(json_text(""), "\"\"");
  EXPECT_EQ(parse_json(json_text("a\xFFz\xC3")), "a\xEF\xBF\xBDz\xEF\xBF\xBD");
  EXPECT_EQ(dump_json(json("\xC3\xA9"), -1, true), "\"\\u00e9\"");
}

// Catches: a text that is written otherwise than the writer of whole values has it, for any letter and any two bytes.
TEST(Json, AStringIsWrittenAsInAWholeValue) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string text = {'x', static_cast<char>(a), 'y', static_cast<char>(a), static_cast<char>(b)};
      ASSERT_EQ(json_text(text), dump_json(json(text))) << a << " " << b;
    }
  for (uint32_t code = 0x80; code < 0x110400; code += 61) {
    std::string text;
    if (code < 0x800)
      text = {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
    else if (code < 0x10000)  // surrogates too, which are no letters
      text = {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)),
              static_cast<char>(0x80 | (code & 63))};
    else
      text = {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
              static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
    ASSERT_EQ(json_text(text), dump_json(json(text))) << code;
  }
}

// Catches: a value so deep that writing or destroying it overflows the stack, and brackets within strings that count.
TEST(Json, DepthIsBounded) {
  EXPECT_EQ(dump_json(parse_json(nested(kMaxJsonDepth))), nested(kMaxJsonDepth));
  EXPECT_THROW(parse_json(nested(kMaxJsonDepth + 1)), json::exception);
  EXPECT_THROW(parse_json(std::string(1'000'000, '[')), json::exception);
  EXPECT_THROW(parse_ordered_json(nested(1'000'000)), json::exception);
  EXPECT_TRUE(try_parse_json(nested(1'000'000)).is_discarded());
  EXPECT_FALSE(json_deeper_than(R"(["[[[[\"[[[[", {"[": "]"}])", 2));
  EXPECT_TRUE(json_deeper_than(R"([{"a": [1]}])", 2));
}

// Catches: a second value under one key that wins unseen, and equal keys of different objects taken for one.
TEST(Json, KeysCanBeAskedToBeUnique) {
  EXPECT_THROW(parse_json_unique_keys(R"({"a": 1, "a": 2})"), json::exception);
  EXPECT_THROW(parse_json_unique_keys(R"([{"b": {"a": 1, "\u0061": 2}}])"), json::exception);
  EXPECT_EQ(parse_json_unique_keys(R"({"a": {"a": 1}, "b": {"a": 2}})")["b"]["a"], 2);
}

}  // namespace
}  // namespace cohort
