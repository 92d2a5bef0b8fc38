#include "tensor/tensor.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace cohort {

Buffer::Buffer(int64_t floats, Device device) : size_(floats), device_(device) {
  COHORT_CHECK(device == Device::cpu, "this build has no CUDA");
  COHORT_CHECK(floats >= 0 && floats < (int64_t{1} << 60), "{} floats", floats);
  if (floats == 0) return;
  constexpr size_t huge_page = size_t{2} << 20;
  size_t bytes = static_cast<size_t>(floats) * sizeof(float);
  const size_t alignment = bytes >= 4 * huge_page ? huge_page : 64;
  bytes = (bytes + alignment - 1) / alignment * alignment;
  data_ = static_cast<float*>(std::aligned_alloc(alignment, bytes));
  if (!data_) fail("out of memory: {:.1f} MB could not be allocated", static_cast<double>(bytes) / 1e6);
  if (alignment == huge_page) madvise(data_, bytes, MADV_HUGEPAGE);
}

Buffer::~Buffer() { std::free(data_); }

void Buffer::zero() {
  if (data_) std::memset(data_, 0, static_cast<size_t>(size_) * sizeof(float));
}

float* Buffer::reserve(int64_t floats) {
  if (floats > size_) {
    *this = Buffer();  // free first: the old contents are not kept
    *this = Buffer(floats, device_);
  }
  return data_;
}

Tensor Buffer::tensor(std::initializer_list<int64_t> shape) const {
  Tensor t(data_, shape, device_);
  COHORT_CHECK(t.size() <= size_, "a view of {} floats on a buffer of {}", t.size(), size_);
  return t;
}

}  // namespace cohort
