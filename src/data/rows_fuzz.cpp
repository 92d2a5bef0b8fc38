// Files of rows in every form that is text, conversations among them, and what is made of the rows.
#include <nlohmann/json.hpp>

#include "base/fuzz_support.h"
#include "data/columns.h"
#include "data/distinct.h"
#include "data/order.h"
#include "data/pairs.h"
#include "data/records.h"
#include "data/reward_rows.h"

namespace {

using namespace cohort;

// Each row found, and each a second time from its place, as a run asks for it.
void read_records(std::string_view text, Form form) {
  Records records(text, form, "rows");
  while (const std::optional<size_t> begin = records.next()) {
    const std::string row = records.json(*begin);
    COHORT_CHECK(records.passed() <= text.size() && *begin < records.passed(), "row {} is not in the text", records.number());
    fuzz::accept_errors([&] {
      const nlohmann::json fields = parse_object(row, "rows:1");
      key_of(fields, RowKey::prompt);
      key_of(fields, RowKey::content);
    });
    const std::string columns[] = {"prompt=question", "question=prompt", "x=answer"};
    fuzz::accept_errors([&] { parse_row(rename_columns(row, columns, "rows:1"), 1, "rows:1", {}); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  for (const Form form : {Form::jsonl, Form::json, Form::csv, Form::tsv}) fuzz::accept_errors([&] { read_records(text, form); });
  fuzz::accept_errors([&] {
    std::vector<Row> rows = parse_rows(text, "rows", {{}, Conversations::turns});
    for (const Row& row : rows) row.text("answer");
    set_prompts(rows, "Question: ", "\nAnswer:");
    shuffled_order(static_cast<uint32_t>(rows.size()), 1, 2);
    split_by_question(std::move(rows), 0.5);
  });
  static const std::string_view required[] = {"prompt", "completion", "answer"};
  for (const RowRules& rules : {RowRules{required}, RowRules{{}, Conversations::chat}, pair_rules(), labelled_rules(), stepwise_rules()})
    fuzz::accept_errors([&] { parse_rows(text, "rows", rules); });
  return 0;
}
