#include "web/report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/check.h"
#include "base/file.h"
#include "web/chart.h"
#include "web/html.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

struct RunFolder {
  fs::path folder;
  explicit RunFolder(const std::string& name)
      : folder(fs::path(testing::TempDir()) / fmt::format("cohort_report_{}_{}", ::getpid(), name)) {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void file(const char* name, std::string_view text) const { write_file(folder / name, text); }
};

constexpr const char* kMetrics =
    "{\"step\":0,\"eval_accuracy\":0.25,\"eval_accuracy_low\":0.2,\"eval_accuracy_high\":0.3,\"eval_pass@8\":"
    "0.5,\"eval_pass@8_low\":0.4,\"eval_pass@8_high\":0.6,\"eval_maj@8\":0.375}\n"
    "{\"step\":1,\"reward\":0.25,\"rewards/format/mean\":0.5,\"kl\":null}\n"
    "{\"step\":2,\"reward\":0.5,\"rewards/format/mean\":0.75,\"kl\":0.001}\n"
    "{\"step\":2,\"eval_accuracy\":0.875,\"eval_accuracy_low\":0.8,\"eval_accuracy_high\":0.95,\"eval_pass@"
    "8\":1,\"eval_maj@8\":0.9}\n";

// Catches a page that leaves out or mixes up before and after, or claims a separation of intervals that is
// not there.
TEST(Report, ShowsBeforeAndAfter) {
  const RunFolder run("before_after");
  run.file("recipe.toml", "# Run\nmethod = \"grpo\"\nmax_steps = 2\n");
  run.file("metrics.jsonl", kMetrics);
  run.file(
      "timings.jsonl",
      "{\"step\":1,\"step_time\":2,\"tokens_per_second\":100,\"time/rollout\":1.5,\"time/reward\":0.5}\n");
  const std::string page = make_report(run.folder);
  for (const char* part :
       {"25.0% <i>→</i> 87.5%", "20.0–30.0%", "80.0–95.0%", "<span class=\"up\">+62.5 pts</span>", "pass@8",
        "maj@8", "Before and after", "do not overlap", "2 steps", "Where the time goes", "How to repeat it"})
    EXPECT_TRUE(contains(page, part)) << part;
  // The curve of pass@K before training has a band where both of its points have an interval; bounds are no
  // rows.
  EXPECT_EQ(
      count(page.substr(page.find("pass@K over K"), page.find("maj@K over K") - page.find("pass@K over K")),
            "class=\"band"),
      2u);
  EXPECT_FALSE(contains(page, "8_low</td>"));
  run.file("metrics.jsonl",
           "{\"step\":0,\"eval_accuracy\":0.25,\"eval_accuracy_low\":0.2,\"eval_accuracy_high\":0.3}\n"
           "{\"step\":9,\"eval_accuracy\":0.5,\"eval_accuracy_low\":0.4,\"eval_accuracy_high\":0.6}\n"
           "{\"step\":12,\"eval_accuracy\":0.26,\"eval_accuracy_low\":0.2,\"eval_accuracy_high\":0.3}\n");
  const std::string flat = make_report(run.folder);
  EXPECT_FALSE(contains(flat, "do not overlap"));
  EXPECT_TRUE(contains(flat, "Best (step 9)"));
}

// Catches text of a run that becomes markup or script of the page.
TEST(Report, HostileTextStaysText) {
  const RunFolder run("hostile");
  const std::string evil = "</script><script>alert(1)</script>\\\" onload=x \xff\xfe & <img src=x>";
  run.file("recipe.toml", "model = \"</pre></script><script>alert(2)</script>\"\ndata = \"<b>\"\n");
  run.file("metrics.jsonl",
           "{\"step\":1,\"reward\":0.5,\"rewards/<script>alert(3)</script>/mean\":1,\"rewards/b/"
           "mean\":1,\"eval_accuracy\":1,"
           "\"eval_<script>alert(4)\":1}\n{\"step\":2,\"reward\":0.5}\n");
  run.file("timings.jsonl", "{\"step\":1,\"time/<script>\":1}\n");
  std::string rows;
  for (const int step : {0, 2})
    rows += fmt::format(
        "{{\"step\":{},\"prompt\":\"{}\",\"completion\":\"<think>{}</"
        "think>{}\",\"rewards\":{{\"<script>\":1}},\"finish_reason\":\"{}\"}}\n",
        step, evil, evil, evil, evil);
  run.file("eval_samples.jsonl", rows);
  const std::string page = make_report(run.folder);
  EXPECT_EQ(count(page, "<script>"), 1u);  // the page's own
  EXPECT_EQ(count(page, "</script>"), 1u);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_TRUE(contains(page, "&lt;/script&gt;&lt;script&gt;alert(1)"));
  EXPECT_EQ(html_text(page.substr(0, 0)), "");
  EXPECT_FALSE(contains(page, "\xff"));
  EXPECT_EQ(count(page, "src="), count(page, "src=x&gt;"));  // nothing is fetched
  EXPECT_FALSE(contains(page, "http"));
}

// Catches invalid UTF-8 that is passed on, and characters cut or doubled.
TEST(Html, InvalidBytesBecomeReplacements) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(html_text("a<b>&\"'\n\tü€😀"), "a&lt;b&gt;&amp;&quot;&#39;\n\tü€😀");
  EXPECT_EQ(html_text("\xff|\xc3"), bad + "|" + bad);
  EXPECT_EQ(html_text("\xc0\xaf"), bad + bad);                      // overlong
  EXPECT_EQ(html_text("\xed\xa0\x80"), bad + bad + bad);            // surrogate
  EXPECT_EQ(html_text("\xf4\x90\x80\x80"), bad + bad + bad + bad);  // above U+10FFFF
  EXPECT_EQ(html_text(std::string_view("\0\x1b\x7f", 3)), bad + bad + bad);
}

