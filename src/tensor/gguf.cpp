#include "tensor/gguf.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "tensor/load.h"

namespace cohort {
namespace {

constexpr int kMaxDims = 4;
constexpr uint64_t kMaxNameBytes = 63;  // ggml's GGML_MAX_NAME with its terminator

// Bytes of one element by type number; 0: no fixed size.
constexpr int64_t kElementBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr const char* kTypeNames[] = {"uint8", "int8",   "uint16", "int16",  "uint32", "int32",  "float32",
                                      "bool",  "string", "array",  "uint64", "int64",  "float64"};
constexpr uint32_t kTypes = 13;

const char* type_name(GgufType type) { return kTypeNames[static_cast<uint32_t>(type)]; }

// ggml's tensor type numbers. Those without an encoding are known by name only.
struct TensorType {
  uint32_t number;
  Encoding encoding;
};
constexpr TensorType kTensorTypes[] = {{0, Encoding::f32},   {1, Encoding::f16},   {2, Encoding::q4_0},
                                       {3, Encoding::q4_1},  {6, Encoding::q5_0},  {7, Encoding::q5_1},
                                       {8, Encoding::q8_0},  {12, Encoding::q4_k}, {13, Encoding::q5_k},
                                       {14, Encoding::q6_k}, {28, Encoding::f64},  {30, Encoding::bf16}};

const char* unread_type_name(uint32_t number) {
  switch (number) {
    case 9:
      return "Q8_1";
    case 10:
      return "Q2_K";
    case 11:
      return "Q3_K";
    case 15:
      return "Q8_K";
    case 16:
      return "IQ2_XXS";
    case 17:
      return "IQ2_XS";
    case 18:
      return "IQ3_XXS";
    case 19:
      return "IQ1_S";
    case 20:
      return "IQ4_NL";
    case 21:
      return "IQ3_S";
    case 22:
      return "IQ2_S";
    case 23:
      return "IQ4_XS";
    case 24:
      return "I8";
    case 25:
      return "I16";
    case 26:
      return "I32";
    case 27:
      return "I64";
    case 29:
      return "IQ1_M";
    case 34:
      return "TQ1_0";
    case 35:
      return "TQ2_0";
    case 39:
      return "MXFP4";
    default:
      return "unknown";
  }
}

// Reads the header front to back; never past the end.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}
  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  std::string_view take(uint64_t size, const std::string& what) {
    if (size > remaining())
      fail("{}: {} at byte {}: expected {} bytes, found {} before the end of the file", path_, what,
           position_, size, remaining());
    const std::string_view taken = bytes_.substr(position_, size);
    position_ += size;
    return taken;
  }
  template <class T>
  T number(const std::string& what) {
    return load<T>(take(sizeof(T), what).data());
  }
  std::string_view string(const std::string& what) { return take(number<uint64_t>(what), what); }
  // A count of things of at least `least_bytes` each.
  int64_t count(uint64_t least_bytes, const std::string& what) {
    const uint64_t n = number<uint64_t>(what);
    if (n > remaining() / least_bytes)
      fail("{}: {}: {} does not fit into the {} bytes that remain", path_, what, n, remaining());
    return static_cast<int64_t>(n);
  }

