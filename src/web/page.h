// The frame of every page that the program writes: one file with its style and script, which fetches nothing.
#pragma once

#include <string>

namespace cohort {

// `title` and `lead` (a line under it; may be empty) and `body` and `footer` are HTML; the title also names
// the window.
std::string page_html(const std::string& title, const std::string& lead, const std::string& body,
                      const std::string& footer);

}  // namespace cohort
