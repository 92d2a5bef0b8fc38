#include "web/comparison.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "web/chart.h"
#include "web/curves_page.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Run folders with evaluations at given steps.
class Comparison : public ::testing::Test {
 protected:
  Comparison() : folder_(fs::path(testing::TempDir()) / fmt::format("cohort_comparison_{}", ::getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Comparison() override { fs::remove_all(folder_); }
  void run(const std::string& name, const std::vector<std::pair<int, double>>& accuracies,
           const std::string& recipe) {
    fs::create_directories(folder_ / name);
    std::string rows;
    for (const auto& [step, value] : accuracies)
      rows += fmt::format("{{\"step\":{},\"eval_accuracy\":{}}}\n", step, value);
    write_file(folder_ / name / "metrics.jsonl", rows);
    write_file(folder_ / name / "recipe.toml", recipe);
    runs_.push_back(folder_ / name);
  }
  std::string error() const {
    try {
      make_comparison(runs_, "t");
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  fs::path folder_;
  std::vector<fs::path> runs_;
};

// Catches a mean or a band over other runs or steps than it says, a colour that changes from chart to chart,
// a group that is split or joined wrongly, options that differ and are not shown, and text of a run that
// becomes markup.
TEST_F(Comparison, RunsOfAGroupAreAMeanAndABand) {
  run("a-1", {{0, 0.25}, {10, 0.5}, {20, 0.75}}, "method = \"grpo\"\nseed = 1\n");
  run("a-2", {{0, 0.25}, {10, 0.75}, {20, 1}}, "method = \"grpo\"\nseed = 2\n");
  run("b2", {{0, 0.25}, {20, 0.125}, {30, 0.0625}}, "method = \"<b>rft\"\nseed = 1\n");
  const fs::path metrics = folder_ / "b2" / "metrics.jsonl";
  write_file(metrics, read_file(metrics) + "{\"step\":5,\"reward\":0.5}\n");
  const std::string page = make_comparison(runs_, "Methods & <more>");
  for (const char* part :
       {"<td>a</td><td>2</td><td>25.0%<small>25.0–25.0</small></td><td>20</td><td>87.5%<small>75.0–100.0</"
        "small>"
        "</td><td>75.0, 100.0</td>",
        "<td>b2</td><td>1</td>", "<td>method</td><td>grpo</td><td>&lt;b&gt;rft</td>",
        "Methods &amp; &lt;more&gt;", "mean of 1 to 2 seeds",
        "[{&quot;v&quot;:[0.25,0.625,0.875,null]},{&quot;v&quot;:[0.25,null,0.125,0.0625]}]"})
    EXPECT_TRUE(contains(page, part)) << part;
  EXPECT_FALSE(contains(page, "<td>seed</td>"));
  EXPECT_FALSE(contains(page, "<b>rft"));
  EXPECT_FALSE(contains(page, "http"));  // nothing is fetched

  // b2 keeps its colour where a has no value.
  const size_t reward = page.find("<b>Reward</b>");
  ASSERT_NE(reward, std::string::npos);
  EXPECT_TRUE(contains(page.substr(reward, 3000), "<circle class=\"c2\""));
  EXPECT_FALSE(contains(page.substr(reward, 3000), "class=\"c1\""));

  // A step that one run of the group has not evaluated yet is not a mean over both.
  run("a-3", {{0, 0.25}, {10, 0.25}}, "method = \"grpo\"\nseed = 3\n");
  EXPECT_TRUE(contains(make_comparison(runs_, "t"), "[0.25,0.5,null,null]"));
}

// Catches runs of different recipes that are averaged as seeds of one, and folders with nothing to compare.
TEST_F(Comparison, RefusesWhatIsNoComparison) {
  run("a-1", {{0, 0.25}}, "learning_rate = 1e-4\nseed = 1\n");
  run("a-2", {{0, 0.5}}, "learning_rate = 2e-4\nseed = 2\n");
  EXPECT_TRUE(contains(error(),
                       "expected the runs of a to differ in their seed alone, found learning_rate = 2e-4 "
                       "here and 1e-4 in a-1"))
      << error();
  runs_.clear();
  run("c-1", {}, "seed = 1\n");
  EXPECT_TRUE(contains(error(), "expected runs with evaluations")) << error();
  runs_ = {folder_ / "absent"};
  EXPECT_TRUE(contains(error(), "expected a run folder")) << error();
}

// Catches a picture that needs a page's style or is no XML: variables, classes without a rule, raw text.
TEST_F(Comparison, ThePictureStandsByItself) {
  run("a-1", {{0, 0.25}, {10, 0.5}}, "");
  run("a-2", {{0, 0.25}, {10, 1}}, "");
  const std::string svg = comparison_svg(runs_, "a < b");
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(contains(svg, ">a &lt; b</text>"));
  EXPECT_TRUE(contains(svg, "class=\"band c1\""));
  EXPECT_TRUE(contains(svg, ".line.c1{fill:none;stroke:#"));
  EXPECT_FALSE(contains(svg, "var("));
}

constexpr const char* kSummary =
    R"({"model": "b", "compare": "a<b>", "num_generations": 4, "data": [{"name": "d/sums.jsonl",
  "before": {"problems": 9, "accuracy": 0.25, "accuracy_low": 0.2, "accuracy_high": 0.3, "mean_length": 7,
    "pass_at_k": [{"k": 1, "value": 0.25, "low": 0.2, "high": 0.3}, {"k": 4, "value": 0.5, "low": 0.4, "high": 0.6}],
    "maj_at_k": [{"k": 1, "value": 0.25, "low": 0.2, "high": 0.3}]},
  "after": {"problems": 9, "accuracy": 0.75, "accuracy_low": 0.7, "accuracy_high": 0.8, "mean_length": 6,
    "pass_at_k": [{"k": 1, "value": 0.75, "low": 0.7, "high": 0.8}, {"k": 4, "value": 1, "low": 0.9, "high": 1}],
    "maj_at_k": [{"k": 1, "value": 0.75, "low": 0.7, "high": 0.8}]},
  "change": {"pass_at_k": [{"k": 1, "value": 0.5, "low": 0.4, "high": 0.6}], "maj_at_k": []}}]})";

