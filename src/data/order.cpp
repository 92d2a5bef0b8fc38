#include "data/order.h"

#include <cstddef>
#include <utility>

#include "base/philox.h"

namespace cohort {

std::vector<uint32_t> shuffled_order(uint32_t n, uint64_t seed, uint32_t epoch) {
  std::vector<uint32_t> order(n);
  for (uint32_t i = 0; i < n; ++i) order[i] = i;
  for (uint32_t i = n; i > 1; --i) {
    const auto j = static_cast<uint32_t>(uniform53(seed, Stream::shuffle, epoch, 0, 0, i) * i);
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

int64_t RowOrder::operator[](int64_t i) {
  if (!shuffle_) return i % n_;
  if (i / n_ != epoch_) {
    epoch_ = i / n_;
    order_ = shuffled_order(static_cast<uint32_t>(n_), seed_, static_cast<uint32_t>(epoch_));
  }
  return order_[static_cast<size_t>(i % n_)];
}

std::vector<int64_t> RowOrder::draw(int64_t first, int64_t count) {
  std::vector<int64_t> rows;
  for (int64_t i = first; i < first + count; ++i) rows.push_back((*this)[i]);
  return rows;
}

std::vector<int64_t> draw_rows(int64_t n, int64_t first, int64_t count, bool shuffle, uint64_t seed) {
  return RowOrder(n, shuffle, seed).draw(first, count);
}

}  // namespace cohort
