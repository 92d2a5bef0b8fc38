// cohort export through the program itself: faults of the disk, refusals, and that other commands take what it wrote.
#include "run_support.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::run_program;

class ExportProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::make_tiny_model(folder_.path() / "model");
    fs::create_directories(out());
  }
  std::string model() const { return (folder_.path() / "model").string(); }
  fs::path out() const { return folder_.path() / "out"; }
  std::vector<std::string> command(const std::string& to, const fs::path& output) const {
    return {"export", "--model", model(), "--to", to, "--output", output.string()};
  }
  testing::TempFolder folder_;
};

// Faults: a file or folder that is half there after a disk that was full, or one that is whole and yet an error.
TEST_F(ExportProgram, AnyFaultOfTheDiskLeavesNothing) {
  for (const char* to : {"gguf:q8_0", "hf:bf16"}) {
    for (const char* action : {"FULL", "EIO"}) {
      int64_t failures = 0;
      for (int64_t at = 1; at < 100; ++at) {
        const auto r = run_program(command(to, out() / "x"), testing::fault(out(), at, action));
        if (r.status == 0) break;
        ++failures;
        EXPECT_EQ(r.status, 1) << r.text;
        EXPECT_NE(r.text.find("error: "), std::string::npos) << r.text;
        // After the rename only the folder's own sync can fail: then all of it is there.
        if (fs::exists(out() / "x")) {
          EXPECT_EQ(run_program({"inspect", (out() / "x").string()}).status, 0) << at;
          fs::remove_all(out() / "x");
        }
        EXPECT_TRUE(fs::is_empty(out()))
            << to << " " << action << " " << at << ": " << fs::directory_iterator(out())->path();
        fs::remove_all(out());
        fs::create_directories(out());
      }
      EXPECT_GT(failures, 5) << to;
      fs::remove_all(out() / "x");
    }
  }
}

// Faults: a model of the built-in tasks' characters that GGUF loses; other samples from the same weights.
TEST_F(ExportProgram, ExportedModelsSaySo) {
  const auto say = [&](const std::string& model) {
    const auto r = run_program({"generate", "--model", model, "--prompt", "1+2=", "--temperature", "0",
                                "--max_completion_length", "12", "--ignore_eos"});
    EXPECT_EQ(r.status, 0) << r.text;
    return r.text.substr(r.text.rfind('\n', r.text.size() - 2) + 1);
  };
  ASSERT_EQ(run_program(command("gguf:f32", out() / "x.gguf")).status, 0);
  ASSERT_EQ(run_program(command("hf", out() / "hf")).status, 0);
  const std::string expected = say(model());
  EXPECT_EQ(say((out() / "x.gguf").string()), expected);
  EXPECT_EQ(say((out() / "hf").string()), expected);
}

// Faults: something overwritten unasked; an error without the way out.
TEST_F(ExportProgram, Refusals) {
  const auto error = [&](std::vector<std::string> words) {
    const auto r = run_program(words);
    EXPECT_EQ(r.status, 1) << r.text;
    return r.text;
  };
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(error(command("gguf", out() / "x")), "gguf:q8_0");
  has(error(command("gguf:q9", out() / "x")), "q4_k_m");
  has(error(command("onnx", out() / "x")), "expected gguf:TYPE or hf");
  has(error(command("hf", model())), "is the model itself");
  has(error(command("gguf:f16", folder_.path() / "nowhere" / "x")), "there is no folder");
  testing::write_text(out() / "x", "mine");
  has(error(command("gguf:f16", out() / "x")), "--overwrite");
  EXPECT_EQ(read_file(out() / "x"), "mine");
  auto words = command("gguf:f16", out() / "x");
  words.push_back("--overwrite");
  EXPECT_EQ(run_program(words).status, 0);
  fs::remove(folder_.path() / "model/tokenizer.json");
  has(error(command("gguf:f16", out() / "y")), "tokenizer.json");
}

}  // namespace
}  // namespace cohort