// Catches before and after that are mixed up, a curve without its interval, and a summary taken as it is not.
TEST_F(Comparison, CurvesOfAnEvaluation) {
  const fs::path file = folder_ / "figures.json";
  write_file(file, kSummary);
  const std::string page = make_curves_page(file, "t");
  for (const char* part : {"sums: pass@K", "sums: maj@K", "9 problems", "a&lt;b&gt;",
                           "<td>25.0%<small>20.0–30.0</small></td><td>75.0%<small>70.0–80.0</small></td>",
                           "<span class=\"up\">+50.0 pts</span><small>+40.0 to +60.0</small>",
                           "[{&quot;v&quot;:[0.25,0.5]},{&quot;v&quot;:[0.75,1]}]", "class=\"band c2\""})
    EXPECT_TRUE(contains(page, part)) << part;
  // 1 and 4 at the ends of the axis.
  EXPECT_TRUE(contains(page, "data-x=\"[46,410]\""));
  const std::string svg = curves_svg(file);
  EXPECT_TRUE(contains(svg, "sums: maj@K"));

  const auto refused = [&](std::string_view from, std::string_view to, std::string_view expected) {
    std::string text = kSummary;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    write_file(file, text.replace(at, from.size(), to));
    try {
      make_curves_page(file, "t");
      FAIL() << expected;
    } catch (const Error& e) {
      EXPECT_TRUE(contains(e.what(), expected)) << e.what();
    }
  };
  refused("{\"model\"", "[\"model\"", "expected JSON");
  refused("\"num_generations\": 4", "\"num_generations\": \"4\"",
          "num_generations: expected a number, found string");
  refused("\"after\"", "\"later\"", "data[0]: expected \"after\"");
  refused("\"low\": 0.9", "\"lo\": 0.9", "data[0].after: expected \"low\"");
}

}  // namespace
}  // namespace cohort
