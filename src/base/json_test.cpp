#include "base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cohort {
namespace {

// Catches: text that breaks its line or its quotes, and bytes that make the line unreadable or throw.
TEST(JsonText, CanAlwaysBeRead) {
  EXPECT_EQ(json_text("a \"b\"\n\\ \xC3\xA9"), "\"a \\\"b\\\"\\n\\\\ \xC3\xA9\"");
  EXPECT_EQ(json_text(""), "\"\"");
  EXPECT_EQ(nlohmann::json::parse(json_text("a\xFFz\xC3")), "a\xEF\xBF\xBDz\xEF\xBF\xBD");
}

}  // namespace
}  // namespace cohort
