// CSV as RFC 4180 has it: records of fields, front to back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

class CsvReader {
 public:
  // `separator`: ',' or a tab. Reads from byte `at` on, which is in `line`; text and name must outlive it.
  CsvReader(std::string_view text, char separator, const std::string& name, size_t at = 0, int64_t line = 1)
      : text_(text), separator_(separator), name_(name), at_(at), line_(line) {}

  struct Field {
    std::string text;
    bool quoted = false;  // an empty one that is not quoted is none
    bool none() const { return text.empty() && !quoted; }
  };
  bool done() const { return at_ == text_.size(); }
  size_t at() const { return at_; }
  int64_t line() const { return line_; }

  // The next record; of a blank line one field, which is none. Throws Error naming file and line.
  std::vector<Field> record();

 private:
  bool line_ends() const;
  Field field();
  Field quoted();

  std::string_view text_;
  char separator_;
  const std::string& name_;
  size_t at_;
  int64_t line_;
};

// A record as a JSON object, by the names in the header's record: strings, and null for none.
std::string csv_json(const std::vector<CsvReader::Field>& names, const std::vector<CsvReader::Field>& record);

}  // namespace cohort
