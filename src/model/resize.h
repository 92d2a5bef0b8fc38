// A model with a larger vocabulary.
#pragma once

#include "model/weights.h"

namespace cohort {

// `weights` with the embedding, and a head of its own, of `to.vocab_size` rows; everything else as it was. Rows
// from `known` on, the tokens that were there before, are drawn around the mean of the rows before them, with the
// deviation that transformers' mean_resizing takes on each axis (a covariance of 1e-9 of theirs): near enough that
// no new token is likelier than the average one, and apart, in fp32: bf16 and Q8_0 may round two to the same row.
Buffer resized_weights(const ModelConfig& from, const ModelConfig& to, const float* weights, int64_t known,
                       uint64_t seed);

}  // namespace cohort
