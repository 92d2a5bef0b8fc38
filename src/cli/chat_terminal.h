// What `cohort chat` reads and shows: lines of standard input, and answers as they come. On a terminal
// thinking is dimmed; elsewhere nothing but text is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cohort {

class ChatTerminal {
 public:
  ChatTerminal();  // from now on Ctrl-C is asked for by interrupted()

  bool interactive() const { return interactive_; }
  // The next line without its newline; a line that ends with a backslash goes on in the next one. Nothing at
  // the end of the input, and after a second Ctrl-C in a row.
  std::optional<std::string> read_line();

  // Parts of an answer; thinking stands between <think> and </think> lines where it cannot be dimmed.
  void show(std::string_view text, bool thinking);
  void end_answer();                 // ends the line
  void note(std::string_view text);  // about the conversation, not of it: a line on standard error
  // Whether Ctrl-C was pressed since the last question.
  static bool interrupted();

 private:
  std::optional<std::string> raw_line();
  void write(std::string_view text);

  bool interactive_;
  bool thinking_ = false, line_begun_ = false;
  std::string input_;  // read and not yet taken
  bool ended_ = false;
};

}  // namespace cohort
