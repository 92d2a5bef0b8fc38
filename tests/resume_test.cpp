// Resume: a run that is killed and continued gives the bytes of one that was not. And what a recipe calls
// "machine" settings changes no byte.
#include <chrono>
#include <thread>

#include "run_support.h"

namespace cohort {
namespace {

using testing::Environment;
using testing::fault;
using testing::lines_of;
using testing::Options;
using testing::Process;
using testing::Random;
using testing::run_program;
using testing::RunFolder;
using testing::same_run;

// Several updates per rollout and a reference model: more state lies between two checkpoints.
const Options kOffPolicy{
    {"num_iterations", "2"}, {"steps_per_generation", "2"}, {"beta", "0.04"}, {"save_steps", "4"}};

// An adapter, whose checkpoints are other files, and its base as reference.
const Options kAdapter{{"use_peft", "true"},
                       {"lora_r", "3"},
                       {"lora_target_modules", "\"all-linear\""},
                       {"beta", "0.04"},
                       {"learning_rate", "0.03"}};

// One undisturbed run, for all tests of this file.
class Resume : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new RunFolder;
    folder_->finish("plain", folder_->options());
    folder_->finish("off_policy", folder_->options(kOffPolicy));
    folder_->finish("adapter", folder_->options(kAdapter));
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  // The calls that change files in a run of these options.
  std::vector<std::string> trace(const Options& o) {
    const auto file = folder_->file("trace");
    std::filesystem::remove(file);
    std::filesystem::remove_all(folder_->file("traced"));
    run_program(folder_->train("traced", o), fault(folder_->file("traced"), 0, "KILL", file));
    return lines_of(file);
  }

  // Kills a run at one of these calls, continues it, compares.
  void kill_at(int64_t call, const Options& o, const char* undisturbed, const std::string& action = "KILL") {
    SCOPED_TRACE(fmt::format("{} at call {}", action, call));
    const std::string run = "killed";
    std::filesystem::remove_all(folder_->file(run));
    const Process::Result r = run_program(folder_->train(run, o), fault(folder_->file(run), call, action));
    if (action == "KILL") {
      EXPECT_EQ(r.status, -SIGKILL) << r.text;
    } else if (r.status != 0) {  // asked to end after the last step it just ends
      EXPECT_EQ(r.status, 130) << r.text;
      const std::string latest = read_file(folder_->file(run) / "latest");
      EXPECT_TRUE(std::filesystem::exists(folder_->file(run) / latest.substr(0, latest.size() - 1) /
                                          "model.safetensors"));
    }
    folder_->finish(run, o, true);
    EXPECT_TRUE(same_run(folder_->file(undisturbed), folder_->file(run), 8));
  }

