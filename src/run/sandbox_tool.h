// The tool of a roll-out as the recipe has it: a command in the sandbox, and its journal.
#pragma once

#include <filesystem>
#include <memory>

#include "rl/tool_use.h"
#include "run/recipe.h"

namespace cohort {

// Null where the recipe has no tools. Throws Error where the sandbox cannot be had here or the command does
// not run in it: before step 1.
std::shared_ptr<ToolUse> sandbox_tool(const Recipe& recipe);

// Writes every answer to the file before it is used, and answers what is there from it: code that reads a clock
// or draws numbers then says the same again where a resumed run comes to it once more.
//   {"key":"9f3c...","printed":"42\n","fault":""}
void journal_answers(const std::filesystem::path& path, bool resume, ToolUse& tools);

}  // namespace cohort
