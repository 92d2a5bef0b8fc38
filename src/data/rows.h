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

// Reads a file of rows in any form that formats.h knows. Blank lines are skipped, CRLF and a byte order mark accepted, unknown fields kept in
// `fields`. Throws Error naming file and line for: broken JSON, not an object, invalid UTF-8, a missing
// field, `prompt` or `completion` that is no string, ids that are no array of integers in [0, 2^31); and for
// a file without rows.
std::vector<Row> read_rows(const std::filesystem::path& path, RequiredFields required,
                           Conversations conversations = Conversations::refused,
                           std::span<const std::string> columns = {});
std::vector<Row> parse_rows(std::string_view text, const std::string& name, RequiredFields required,
                            Conversations conversations = Conversations::refused);

// The recipe's text around each question, the later ones of a conversation too.
void set_prompts(std::span<Row> rows, std::string_view before, std::string_view after);

// A stable 64-bit hash of a text: FNV-1a, then the finaliser of MurmurHash3. The same on every machine, for
// ever.
uint64_t text_hash(std::string_view text);

// Holds out about `fraction` of the distinct questions: those whose hash falls below fraction * 2^64. A
// question's side depends on its text alone, so it stays where it is when rows are added. Rows keep their
// order. A row without a question goes by its prompt_ids.
struct Split {
  std::vector<Row> train, held_out;
};
Split split_by_question(std::vector<Row> rows, double fraction);

// 0 .. n-1 in an order that depends on seed and epoch alone (Fisher-Yates with Philox).
std::vector<uint32_t> shuffled_order(uint32_t n, uint64_t seed, uint32_t epoch);

// Which of n rows are visited as first .. first + count - 1 of a run: epoch after epoch, each in its own
// order.
std::vector<int64_t> draw_rows(int64_t n, int64_t first, int64_t count, bool shuffle, uint64_t seed);

}  // namespace cohort
