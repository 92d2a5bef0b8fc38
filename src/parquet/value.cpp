#include "parquet/value.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"

namespace cohort::parquet {
namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr size_t kMaxDecimal = 64;  // bytes

// The shortest digits that read back as this number, with a point or an exponent.
void append_float(double value, std::string& line) {
  if (!std::isfinite(value)) {
    line += "null";
    return;
  }
  const size_t begin = line.size();
  fmt::format_to(std::back_inserter(line), "{}", value);
  if (line.find_first_of(".e", begin) == std::string::npos) line += ".0";
}

double float16_of(std::string_view bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes.data(), sizeof bits);
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = 0;
  if (exponent == 31)
    value = fraction ? std::nan("") : HUGE_VAL;
  else
    value = exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
  return bits >> 15 ? -value : value;
}

// Digits of a two's complement number, big-endian.
std::string digits_of(std::string_view bytes, bool& negative) {
  if (bytes.empty() || bytes.size() > kMaxDecimal) fail("a decimal of {} bytes", bytes.size());
  std::string number(bytes), digits;
  negative = bytes[0] & 0x80;
  if (negative) {
    int carry = 1;
    for (size_t i = number.size(); i-- > 0;) {
      const int byte = (~number[i] & 255) + carry;
      number[i] = static_cast<char>(byte);
      carry = byte >> 8;
    }
  }
  while (number.find_first_not_of('\0') != std::string::npos) {
    uint32_t rest = 0;
    for (char& byte : number) {
      rest = rest << 8 | static_cast<uint8_t>(byte);
      byte = static_cast<char>(rest / 10);
      rest %= 10;
    }
    digits += static_cast<char>('0' + rest);
  }
  return {digits.rbegin(), digits.rend()};
}

void append_decimal(const Leaf& leaf, const Value& value, std::string& line) {
  bool negative = false;
  std::string digits;
  if (leaf.type == Type::int32 || leaf.type == Type::int64) {
    negative = static_cast<int64_t>(value.bits) < 0;
    digits = fmt::format("{}", negative ? 0 - value.bits : value.bits);
  } else {
    digits = digits_of(value.bytes, negative);
  }
  const size_t scale = static_cast<size_t>(leaf.scale);
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, ".");
  fmt::format_to(std::back_inserter(line), "\"{}{}\"", negative ? "-" : "", digits);
}

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

// Days since 1970 in the Gregorian calendar, before its time too: years of 400-year cycles that begin in
// March.
void append_date(int64_t days, std::string& line) {
  const int64_t since = days + 719468, cycle = floor_div(since, 146097), day = since - cycle * 146097;
  const int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const int64_t of_year = day - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
  fmt::format_to(std::back_inserter(line), "{:04}-{:02}-{:02}", year + cycle * 400 + (month >= 10),
                 month < 10 ? month + 3 : month - 9, of_year - (153 * month + 2) / 5 + 1);
}

int64_t units(int digits) { return digits == 3 ? 1'000 : digits == 6 ? 1'000'000 : 1'000'000'000; }

void append_time(int64_t time, int digits, std::string& line) {
  const int64_t second = time / units(digits);
  fmt::format_to(std::back_inserter(line), "{:02}:{:02}:{:02}.{:0{}}", second / 3600, second / 60 % 60,
                 second % 60, time % units(digits), digits);
}

void append_timestamp(int64_t time, const Leaf& leaf, std::string& line) {
  const int64_t day = kDaySeconds * units(leaf.digits), days = floor_div(time, day);
  line += '"';
  append_date(days, line);
  line += 'T';
  append_time(time - days * day, leaf.digits, line);
  line += leaf.utc ? "Z\"" : "\"";
}

// Nanoseconds of the day, then the Julian day, as Impala and Spark had them.
void append_int96(std::string_view bytes, std::string& line) {
  constexpr uint32_t kJulian1970 = 2440588;
  int64_t time;
  uint32_t day;
  std::memcpy(&time, bytes.data(), sizeof time);
  std::memcpy(&day, bytes.data() + sizeof time, sizeof day);
  if (time < 0 || time >= kDaySeconds * units(9)) fail("a time of {} nanoseconds after midnight", time);
  line += '"';
  append_date(int64_t{day} - kJulian1970, line);
  line += 'T';
  append_time(time, 9, line);
  line += '"';
}

void append_uuid(std::string_view bytes, std::string& line) {
  line += '"';
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) line += '-';
    fmt::format_to(std::back_inserter(line), "{:02x}", static_cast<uint8_t>(bytes[i]));
  }
  line += '"';
}

}  // namespace

void append_value(const Leaf& leaf, const Value& value, std::string& line) {
  const auto number = static_cast<int64_t>(value.bits);
  const auto append = [&](auto n) { fmt::format_to(std::back_inserter(line), "{}", n); };
  switch (leaf.form) {
    case Form::boolean:
      line += value.bits ? "true" : "false";
      break;
    case Form::integer:
      append(number);
      break;
    case Form::unsigned32:
      append(static_cast<uint32_t>(value.bits));
      break;
    case Form::unsigned64:
      append(value.bits);
      break;
    case Form::float32:
      append_float(std::bit_cast<float>(static_cast<uint32_t>(value.bits)), line);
      break;
    case Form::float64:
      append_float(std::bit_cast<double>(value.bits), line);
      break;
    case Form::float16:
      append_float(float16_of(value.bytes), line);
      break;
    case Form::decimal:
      append_decimal(leaf, value, line);
      break;
    case Form::date:
      line += '"';
      append_date(number, line);
      line += '"';
      break;
    case Form::time:
      if (number < 0 || number >= kDaySeconds * units(leaf.digits)) fail("a time of day of {} units", number);
      line += '"';
      append_time(number, leaf.digits, line);
      line += '"';
      break;
    case Form::timestamp:
      append_timestamp(number, leaf, line);
      break;
    case Form::int96_timestamp:
      append_int96(value.bytes, line);
      break;
    case Form::uuid:
      append_uuid(value.bytes, line);
      break;
    case Form::text:
      if (!is_valid_utf8(value.bytes))
        fail("{} bytes that are no text in UTF-8; Cohort reads text and numbers", value.bytes.size());
      line += json_text(value.bytes);
      break;
  }
}

}  // namespace cohort::parquet
