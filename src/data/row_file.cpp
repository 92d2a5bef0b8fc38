#include "data/row_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/temporary_file.h"
#include "data/columns.h"
#include "data/unpack.h"
#include "parquet/parquet.h"

namespace cohort {
namespace {

constexpr int64_t kMostRows = int64_t{1} << 32;  // the shuffle counts them so
constexpr int64_t kMegabyte = 1 << 20;
constexpr int64_t kAtOnce = 4 * kMegabyte;        // of text, that one find() passes over

}  // namespace

RowFile::RowFile(const std::filesystem::path& path, RowRules rules, size_t most)
    : name_(path.string()), rules_(std::move(rules)) {
  check_columns(rules_.columns);
  open(path, most);
  Form form = form_of(path);
  if (form == Form::parquet || text_.bytes().starts_with("PAR1")) {
    if (cut_) open(path, kAll);  // its end says what is in it
    write_lines(most);
    form = Form::jsonl;
  }
  records_ = std::make_unique<Records>(text_.bytes(), form, name_);
}

std::unique_ptr<RowFile> RowFile::beginning(const std::filesystem::path& path, const RowRules& rules, int64_t rows) {
  for (size_t most = size_t{16} << 20;; most = most < kAll / 16 ? 16 * most : kAll) {
    auto file = std::make_unique<RowFile>(path, rules, most);
    try {
      // A row is whole where another one begins behind it.
      const int64_t wanted = rows + (file->cut() ? 1 : 0);
      while (file->size() < wanted && file->find(wanted - file->size()) > 0) {
      }
      for (int64_t i = 0; file->cut() && i < rows; ++i) file->row(i);
      if (!file->cut() || file->size() == wanted) return file;
    } catch (const Error&) {
      if (!file->cut()) throw;
    }
  }
}

void RowFile::open(const std::filesystem::path& path, size_t most) {
  if (is_stream(path)) {
    TemporaryFile copy("the rows of " + name_);
    read_parts(path, [&](std::string_view part) { copy.append(part); });
    text_ = copy.map();
  } else {
    text_ = MappedFile(path);
  }
  cut_ = false;
  if (!is_packed(text_.bytes())) return;
  TemporaryFile plain("the rows of " + name_ + ", unpacked");
  Progress progress("unpack " + path.filename().string(), std::ssize(text_.bytes()) / kMegabyte, "MB");
  size_t written = 0;
  unpack(text_.bytes(), name_, [&](std::string_view part, size_t read) {
    plain.append(part);
    written += part.size();
    text_.release(0, read);
    progress.update(static_cast<int64_t>(read) / kMegabyte);
    cut_ = written >= most;
    return !cut_;
  });
  text_ = plain.map();
}

// The rows of a Parquet file as lines.
void RowFile::write_lines(size_t most) {
  TemporaryFile lines("the rows of " + name_ + ", as JSON lines");
  Progress progress("read " + name_, 0, "rows");
  size_t written = 0;
  int64_t rows = 0;
  parquet_rows(text_.bytes(), name_, [&](std::string_view line) {
    lines.append(line);
    lines.append("\n");
    written += line.size() + 1;
    progress.update(++rows);
    cut_ = written >= most;
    return !cut_;
  });
  text_ = lines.map();
}

int64_t RowFile::find(int64_t count) {
  if (fault_) std::rethrow_exception(fault_);
  int64_t found = 0;
  const int64_t enough = passed() + kAtOnce;
  try {
    for (; found < count && passed() < enough; ++found) {
      const std::optional<size_t> begin = records_->next();
      if (!begin) break;
      if (size() + 1 >= kMostRows) fail("{}: more than {} rows", name_, kMostRows - 1);
      const int64_t skipped = records_->number() - size() - 1;
      if (skipped > (skipped_.empty() ? 0 : skipped_.back().second)) skipped_.emplace_back(size(), skipped);
      begins_.push_back(*begin);
    }
  } catch (const Error&) {
    if (found == 0) throw;
    fault_ = std::current_exception();  // faults in the rows before this one come first
  }
  if (begins_.empty()) fail("{}: no rows, expected {}", name_, records_->expected());
  return found;
}

int64_t RowFile::number(int64_t i) const {
  const auto behind = std::ranges::upper_bound(skipped_, i, {}, &std::pair<int64_t, int64_t>::first);
  return i + 1 + (behind == skipped_.begin() ? 0 : std::prev(behind)->second);
}

std::string RowFile::place(int64_t i) const { return fmt::format("{}:{}", name_, number(i)); }

std::string RowFile::renamed(int64_t i, const std::string& where) const {
  return rename_columns(records_->json(begins_[static_cast<size_t>(i)]), rules_.columns, where);
}

Row RowFile::row(int64_t i) const {
  const std::string where = place(i);
  return parse_row(renamed(i, where), number(i), where, rules_);
}

std::string RowFile::json(int64_t i) const {
  const std::string where = place(i);
  std::string text = renamed(i, where);
  parse_object(text, where);
  if (text.find('\n') != std::string::npos) return json_without_space(text);
  text.erase(text.find_last_not_of(" \t\r") + 1);
  return text;
}

void RowFile::forget() {
  const auto end = static_cast<size_t>(passed());
  text_.release(forgotten_, end);
  forgotten_ = end / size_t{1 << 16} * size_t{1 << 16};
}

}  // namespace cohort
