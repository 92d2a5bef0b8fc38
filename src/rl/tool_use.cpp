#include "rl/tool_use.h"

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"

namespace cohort {
namespace {

constexpr std::string_view kClose = "\n```\n";  // of a block; a completion stops there

// One completion that grows by turns of the model and of the tool.
struct Turns {
  const Problem* problem = nullptr;
  Sample sample;
  int32_t segment = 0;  // where the tokens after the last output begin
  int32_t calls = 0;
  std::string before, printed_before;
  bool done = false;
};

std::string bytes_of(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  std::string bytes;
  for (int32_t id : ids)
    if (id < tokenizer.size()) bytes += tokenizer.token_bytes(id);
  return bytes;
}

// What a tokenizer of few characters has no token for is left out.
std::vector<int32_t> encode_output(const Tokenizer& tokenizer, const std::string& text) {
  try {
    return tokenizer.encode(text, false);
  } catch (const Error&) {
    std::vector<int32_t> ids;
    for (size_t at = 0; at < text.size();) {
      const std::string character = text.substr(at, next_utf8(std::string_view(text).substr(at)).size);
      at += character.size();
      try {
        for (int32_t id : tokenizer.encode(character, false)) ids.push_back(id);
      } catch (const Error&) {
      }
    }
    return ids;
  }
}

// The code of the block that the model has just closed, since the last output.
std::optional<std::string> closed_block(std::string_view segment, const std::string& fence) {
  const std::string open = "```" + fence + "\n";
  const size_t begin = segment.rfind(open);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t code = begin + open.size();
  const size_t end =
      segment.find(kClose, code - 1);  // an empty block closes with the opening's own line feed
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(segment.substr(code, end < code ? 0 : end - code));
}

class ToolRollout {
 public:
  ToolRollout(const Model& model, const Tokenizer& tokenizer, const GenerationOptions& options,
              const std::function<void(int64_t, int64_t)>& progress, std::span<const RewardFunction> rewards)
      : model_(model),
        tokenizer_(tokenizer),
        options_(options),
        tools_(*options.tools),
        progress_(progress),
        rewards_(rewards) {}

  std::vector<Turns> run(std::span<const Drawn> drawn, int32_t num_generations) {
    std::vector<Turns> all;
    std::vector<GenerationRequest> requests;
    std::vector<Turns*> order;
    for (const Drawn& d : drawn) {
      requests.push_back({d.problem->prompt_ids, d.prompt_index, num_generations});
      for (int32_t g = 0; g < num_generations; ++g) {
        all.emplace_back().problem = d.problem.get();
        Sample& s = all.back().sample;
        s.prompt_index = d.prompt_index;
        s.sample_index = static_cast<uint32_t>(g);
        s.prompt_ids = d.problem->prompt_ids;
        s.prompt = d.problem->row.prompt;
      }
    }
    for (Turns& t : all) order.push_back(&t);
    extend(requests, order, tools_.max_calls > 0);
    for (;;) {
      call_tools(all);
      bool any = false;
      for (const bool may_call : {true, false}) {
        requests.clear();
        order.clear();
        for (Turns& t : all)
          if (!t.done && (t.calls < tools_.max_calls) == may_call) {
            requests.push_back(continued(t));
            order.push_back(&t);
          }
        if (!order.empty()) extend(requests, order, may_call);
        any |= !order.empty();
      }
      if (!any) return all;
    }
  }

 private:
  // The next of the model's turns of these completions, which stand in the order of the requests' samples.
  void extend(std::span<const GenerationRequest> requests, std::span<Turns* const> turns, bool may_call) {
    GenerationOptions options = options_;
    if (may_call) options.stop.emplace_back(kClose);
    const auto report = [&](int64_t tokens, int64_t) {
      if (progress_) progress_(tokens_ + tokens, finished_);
    };
    auto next = turns.begin();
    for (std::vector<Completion>& completions : generate(model_, tokenizer_, requests, options, report))
      for (Completion& c : completions) take(c, **next++);
  }

  void take(const Completion& c, Turns& t) {
    Sample& s = t.sample;
    const auto begin = static_cast<int32_t>(s.completion_ids.size());
    s.completion_ids.insert(s.completion_ids.end(), c.ids.begin(), c.ids.end());
    s.log_probs.insert(s.log_probs.end(), c.log_probs.begin(), c.log_probs.end());
    s.entropies.insert(s.entropies.end(), c.entropies.begin(), c.entropies.end());
    add_span(s, begin, true);
    tokens_ += std::ssize(c.ids);
    if (!c.stopped) finish(t, "length");
    if (c.stopped && stopped_for_good(c, t)) finish(t, "stop");
  }

  void finish(Turns& t, const char* reason) {
    t.done = true;
    ++finished_;
    Sample& s = t.sample;
    s.finish_reason = reason;
    if (s.spans.size() == 1) s.spans.clear();  // all of it was sampled
    s.completion = completion_text(tokenizer_, s.completion_ids);
    begin_rewards(rewards_, *t.problem, s.completion, s.sampled_tokens());
  }

