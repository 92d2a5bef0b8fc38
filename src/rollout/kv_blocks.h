// The key/value cache: blocks of 32 positions for all layers, handed out by reference count. A prompt's
// blocks are shared by its group; every sequence's own tokens start a fresh block, so nothing is ever copied.
#pragma once

#include <vector>

#include "model/config.h"
#include "tensor/tensor.h"

namespace cohort {

class KvBlocks {
 public:
  // Room for `blocks` blocks; memory is touched only as blocks are used.
  KvBlocks(const ModelConfig& config, int64_t blocks)
      : layer_floats_(kv_block_floats(config.attention(0))),
        block_floats_(layer_floats_ * config.num_hidden_layers),
        buffer_(blocks * block_floats_),
        references_(blocks, 0) {
    for (int64_t b = blocks - 1; b >= 0; --b) free_.push_back(static_cast<int32_t>(b));
  }

  static int64_t block_bytes(const ModelConfig& config) {
    return 4 * kv_block_floats(config.attention(0)) * config.num_hidden_layers;
  }
  static int64_t blocks_for(int64_t positions) { return (positions + kKvBlock - 1) / kKvBlock; }

  int64_t free_blocks() const { return static_cast<int64_t>(free_.size()); }
  KvStore store() const { return {buffer_.data(), block_floats_}; }
  int64_t layer_stride() const { return layer_floats_; }

  int32_t take() {
    COHORT_CHECK(!free_.empty(), "no free block: the scheduler admitted too much");
    const int32_t block = free_.back();
    free_.pop_back();
    references_[block] = 1;
    return block;
  }
  void share(int32_t block) { ++references_[block]; }
  void release(int32_t block) {
    COHORT_CHECK(references_[block] > 0, "block {} released twice", block);
    if (--references_[block] == 0) free_.push_back(block);
  }

 private:
  int64_t layer_floats_, block_floats_;
  Buffer buffer_;
  std::vector<int32_t> references_, free_;
};

}  // namespace cohort
