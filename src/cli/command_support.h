// What several commands do.
#pragma once

#include <functional>
#include <string>

namespace cohort {

// From now on the first Ctrl-C or SIGTERM makes the returned question answer true, and the second ends the program.
std::function<bool()> stop_on_signals();

// Rows into a file (written whole or not at all), or onto the terminal where `path` is empty.
void write_output(const std::string& path, const std::string& rows);

}  // namespace cohort
