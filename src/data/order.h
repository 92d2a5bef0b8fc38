// The order in which a run visits its rows: a shuffle that depends on the seed and the epoch alone.
#pragma once

#include <cstdint>
#include <vector>

namespace cohort {

// 0 .. n-1 in an order that depends on seed and epoch alone (Fisher-Yates with Philox).
std::vector<uint32_t> shuffled_order(uint32_t n, uint64_t seed, uint32_t epoch);

// Which of n rows is visited as number i of a run: epoch after epoch, each in its own order. Keeps the order of one epoch: 4 bytes a row.
class RowOrder {
 public:
  RowOrder(int64_t n, bool shuffle, uint64_t seed) : n_(n), shuffle_(shuffle), seed_(seed) {}
  int64_t operator[](int64_t i);
  std::vector<int64_t> draw(int64_t first, int64_t count);  // first .. first + count - 1 of the run

 private:
  int64_t n_;
  bool shuffle_;
  uint64_t seed_;
  int64_t epoch_ = -1;  // whose order it is
  std::vector<uint32_t> order_;
};

// The same for one draw.
std::vector<int64_t> draw_rows(int64_t n, int64_t first, int64_t count, bool shuffle, uint64_t seed);

}  // namespace cohort
