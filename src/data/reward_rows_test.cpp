#include "data/reward_rows.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "data/pairs.h"

namespace cohort {
namespace {

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// Catches: labels read as another type's, and steps and labels taken apart.
TEST(RewardRows, LabelsAndSteps) {
  const std::vector<Row> rows = parse_rows(
      "{\"prompt\":\"a\",\"completion\":\"b\",\"label\":true}\n"
      "{\"prompt\":\"a\",\"completion\":\"c\",\"label\":0.25}\n"
      "{\"prompt\":\"a\",\"completion\":\"c\",\"label\":0}\n",
      "f", labelled_rules());
  EXPECT_EQ(label_of(rows[0]), 1.0);
  EXPECT_EQ(label_of(rows[1]), 0.25);
  EXPECT_EQ(label_of(rows[2]), 0.0);
  const std::vector<Row> steps =
      parse_rows("{\"prompt\":\"a\",\"completions\":[\"x y\",\"z\"],\"labels\":[true,0.5]}\n", "f", stepwise_rules());
  const LabelledSteps s = labelled_steps(steps[0]);
  EXPECT_EQ(s.steps, (std::vector<std::string>{"x y", "z"}));
  EXPECT_EQ(s.labels, (std::vector<double>{1, 0.5}));
  const auto margin = [](const char* field) {
    return margin_of(
        parse_rows(std::string("{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"") + field + "}\n",
                   "f", pair_rules())[0],
        "f");
  };
  EXPECT_EQ(margin(""), 0.0);
  EXPECT_EQ(margin(",\"margin\":1.5"), 1.5);
  EXPECT_EQ(error_of([&] { margin(",\"margin\":\"1\""); }), "f:1: \"margin\" is \"1\", expected a number");
}

// Catches: rows trained on that say something else than a label, and errors without a place.
TEST(RewardRows, RefusesWhatIsNoLabel) {
  const auto labelled = [](const char* label) {
    return error_of([&] {
      parse_rows(fmt::format("\n{{\"prompt\":\"a\",\"completion\":\"b\",\"label\":{}}}\n", label), "f", labelled_rules());
    });
  };
  for (const char* label : {"1.5", "-0.1", "\"yes\"", "[1]", "1e999"})
    EXPECT_NE(labelled(label), "no error") << label;
  EXPECT_EQ(labelled("2"), "f:2: \"label\" is 2, expected a number from 0 to 1, or true or false");
  EXPECT_NE(labelled("null").find("no field \"label\""), std::string::npos);
  const auto stepwise = [](const char* fields) {
    return error_of([&] { parse_rows(fmt::format("{{\"prompt\":\"a\",{}}}\n", fields), "f", stepwise_rules()); });
  };
  EXPECT_EQ(stepwise("\"completions\":[\"x\"],\"labels\":[1,0]"),
            "f:1: 1 steps in \"completions\" and 2 in \"labels\", expected as many");
  EXPECT_EQ(stepwise("\"completions\":[\"x\",\" \"],\"labels\":[1,1]"),
            "f:1: \"completions\"[1] is empty, expected the text of a step");
  EXPECT_EQ(stepwise("\"completions\":[\"x\",3],\"labels\":[1,1]"),
            "f:1: \"completions\"[1] is number, expected a string");
  EXPECT_EQ(stepwise("\"completions\":[\"x\"],\"labels\":[\"good\"]"),
            "f:1: \"labels\"[0] is \"good\", expected a number from 0 to 1, or true or false");
  EXPECT_EQ(stepwise("\"completions\":[],\"labels\":[]"), "f:1: \"completions\" is empty, expected a list");
  EXPECT_EQ(stepwise("\"completions\":\"x\",\"labels\":[1]"),
            "f:1: \"completions\" is string, expected a list");
}

}  // namespace
}  // namespace cohort