  static RunFolder* folder_;
};
RunFolder* Resume::folder_ = nullptr;

// Catches: a test that compares nothing: runs whose rewards, gradients or logs are empty.
TEST_F(Resume, TheRunsAreNotTrivial) {
  const auto run = folder_->file("plain");
  EXPECT_EQ(lines_of(run / "metrics.jsonl").size(), 8u + 3u);
  EXPECT_EQ(lines_of(run / "samples.jsonl").size(), 64u);
  EXPECT_EQ(lines_of(run / "rewards.jsonl").size(), 8u);
  EXPECT_GT(lines_of(run / "eval_samples.jsonl").size(), 0u);
  EXPECT_NE(read_file(run / "rewards.jsonl").find("1.0"), std::string::npos);
  EXPECT_NE(read_file(run / "checkpoint-2" / "model.safetensors"),
            read_file(run / "checkpoint-8" / "model.safetensors"));
  EXPECT_NE(read_file(folder_->file("off_policy") / "metrics.jsonl").find("\"kl\":"), std::string::npos);
}

// Catches: state that a checkpoint does not hold (moments, counters, log lengths, journal), killed inside
// writes, renames, checkpoints, logs, and between them.
TEST_F(Resume, KilledInsideAnyKindOfCall) {
  const Options o = folder_->options();
  const std::vector<std::string> calls = trace(o);
  ASSERT_GT(calls.size(), 100u);
  for (size_t i = 1; i <= calls.size(); ++i)  // a torn row of the journal always
    if (i % 13 == 1 || (calls[i - 1].starts_with("write ") && calls[i - 1].ends_with("/rewards.jsonl")))
      kill_at(static_cast<int64_t>(i), o, "plain");
}

// Catches: a step inside a rollout that is taken for a place to continue from, and the reference taken from
// the checkpoint instead of the start.
TEST_F(Resume, KilledWithSeveralUpdatesPerRollout) {
  const Options o = folder_->options(kOffPolicy);
  const std::vector<std::string> calls = trace(o);
  const int64_t part =
      static_cast<int64_t>(calls.size()) / 8;  // from each part of the run, after checkpoints too
  Random random(1);
  for (int64_t i = 0; i < 8; ++i) kill_at(i * part + random.between(1, part), o, "off_policy");
}

// Catches: an adapter that a resume makes anew, moments that are not its own, and files of it that are not
// whole.
TEST_F(Resume, KilledWithAnAdapter) {
  const Options o = folder_->options(kAdapter);
  const std::vector<std::string> calls = trace(o);
  const int64_t part = static_cast<int64_t>(calls.size()) / 8;
  Random random(2);
  for (int64_t i = 0; i < 8; ++i) kill_at(i * part + random.between(1, part), o, "adapter");
}

// Catches: a signal that ends the program without a checkpoint, or with one that continues elsewhere.
TEST_F(Resume, AskedToEndItSavesAndContinues) {
  for (int64_t call : {5, 60, 130}) kill_at(call, folder_->options(), "plain", "TERM");
  kill_at(60, folder_->options(kOffPolicy), "off_policy", "TERM");
}

// Catches: what no list of calls holds: kills between them, and several in a row. COHORT_KILLS: how many
// (tools/kill_resume.sh).
TEST_F(Resume, KilledAtRandomMoments) {
  const char* wanted = std::getenv("COHORT_KILLS");
  const int kills = wanted ? std::atoi(wanted) : 6;
  const char* seed = std::getenv("COHORT_KILL_SEED");
  Random random(seed ? std::atoi(seed) : 3);
  int done = 0;
  for (int64_t round = 0; done < kills; ++round) {
    const bool off_policy = round % 2 == 1;
    const Options o = folder_->options(off_policy ? kOffPolicy : Options{});
    const std::string run = fmt::format("random-{}", round);
    bool resume = false;
    for (int in_a_row = 0; in_a_row < 5 && done < kills; ++in_a_row) {
      Process process(
          folder_->train(run, o, resume),
          random.chance(0.5) ? fault(folder_->file(run), random.between(1, 150), "KILL") : Environment{});
      std::this_thread::sleep_for(std::chrono::microseconds(random.between(1000, 400000)));
      process.kill(SIGKILL);
      if (process.wait().status == 0) break;  // it was faster
      ++done;
      resume = true;
    }
    folder_->finish(run, o, true);
    EXPECT_TRUE(same_run(folder_->file(off_policy ? "off_policy" : "plain"), folder_->file(run), 8))
        << "round " << round;
    if (round > 200)
      FAIL() << "the run ends before it can be killed: " << done << " kills in " << round << " rounds";
  }
}

// Catches: a byte that depends on memory or speed settings.
TEST_F(Resume, MachineSettingsChangeNoByte) {
  const std::vector<Options> machines{
      {{"num_threads", "2"}},
      {{"num_threads", "4"}, {"micro_batch_tokens", "20"}},
      {{"micro_batch_tokens", "1"}},
      {{"gradient_checkpointing", "true"}},
      {{"gradient_checkpointing", "true"}, {"keep_rollout_activations", "\"false\""}},
      {{"keep_rollout_activations", "\"true\""}, {"micro_batch_tokens", "1"}},
      {{"keep_rollout_activations", "\"false\""}, {"max_sequences", "3"}},
      {{"kv_memory_gb", "0.0001"}}};
  for (const auto& [name, base] :
       std::map<std::string, Options>{{"plain", {}}, {"off_policy", kOffPolicy}, {"adapter", kAdapter}}) {
    for (size_t i = 0; i < machines.size(); ++i) {
      Options changes = base;
      changes.insert(machines[i].begin(), machines[i].end());
      const std::string run = fmt::format("machine-{}-{}", name, i);
      folder_->finish(run, folder_->options(changes));
      EXPECT_TRUE(same_run(folder_->file(name), folder_->file(run), 8))
          << machines[i].begin()->first << " = " << machines[i].begin()->second;
    }
  }
}

// Catches: a "no difference" that would also be found between runs that differ.
TEST_F(Resume, AnotherSeedIsSeen) {
  folder_->finish("seed", folder_->options({{"seed", "43"}}));
  EXPECT_FALSE(same_run(folder_->file("plain"), folder_->file("seed"), 8));
}

}  // namespace
}  // namespace cohort
