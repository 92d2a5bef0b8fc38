#include "data/rows.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "base/philox.h"
#include "data/conversation.h"
#include "data/formats.h"

namespace cohort {
namespace {

using nlohmann::json;

// Bytes before the first that is not well-formed UTF-8 (Unicode 15, table 3-7).
size_t valid_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  size_t i = 0;
  while (i < text.size()) {
    const unsigned c = byte(i);
    if (c < 0x80) {
      ++i;
      continue;
    }
    const size_t n = c >= 0xC2 && c <= 0xDF ? 2 : c >= 0xE0 && c <= 0xEF ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if (n == 0) return i;
    const int low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    const int high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (byte(i + 1) < low || byte(i + 1) > high) return i;
    for (size_t j = 2; j < n; ++j)
      if (byte(i + j) < 0x80 || byte(i + j) > 0xBF) return i;
    i += n;
  }
  return i;
}

std::string read_text(const json& fields, const char* name, const std::string& place) {
  const auto it = fields.find(name);
  if (it == fields.end() || it->is_null()) return {};
  if (!it->is_string())
    fail("{}: \"{}\" is {}, expected a string", place, name, it->is_array() ? "an array" : it->type_name());
  return it->get<std::string>();
}

std::vector<int32_t> read_ids(const json& fields, const char* name, const std::string& place) {
  const auto it = fields.find(name);
  if (it == fields.end() || it->is_null()) return {};
  if (!it->is_array()) fail("{}: \"{}\" is {}, expected an array of token ids", place, name, it->type_name());
  std::vector<int32_t> ids;
  ids.reserve(it->size());
  for (const json& id : *it) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > uint64_t{std::numeric_limits<int32_t>::max()})
      fail("{}: \"{}\"[{}] is {:.40}, expected a token id from 0 to 2147483647", place, name, ids.size(),
           dump_json(id));
    ids.push_back(static_cast<int32_t>(id.get<uint64_t>()));
  }
  return ids;
}

bool has(const json& fields, std::string_view name) {
  const auto it = fields.find(name);
  return it != fields.end() && !it->is_null();
}

Row parse_row(std::string_view line, int64_t number, const std::string& place, RequiredFields required,
              Conversations conversations) {
  if (const size_t good = valid_utf8(line); good < line.size())
    fail("{}: byte {} is 0x{:02x}, expected UTF-8", place, good + 1, static_cast<unsigned char>(line[good]));
  json fields;
  try {
    fields = parse_json(line);
  } catch (const json::exception& e) {
    const std::string_view what = e.what();  // "[json.exception...] parse error at line 1, column N: why"
    const size_t column = what.find("column ");
    fail("{}: not JSON: {}", place, column == std::string_view::npos ? what : what.substr(column));
  }
  if (!fields.is_object()) fail("{}: expected a JSON object, found {}", place, fields.type_name());
  Row row;
  row.line = number;
  if (conversations == Conversations::turns && has(fields, "messages") && !has(fields, "prompt")) {
    read_messages(fields["messages"], place, row);
    row.fields = std::make_shared<const json>(std::move(fields));
    return row;
  }
  if (conversations == Conversations::chat && holds_messages(fields)) {
    check_messages(fields, place, required, row);
    row.chat = line;
    row.prompt_ids = read_ids(fields, "prompt_ids", place);
    row.completion_ids = read_ids(fields, "completion_ids", place);
    row.fields = std::make_shared<const json>(std::move(fields));
    return row;
  }
  for (std::string_view name : required) {
    const bool text = name == "prompt" || name == "completion";
    const std::string ids = std::string(name) + "_ids";
    if (has(fields, name) || (text && has(fields, ids))) continue;
    std::string found;
    for (const auto& item : fields.items()) found += (found.empty() ? "" : ", ") + item.key();
    fail("{}: no field \"{}\"{}, found {:.200}", place, name, text ? fmt::format(" or \"{}\"", ids) : "",
         found.empty() ? "none" : found);
  }
  row.question = row.prompt = read_text(fields, "prompt", place);
  row.completion = read_text(fields, "completion", place);
  row.prompt_ids = read_ids(fields, "prompt_ids", place);
  row.completion_ids = read_ids(fields, "completion_ids", place);
  row.fields = std::make_shared<const json>(std::move(fields));
  return row;
}

}  // namespace

std::string Row::text(std::string_view field) const {
  if (!fields || !has(*fields, field)) return {};
  const json& value = (*fields)[std::string(field)];
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::vector<Row> parse_rows(std::string_view text, const std::string& name, RequiredFields required,
                            Conversations conversations) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<Row> rows;
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    rows.push_back(parse_row(line, number, fmt::format("{}:{}", name, number), required, conversations));
  }
  if (rows.empty()) fail("{}: no rows, expected one JSON object a line", name);
  return rows;
}

std::vector<Row> read_rows(const std::filesystem::path& path, RequiredFields required,
                           Conversations conversations, std::span<const std::string> columns) {
  return parse_rows(json_lines(path, columns), path.string(), required, conversations);
}

void set_prompts(std::span<Row> rows, std::string_view before, std::string_view after) {
  const auto surround = [&](const std::string& question) {
    return std::string(before) + question + std::string(after);
  };
  for (Row& row : rows) {
    row.prompt = surround(row.question);
    for (size_t i = 1; i < row.turns.size(); i += 2) row.turns[i] = surround(row.turns[i]);
  }
}

uint64_t text_hash(std::string_view text) {
  uint64_t h = 0xCBF29CE484222325u;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDu;
  h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53u;
  return h ^ (h >> 33);
}

Split split_by_question(std::vector<Row> rows, double fraction) {
  if (!(fraction >= 0 && fraction < 1))
    fail("held-out fraction: expected a number in [0, 1), found {}", fraction);
  Split split;
  for (Row& row : rows) {
    std::string key = row.question;
    if (key.empty()) key = fmt::format("{}", fmt::join(row.prompt_ids, ","));
    const bool held_out = static_cast<double>(text_hash(key) >> 11) < fraction * 0x1.0p53;
    (held_out ? split.held_out : split.train).push_back(std::move(row));
  }
  return split;
}

std::vector<uint32_t> shuffled_order(uint32_t n, uint64_t seed, uint32_t epoch) {
  std::vector<uint32_t> order(n);
  for (uint32_t i = 0; i < n; ++i) order[i] = i;
  for (uint32_t i = n; i > 1; --i) {
    const auto j = static_cast<uint32_t>(uniform53(seed, Stream::shuffle, epoch, 0, 0, i) * i);
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

std::vector<int64_t> draw_rows(int64_t n, int64_t first, int64_t count, bool shuffle, uint64_t seed) {
  std::vector<int64_t> rows;
  std::vector<uint32_t> order;
  int64_t ordered_epoch = -1;
  for (int64_t i = first; i < first + count; ++i) {
    if (shuffle && i / n != ordered_epoch) {
      ordered_epoch = i / n;
      order = shuffled_order(static_cast<uint32_t>(n), seed, static_cast<uint32_t>(ordered_epoch));
    }
    rows.push_back(shuffle ? order[i % n] : i % n);
  }
  return rows;
}

}  // namespace cohort
