#include "parquet/column.h"

#include <zlib.h>

#include <bit>
#include <cstring>

#include "base/check.h"

namespace cohort::parquet {
namespace {

int level_width(uint32_t max) { return static_cast<int>(std::bit_width(max)); }

// The part of a page of the first format with these levels, behind their size; it is taken from the page.
RunReader levels_of(uint32_t max, Encoding encoding, std::string_view& page) {
  if (max == 0) return {};
  if (encoding != Encoding::rle)
    fail("a page has levels in the encoding {}, expected RLE", static_cast<int>(encoding));
  uint32_t size;
  if (page.size() < sizeof size) fail("a page's levels end early");
  std::memcpy(&size, page.data(), sizeof size);
  page.remove_prefix(sizeof size);
  if (size > page.size()) fail("a page has {} bytes of levels, where {} remain", size, page.size());
  const RunReader levels(page.substr(0, size), level_width(max));
  page.remove_prefix(size);
  return levels;
}

uint32_t next_level(RunReader& levels, uint32_t max) {
  if (max == 0) return 0;
  const uint32_t level = levels.next();
  if (level > max) fail("a page has the level {} in a column whose highest is {}", level, max);
  return level;
}

}  // namespace

Column::Column(const Leaf& leaf, const ColumnChunk& chunk, std::string_view pages, Budget& budget)
    : leaf_(leaf),
      pages_(pages),
      at_(static_cast<size_t>(chunk.begin)),
      codec_(chunk.codec),
      left_(chunk.values),
      budget_(budget),
      dictionary_bytes_(budget),
      page_bytes_(budget) {}

bool Column::ready() {
  if (ready_) return true;
  if (left_ == 0) return false;
  while (in_page_ == 0) load_page();
  repetition_ = next_level(repetitions_, leaf_.max_repetition);
  definition_ = next_level(definitions_, leaf_.max_definition);
  return ready_ = true;
}

void Column::skip() {
  COHORT_CHECK(ready_, "an entry was not looked at before it was left, {} remain", left_);
  ready_ = false;
  --left_;
  --in_page_;
}

Value Column::take() {
  skip();
  return values_->next();
}

void Column::load_page() {
  if (at_ > pages_.size()) fail("its pages begin at byte {} of {}", at_, pages_.size());
  size_t header_size = 0;
  const PageHeader header = read_page_header(pages_.substr(at_), header_size);
  const std::string_view bytes = pages_.substr(at_ + header_size, header.size);
  at_ += header_size + header.size;
  if (header.crc && *header.crc != crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()))
    fail("a page of {} bytes does not have the checksum in its header", bytes.size());
  switch (header.kind) {
    case PageHeader::Kind::index:
      return;
    case PageHeader::Kind::dictionary:
      return read_dictionary(header, bytes);
    case PageHeader::Kind::data:
      begin_page(header, bytes);
      break;
    case PageHeader::Kind::data_v2:
      begin_page_v2(header, bytes);
      break;
  }
  in_page_ = header.values;
  if (in_page_ > left_) fail("a page has {} values, where the column has {} more", in_page_, left_);
}

void Column::begin_page(const PageHeader& header, std::string_view bytes) {
  std::string_view page = unpack_page(codec_, bytes, header.unpacked_size, page_bytes_);
  repetitions_ = levels_of(leaf_.max_repetition, header.repetition_encoding, page);
  definitions_ = levels_of(leaf_.max_definition, header.definition_encoding, page);
  values_ = make_decoder(header.encoding, leaf_, page, has_dictionary_ ? &dictionary_ : nullptr);
}

void Column::begin_page_v2(const PageHeader& header, std::string_view bytes) {
  const size_t levels = header.repetition_size + header.definition_size;
  if (levels > bytes.size() || levels > header.unpacked_size)
    fail("a page has {} bytes of levels, and {} altogether", levels, bytes.size());
  repetitions_ = RunReader(bytes.substr(0, header.repetition_size), level_width(leaf_.max_repetition));
  definitions_ = RunReader(bytes.substr(header.repetition_size, header.definition_size),
                           level_width(leaf_.max_definition));
  const std::string_view page = unpack_page(header.packed ? codec_ : Codec::none, bytes.substr(levels),
                                            header.unpacked_size - levels, page_bytes_);
  values_ = make_decoder(header.encoding, leaf_, page, has_dictionary_ ? &dictionary_ : nullptr);
}

void Column::read_dictionary(const PageHeader& header, std::string_view bytes) {
  if (has_dictionary_ || values_) fail("a dictionary behind other pages");
  if (header.encoding != Encoding::plain && header.encoding != Encoding::plain_dictionary)
    fail("a dictionary in the encoding {}, expected PLAIN", static_cast<int>(header.encoding));
  const std::string_view page = unpack_page(codec_, bytes, header.unpacked_size, dictionary_bytes_);
  budget_.take(static_cast<size_t>(header.values) * sizeof(Value));
  const std::unique_ptr<Decoder> values = make_decoder(Encoding::plain, leaf_, page, nullptr);
  for (int64_t i = 0; i < header.values; ++i) dictionary_.push_back(values->next());
  has_dictionary_ = true;
}

}  // namespace cohort::parquet
