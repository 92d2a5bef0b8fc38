#include "data/csv.h"

#include "base/check.h"
#include "base/json.h"

namespace cohort {

std::vector<CsvReader::Field> CsvReader::record() {
  std::vector<Field> fields;
  for (;;) {
    fields.push_back(field());
    if (done()) return fields;
    if (text_[at_] == separator_) {
      ++at_;
      continue;
    }
    if (text_[at_] == '\r') ++at_;
    if (!done() && text_[at_] == '\n') ++at_;
    ++line_;
    return fields;
  }
}

bool CsvReader::line_ends() const {
  return text_[at_] == '\n' || (text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
}

CsvReader::Field CsvReader::field() {
  if (!done() && text_[at_] == '"') return quoted();
  const size_t begin = at_;
  while (!done() && text_[at_] != separator_ && !line_ends()) ++at_;
  return {std::string(text_.substr(begin, at_ - begin)), false};
}

CsvReader::Field CsvReader::quoted() {
  const int64_t begun = line_;
  Field out{"", true};
  for (++at_;; ++at_) {
    if (done()) fail("{}: line {}: a quoted field is never closed", name_, begun);
    if (text_[at_] == '"') {
      if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') break;
      ++at_;
    }
    line_ += text_[at_] == '\n';
    out.text += text_[at_];
  }
  ++at_;
  if (!done() && text_[at_] != separator_ && !line_ends())
    fail("{}: line {}: expected a separator or the line's end behind a quoted field, found '{}'", name_, line_,
         text_[at_]);
  return out;
}

std::string csv_json(const std::vector<CsvReader::Field>& names, const std::vector<CsvReader::Field>& record) {
  std::string out = "{";
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ',';
    out += json_text(names[i].text) + ':' + (record[i].none() ? "null" : json_text(record[i].text));
  }
  return out + "}";
}

}  // namespace cohort
