// The delta encodings ("Delta Encoding", "Delta-length byte array" and "Delta Strings" of the format's
// Encodings.md).
#pragma once

#include "parquet/encoding.h"

namespace cohort::parquet {

// Numbers by their differences; of 32 bits they wrap there.
std::unique_ptr<Decoder> make_delta_numbers(std::string_view bytes, bool narrow);

// Byte strings behind all their lengths.
std::unique_ptr<Decoder> make_delta_lengths(std::string_view bytes);

// Byte strings that begin as the one before, all of one length where that is not 0.
std::unique_ptr<Decoder> make_delta_bytes(std::string_view bytes, int32_t length);

}  // namespace cohort::parquet
