#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cohort {

// Runs work(i) for i in [0, count) on all cores; throws what the smallest failing i threw.
template <class Work>
void in_parallel(int64_t count, Work work) {
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  int64_t failed = count;
  std::exception_ptr error;
  const auto loop = [&] {
    for (int64_t i; (i = next.fetch_add(1)) < count;) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed) failed = i, error = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  const int64_t helpers = std::min<int64_t>(std::max(1u, std::thread::hardware_concurrency()), count) - 1;
  for (int64_t t = 0; t < helpers; ++t) threads.emplace_back(loop);
  loop();
  for (std::thread& t : threads) t.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace cohort
