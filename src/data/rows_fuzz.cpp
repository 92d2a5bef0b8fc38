// Files of rows, conversations among them, and what is made of the rows.
#include "base/fuzz_support.h"
#include "data/rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::accept_errors([&] {
    std::vector<Row> rows = parse_rows(text, "rows", {{}, Conversations::turns});
    for (const Row& row : rows) row.text("answer");
    set_prompts(rows, "Question: ", "\nAnswer:");
    shuffled_order(static_cast<uint32_t>(rows.size()), 1, 2);
    split_by_question(std::move(rows), 0.5);
  });
  static const std::string_view required[] = {"prompt", "completion", "answer"};
  fuzz::accept_errors([&] { parse_rows(text, "rows", {required}); });
  fuzz::accept_errors([&] { parse_rows(text, "rows", {{}, Conversations::chat}); });
  return 0;
}
