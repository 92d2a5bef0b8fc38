#include "data/records.h"

#include <algorithm>

#include "base/check.h"
#include "data/rows.h"

namespace cohort {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view line_at(std::string_view text, size_t begin) {
  const size_t end = text.find('\n', begin);
  return text.substr(begin, end == std::string_view::npos ? end : end - begin);
}

}  // namespace

Records::Records(std::string_view text, Form form, std::string name)
    : text_(text), form_(form), name_(std::move(name)) {
  if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  if (form_ == Form::json) {
    const JsonRows rows = find_json_rows(text_.substr(at_), name_);
    json_ = rows.kind;
    if (rows.kind == JsonRows::lines)
      form_ = Form::jsonl;  // under another name
    else
      at_ += rows.begin;
  }
  COHORT_CHECK(form_ != Form::parquet, "{} was not made into lines", name_);
  if (form_ == Form::csv || form_ == Form::tsv) {
    csv_.emplace(text_, separator(), name_, at_);
    if (csv_->done()) fail("{}: empty, expected a line with the columns' names", name_);
    columns_ = csv_->record();
    for (const CsvReader::Field& field : columns_)
      if (!field.quoted && field.text.find('\r') != std::string::npos)
        fail("{}:1: expected lines that end with LF or CR LF, found CR alone", name_);
    for (auto column = columns_.begin(); column != columns_.end(); ++column)
      if (!column->none() &&
          std::find_if(columns_.begin(), column, [&](const auto& other) { return other.text == column->text; }) != column)
        fail("{}:1: two columns are named \"{:.80}\"", name_, column->text);
    check_utf8(text_.substr(at_, csv_->at() - at_), name_ + ":1");
    at_ = csv_->at();
  }
}

std::optional<size_t> Records::next() {
  if (form_ == Form::jsonl) return next_line();
  return form_ == Form::json ? next_element() : next_record();
}

std::optional<size_t> Records::next_line() {
  while (at_ < text_.size()) {
    const size_t begin = at_;
    const std::string_view line = line_at(text_, begin);
    at_ = std::min(begin + line.size() + 1, text_.size());
    ++number_;
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) return begin;
  }
  return std::nullopt;
}

int64_t Records::line_of(size_t at) const {
  return 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(std::min(at, text_.size())), '\n');
}

std::optional<size_t> Records::next_element() {
  if (done_) return std::nullopt;
  size_t begin = at_;
  if (json_ != JsonRows::single) {
    const auto sign = [&] {
      begin = skip_json_space(text_, begin);
      return begin < text_.size() ? text_[begin] : '\0';
    };
    const bool first = number_ == 0;
    if (first) ++begin;  // the array's bracket
    const char before = sign();
    if (before == ']') {
      done_ = true;
      at_ = text_.size();
      if (const size_t behind = skip_json_space(text_, begin + 1); json_ == JsonRows::array && behind < at_)
        fail("{}: not JSON: line {}: expected the end behind the array, found '{:.20}'", name_, line_of(behind),
             text_.substr(behind, 20));
      return std::nullopt;
    }
    if (!first) {
      if (before != ',')
        fail("{}: not JSON: line {}: expected a comma or the array's end behind row {}, found {}", name_, line_of(begin),
             number_, before == '\0' ? "the file's end" : fmt::format("'{:.20}'", text_.substr(begin, 20)));
      ++begin;
    }
    const char opens = sign();
    if (opens != '{' && opens != '\0')
      fail("{}: line {}: expected an array of objects, found {:.20} as row {}", name_, line_of(begin),
           text_.substr(begin, text_.find_first_of("\r\n", begin) - begin), number_ + 1);
  }
  const size_t end = json_value_end(text_, begin);
  if (end == std::string_view::npos)
    fail("{}: not JSON: line {}: row {} is never closed", name_, line_of(begin), number_ + 1);
  ++number_;
  done_ = json_ == JsonRows::single;
  at_ = end;
  return begin;
}

std::optional<size_t> Records::next_record() {
  while (!csv_->done()) {
    const size_t begin = csv_->at();
    const int64_t line = csv_->line();
    const std::vector<CsvReader::Field> fields = csv_->record();
    at_ = csv_->at();
    if (fields.size() == 1 && fields[0].none()) continue;  // a blank line
    if (fields.size() != columns_.size())
      fail("{}: line {}: expected {} fields as in the header, found {}", name_, line, columns_.size(), fields.size());
    ++number_;
    check_utf8(text_.substr(begin, at_ - begin), fmt::format("{}:{}", name_, number_));
    return begin;
  }
  return std::nullopt;
}

std::string_view Records::expected() const {
  if (form_ == Form::json) return "an array of one object or more";
  return form_ == Form::jsonl ? "one JSON object a line" : "records behind the line with the columns' names";
}

std::string Records::json(size_t begin) const {
  if (form_ == Form::jsonl) return std::string(line_at(text_, begin));
  if (form_ == Form::json) return std::string(text_.substr(begin, json_value_end(text_, begin) - begin));
  return csv_json(columns_, CsvReader(text_, separator(), name_, begin).record());
}

}  // namespace cohort
