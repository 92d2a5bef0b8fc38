// A column's entries in one row group, front to back: a page is unpacked when its first entry is asked for
// and forgotten with its last.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "parquet/bits.h"
#include "parquet/codec.h"
#include "parquet/encoding.h"

namespace cohort::parquet {

class Column {
 public:
  // `pages`: the file's bytes up to its footer. All stay where they are while the column lives.
  Column(const Leaf& leaf, const ColumnChunk& chunk, std::string_view pages, Budget& budget);

  // Of the entry that stands next; behind the last: 0, as where a row begins.
  bool done() { return !ready(); }
  uint32_t definition() { return ready() ? definition_ : 0; }
  uint32_t repetition() { return ready() ? repetition_ : 0; }

  // Goes on behind the entry. `take`: the value that it has, whose bytes are valid up to the next call of
  // anything here; of an entry whose definition level is the highest.
  Value take();
  void skip();

 private:
  bool ready();  // the entry's levels are known; false behind the last
  void load_page();
  void begin_page(const PageHeader& header, std::string_view bytes);
  void begin_page_v2(const PageHeader& header, std::string_view bytes);
  void read_dictionary(const PageHeader& header, std::string_view bytes);

  const Leaf& leaf_;
  std::string_view pages_;
  size_t at_;  // of the next page
  const Codec codec_;
  int64_t left_, in_page_ = 0;  // entries not yet given: of the chunk, of the page
  bool ready_ = false;
  uint32_t definition_ = 0, repetition_ = 0;
  RunReader definitions_, repetitions_;
  std::unique_ptr<Decoder> values_;
  bool has_dictionary_ = false;
  std::vector<Value> dictionary_;
  Budget& budget_;
  Buffer dictionary_bytes_, page_bytes_;
};

}  // namespace cohort::parquet
