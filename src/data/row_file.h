// A data file as a source of rows. The file is mapped, or unpacked (of Parquet: written as lines) into a temporary file that is; beside it stand 8 bytes a row.
#pragma once

#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "data/records.h"
#include "data/row_source.h"

namespace cohort {

class RowFile : public RowSource {
 public:
  // Finds no row yet. What is packed, or Parquet, is read until there are `most` bytes of text; a pipe is read to its end. Throws Error.
  static constexpr size_t kAll = static_cast<size_t>(-1);
  explicit RowFile(const std::filesystem::path& path, RowRules rules = {}, size_t most = kAll);

  // For a look at the first `rows` rows, which are found, or as many as there are: of a packed file no more is unpacked than they need.
  static std::unique_ptr<RowFile> beginning(const std::filesystem::path& path, const RowRules& rules, int64_t rows);

  int64_t find(int64_t count) override;
  int64_t size() const override { return std::ssize(begins_); }
  Row row(int64_t i) const override;
  std::string json(int64_t i) const override;
  int64_t passed() const override { return static_cast<int64_t>(records_->passed()); }
  int64_t total() const override { return static_cast<int64_t>(text_.bytes().size()); }
  void forget() override;
  bool cut() const override { return cut_; }

 private:
  void open(const std::filesystem::path& path, size_t most);
  void write_lines(size_t most);
  int64_t number(int64_t i) const;
  std::string place(int64_t i) const;
  std::string renamed(int64_t i, const std::string& where) const;  // the row with its columns' new names

  std::string name_;
  RowRules rules_;
  MappedFile text_;
  bool cut_ = false;
  std::unique_ptr<Records> records_;
  std::vector<uint64_t> begins_;
  std::vector<std::pair<int64_t, int64_t>> skipped_;  // from this row on, this many lines before it are no rows
  std::exception_ptr fault_;                          // met behind the rows that the last find() returned
  size_t forgotten_ = 0;
};

}  // namespace cohort
