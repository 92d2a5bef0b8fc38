#include <nlohmann/json.hpp>
#include <string>

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
  std::string output;
  bool overwrite = false;
};

void declare(OptionTable& t, DataConvertSettings& s) {
  Recipe& r = s.recipe;
  t.add("data", &r.data, "a file of rows in any form that Cohort reads").shown_as("FILE");
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

int run_data_convert(std::span<const std::string> arguments) {
  const DataConvertSettings s = read_options<DataConvertSettings, declare>("data convert", arguments);
  const std::string& data = s.recipe.data;
  require_option("data convert", "data", !data.empty(), "a file of rows");
  if (!s.output.empty() && s.output == data) fail("data convert: --output and --data name the same file {}", data);
  check_new_file(s.output, s.overwrite);
  RowFile file(data, {.columns = s.recipe.columns});
  RowWriter writer(s.output);
  DistinctTexts distinct;
  int64_t dropped = 0;
  const auto convert = [&](int64_t i) {
    Converted c{file.json(i), {}};
    if (s.recipe.deduplicate) c.content = text_hash_128(key_of(parse_object(c.line, data), RowKey::content));
    return c;
  };
  pass_over<Converted>(file, "convert " + data, convert, [&](int64_t, const Converted& c) {
    if (s.recipe.deduplicate && !distinct.insert(c.content))
      ++dropped;
    else
      writer.append(c.line + "\n");
  });
  writer.finish();
  log_info("{}: {} rows written{}", s.output.empty() ? data : s.output, file.size() - dropped,
           s.recipe.deduplicate ? fmt::format(", {} dropped, which repeat one", dropped) : "");
  return 0;
}

}  // namespace

const Command kDataConvertCommand = {
    "convert",
    "write the rows of a file in any form as JSONL, with other columns' names, without duplicates",
    "cohort data convert --data FILE [--output FILE.jsonl] [--columns NEW=OLD] [--deduplicate]",
    "cohort data convert --data problems.csv.gz --columns prompt=question --deduplicate --output problems.jsonl",
    options_help<DataConvertSettings, declare>,
    run_data_convert};

}  // namespace cohort