 private:
  std::string_view bytes_;
  const std::string& path_;
  size_t position_ = 0;
};

GgufType read_type(Reader& reader, const std::string& path, const std::string& what) {
  const uint32_t number = reader.number<uint32_t>(what + " type");
  if (number >= kTypes)
    fail("{}: {}: expected a value type 0 to {}, found {}", path, what, kTypes - 1, number);
  return static_cast<GgufType>(number);
}

GgufValue read_value(Reader& reader, const std::string& path, const std::string& what) {
  GgufValue value{read_type(reader, path, what), false, 1, {}, {}};
  if (value.type == GgufType::array) {
    value.is_array = true;
    value.type = read_type(reader, path, what + " element");
    if (value.type == GgufType::array) fail("{}: {}: arrays of arrays are not supported", path, what);
  }
  const bool is_string = value.type == GgufType::string;
  const int64_t element = is_string ? 8 : kElementBytes[static_cast<uint32_t>(value.type)];
  if (value.is_array) value.count = reader.count(static_cast<uint64_t>(element), what + " array length");
  if (is_string) {
    value.strings.reserve(static_cast<size_t>(value.count));
    for (int64_t i = 0; i < value.count; ++i) value.strings.push_back(reader.string(what));
  } else {
    value.bytes = reader.take(static_cast<uint64_t>(value.count * element), what);
  }
  if (value.type == GgufType::boolean)
    for (const char c : value.bytes)
      if (c != 0 && c != 1)
        fail("{}: {}: expected a bool of 0 or 1, found {}", path, what, static_cast<int>(c));
  return value;
}

// A tensor's record; `offset` is relative to the data section.
struct TensorRecord {
  GgufTensor tensor;
  uint64_t offset, size;
};

TensorRecord read_tensor(Reader& reader, const std::string& path, int64_t index) {
  std::string what = fmt::format("tensor {} of the list", index);
  TensorRecord record;
  GgufTensor& tensor = record.tensor;
  tensor.name = reader.string(what + ", name");
  if (tensor.name.size() > kMaxNameBytes)
    fail("{}: {}: expected a name of at most {} bytes, found {}", path, what, kMaxNameBytes,
         tensor.name.size());
  what = fmt::format("tensor '{}'", tensor.name);
  const uint32_t dims = reader.number<uint32_t>(what + " dimensions");
  if (dims > kMaxDims) fail("{}: {}: expected at most {} dimensions, found {}", path, what, kMaxDims, dims);
  int64_t values = 1;
  for (uint32_t i = 0; i < dims; ++i) {
    const int64_t d = reader.number<int64_t>(what + " dimensions");
    if (d < 0) fail("{}: {}: dimension {} is {}", path, what, i, d);
    if (__builtin_mul_overflow(values, d, &values)) fail("{}: {}: its size overflows", path, what);
    tensor.shape.insert(tensor.shape.begin(), d);
  }
  const uint32_t number = reader.number<uint32_t>(what + " type");
  const auto* type = std::find_if(std::begin(kTensorTypes), std::end(kTensorTypes),
                                  [&](const TensorType& t) { return t.number == number; });
  if (type == std::end(kTensorTypes))
    fail(
        "{}: {}: tensor type {} ({}) is not supported; supported are F32, F16, BF16, F64, Q8_0, Q4_0, Q4_1, "
        "Q5_0, "
        "Q5_1, Q4_K, Q5_K, Q6_K",
        path, what, number, unread_type_name(number));
  tensor.encoding = type->encoding;
  const EncodingInfo& info = encoding_info(tensor.encoding);
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % info.block_values != 0)
    fail("{}: {}: expected rows of a multiple of {} values ({}), found {}", path, what, info.block_values,
         info.name, row);
  int64_t size;
  if (__builtin_mul_overflow(values / info.block_values, info.block_bytes, &size))
    fail("{}: {}: its size overflows", path, what);
  record.size = static_cast<uint64_t>(size);
  record.offset = reader.number<uint64_t>(what + " offset");
  return record;
}

uint64_t alignment_of(const GgufFile& file) {
  if (!file.find("general.alignment")) return 32;
  const int64_t alignment = file.integer("general.alignment");
  if (alignment <= 0 || alignment > (int64_t{1} << 31) || (alignment & (alignment - 1)) != 0)
    fail("{}: general.alignment: expected a power of two, found {}", file.path(), alignment);
  return static_cast<uint64_t>(alignment);
}

}  // namespace

uint32_t gguf_tensor_type(Encoding encoding) {
  const auto* type = std::find_if(std::begin(kTensorTypes), std::end(kTensorTypes),
                                  [&](const TensorType& t) { return t.encoding == encoding; });
  return type->number;
}

