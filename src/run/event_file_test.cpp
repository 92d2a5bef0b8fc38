#include "run/event_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace cohort {
namespace {

// Catches a wrong polynomial, bit order or mask: TensorBoard would drop every record. Vectors of RFC 3720,
// B.4.
TEST(EventFile, Crc32cKnownVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  std::string ascending(32, 0);
  for (int i = 0; i < 32; ++i) ascending[i] = static_cast<char>(i);
  EXPECT_EQ(crc32c(ascending), 0x46DD794Eu);
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return out;
}

// Catches a field number, wire type or length that is off. The bytes are those that TensorBoard 2's own
// EventFileWriter (tensorboard.compat.proto, wall_time 1.5, step 300, tags "a/b" = 0.5 and "c" = -2) gives.
TEST(EventFile, BytesAreThoseOfTensorBoard) {
  const std::pair<std::string, double> values[] = {{"a/b", 0.5}, {"c", -2.0}};
  EXPECT_EQ(hex(tfrecord(scalar_event(1.5, 300, values))),
            "2400000000000000422b804d09000000000000f83f10ac022a160a0a0a03612f62150000003f0a080a016315000000c0"
            "ac91a714");
}

// Catches a file that TensorBoard does not recognise, and a resume whose earlier steps would be shown twice.
TEST(EventFile, BeginsWithVersionAndStart) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / fmt::format("cohort_event_file_{}", ::getpid());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::pair<std::string, double> values[] = {{"train/reward", 0.25}};
  {
    EventFile one(folder, 0), two(folder, 8);
    two.add_scalars(8, values);
  }
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().string());
  std::sort(names.begin(), names.end());
  ASSERT_EQ(names.size(), 2u);
  EXPECT_NE(names[0].find("events.out.tfevents."), std::string::npos);
  const std::string bytes = read_file(names[1]);
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    ASSERT_GE(bytes.size() - at, 16u);
    uint64_t length;
    std::memcpy(&length, &bytes[at], 8);
    ASSERT_LE(length, bytes.size() - at - 16);
    records.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(tfrecord(records.back()), bytes.substr(at, length + 16));
    at += length + 16;
  }
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(hex(records[0]).substr(18), "1a0d" + hex("brain.Event:2"));
  EXPECT_EQ(hex(records[1]).substr(18), "10083a020801");
}

}  // namespace
}  // namespace cohort
