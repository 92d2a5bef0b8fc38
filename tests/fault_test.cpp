// Disks that fail: each call that changes a file of a run goes wrong once. The program says so, loses nothing
// that was saved, and continues to the bytes of an undisturbed run.
#include <algorithm>

#include "run/run_state.h"
#include "run_support.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::fault;
using testing::lines_of;
using testing::Options;
using testing::Process;
using testing::run_program;
using testing::RunFolder;
using testing::same_run;

const Options kShort{{"max_steps", "3"}, {"save_steps", "1"}, {"save_total_limit", "1"}, {"eval_steps", "2"}};

// Whether this checkpoint's files are all there, by its own record.
bool whole(const fs::path& checkpoint) {
  testing::TempFolder alone;
  fs::create_directory_symlink(checkpoint, alone.path() / checkpoint.filename());
  return find_checkpoint(alone.path()).has_value();
}

// The steps whose checkpoint was complete (`latest` renamed) before the given call.
int64_t saved_before(const std::vector<std::string>& calls, size_t at) {
  return std::count_if(calls.begin(), calls.begin() + static_cast<int64_t>(at) - 1, [](const std::string& c) {
    return c.starts_with("rename ") && c.ends_with("/latest");
  });
}

// A call is tried where it differs from the one before (rows of samples are written in long series), and each
// 7th.
bool tried(const std::vector<std::string>& calls, size_t at) {
  return at < 2 || calls[at - 1] != calls[at - 2] || at % 7 == 0;
}

class Faults : public ::testing::Test {
 protected:
  Faults() : options_(folder_.options(kShort)) {
    folder_.finish("undisturbed", options_);
    run_program(folder_.train("run", options_), fault(run_, 0, "EIO", folder_.file("trace")));
    calls_ = lines_of(folder_.file("trace"));
  }

  // Returns what the program printed.
  void disturb(size_t at, const std::string& action) {
    SCOPED_TRACE(fmt::format("{} in call {} of {}: {}", action, at, calls_.size(), calls_[at - 1]));
    fs::remove_all(run_);
    const fs::path trace = folder_.file("fault");
    fs::remove(trace);
    const Process::Result r =
        run_program(folder_.train("run", options_), fault(run_, static_cast<int64_t>(at), action, trace));
    EXPECT_EQ(r.status, 1) << r.text;
    const std::vector<std::string> done = lines_of(trace);
    const auto failed =
        std::find_if(done.begin(), done.end(), [](const std::string& c) { return c.starts_with("! "); });
    ASSERT_NE(failed, done.end());
    const std::string path = failed->substr(failed->find(' ', 2) + 1);
    EXPECT_NE(r.text.find("error: "), std::string::npos) << r.text;
    EXPECT_NE(r.text.find(fs::path(path).filename().string()), std::string::npos)
        << path << " is not named in: " << r.text;
    EXPECT_NE(r.text.find(action == "EIO" ? "Input/output error" : "No space left on device"),
              std::string::npos)
        << r.text;

    const int64_t saved = saved_before(calls_, at);
    if (saved > 0) {
      const auto newest = find_checkpoint(run_);
      ASSERT_TRUE(newest.has_value()) << "nothing is left of " << saved << " checkpoints";
      EXPECT_GE(newest->state.step, saved);
      const std::string latest = read_file(run_ / "latest");
      EXPECT_TRUE(whole(run_ / latest.substr(0, latest.size() - 1))) << latest;
    }
    folder_.finish("run", options_, true);
    EXPECT_TRUE(same_run(folder_.file("undisturbed"), run_, 3));
  }

  RunFolder folder_;
  const fs::path run_ = folder_.file("run");
  const Options options_;
  std::vector<std::string> calls_;
};

// Catches: a return value that is not looked at, an error without the file's name, a checkpoint or `latest`
// that a failed save replaces or removes, leftovers that a resume stumbles over.
TEST_F(Faults, EachCallFailingOnceLosesNothing) {
  ASSERT_GT(calls_.size(), 80u);
  for (const char* kind : {"open ", "write ", "fsync ", "rename ", "mkdir ", "ftruncate ", "unlink "})
    EXPECT_TRUE(std::any_of(calls_.begin(), calls_.end(), [&](const std::string& c) {
      return c.starts_with(kind);
    })) << kind;
  for (size_t at = 1; at <= calls_.size() && !HasFatalFailure(); ++at)
    if (tried(calls_, at)) disturb(at, calls_[at - 1].starts_with("fsync ") || at % 2 ? "EIO" : "ENOSPC");
}

// Catches: a best model that was saved but is not named after a kill, or names a checkpoint that is not
// there.
TEST_F(Faults, KilledAroundTheBestCheckpoint) {
  Options o = options_;
  o["load_best_model_at_end"] = "true";
  o["eval_steps"] = "1";
  folder_.finish("best", o);
  const std::string best = read_file(folder_.file("best") / "best");
  EXPECT_TRUE(whole(folder_.file("best") / best.substr(0, best.size() - 1))) << best;
  fs::remove(folder_.file("trace"));
  fs::remove_all(run_);
  run_program(folder_.train("run", o), fault(run_, 0, "KILL", folder_.file("trace")));
  const std::vector<std::string> calls = lines_of(folder_.file("trace"));
  for (size_t at = 1; at <= calls.size(); ++at) {
    if (calls[at - 1].find("/best") == std::string::npos &&
        calls[at - 1].find("/latest") == std::string::npos)
      continue;
    fs::remove_all(run_);
    run_program(folder_.train("run", o), fault(run_, static_cast<int64_t>(at), "KILL"));
    folder_.finish("run", o, true);
    EXPECT_EQ(read_file(run_ / "best"), best) << "killed in " << calls[at - 1];
    EXPECT_TRUE(same_run(folder_.file("best"), run_, 3)) << "killed in " << calls[at - 1];
  }
}

// Catches: a clean-up that needs space, and a disk that fills up and is made room on.
TEST_F(Faults, FullDiskLosesNothing) {
  for (size_t at = 3; at <= calls_.size() && !HasFatalFailure(); at += 17) disturb(at, "FULL");
}

}  // namespace
}  // namespace cohort
