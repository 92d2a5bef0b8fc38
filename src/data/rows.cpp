#include "data/rows.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "data/conversation.h"
#include "data/records.h"
#include "data/row_file.h"

namespace cohort {
namespace {

using nlohmann::json;

// Bytes before the first that is not well-formed UTF-8.
size_t valid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Char c = next_utf8(text.substr(at));
    if (!c.valid) break;
    at += c.size;
  }
  return at;
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

}  // namespace

void check_utf8(std::string_view text, const std::string& place) {
  if (const size_t good = valid_utf8(text); good < text.size())
    fail("{}: byte {} is 0x{:02x}, expected UTF-8", place, good + 1, static_cast<unsigned char>(text[good]));
}

json parse_object(std::string_view text, const std::string& place) {
  check_utf8(text, place);
  json fields;
  try {
    fields = parse_json_whole_digits(text);
  } catch (const json::exception& e) {
    const std::string_view what = e.what();  // "[json.exception...] parse error at line N, column N: why"
    size_t from = what.find(what.find("line 1,") == std::string_view::npos ? "line " : "column ");
    if (from == std::string_view::npos) from = 0;
    fail("{}: not JSON: {}", place, what.substr(from));
  }
  if (!fields.is_object()) fail("{}: expected a JSON object, found {}", place, fields.type_name());
  return fields;
}

namespace {

Row row_from(json fields, std::string_view text, const std::string& place, const RowRules& rules) {
  const auto& [required, conversations, columns, check] = rules;
  Row row;
  if (conversations == Conversations::turns && has(fields, "messages") && !has(fields, "prompt")) {
    read_messages(fields["messages"], place, row);
    row.fields = std::make_shared<const json>(std::move(fields));
    return row;
  }
  if (conversations == Conversations::chat && holds_messages(fields)) {
    check_messages(fields, place, required, row);
    row.chat = text;
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

Row parse_row(std::string_view text, int64_t number, const std::string& place, const RowRules& rules) {
  Row row = row_from(parse_object(text, place), text, place, rules);
  row.line = number;
  if (rules.check) rules.check(row, place);
  return row;
}

std::string Row::text(std::string_view field) const {
  if (!fields || !has(*fields, field)) return {};
  const json& value = (*fields)[std::string(field)];
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::vector<Row> parse_rows(std::string_view text, const std::string& name, const RowRules& rules) {
  Records records(text, Form::jsonl, name);
  std::vector<Row> rows;
  while (const std::optional<size_t> begin = records.next())
    rows.push_back(parse_row(records.json(*begin), records.number(), fmt::format("{}:{}", name, records.number()), rules));
  if (rows.empty()) fail("{}: no rows, expected one JSON object a line", name);
  return rows;
}

std::vector<Row> read_rows(const std::filesystem::path& path, const RowRules& rules) {
  RowFile file(path, rules);
  std::vector<Row> rows;
  while (const int64_t found = file.find(1024))
    for (int64_t i = file.size() - found; i < file.size(); ++i) rows.push_back(file.row(i));
  return rows;
}

std::string RowsAtHand::json(int64_t i) const { return dump_json(*rows_[static_cast<size_t>(i)].fields); }

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

bool is_held_out(const Row& row, double fraction) {
  if (!(fraction >= 0 && fraction < 1))
    fail("held-out fraction: expected a number in [0, 1), found {}", fraction);
  std::string key = row.question;
  if (key.empty()) key = fmt::format("{}", fmt::join(row.prompt_ids, ","));
  return static_cast<double>(text_hash(key) >> 11) < fraction * 0x1.0p53;
}

Split split_by_question(std::vector<Row> rows, double fraction) {
  Split split;
  for (Row& row : rows) (is_held_out(row, fraction) ? split.held_out : split.train).push_back(std::move(row));
  return split;
}

}  // namespace cohort
