// gzip and zstd, a part at a time: neither what is packed nor what comes out is ever held whole.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace cohort {

// Whether the bytes begin as a gzip or a zstd file does.
bool is_packed(std::string_view bytes);

// What is in the bytes of such a file, members and frames one behind another. `take` gets a part of it and how many bytes were read
// for all parts so far, and says whether it wants more. Throws Error where the bytes are broken or end early.
using TakePart = std::function<bool(std::string_view part, size_t read)>;
void unpack(std::string_view bytes, const std::string& name, const TakePart& take);

}  // namespace cohort
