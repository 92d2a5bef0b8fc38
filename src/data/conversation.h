// Conversations: lists of messages, {"role", "content"}, in place of text (TRL's conversational formats).
#pragma once

#include <string>

#include "data/rows.h"

namespace cohort {

// Fills row.question, row.prompt (the first user turn) and row.turns. `place` is FILE:LINE for errors. Throws
// Error where the messages are not user and assistant by turns, from a user's to an assistant's, each with a
// text. A system message is refused: where its text goes is a chat template's to say.
void read_messages(const nlohmann::json& messages, const std::string& place, Row& row);

// Whether `messages` (without `prompt`), `prompt`, `chosen` or `rejected` is a list of messages.
bool holds_messages(const nlohmann::json& fields);

// Refuses a row of messages without one of `required`, of which `messages` stand for prompt and completion,
// and lists that hold something else than objects with a role. row.question becomes the last thing that the
// user says in the prompt; without one, in the first list that there is of chosen, messages and rejected.
void check_messages(const nlohmann::json& fields, const std::string& place, RequiredFields required, Row& row);

}  // namespace cohort