  // By an end token or one of the recipe's own stop strings, not by a block's end.
  bool stopped_for_good(const Completion& c, const Turns& t) const {
    if (std::ranges::find(options_.end_tokens, c.ids.back()) != options_.end_tokens.end()) return true;
    const std::string text = segment(t);
    return std::ranges::any_of(options_.stop,
                               [&](const std::string& s) { return text.find(s) != std::string::npos; });
  }

  std::string segment(const Turns& t) const {
    return bytes_of(tokenizer_, std::span(t.sample.completion_ids).subspan(static_cast<size_t>(t.segment)));
  }

  void call_tools(std::span<Turns> all) {
    std::vector<ToolCall> calls;
    std::vector<Turns*> callers;
    for (Turns& t : all) {
      if (t.done || t.calls == tools_.max_calls) continue;
      const std::optional<std::string> code = closed_block(segment(t), tools_.fence);
      if (!code) {  // a block of something else: nothing to run, and it is not looked at again
        t.segment = static_cast<int32_t>(t.sample.completion_ids.size());
        continue;
      }
      const Sample& s = t.sample;
      calls.push_back({options_.step, s.prompt_index, s.sample_index, *code, t.before, t.printed_before});
      callers.push_back(&t);
    }
    if (calls.empty()) return;
    const std::vector<ToolAnswer> answers = tools_.run(calls);
    COHORT_CHECK(answers.size() == calls.size(), "{} answers to {} calls", answers.size(), calls.size());
    for (size_t i = 0; i < calls.size(); ++i) insert_output(calls[i], answers[i], *callers[i]);
  }

  void insert_output(const ToolCall& call, const ToolAnswer& answer, Turns& t) {
    std::string_view printed = answer.printed;
    if (printed.starts_with(call.printed_before)) printed.remove_prefix(call.printed_before.size());
    if (tools_.stateful && answer.fault.empty()) {
      t.before = call.before + call.code + "\n";
      t.printed_before = answer.printed;
    }
    std::string text(printed);
    if (!answer.fault.empty()) text += (text.empty() || text.back() == '\n' ? "" : "\n") + answer.fault;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::vector<int32_t> ids = encode_output(tokenizer_, "```output\n" + text);
    if (std::ssize(ids) > tools_.output_tokens) ids.resize(static_cast<size_t>(tools_.output_tokens));
    for (int32_t id : encode_output(tokenizer_, "\n```\n")) ids.push_back(id);

    Sample& s = t.sample;
    const auto begin = static_cast<int32_t>(s.completion_ids.size());
    ids.resize(std::min<size_t>(ids.size(), static_cast<size_t>(options_.max_completion_length - begin)));
    s.completion_ids.insert(s.completion_ids.end(), ids.begin(), ids.end());
    s.log_probs.resize(s.completion_ids.size());
    s.entropies.resize(s.completion_ids.size());
    add_span(s, begin, false);
    t.segment = static_cast<int32_t>(s.completion_ids.size());
    ++t.calls;
    if (t.segment == options_.max_completion_length) finish(t, "length");
  }

  // The tokens from `begin` to the end; neighbours of one kind are one span.
  static void add_span(Sample& s, int32_t begin, bool sampled) {
    const auto end = static_cast<int32_t>(s.completion_ids.size());
    if (begin == end) return;
    if (!s.spans.empty() && s.spans.back().sampled == sampled)
      s.spans.back().end = end;
    else
      s.spans.push_back({begin, end, sampled});
  }

  GenerationRequest continued(const Turns& t) const {
    const Sample& s = t.sample;
    GenerationRequest r{s.prompt_ids, s.prompt_index, 1};
    r.prompt_length = static_cast<int32_t>(s.prompt_ids.size());
    r.prompt_ids.insert(r.prompt_ids.end(), s.completion_ids.begin(), s.completion_ids.end());
    r.forks = {{static_cast<int32_t>(r.prompt_ids.size()), s.sample_index}};
    r.stops_from = r.prompt_length + t.segment;
    return r;
  }

  const Model& model_;
  const Tokenizer& tokenizer_;
  const GenerationOptions& options_;
  const ToolUse& tools_;
  const std::function<void(int64_t, int64_t)>& progress_;
  std::span<const RewardFunction> rewards_;
  int64_t tokens_ = 0, finished_ = 0;
};

}  // namespace

std::vector<Group> tool_groups(const Model& model, const Tokenizer& tokenizer, std::span<const Drawn> drawn,
                               int32_t num_generations, const GenerationOptions& options,
                               const std::function<void(int64_t, int64_t)>& progress,
                               std::span<const RewardFunction> rewards) {
  std::vector<Turns> all = ToolRollout(model, tokenizer, options, progress, rewards).run(drawn, num_generations);
  std::vector<Group> groups(drawn.size());
  for (size_t i = 0; i < all.size(); ++i)
    groups[i / static_cast<size_t>(num_generations)].samples.push_back(std::move(all[i].sample));
  return groups;
}

}  // namespace cohort
