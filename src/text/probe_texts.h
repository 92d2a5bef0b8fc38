// Texts on which two tokenizers that are not the same are likely to differ: all kinds of characters beside one
// another. The same at every call.
#pragma once

#include <string>
#include <vector>

namespace cohort {

std::vector<std::string> probe_texts();

}  // namespace cohort
