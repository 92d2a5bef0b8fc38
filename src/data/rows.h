// Rows of a data set: JSON objects, one a line (TRL's names).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

struct Row {
  std::string question;                             // the row's `prompt` as it stands in the file
  std::string prompt;                               // the text the model sees: before + question + after
  std::string completion;                           // empty where the row has none
  std::vector<int32_t> prompt_ids, completion_ids;  // empty where the row has none
  std::vector<std::string>
      turns;  // of a conversation, after the prompt: assistant, user, assistant ...; else empty
  std::string chat;       // of a row of messages that a chat template is to render: its line; else empty
  bool rendered = false;  // prompt, completion and turns are a template's: no token is added around them
  std::shared_ptr<const nlohmann::json> fields;  // the whole object, for rewards and output
  int64_t line = 0;                              // 1-based line in its file; 0: made by a built-in task

  // The field as text: a string's content, a number as it is written; empty where absent.
  std::string text(std::string_view field) const;
};

// Fields that every row must have; "prompt" and "completion" are also met by prompt_ids and completion_ids.
using RequiredFields = std::span<const std::string_view>;

// What a row may hold in place of text (conversation.h): nothing else, a list of messages whose turns are
// taken apart, or messages for a chat template.
enum class Conversations { refused, turns, chat };

// What the rows of a file are to be.
struct RowRules {
  RequiredFields required = {};  // must outlive the rules
  Conversations conversations = Conversations::refused;
  std::vector<std::string> columns = {};  // NEW=OLD, of a file
  void (*check)(const Row& row, const std::string& place) = nullptr;  // what else is to hold; throws Error
};

// Throws Error with `place` (FILE:LINE) for bytes that are no UTF-8.
void check_utf8(std::string_view text, const std::string& place);

// The JSON object that a text is. Throws Error with `place` for invalid UTF-8, broken JSON and what is no object.
nlohmann::json parse_object(std::string_view text, const std::string& place);

// A row of JSON. Unknown fields are kept in `fields`. Throws Error with `place` as parse_object does, and for a missing field, `prompt`
// or `completion` that is no string, and ids that are no array of integers in [0, 2^31).
Row parse_row(std::string_view text, int64_t number, const std::string& place, const RowRules& rules);

// All rows of a file in any form that formats.h knows, or of JSON lines: in memory, for few. Errors name file and line; a file without rows
// is one.
std::vector<Row> read_rows(const std::filesystem::path& path, const RowRules& rules = {});
std::vector<Row> parse_rows(std::string_view text, const std::string& name, const RowRules& rules = {});

// The recipe's text around each question, the later ones of a conversation too.
void set_prompts(std::span<Row> rows, std::string_view before, std::string_view after);

// A stable 64-bit hash of a text: FNV-1a, then the finaliser of MurmurHash3. The same on every machine, for
// ever.
uint64_t text_hash(std::string_view text);

// Whether the row is held out with about `fraction` of the distinct questions: those whose hash falls below fraction * 2^64. A question's
// side depends on its text alone, so it stays where it is when rows are added. A row without a question goes by its prompt_ids. Throws
// Error for a fraction outside [0, 1).
bool is_held_out(const Row& row, double fraction);

// Rows keep their order.
struct Split {
  std::vector<Row> train, held_out;
};
Split split_by_question(std::vector<Row> rows, double fraction);

}  // namespace cohort
