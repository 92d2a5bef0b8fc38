#include <fmt/ranges.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/row_writer.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "data/distinct.h"
#include "data/row_pass.h"
#include "data/row_file.h"
#include "run/recipe.h"

namespace cohort {
namespace {

struct DataConvertSettings {
  Recipe recipe;
  std::vector<std::string> data;
  std::string output;
  bool overwrite = false;
};

void declare(OptionTable& t, DataConvertSettings& s) {
  Recipe& r = s.recipe;
  t.add("data", &s.data, "a file of rows in any form that Cohort reads; several, one behind another, by repeating the option")
      .shown_as("FILE");
  t.add("output", &s.output, "where to write the rows; the terminal where empty").shown_as("FILE.jsonl");
  t.add("overwrite", &s.overwrite, "replace the output file");
  t.add("columns", &r.columns, "other names for the columns of a file, each NEW=OLD, such as prompt=question");
  t.add("deduplicate", &r.deduplicate,
        "keep the first of the rows that have the same prompt and completion (chosen and rejected, of pairs); of rows that have none of "
        "these, the same fields");
}

struct Converted {
  std::string line;
  TextHash128 content;
};

// The rows of one file behind those of others.
class Conversion {
 public:
  explicit Conversion(const DataConvertSettings& s) : s_(s), writer_(s.output) {}

  void add(const std::string& data) {
    RowFile file(data, {.columns = s_.recipe.columns});
    const bool once = s_.recipe.deduplicate;
    const auto convert = [&](int64_t i) {
      Converted c{file.json(i), {}};
      if (once) c.content = text_hash_128(key_of(parse_object(c.line, data), RowKey::content));
      return c;
    };
    pass_over<Converted>(file, "convert " + data, convert, [&](int64_t, const Converted& c) {
      if (once && !distinct_.insert(c.content)) {
        ++dropped_;
      } else {
        writer_.append(c.line + "\n");
        ++written_;
      }
    });
  }

  void finish() {
    writer_.finish();
    log_info("{}: {} rows written{}", s_.output.empty() ? fmt::format("{}", fmt::join(s_.data, ", ")) : s_.output, written_,
             s_.recipe.deduplicate ? fmt::format(", {} dropped, which repeat one", dropped_) : "");
  }

 private:
  const DataConvertSettings& s_;
  RowWriter writer_;
  DistinctTexts distinct_;
  int64_t written_ = 0, dropped_ = 0;
};

int run_data_convert(std::span<const std::string> arguments) {
  const DataConvertSettings s = read_options<DataConvertSettings, declare>("data convert", arguments);
  require_option("data convert", "data", !s.data.empty(), "a file of rows");
  for (const std::string& data : s.data) {
    if (!std::filesystem::exists(data)) fail("{}: no such file", data);
    if (!s.output.empty() && s.output == data) fail("data convert: --output and --data name the same file {}", data);
  }
  check_new_file(s.output, s.overwrite);
  Conversion conversion(s);
  for (const std::string& data : s.data) conversion.add(data);
  conversion.finish();
  return 0;
}

}  // namespace

const Command kDataConvertCommand = {
    "convert",
    "write the rows of files in any form as JSONL, with other columns' names, without duplicates",
    "cohort data convert --data FILE [--data FILE]... [--output FILE.jsonl] [--columns NEW=OLD] [--deduplicate]",
    "cohort data convert --data problems.csv.gz --columns prompt=question --deduplicate --output problems.jsonl",
    options_help<DataConvertSettings, declare>,
    run_data_convert};

}  // namespace cohort
