// What a Parquet file says of itself: its footer, and the header before each page. The numbers are those of
// parquet.thrift.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::parquet {

enum class Type { boolean, int32, int64, int96, float32, float64, bytes, fixed_bytes };
enum class Repetition { required, optional, repeated };
enum class Codec { none, snappy, gzip, lzo, brotli, lz4_hadoop, zstd, lz4 };
enum class Encoding {
  plain = 0,
  plain_dictionary = 2,
  rle = 3,
  bit_packed = 4,
  delta_binary_packed = 5,
  delta_length_byte_array = 6,
  delta_byte_array = 7,
  rle_dictionary = 8,
  byte_stream_split = 9
};
// What a value means beyond its type, as the logical type or the older converted type has it. `plain`:
// nothing, or nothing that the text of a value depends on.
enum class Meaning {
  plain,
  map,
  list,
  unsigned_number,
  decimal,
  date,
  time,
  timestamp,
  uuid,
  float16,
  interval
};

struct SchemaElement {
  std::string name;
  std::optional<Type> type;  // of a leaf
  int32_t length = 0;        // of fixed_bytes
  Repetition repetition = Repetition::required;
  int32_t children = 0;
  Meaning meaning = Meaning::plain;
  int32_t scale = 0;   // of a decimal
  int32_t digits = 6;  // of a second's fraction
  bool utc = true;     // of a timestamp: a moment; else a wall clock's reading
};

struct ColumnChunk {
  Type type = Type::boolean;
  Codec codec = Codec::none;
  int64_t values = 0;  // nulls included
  int64_t begin = 0;   // of its first page in the file
};

struct RowGroup {
  std::vector<ColumnChunk> columns;  // by leaf
  int64_t rows = 0;
};

struct Metadata {
  std::vector<SchemaElement> schema;  // the root, then its tree depth first
  std::vector<RowGroup> groups;
};

struct PageHeader {
  enum class Kind { data = 0, index = 1, dictionary = 2, data_v2 = 3 };
  Kind kind = Kind::data;
  size_t unpacked_size = 0, size = 0;  // bytes, without this header
  std::optional<uint32_t> crc;
  int64_t values = 0;  // nulls included
  Encoding encoding = Encoding::plain;
  Encoding definition_encoding = Encoding::rle, repetition_encoding = Encoding::rle;  // of `data`
  size_t definition_size = 0, repetition_size = 0;                                    // bytes, of `data_v2`
  bool packed = true;                                                                 // of `data_v2`
};

// The footer of a whole file, whose pages lie in its first `data_size` bytes. Throws Error, without the
// file's name.
Metadata read_metadata(std::string_view file, size_t& data_size);

// The header with which `bytes` begin; its size in bytes goes to `header_size`. Throws Error.
PageHeader read_page_header(std::string_view bytes, size_t& header_size);

}  // namespace cohort::parquet
