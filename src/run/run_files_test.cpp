#include "run/run_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "base/check.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

fs::path fresh_folder(const std::string& name) {
  const fs::path folder =
      fs::path(testing::TempDir()) / fmt::format("cohort_run_files_{}_{}", ::getpid(), name);
  fs::remove_all(folder);
  return folder;
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

void log_steps(RunWriter& run, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) {
    run.log_sample(fmt::format("{{\"step\":{},\"completion\":\"x\"}}", step));
    run.log_metrics(step, {{"reward", 1.0 / static_cast<double>(step)}, {"kl", std::nan("")}});
    run.log_timings(step, {{"step_time", 1.5}});
  }
}

// Catches a number that loses bits and a NaN that makes the row no JSON.
TEST(RunFiles, RowsAreExactJson) {
  const fs::path folder = fresh_folder("rows");
  RunWriter run(folder, "seed = 1\n");
  run.log_metrics(
      3,
      {{"reward", 0.1}, {"kl", std::nan("")}, {"a\"b", -std::numeric_limits<double>::infinity()}, {"n", 2}});
  run.log_eval_sample("{\"step\":3}");
  EXPECT_EQ(read_file(folder / "metrics.jsonl"),
            "{\"step\":3,\"reward\":0.1,\"kl\":null,\"a\\\"b\":null,\"n\":2.0}\n");
  EXPECT_EQ(read_file(folder / "eval_samples.jsonl"), "{\"step\":3}\n");
  EXPECT_EQ(read_file(folder / "recipe.toml"), "seed = 1\n");
}

// Catches a resume that keeps rows after the checkpoint (they would stand twice) or loses rows before it.
TEST(RunFiles, ResumeCutsToTheCheckpoint) {
  const fs::path whole = fresh_folder("whole"), killed = fresh_folder("killed");
  {
    RunWriter run(whole, "seed = 1\n");
    log_steps(run, 1, 6);
  }
  RunLengths lengths;
  {
    RunWriter run(killed, "seed = 1\n");
    log_steps(run, 1, 3);
    run.sync();
    lengths = run.lengths();
    log_steps(run, 4, 5);
  }
  {
    AppendLog torn(killed / "samples.jsonl", static_cast<int64_t>(fs::file_size(killed / "samples.jsonl")));
    torn.append("{\"step\":6,\"compl");
  }
  {
    RunWriter run(killed, "seed = 1\n", 3, lengths);
    log_steps(run, 4, 6);
  }
  for (const char* name :
       {"metrics.jsonl", "samples.jsonl", "eval_samples.jsonl", "rewards.jsonl", "recipe.toml"})
    EXPECT_EQ(read_file(whole / name), read_file(killed / name)) << name;
}

// Catches a run that is overwritten by the same command given twice, and a resume from lengths that the files
// do not have, which must change nothing.
TEST(RunFiles, RefusesWithoutHarm) {
  const fs::path folder = fresh_folder("refuses");
  {
    RunWriter run(folder, "seed = 1\n");
    log_steps(run, 1, 2);
  }
  const std::string metrics = read_file(folder / "metrics.jsonl");
  EXPECT_EQ(
      error_of([&] { RunWriter again(folder, "seed = 2\n"); }),
      folder.string() + ": holds a run already: continue it with --resume, or give another --output_dir");
  EXPECT_NE(error_of([&] {
              RunWriter bad(folder, "seed = 1\n", 1, {5, 100000, 0});
            }).find("samples.jsonl: expected at least 100000 bytes"),
            std::string::npos);
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), metrics);
  EXPECT_EQ(read_file(folder / "recipe.toml"), "seed = 1\n");
}

// Catches a resume that silently trains with other settings.
TEST(RunFiles, ResumeNamesChangedSettings) {
  const fs::path folder = fresh_folder("changed");
  { RunWriter run(folder, "# Run\nseed = 1\nbeta = 0.0\n"); }
  testing::internal::CaptureStderr();
  { RunWriter run(folder, "# Run\nseed = 1\nbeta = 0.04\n", 0, {}); }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("resumed with beta = 0.04, which was 0.0"),
            std::string::npos);
}

// Catches rewards that are computed anew after a resume (they need not repeat), a NaN that comes back as 0,
// and a torn last row that breaks the resume.
TEST(RewardJournal, ReplaysWhatWasRecorded) {
  const fs::path folder = fresh_folder("journal");
  fs::create_directories(folder);
  const fs::path path = folder / "rewards.jsonl";
  const RewardJournal::Rewards first = {{"accuracy", {1, 0, std::nan("")}}, {"format", {0.1, 1.0 / 3, 0}}};
  {
    RewardJournal journal(path, false);
    EXPECT_FALSE(journal.find(1, 0, "k1").has_value());
    journal.record(1, 0, "k1", first);
    journal.record(2, 0, "k2", first);
    journal.record(2, 1, "k2b", first);
  }
  const std::string two = read_file(path);
  AppendLog(path, static_cast<int64_t>(two.size())).append("{\"step\":3,\"key\":\"k3\",\"rew");
  {
    RewardJournal journal(path, true);
    const auto found = journal.find(1, 0, "k1");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ((*found)[0].first, "accuracy");
    EXPECT_TRUE(std::isnan((*found)[0].second[2]));
    EXPECT_EQ((*found)[1].second, first[1].second);
    EXPECT_TRUE(journal.find(2, 1, "k2b").has_value());
    EXPECT_FALSE(journal.find(3, 0, "k3").has_value());
    EXPECT_NE(error_of([&] { journal.find(2, 0, "other"); }).find("step 2 was judged on other completions"),
              std::string::npos);
    journal.record(3, 0, "k3", first);
  }
  EXPECT_EQ(read_file(path).substr(0, two.size()), two);
  EXPECT_TRUE(RewardJournal(path, true).find(3, 0, "k3").has_value());
}

// Catches a damaged journal that is read as rewards.
TEST(RewardJournal, BrokenRowNamesFileAndLine) {
  const fs::path folder = fresh_folder("broken");
  fs::create_directories(folder);
  const fs::path path = folder / "rewards.jsonl";
  for (const char* row : {"{\"step\":2}", "not json", "{\"step\":2,\"key\":1,\"rewards\":{}}",
                          "{\"step\":2,\"key\":\"k\",\"rewards\":{\"a\":[\"x\"]}}", "[]", "\xff"}) {
    write_file(path, std::string("{\"step\":1,\"key\":\"k\",\"rewards\":{}}\n") + row + "\n");
    EXPECT_NE(error_of([&] {
                RewardJournal journal(path, true);
              }).find("rewards.jsonl:2: expected a row of rewards"),
              std::string::npos)
        << row;
  }
}

}  // namespace
}  // namespace cohort
