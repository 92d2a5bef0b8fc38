#include "parquet/metadata.h"

#include <cstring>

#include "base/check.h"
#include "parquet/thrift.h"

namespace cohort::parquet {
namespace {

constexpr size_t kMaxPage = size_t{1} << 30;    // bytes, unpacked
constexpr size_t kMaxFooter = size_t{1} << 26;  // bytes
constexpr int64_t kMaxCount = int64_t{1} << 48;
constexpr size_t kMaxElements = 100'000;  // of the schema

// An enumeration's value, known to be at most `last`.
template <class E>
E one_of(ThriftReader& in, E last, const char* what) {
  const int32_t value = in.small();
  if (value < 0 || value > static_cast<int32_t>(last)) fail("unknown {} {}", what, value);
  return static_cast<E>(value);
}

int64_t count_of(ThriftReader& in, const char* what) {
  const int64_t count = in.integer();
  if (count < 0 || count > kMaxCount) fail("{} {}", count, what);
  return count;
}

void read_converted_type(SchemaElement& out, int32_t type) {
  static constexpr Meaning meanings[] = {Meaning::plain,
                                         Meaning::map,
                                         Meaning::map,
                                         Meaning::list,
                                         Meaning::plain,
                                         Meaning::decimal,
                                         Meaning::date,
                                         Meaning::time,
                                         Meaning::time,
                                         Meaning::timestamp,
                                         Meaning::timestamp,
                                         Meaning::unsigned_number,
                                         Meaning::unsigned_number,
                                         Meaning::unsigned_number,
                                         Meaning::unsigned_number};
  if (type >= 0 && type < static_cast<int32_t>(std::size(meanings))) out.meaning = meanings[type];
  if (type == 7 || type == 9) out.digits = 3;  // of TIME_MILLIS and TIMESTAMP_MILLIS
  if (type == 21) out.meaning = Meaning::interval;
}

void read_time(ThriftReader& in, SchemaElement& out) {
  in.structure([&](int id) {
    if (id == 1) out.utc = in.boolean();
    if (id == 2) in.structure([&](int unit) { out.digits = unit == 1 ? 3 : unit == 2 ? 6 : 9; });
  });
}

void read_logical_type(ThriftReader& in, SchemaElement& out) {
  out.meaning = Meaning::plain;
  in.structure([&](int id) {
    switch (id) {
      case 2:
        out.meaning = Meaning::map;
        break;
      case 3:
        out.meaning = Meaning::list;
        break;
      case 5:
        out.meaning = Meaning::decimal;
        in.structure([&](int field) {
          if (field == 1) out.scale = in.small();
        });
        break;
      case 6:
        out.meaning = Meaning::date;
        break;
      case 7:
        out.meaning = Meaning::time;
        return read_time(in, out);
      case 8:
        out.meaning = Meaning::timestamp;
        return read_time(in, out);
      case 10:
        in.structure([&](int field) {
          if (field == 2 && !in.boolean()) out.meaning = Meaning::unsigned_number;
        });
        break;
      case 14:
        out.meaning = Meaning::uuid;
        break;
      case 15:
        out.meaning = Meaning::float16;
        break;
    }
  });
}

SchemaElement read_schema_element(ThriftReader& in) {
  SchemaElement out;
  bool logical = false;
  in.structure([&](int id) {
    switch (id) {
      case 1:
        out.type = one_of(in, Type::fixed_bytes, "type of values");
        break;
      case 2:
        out.length = in.small();
        break;
      case 3:
        out.repetition = one_of(in, Repetition::repeated, "repetition");
        break;
      case 4:
        out.name = in.binary();
        break;
      case 5:
        out.children = in.small();
        break;
      case 6:
        if (!logical) read_converted_type(out, in.small());
        break;
      case 7:
        out.scale = in.small();
        break;
      case 10:
        read_logical_type(in, out);
        logical = true;
        break;
    }
  });
  return out;
}

void read_column_metadata(ThriftReader& in, ColumnChunk& out) {
  int64_t dictionary = 0;
  in.structure([&](int id) {
    switch (id) {
      case 1:
        out.type = one_of(in, Type::fixed_bytes, "type of values");
        break;
      case 4:
        out.codec = one_of(in, Codec::lz4, "codec");
        break;
      case 5:
        out.values = count_of(in, "values");
        break;
      case 9:
        out.begin = in.integer();
        break;
      case 11:
        dictionary = in.integer();
        break;
    }
  });
  if (dictionary > 0 && dictionary < out.begin) out.begin = dictionary;  // 0: a writer's way to say none
}

ColumnChunk read_column(ThriftReader& in) {
  ColumnChunk out;
  bool found = false;
  in.structure([&](int id) {
    if (id == 1 && !in.binary().empty()) fail("its columns lie in other files");
    if (id == 3) read_column_metadata(in, out), found = true;
    if (id == 8) fail("it is encrypted");
  });
  if (!found) fail("a column without a description");
  return out;
}

RowGroup read_row_group(ThriftReader& in) {
  RowGroup out;
  in.structure([&](int id) {
    if (id == 1) in.list([&] { out.columns.push_back(read_column(in)); });
    if (id == 3) out.rows = count_of(in, "rows");
  });
  return out;
}

void read_data_page(ThriftReader& in, PageHeader& out) {
  in.structure([&](int id) {
    if (id == 1) out.values = count_of(in, "values");
    if (id == 2) out.encoding = one_of(in, Encoding::byte_stream_split, "encoding");
    if (id == 3) out.definition_encoding = one_of(in, Encoding::byte_stream_split, "encoding");
    if (id == 4) out.repetition_encoding = one_of(in, Encoding::byte_stream_split, "encoding");
  });
}

void read_dictionary_page(ThriftReader& in, PageHeader& out) {
  in.structure([&](int id) {
    if (id == 1) out.values = count_of(in, "values");
    if (id == 2) out.encoding = one_of(in, Encoding::byte_stream_split, "encoding");
  });
}

void read_data_page_v2(ThriftReader& in, PageHeader& out) {
  in.structure([&](int id) {
    if (id == 1) out.values = count_of(in, "values");
    if (id == 4) out.encoding = one_of(in, Encoding::byte_stream_split, "encoding");
    if (id == 5) out.definition_size = count_of(in, "bytes");
    if (id == 6) out.repetition_size = count_of(in, "bytes");
    if (id == 7) out.packed = in.boolean();
  });
}

}  // namespace

Metadata read_metadata(std::string_view file, size_t& data_size) {
  constexpr size_t kMagic = 4, kTail = 8;  // "PAR1" before all; the footer's size and "PAR1" behind it
  if (file.ends_with("PARE")) fail("it is encrypted");
  if (file.size() < kMagic + kTail || !file.starts_with("PAR1")) fail("not a Parquet file");
  if (!file.ends_with("PAR1")) fail("the Parquet file ends early: expected \"PAR1\" at its end");
  uint32_t size;
  std::memcpy(&size, file.data() + file.size() - kTail, sizeof size);
  if (size > file.size() - kMagic - kTail)
    fail("the footer has {} bytes by its end's count, the file {}", size, file.size());
  if (size > kMaxFooter) fail("the footer has {} bytes, more than {}", size, kMaxFooter);
  data_size = file.size() - kTail - size;
  ThriftReader in(file.substr(data_size, size));
  Metadata out;
  in.structure([&](int id) {
    if (id == 2)
      in.list([&] {
        if (out.schema.size() == kMaxElements) fail("the schema has more than {} elements", kMaxElements);
        out.schema.push_back(read_schema_element(in));
      });
    if (id == 4) in.list([&] { out.groups.push_back(read_row_group(in)); });
    if (id == 8) fail("it is encrypted");
  });
  return out;
}

PageHeader read_page_header(std::string_view bytes, size_t& header_size) {
  PageHeader out;
  ThriftReader in(bytes);
  in.structure([&](int id) {
    switch (id) {
      case 1:
        out.kind = one_of(in, PageHeader::Kind::data_v2, "kind of page");
        break;
      case 2:
        out.unpacked_size = count_of(in, "bytes");
        break;
      case 3:
        out.size = count_of(in, "bytes");
        break;
      case 4:
        out.crc = static_cast<uint32_t>(in.small());
        break;
      case 5:
        read_data_page(in, out);
        break;
      case 7:
        read_dictionary_page(in, out);
        break;
      case 8:
        read_data_page_v2(in, out);
        break;
    }
  });
  header_size = in.at();
  if (out.size > bytes.size() - header_size)
    fail("a page has {} bytes by its header, where {} remain", out.size, bytes.size() - header_size);
  if (out.unpacked_size > kMaxPage)
    fail("a page has {} bytes unpacked, more than {}", out.unpacked_size, kMaxPage);
  return out;
}

}  // namespace cohort::parquet