// Catches a report that fails while a run is in progress or on damaged rows; they are counted.
TEST(Report, PartialAndDamagedRunsAreReadable) {
  const RunFolder run("partial");
  EXPECT_THROW(make_report(run.folder), Error);
  EXPECT_THROW(make_report(run.folder / "absent"), Error);
  run.file("recipe.toml", "method = \"grpo\"\n");
  EXPECT_TRUE(contains(make_report(run.folder), "No step has been recorded yet"));
  run.file("metrics.jsonl",
           "{\"step\":1,\"reward\":0.5}\nnot "
           "json\n[]\n{\"step\":\"x\"}\n{\"step\":-1}\n{\"step\":1e400}\n{\"reward\":1}\n\n"
           "{\"step\":99999999999999999999}\n{\"step\":2,\"loss\":1e308,\"grad_norm\":\"nan\"}\n{\"step\":3,"
           "\"loss\":-1e308}\n{\"step\":4,\"rew");
  run.file("samples.jsonl",
           "{\"step\":1,\"prompt\":7,\"completion\":null,\"rewards\":[1]}\n{\"step\":1,\"completion\":\"<"
           "think> open\",\"reward\":null}\n{\"st");
  const std::string page = make_report(run.folder);
  EXPECT_TRUE(contains(page, "<b>Reward</b>"));
  EXPECT_TRUE(contains(page, "9 rows that are not valid JSON"));
  EXPECT_FALSE(contains(page, "eval"));
  const fs::path written = write_report(run.folder);
  EXPECT_EQ(read_file(written), make_report(run.folder));
}

// Catches thinking that is shown as the answer, and an unclosed one that hides that there is no answer.
TEST(Report, ThinkingIsFolded) {
  const RunFolder run("thinking");
  run.file("metrics.jsonl", "{\"step\":1,\"reward\":1}\n");
  run.file("samples.jsonl",
           "{\"step\":1,\"prompt\":\"p\",\"completion\":\"<think> secret </think> answer\"}\n"
           "{\"step\":1,\"prompt\":\"q\",\"completion\":\"in the prompt </think>rest\"}\n"
           "{\"step\":1,\"prompt\":\"r\",\"completion\":\"said <think> endless\"}\n");
  const std::string page = make_report(run.folder);
  EXPECT_TRUE(contains(page,
                       "<summary>Thinking, 8 characters</summary><p class=\"completion\"> secret "
                       "</p></details><p class=\"completion\">answer</p>"));
  EXPECT_TRUE(
      contains(page, "<p class=\"completion\">in the prompt </p></details><p class=\"completion\">rest</p>"));
  EXPECT_TRUE(contains(page,
                       "<p class=\"completion\">said </p><details class=\"think\"><summary>Thinking, never "
                       "closed, 8 characters</summary>"));
}

// Catches a chart of a long run that grows with it, and one without values that is drawn.
TEST(Chart, LongRunsAreAveragedAndEmptyOnesLeftOut) {
  Chart chart;
  chart.title = "t";
  for (int i = 0; i < 100000; ++i) chart.steps.push_back(i);
  chart.series = {{"a", std::vector<double>(100000, 0.5), {}, {}}};
  const std::string svg = chart_html(chart);
  EXPECT_LT(svg.size(), 20000u);
  EXPECT_GT(svg.size(), 3000u);
  chart.series = {{"a", std::vector<double>(100000, std::nan("")), {}, {}}};
  EXPECT_EQ(chart_html(chart), "");
  EXPECT_EQ(short_number(0.286, true), "28.6%");
  EXPECT_EQ(short_number(0.0012, true), "0.12%");
  EXPECT_EQ(short_number(1e-5), "1e-5");
  EXPECT_EQ(short_number(12345), "12.3k");
}

}  // namespace
}  // namespace cohort
