#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/progress.h"
#include "base/row_writer.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "cli/sampling_options.h"
#include "data/row_file.h"
#include "data/row_pass.h"
#include "run/problem.h"
#include "model/transformer.h"

namespace cohort {
namespace {

struct ScoreSettings : ChatSettings {
  std::string model, dtype = "auto", data, output;
  double temperature = 1.0;
  int64_t micro_batch_tokens = 8192, num_threads = 0;
};

void declare(OptionTable& t, ScoreSettings& s) {
  t.add("model", &s.model, "a Hugging Face folder or a GGUF file").shown_as("DIR|GGUF");
  add_dtype_option(t, s.dtype);
  t.add("data", &s.data, "rows with prompt or prompt_ids, and completion or completion_ids; or with messages")
      .shown_as("FILE");
  t.add("output", &s.output,
        "the rows with log_probs and entropy, a number per completion token; the terminal where empty")
      .shown_as("FILE");
  add_chat_settings(t, s);
  t.add("temperature", &s.temperature, "log-probs are those of softmax(logits / temperature)").above(0);
  t.add("micro_batch_tokens", &s.micro_batch_tokens, "tokens of a micro-batch: memory against speed")
      .at_least(1);
  t.add("num_threads", &s.num_threads, "0: all cores").at_least(0).at_most(4096);
}

std::string floats(std::span<const float> values) {
  std::string out;
  for (float v : values) out += fmt::format("{}{}", out.empty() ? "" : ",", v);
  return "[" + out + "]";
}

int run_score(std::span<const std::string> arguments) {
  const ScoreSettings s = read_options<ScoreSettings, declare>("score", arguments);
  require_option("score", "model", !s.model.empty(), kModelExpected);
  require_option("score", "data", !s.data.empty(), "a JSONL file");
  use_threads(s.num_threads);

  static constexpr std::string_view required[] = {"prompt", "completion"};
  RowFile rows(s.data, {required, Conversations::chat});
  check_rows(rows, s.data);
  const LoadedModel loaded(s.model, s.dtype);
  const ModelConfig& config = loaded.model.config();
  const ChatFormat chat(loaded.checkpoint.tokenizer, s);
  Transformer transformer;
  Progress progress("score", rows.size(), "rows");
  RowWriter writer(s.output);
  std::vector<Problem> batch;
  int64_t batch_tokens = 0;
  auto flush = [&] {
    TokenTree tree;
    for (const Problem& p : batch) tree.add_completion(tree.add(-1, p.prompt_ids), p.completion_ids);
    const RowOutputs scored =
        transformer.forward(loaded.model, tree, static_cast<float>(s.temperature), Activations::Keep::none);
    size_t row = 0;
    for (const Problem& p : batch) {
      const size_t T = p.completion_ids.size();
      std::string line = p.row.fields->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      line.pop_back();
      if (!p.row.fields->contains("prompt_ids"))
        line += fmt::format(",\"prompt_ids\":[{}]", fmt::join(p.prompt_ids, ","));
      if (!p.row.fields->contains("completion_ids"))
        line += fmt::format(",\"completion_ids\":[{}]", fmt::join(p.completion_ids, ","));
      writer.append(fmt::format("{},\"log_probs\":{},\"entropy\":{}}}\n", line,
                         floats(std::span(scored.log_prob).subspan(row, T)),
                         floats(std::span(scored.entropy).subspan(row, T))));
      row += T;
    }
    batch.clear();
    batch_tokens = 0;
  };
  for (int64_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    set_prompts({&row, 1}, "", "");
    const int64_t line = row.line;
    chat.render(row, ChatFormat::Wanted::completion, fmt::format("{}:{}", s.data, line));
    Problem p;
    const bool has_ids = !row.completion_ids.empty();
    const bool rendered = row.rendered;
    p = make_problem(std::move(row), rendered, loaded.checkpoint.tokenizer);
    // A completion's text stands as it is: no end token is added.
    if (has_ids)
      p.completion_ids = p.row.completion_ids;
    else if (!rendered)
      p.completion_ids = loaded.checkpoint.tokenizer.encode(p.row.completion, false);
    if (p.prompt_ids.empty() || p.completion_ids.empty())
      fail("{}:{}: expected a prompt and a completion of at least one token each", s.data, line);
    const int64_t tokens = static_cast<int64_t>(p.prompt_ids.size() + p.completion_ids.size());
    if (tokens > config.context())
      fail("{}:{}: {} tokens exceed the model's context of {}", s.data, line, tokens,
           config.context());
    for (const std::vector<int32_t>* ids : {&p.prompt_ids, &p.completion_ids})
      for (int32_t id : *ids)
        if (id >= config.vocab_size)
          fail("{}:{}: expected token ids below the vocabulary's {}, found {}", s.data, line,
               config.vocab_size, id);
    if (!batch.empty() && batch_tokens + tokens > s.micro_batch_tokens) flush();
    batch.push_back(std::move(p));
    batch_tokens += tokens;
    progress.update(i);
  }
  if (!batch.empty()) flush();
  writer.finish();
  return 0;
}

}  // namespace

const Command kScoreCommand = {
    "score",
    "log-prob and entropy of every token of given completions",
    "cohort score --model DIR|GGUF --data ROWS [--output FILE]",
    "cohort score --model runs/quickstart/base --data rows.jsonl --output out.jsonl",
    options_help<ScoreSettings, declare>,
    run_score};

}  // namespace cohort
