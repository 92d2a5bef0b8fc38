// The tensors of one or several files, by name: taken out one by one, and what is left over was not used.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/read_weights.h"
#include "tensor/safetensors.h"

namespace cohort {

class TensorPool {
 public:
  explicit TensorPool(std::string source) : source_(std::move(source)) {}

  // Throws Error at a name that is there already.
  void add(StoredTensor tensor);
  void add(const SafetensorsFile& file);  // which must outlive the pool

  const StoredTensor* find(const std::string& name) const;
  StoredTensor take(const std::string& name,
                    const std::vector<int64_t>& shape);  // the shape is for the message
  void drop(const std::string& name) { tensors_.erase(name); }
  void finish() const;  // throws Error where something is left

 private:
  std::string source_;
  std::map<std::string, StoredTensor> tensors_;
};

}  // namespace cohort
