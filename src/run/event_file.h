// TensorBoard event files: TFRecords of Event protocol buffers, written without a protobuf library.
//
//   record  := length (uint64 LE)  masked_crc32c(length bytes) (uint32 LE)  data  masked_crc32c(data) (uint32
//   LE) Event   := 1: wall_time (double)  2: step (int64)  3: file_version (string) | 5: Summary | 7:
//   SessionLog Summary := repeated 1: { 1: tag (string)  2: simple_value (float) } SessionLog := 1: status
//   (START = 1): tells TensorBoard to drop what an earlier file holds from this step on
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace cohort {

class EventFile {
 public:
  // Makes folder/events.out.tfevents.TIME.HOST.PID. `first_step` is the first that will be written (after a
  // resume, not 0).
  EventFile(const std::filesystem::path& folder, int64_t first_step);

  // One event with a scalar for each (tag, value). Not finite values are written as they are: TensorBoard
  // shows them.
  void add_scalars(int64_t step, std::span<const std::pair<std::string, double>> values);

 private:
  AppendLog log_;
};

// CRC-32C (Castagnoli), and TFRecord's masked form of it.
uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);

// The framing and the messages above, as bytes.
std::string tfrecord(std::string_view data);
std::string scalar_event(double wall_time, int64_t step,
                         std::span<const std::pair<std::string, double>> values);

}  // namespace cohort
