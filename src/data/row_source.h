// The rows of a data set, wherever they are: each is made when it is asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "data/rows.h"

namespace cohort {

class RowSource {
 public:
  virtual ~RowSource() = default;

  // Looks for up to `count` rows behind those found so far, fewer where they are long. Returns how many; 0: none is left. Throws Error
  // naming file and line where something else stands, and for a data set without rows.
  virtual int64_t find(int64_t count) = 0;
  virtual int64_t size() const = 0;  // rows found so far

  // Row i < size(). Throws Error naming file and line where it is not as wanted. From any thread.
  virtual Row row(int64_t i) const = 0;

  // The same row as one line of JSON, whatever is in it.
  virtual std::string json(int64_t i) const = 0;

  virtual bool cut() const { return false; }  // there are more rows than find() will find

  // How far find() came, of how much: for a line of progress.
  virtual int64_t passed() const = 0;
  virtual int64_t total() const = 0;

  // Rows found so far may leave memory until they are asked for again.
  virtual void forget() {}
};

// Of a built-in task.
class RowsAtHand : public RowSource {
 public:
  explicit RowsAtHand(std::vector<Row> rows) : rows_(std::move(rows)) {}
  int64_t find(int64_t count) override {
    const int64_t found = std::min(count, std::ssize(rows_) - size_);
    size_ += found;
    return found;
  }
  int64_t size() const override { return size_; }
  Row row(int64_t i) const override { return rows_[static_cast<size_t>(i)]; }
  std::string json(int64_t i) const override;
  int64_t passed() const override { return size_; }
  int64_t total() const override { return std::ssize(rows_); }

 private:
  std::vector<Row> rows_;
  int64_t size_ = 0;
};

}  // namespace cohort
