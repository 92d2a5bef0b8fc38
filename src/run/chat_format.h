// Rows of messages as the text that a model's chat template makes of them (docs/chat_templates.md).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/options.h"
#include "data/rows.h"
#include "text/tokenizer.h"

namespace cohort {

class ChatTemplate;

struct ChatSettings {
  std::string chat_template_path;    // empty: the model's own
  std::string chat_template_kwargs;  // a JSON object
  std::string chat_template_date = "2024-07-26";
};
void add_chat_settings(OptionTable& table, ChatSettings& settings);

class ChatFormat {
 public:
  ChatFormat(const Tokenizer& tokenizer, const ChatSettings& settings);
  ~ChatFormat();

  // Throws Error where there is no template, or where it is none. render() does so at the first row of messages.
  void check_template() const;

  // Of row.chat, the text that the model sees: row.prompt; for a `completion` also row.turns, the assistant's
  // text and what stands between by turns, and row.completion, all of it; for a `pair` the two completions as
  // row.turns. Does nothing where row.chat is empty. Throws Error with `place` where there is no template,
  // where it refuses the messages, and where the assistant's words cannot be told from the rest.
  enum class Wanted { prompt, completion, pair };
  void render(Row& row, Wanted wanted, const std::string& place) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cohort
