// Tensors: a non-owning, contiguous, row-major fp32 view that knows its device, and a buffer that owns
// memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "base/check.h"

namespace cohort {

enum class Device : uint8_t { cpu, cuda };

// A view of up to 3 dimensions, row-major and contiguous. Copying it copies the view only.
struct Tensor {
  float* data = nullptr;
  int rank = 0;
  int64_t dim[3] = {1, 1, 1};
  Device device = Device::cpu;

  Tensor() = default;
  Tensor(float* data, std::initializer_list<int64_t> shape, Device device = Device::cpu)
      : data(data), rank(0), device(device) {
    COHORT_CHECK(shape.size() <= 3, "rank {}", shape.size());
    for (int64_t d : shape) dim[rank++] = d;
  }

  int64_t size() const { return data ? dim[0] * dim[1] * dim[2] : 0; }
  int64_t rows() const { return dim[0]; }
  int64_t cols() const { return dim[1] * dim[2]; }  // floats from one row to the next
  float* row(int64_t i) const { return data + i * cols(); }
  Tensor slice(int64_t begin, int64_t end) const {  // rows [begin, end)
    Tensor t = *this;
    t.data = row(begin);
    t.dim[0] = end - begin;
    return t;
  }
  explicit operator bool() const { return data != nullptr; }
};

// Owns 64-byte aligned memory for floats on one device. Contents are unspecified until written, except after
// zero(). Large buffers ask for huge pages. Throws Error naming the size where memory cannot be had.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t floats, Device device = Device::cpu);
  ~Buffer();
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }

  float* data() const { return data_; }
  int64_t size() const { return size_; }
  Device device() const { return device_; }
  void zero();
  // Grows to at least `floats` (contents are lost when it grows); never shrinks. For workspaces.
  float* reserve(int64_t floats);
  Tensor tensor(std::initializer_list<int64_t> shape) const;  // a view of the front; checks the size

 private:
  void swap(Buffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(device_, other.device_);
  }
  float* data_ = nullptr;
  int64_t size_ = 0;
  Device device_ = Device::cpu;
};

}  // namespace cohort
