// Where the rows of a text stand, whatever its form, found front to back: nothing of the text is held.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv.h"
#include "data/formats.h"
#include "data/json_rows.h"

namespace cohort {

class Records {
 public:
  // The text must outlive this. Throws Error where it is not of that form: `name` is what it is called.
  Records(std::string_view text, Form form, std::string name);
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  // Where the next row begins; none at the end. A byte order mark and blank lines are no rows. Throws Error naming the row or line where
  // the form is broken.
  std::optional<size_t> next();

  // Of the row that next() found last, for messages: its line in JSONL, else its number; 1 is the first.
  int64_t number() const { return number_; }
  size_t passed() const { return at_; }  // bytes of the text, up to the last row's end

  // What a file of this form without a row lacks.
  std::string_view expected() const;

  // The row that begins at a place that next() found, as JSON (over several lines where the file has it so). From any thread.
  std::string json(size_t begin) const;

 private:
  std::optional<size_t> next_line();
  std::optional<size_t> next_element();
  std::optional<size_t> next_record();
  char separator() const { return form_ == Form::csv ? ',' : '\t'; }
  int64_t line_of(size_t at) const;

  std::string_view text_;
  Form form_;
  std::string name_;
  JsonRows::Kind json_ = JsonRows::array;
  bool done_ = false;  // the end of the JSON was seen
  size_t at_ = 0;
  int64_t number_ = 0;
  std::optional<CsvReader> csv_;
  std::vector<CsvReader::Field> columns_;
};

}  // namespace cohort
