#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("cohort_file_test_{}_{}", ::getpid(),
                                                      testing::UnitTest::GetInstance()->random_seed());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

std::string message_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Catches bytes lost or altered on the way (zero bytes, no newline, empty), and a read that trusts the
// reported size.
TEST_F(FileTest, WritesAndReadsAnyBytes) {
  std::string bytes(100000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  for (const std::string& content : {bytes, std::string(), std::string("a\0b", 3)}) {
    write_file(folder_ / "f", content);
    EXPECT_EQ(read_file(folder_ / "f"), content);
    EXPECT_EQ(MappedFile(folder_ / "f").bytes(), content);
  }
  EXPECT_FALSE(read_file("/proc/self/status").empty());  // its reported size is 0
}

// Catches a write that leaves its temporary file behind, or destroys the old content when it cannot finish.
TEST_F(FileTest, FailedWriteKeepsTheOldFile) {
  write_file(folder_ / "f", "old");
  fs::create_directory(folder_ / "f.tmp");  // the file aside cannot be created
  EXPECT_NE(message_of([&] { write_file(folder_ / "f", "new"); }).find("f.tmp"), std::string::npos);
  EXPECT_EQ(read_file(folder_ / "f"), "old");
  fs::remove(folder_ / "f.tmp");
  fs::create_directories(folder_ / "full" / "x");  // a rename over a folder that is not empty fails
  EXPECT_THROW(write_file(folder_ / "full", "new"), Error);
  EXPECT_FALSE(fs::exists(folder_ / "full.tmp"));
}

// Catches messages that do not name the file or the reason.
TEST_F(FileTest, ErrorsNameTheFile) {
  const std::string missing = message_of([&] { read_file(folder_ / "missing"); });
  EXPECT_NE(missing.find("missing"), std::string::npos);
  EXPECT_NE(missing.find("No such file"), std::string::npos);
  EXPECT_THROW(read_file(folder_), Error);
  EXPECT_THROW(MappedFile{folder_}, Error);
}

// Catches a resume that keeps bytes written after the checkpoint, or that accepts a log shorter than
// recorded.
TEST_F(FileTest, AppendLogIsCutToTheRecordedLength) {
  const fs::path path = folder_ / "log";
  int64_t recorded;
  {
    AppendLog log(path, 0);
    log.append("one\n");
    recorded = log.length();
    log.append("lost\n");
    log.sync();
  }
  EXPECT_EQ(recorded, 4);
  {
    AppendLog log(path, recorded);
    EXPECT_EQ(log.length(), 4);
    log.append("two\n");
    AppendLog moved = std::move(log);
    moved.append("three\n");
    EXPECT_EQ(moved.length(), 14);
  }
  EXPECT_EQ(read_file(path), "one\ntwo\nthree\n");
  EXPECT_NE(message_of([&] { AppendLog(path, 100); }).find("100"), std::string::npos);
  EXPECT_EQ(read_file(path), "one\ntwo\nthree\n");  // refusing changes nothing
}

// Catches a map that is released twice or lost by a move.
TEST_F(FileTest, MapsMove) {
  write_file(folder_ / "f", "content");
  MappedFile a(folder_ / "f");
  MappedFile b = std::move(a);
  EXPECT_EQ(b.bytes(), "content");
  EXPECT_TRUE(a.bytes().empty());
  a = std::move(b);
  EXPECT_EQ(a.bytes(), "content");
}

// Catches: a device or a pipe that a file takes the place of, as --output /dev/null would.
TEST(WriteFile, GoesIntoAPipeAndLeavesIt) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / fmt::format("cohort-pipe-{}", getpid());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int end = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  write_file(path, "rows");
  char bytes[8];
  EXPECT_EQ(read(end, bytes, sizeof bytes), 4);
  EXPECT_TRUE(std::filesystem::is_fifo(path));
  close(end);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace cohort