GgufFile::GgufFile(const std::filesystem::path& path) : path_(path.string()), file_(path) {
  const std::string_view bytes = file_.bytes();
  Reader reader(bytes, path_);
  if (reader.take(4, "magic") != "GGUF") fail("{}: expected a GGUF file (first bytes 'GGUF')", path_);
  const uint32_t version = reader.number<uint32_t>("version");
  if (version != 0 && (version & 0xFFFF) == 0)
    fail("{}: a big-endian GGUF file (version field {:#010x}); only little-endian files are supported", path_,
         version);
  if (version != 2 && version != 3) fail("{}: expected GGUF version 2 or 3, found {}", path_, version);
  const int64_t tensors = reader.count(24, "tensor count");  // name length, dimensions, type, offset
  const int64_t pairs = reader.count(13, "metadata count");  // key length, type, one byte

  for (int64_t i = 0; i < pairs; ++i) {
    const std::string key(reader.string(fmt::format("metadata key {}", i)));
    GgufValue value = read_value(reader, path_, fmt::format("metadata '{}'", key));
    if (!metadata_.emplace(key, std::move(value)).second)
      fail("{}: metadata '{}': duplicate key", path_, key);
  }
  std::vector<TensorRecord> records;
  records.reserve(static_cast<size_t>(tensors));
  for (int64_t i = 0; i < tensors; ++i) records.push_back(read_tensor(reader, path_, i));

  const uint64_t alignment = alignment_of(*this);
  const uint64_t data = (reader.position() + alignment - 1) / alignment * alignment;
  const uint64_t data_size = data < bytes.size() ? bytes.size() - data : 0;
  for (TensorRecord& r : records) {
    if (r.offset % alignment != 0)
      fail("{}: tensor '{}': expected an offset that is a multiple of {}, found {}", path_, r.tensor.name,
           alignment, r.offset);
    if (r.offset > data_size || r.size > data_size - r.offset)
      fail("{}: tensor '{}': expected {} bytes at offset {} of the tensor data, which has {} bytes", path_,
           r.tensor.name, r.size, r.offset, data_size);
    if (r.size > 0) r.tensor.bytes = bytes.substr(data + r.offset, r.size);
  }
  std::vector<const TensorRecord*> order;
  for (const TensorRecord& r : records) order.push_back(&r);
  std::sort(order.begin(), order.end(),
            [](const TensorRecord* a, const TensorRecord* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i - 1]->offset + order[i - 1]->size > order[i]->offset)
      fail("{}: tensors '{}' and '{}' overlap", path_, order[i - 1]->tensor.name, order[i]->tensor.name);

  for (TensorRecord& r : records) tensors_.push_back(std::move(r.tensor));
  for (size_t i = 0; i < tensors_.size(); ++i)
    if (!tensor_index_.emplace(tensors_[i].name, i).second)
      fail("{}: tensor '{}': duplicate name", path_, tensors_[i].name);
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

namespace {

std::string kind(const GgufValue& v) {
  return v.is_array ? fmt::format("array of {}", type_name(v.type)) : type_name(v.type);
}

bool is_integer(GgufType t) { return t <= GgufType::int32 || t == GgufType::uint64 || t == GgufType::int64; }

// Element i of an integer value; false where it does not fit int64.
bool integer_at(const GgufValue& v, int64_t i, int64_t* out) {
  const char* p = v.bytes.data() + i * kElementBytes[static_cast<uint32_t>(v.type)];
  switch (v.type) {
    case GgufType::uint8:
      *out = load<uint8_t>(p);
      return true;
    case GgufType::int8:
      *out = load<int8_t>(p);
      return true;
    case GgufType::uint16:
      *out = load<uint16_t>(p);
      return true;
    case GgufType::int16:
      *out = load<int16_t>(p);
      return true;
    case GgufType::uint32:
      *out = load<uint32_t>(p);
      return true;
    case GgufType::int32:
      *out = load<int32_t>(p);
      return true;
    case GgufType::int64:
      *out = load<int64_t>(p);
      return true;
    case GgufType::uint64: {
      const uint64_t u = load<uint64_t>(p);
      *out = static_cast<int64_t>(u);
      return u <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    }
    default:
      return false;
  }
}

}  // namespace

std::string gguf_element_text(const GgufValue& v, int64_t i) {
  const char* p = v.bytes.data() + i * kElementBytes[static_cast<uint32_t>(v.type)];
  int64_t integer = 0;
  if (v.type == GgufType::boolean) return *p ? "true" : "false";
  if (v.type == GgufType::float32) return fmt::format("{}", load<float>(p));
  if (v.type == GgufType::float64) return fmt::format("{}", load<double>(p));
  return integer_at(v, i, &integer) ? fmt::format("{}", integer) : fmt::format("{}", load<uint64_t>(p));
}

const GgufValue& GgufFile::value(std::string_view key, bool is_array, const char* expected) const {
  const GgufValue* v = find(key);
  if (!v) fail("{}: metadata '{}' is missing (expected {})", path_, key, expected);
  if (v->is_array != is_array)
    fail("{}: metadata '{}': expected {}, found {}", path_, key, expected, kind(*v));
  return *v;
}

std::string GgufFile::string(std::string_view key) const {
  const GgufValue& v = value(key, false, "a string");
  if (v.type != GgufType::string) fail("{}: metadata '{}': expected a string, found {}", path_, key, kind(v));
  return std::string(v.strings[0]);
}

bool GgufFile::boolean(std::string_view key) const {
  const GgufValue& v = value(key, false, "a bool");
  if (v.type != GgufType::boolean) fail("{}: metadata '{}': expected a bool, found {}", path_, key, kind(v));
  return v.bytes[0] != 0;
}

int64_t GgufFile::integer(std::string_view key) const {
  const GgufValue& v = value(key, false, "an integer");
  int64_t result = 0;
  if (!is_integer(v.type)) fail("{}: metadata '{}': expected an integer, found {}", path_, key, kind(v));
  if (!integer_at(v, 0, &result)) fail("{}: metadata '{}': the value does not fit 63 bits", path_, key);
  return result;
}

double GgufFile::number(std::string_view key) const {
  const GgufValue& v = value(key, false, "a number");
  if (v.type == GgufType::float32) return load<float>(v.bytes.data());
  if (v.type == GgufType::float64) return load<double>(v.bytes.data());
  return static_cast<double>(integer(key));
}

std::vector<std::string> GgufFile::strings(std::string_view key) const {
  const GgufValue& v = value(key, true, "an array of strings");
  if (v.type != GgufType::string)
    fail("{}: metadata '{}': expected an array of strings, found {}", path_, key, kind(v));
  return {v.strings.begin(), v.strings.end()};
}

std::vector<int32_t> GgufFile::int32s(std::string_view key) const {
  const GgufValue& v = value(key, true, "an array of integers");
  if (!is_integer(v.type))
    fail("{}: metadata '{}': expected an array of integers, found {}", path_, key, kind(v));
  std::vector<int32_t> result(static_cast<size_t>(v.count));
  for (int64_t i = 0; i < v.count; ++i) {
    int64_t x = 0;
    if (!integer_at(v, i, &x) || x != static_cast<int32_t>(x))
      fail("{}: metadata '{}': element {} does not fit 32 bits", path_, key, i);
    result[static_cast<size_t>(i)] = static_cast<int32_t>(x);
  }
  return result;
}

std::vector<float> GgufFile::floats(std::string_view key) const {
  const GgufValue& v = value(key, true, "an array of float32");
  if (v.type != GgufType::float32)
    fail("{}: metadata '{}': expected an array of float32, found {}", path_, key, kind(v));
  std::vector<float> result(static_cast<size_t>(v.count));
  if (!result.empty()) std::memcpy(result.data(), v.bytes.data(), v.bytes.size());
  return result;
}

}  // namespace cohort
