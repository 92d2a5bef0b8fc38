#include "data/formats.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "parquet/parquet.h"

namespace cohort {
namespace {

using OrderedJson = nlohmann::ordered_json;

// The fields of CSV records, front to back.
class CsvReader {
 public:
  CsvReader(std::string_view text, char separator, const std::string& name)
      : text_(text), separator_(separator), name_(name) {}

  struct Field {
    std::string text;
    bool quoted = false;
  };
  bool done() const { return at_ == text_.size(); }
  int64_t line() const { return line_; }

  std::vector<Field> record() {
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

 private:
  bool line_ends() const {
    return text_[at_] == '\n' || (text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
  }

  Field field() {
    Field out;
    if (!done() && text_[at_] == '"') return quoted();
    while (!done() && text_[at_] != separator_ && !line_ends()) out.text += text_[at_++];
    return out;
  }

  Field quoted() {
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

  std::string_view text_;
  const char separator_;
  const std::string& name_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

std::string_view without_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

bool is_rows(const OrderedJson& value) {
  if (!value.is_array()) return false;
  for (const OrderedJson& row : value)
    if (!row.is_object()) return false;
  return true;
}

std::string lines_of(const OrderedJson& rows) {
  std::string out;
  for (const OrderedJson& row : rows) out += dump_json(row) + "\n";
  return out;
}

std::string renamed(std::string_view text, std::span<const std::string> columns, const std::string& name) {
  std::string out;
  text = without_mark(text);
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    OrderedJson row;
    try {
      row = parse_ordered_json(line);
    } catch (const OrderedJson::exception&) {
    }
    if (!row.is_object()) {  // left to the reader of rows, which says what is wrong
      out += std::string(line) + "\n";
      continue;
    }
    OrderedJson renamed = row;
    for (const std::string& column : columns) {
      const size_t equals = column.find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == column.size())
        fail("columns: expected NEW=OLD, found \"{}\"", column);
      const auto old = row.find(column.substr(equals + 1));
      if (old == row.end()) {
        std::string found;
        for (const auto& item : row.items()) found += (found.empty() ? "" : ", ") + item.key();
        fail("{}:{}: no field \"{}\", which columns names, found {:.200}", name, number, column.substr(equals + 1),
             found);
      }
      renamed.erase(old.key());
      renamed[column.substr(0, equals)] = *old;
    }
    out += dump_json(renamed) + "\n";
  }
  return out;
}

std::string parquet_lines(std::string_view file, const std::string& name) {
  std::string out;
  parquet_rows(file, name, [&](std::string_view line) {
    (out += line) += '\n';
    return true;
  });
  return out;
}

}  // namespace

std::string csv_to_json_lines(std::string_view text, char separator, const std::string& name) {
  CsvReader reader(without_mark(text), separator, name);
  if (reader.done()) fail("{}: empty, expected a line with the columns' names", name);
  const std::vector<CsvReader::Field> names = reader.record();
  std::string out;
  while (!reader.done()) {
    const int64_t line = reader.line();
    const std::vector<CsvReader::Field> fields = reader.record();
    if (fields.size() == 1 && fields[0].text.empty() && !fields[0].quoted) continue;  // a blank line
    if (fields.size() != names.size())
      fail("{}: line {}: expected {} fields as in the header, found {}", name, line, names.size(), fields.size());
    OrderedJson row = OrderedJson::object();
    for (size_t i = 0; i < fields.size(); ++i) {
      const bool none = fields[i].text.empty() && !fields[i].quoted;
      row[names[i].text] = none ? OrderedJson() : OrderedJson(fields[i].text);
    }
    out += dump_json(row) + "\n";
  }
  return out;
}

std::string json_to_json_lines(std::string_view text, const std::string& name) {
  text = without_mark(text);
  OrderedJson all;
  try {
    all = parse_ordered_json(text);
  } catch (const OrderedJson::exception& e) {
    if (text.find_first_not_of(" \t\r\n") != std::string_view::npos && text[text.find_first_not_of(" \t\r\n")] == '{')
      return std::string(text);  // JSONL under another name: its reader says what is wrong, and where
    fail("{}: not JSON: {}", name, e.what());
  }
  if (is_rows(all)) return lines_of(all);
  if (!all.is_object()) fail("{}: expected an array of objects, found {}", name, all.type_name());
  const OrderedJson* rows = nullptr;
  for (const auto& [key, value] : all.items()) {
    if (!is_rows(value) || value.empty()) continue;
    if (rows) fail("{}: expected one array of objects, found several", name);
    rows = &value;
  }
  return rows ? lines_of(*rows) : dump_json(all) + "\n";
}

std::string json_lines(const std::filesystem::path& path, std::span<const std::string> columns) {
  const std::string name = path.string();
  std::string text = unpacked(read_file(path), name);
  std::filesystem::path plain = path.filename();
  if (plain.extension() == ".gz" || plain.extension() == ".zst") plain = plain.stem();
  const std::string form = plain.extension().string();
  if (form == ".parquet" || text.starts_with("PAR1")) text = parquet_lines(text, name);
  if (form == ".csv") text = csv_to_json_lines(text, ',', name);
  if (form == ".tsv") text = csv_to_json_lines(text, '\t', name);
  if (form == ".json") text = json_to_json_lines(text, name);
  return columns.empty() ? text : renamed(text, columns, name);
}

}  // namespace cohort
