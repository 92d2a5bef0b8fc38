#include "model/tensor_pool.h"

namespace cohort {

void TensorPool::add(StoredTensor tensor) {
  const auto [at, inserted] = tensors_.try_emplace(tensor.name, tensor);
  if (!inserted) fail("{}: tensor '{}': also in {}", tensor.file, tensor.name, at->second.file);
}

void TensorPool::add(const SafetensorsFile& file) {
  for (const SafetensorsEntry& e : file.entries()) {
    if (e.name.ends_with("rotary_emb.inv_freq")) continue;  // old transformers versions stored this table
    add({file.path(), e.name, float_encoding(e, file.path()), e.shape, e.bytes});
  }
}

const StoredTensor* TensorPool::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

StoredTensor TensorPool::take(const std::string& name, const std::vector<int64_t>& shape) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail("{}: tensor '{}' {} is missing", source_, name, shape_text(shape));
  return std::move(tensors_.extract(found).mapped());
}

void TensorPool::finish() const {
  if (tensors_.empty()) return;
  const auto& [name, tensor] = *tensors_.begin();
  fail("{}: tensor '{}' {} is not part of the model that the configuration describes ({} such)", tensor.file,
       name, shape_text(tensor.shape), tensors_.size());
}

}  // namespace cohort
