// A list whose elements are made when they are asked for, so that it may be longer than memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace cohort {

template <class T>
class OnDemand {
 public:
  OnDemand() = default;
  // `make` is called from any thread, as often as an element is asked for, and makes the same each time.
  OnDemand(int64_t size, std::function<T(int64_t)> make) : size_(size), make_(std::move(make)) {}
  OnDemand(std::vector<T> all)  // which are at hand; implicit, for a list of few is one as well
      : size_(std::ssize(all)), at_hand_(std::make_shared<const std::vector<T>>(std::move(all))) {}

  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::shared_ptr<const T> operator[](int64_t i) const {
    if (at_hand_) return {at_hand_, &(*at_hand_)[static_cast<size_t>(i)]};
    return std::make_shared<const T>(make_(i));
  }

 private:
  int64_t size_ = 0;
  std::function<T(int64_t)> make_;
  std::shared_ptr<const std::vector<T>> at_hand_;
};

}  // namespace cohort
