// Conversations: a row's `messages`, a list of {"role", "content"} (TRL's conversational format), for
// supervised training.
#pragma once

#include <string>

#include "data/rows.h"

namespace cohort {

// Fills row.question, row.prompt (the first user turn) and row.turns. `place` is FILE:LINE for errors. Throws
// Error where the messages are not user and assistant by turns, from a user's to an assistant's, each with a
// text. A system message is refused: where its text goes is a chat template's to say.
void read_messages(const nlohmann::json& messages, const std::string& place, Row& row);

}  // namespace cohort
