// Built-in tasks: data sets that need no file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows.h"

namespace cohort {

struct TaskOptions {
  int32_t digits = 3;  // of each operand (products: of the first): 1-9, sums 1-4; of generated tasks the difficulty
  int64_t rows = 0;    // distinct questions wanted; 0: all of them, at most 10,000 (generated tasks: 2,000)
};

struct TaskInfo {
  std::string_view name, summary;
};
std::span<const TaskInfo> task_list();

// Rows with prompt, answer and, but for sums, completion; distinct questions, in an order that depends on the
// seed.
//   addition: "347+85=", operands of 1 to `digits` digits; the completion is R1's template with the sum worked digit by
//             digit
//   carries:  the same questions, each step of the completion on its own line, and the field `steps` with these lines
//   products: "347*6=", a number of 1 to `digits` digits times one digit, worked as in carries
//   sums:     "State the final answer to the following arithmetic problem: 6 + 2 =", operands of exactly `digits` digits
//   and those of generated_tasks.h
// Throws Error for an unknown task or an option out of range.
std::vector<Row> make_rows(std::string_view name, const TaskOptions& options, uint64_t seed);

// The supervised completion of a + b: "<think> 7+5=12 4+8+1=13 3+1=4 </think> <answer> 432 </answer>": digits
// from the right, the carry as a third term, missing digits left out.
std::string addition_completion(int64_t a, int64_t b);

// The same with each step on its own line; without line feeds these are the field `steps`:
//   <think> 7+5=12
//   4+8+1=13
//   3+1=4
//   </think> <answer> 432 </answer>
std::string carries_completion(int64_t a, int64_t b);

// A number times one digit, the carry as a second term:
//   <think> 7*6=42
//   4*6+4=28
//   3*6+2=20
//   </think> <answer> 2082 </answer>
std::string products_completion(int64_t a, int64_t digit);

// All characters that the addition task's prompts and completions use, and the tags that a tokenizer may keep
// whole.
std::string_view addition_alphabet();
std::string_view carries_alphabet();  // addition's and the line feed
std::span<const std::string_view> think_answer_tags();

}  // namespace cohort
