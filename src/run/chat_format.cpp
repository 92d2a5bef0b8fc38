#include "run/chat_format.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>

#include "base/check.h"
#include "base/file.h"
#include "template/chat_template.h"
#include "template/json.h"
#include "template/text.h"

namespace cohort {

using jinja::Dict;
using jinja::Span;
using jinja::Value;
using Messages = std::vector<Value>;

void add_chat_settings(OptionTable& t, ChatSettings& s) {
  t.add("chat_template_path", &s.chat_template_path,
        "rows of messages: a file with a chat template (Jinja2) in place of the model's own")
      .shown_as("FILE");
  t.add("chat_template_kwargs", &s.chat_template_kwargs,
        "variables for the chat template as a JSON object, as {\"enable_thinking\": false}");
  t.add("chat_template_date", &s.chat_template_date,
        "the day that a chat template is told (strftime_now), so that a run does not depend on the day it is "
        "started");
}

namespace {

int64_t seconds_of(const std::string& date) {
  int year = 0, month = 0, day = 0, end = 0;
  const bool read = std::sscanf(date.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &end) == 3;
  const std::chrono::year_month_day ymd{std::chrono::year(year),
                                        std::chrono::month(static_cast<unsigned>(month)),
                                        std::chrono::day(static_cast<unsigned>(day))};
  if (!read || static_cast<size_t>(end) != date.size() || !ymd.ok())
    fail("chat_template_date: expected a day as 2024-07-26, found \"{}\"", date);
  return std::chrono::sys_days(ymd).time_since_epoch().count() * 86400LL;
}

const Value* field(const Value& row, std::string_view name) {
  const Value* value = row.entries().find(name);
  return value && !value->is(jinja::Kind::none) ? value : nullptr;
}

bool says(const Value& message, std::string_view role) {
  const Value* found = field(message, "role");
  return found && found->is(jinja::Kind::string) && found->bytes() == role;
}

// Reasoning goes under the names that templates read, as transformers does.
Value with_reasoning(const Value& message) {
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    const Value* reasoning = field(message, name);
    if (!reasoning) continue;
    Dict all = message.entries();
    if (!all.find("thinking")) all.set(Value::text("thinking"), *reasoning);
    all.set(Value::text("reasoning_content"), *reasoning);
    return Value::dict(std::move(all));
  }
  return message;
}

Messages list(const Value& row, std::string_view name) {
  const Value* found = field(row, name);
  Messages messages;
  if (found && found->is(jinja::Kind::list))
    for (const Value& message : found->items()) messages.push_back(with_reasoning(message));
  return messages;
}

Messages joined(const Messages& a, const Messages& b) {
  Messages all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

std::string excerpt(const std::string& text, size_t at) {
  while (at > 0 && (text[std::min(at, text.size() - 1)] & 0xC0) == 0x80) --at;
  size_t end = std::min(text.size(), at + 40);
  while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
  return at >= text.size() ? "the end" : jinja::repr(Value::text(text.substr(at, end - at)));
}

}  // namespace

struct ChatFormat::Impl {
  const ChatTemplate& chat_template(const std::string& place) const {
    std::call_once(once, [&] { compile(place); });
    return *compiled;
  }

  void compile(const std::string& place) const {
    if (source.empty())
      fail(
          "{}: the row holds messages, and the model has no chat template; give one as chat_template_path, "
          "or say "
          "with prompt_prefix and prompt_suffix what stands around the user's words",
          place);
    compiled = std::make_unique<ChatTemplate>(source, name);
  }

  ChatTemplate::Rendered render(const Messages& messages, const Value& row, bool generation_prompt,
                                const std::string& place) const {
    Dict context;
    const auto set = [&](std::string_view key, Value value) {
      context.set(Value::text(std::string(key)), std::move(value));
    };
    for (const auto& [key, text] : special_tokens) set(key, Value::text(text));
    for (const auto& [key, value] : kwargs.entries().items()) context.set(key, value);
    if (const Value* own = field(row, "chat_template_kwargs"); own && own->is(jinja::Kind::dict))
      for (const auto& [key, value] : own->entries().items()) context.set(key, value);
    set("messages", Value::list(messages));
    const Value* tools = field(row, "tools");
    set("tools", !tools ? Value()
                 : tools->is(jinja::Kind::string)
                     ? jinja::read_json(tools->bytes())  // some files hold them as text
                     : *tools);
    if (!context.find("documents")) set("documents", Value());
    set("add_generation_prompt", Value::boolean(generation_prompt));
    const ChatTemplate& chat = chat_template(place);
    try {
      return chat.render(Value::dict(std::move(context)), {.now = now});
    } catch (const Error& e) {
      fail("{}: {}", place, e.what());
    }
  }

  // Where `text` must begin with `beginning`; says where it does not.
  void check_prefix(const std::string& beginning, const std::string& text, size_t messages,
                    const std::string& place) const {
    if (text.starts_with(beginning)) return;
    const auto differs = std::mismatch(beginning.begin(), beginning.end(), text.begin(), text.end()).first;
    const auto at = static_cast<size_t>(differs - beginning.begin());
    fail(
        "{}: {}: the first {} messages are rendered otherwise when more follow, from byte {} on: {} alone, "
        "{} with "
        "what follows; so the assistant's words cannot be told from the rest. Expected a template that marks "
        "them "
        "with {{% generation %}} (chat_template_path), or rows that end where this shows",
        place, name, messages, at, excerpt(beginning, at), excerpt(text, at));
  }

  // Of a whole conversation, where the assistant's messages from `first` on stand in its text.
  std::vector<Span> spoken(const Messages& messages, size_t first, const ChatTemplate::Rendered& whole,
                           const Value& row, const std::string& place) const {
    std::vector<Span> spans;
    if (compiled->has_generation()) {
      if (whole.generation_lost)
        fail(
            "{}: {}: a {{% generation %}} block inside a macro, a filter or a set block, where its place in "
            "the text "
            "cannot be told",
            place, name);
      size_t before = 0;
      if (first > 0) {
        before = render(Messages(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(first)),
                        row, false, place)
                     .generation.size();
      }
      for (size_t i = before; i < whole.generation.size(); ++i) spans.push_back(whole.generation[i]);
    } else {
      for (size_t i = first; i < messages.size(); ++i) {
        if (!says(messages[i], "assistant")) continue;
        const auto head = [&](size_t n) {
          return Messages(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(n));
        };
        const std::string before = render(head(i), row, true, place).text;
        const std::string after = render(head(i + 1), row, false, place).text;
        check_prefix(before, after, i, place);
        check_prefix(after, whole.text, i + 1, place);
        spans.push_back({before.size(), after.size()});
      }
    }
    std::vector<Span> merged;
    for (const Span& span : spans) {
      if (span.begin >= span.end) continue;
      if (!merged.empty() && span.begin <= merged.back().end)
        merged.back().end = std::max(span.end, merged.back().end);
      else
        merged.push_back(span);
    }
    if (merged.empty()) fail("{}: the assistant says nothing that could be trained on", place);
    return merged;
  }

  void prompt(Row& row, const Value& given, const std::string& place) const {
    Messages messages = list(given, "prompt");
    if (messages.empty()) {  // of a whole conversation, what its last answer answers
      messages = list(given, "messages");
      if (!messages.empty() && says(messages.back(), "assistant")) messages.pop_back();
    }
    if (messages.empty()) fail("{}: expected messages that ask for an answer, found none", place);
    if (says(messages.back(), "assistant"))
      fail("{}: the prompt's last message is the assistant's, expected one that asks for an answer", place);
    row.prompt = render(messages, given, true, place).text;
  }

  void completion(Row& row, const Value& given, const std::string& place) const {
    const Messages before = list(given, "prompt");
    const Messages messages =
        before.empty() ? list(given, "messages") : joined(before, list(given, "completion"));
    const ChatTemplate::Rendered whole = render(messages, given, false, place);
    const std::vector<Span> spans = spoken(messages, before.size(), whole, given, place);
    row.prompt = whole.text.substr(0, spans[0].begin);
    row.completion = whole.text.substr(spans[0].begin, spans.back().end - spans[0].begin);
    row.turns.clear();
    for (size_t i = 0; i < spans.size(); ++i) {
      if (i > 0) row.turns.push_back(whole.text.substr(spans[i - 1].end, spans[i].begin - spans[i - 1].end));
      row.turns.push_back(whole.text.substr(spans[i].begin, spans[i].end - spans[i].begin));
    }
  }

  void pair(Row& row, const Value& given, const std::string& place) const {
    Messages before = list(given, "prompt"), sides[2] = {list(given, "chosen"), list(given, "rejected")};
    if (before.empty()) {  // both begin with the prompt
      size_t n = 0;
      while (n + 1 < std::min(sides[0].size(), sides[1].size()) && equal(sides[0][n], sides[1][n])) ++n;
      before.assign(sides[0].begin(), sides[0].begin() + static_cast<std::ptrdiff_t>(n));
      for (Messages& side : sides) side.erase(side.begin(), side.begin() + static_cast<std::ptrdiff_t>(n));
    }
    if (before.empty()) fail("{}: expected a prompt that chosen and rejected answer, found none", place);
    row.prompt = render(before, given, true, place).text;
    row.turns.clear();
    for (const Messages& side : sides) {
      const std::string whole = render(joined(before, side), given, false, place).text;
      check_prefix(row.prompt, whole, before.size(), place);
      row.turns.push_back(whole.substr(row.prompt.size()));
    }
  }

  std::string source, name;
  std::vector<std::pair<std::string, std::string>> special_tokens;
  Value kwargs = Value::dict({});
  int64_t now = 0;
  mutable std::once_flag once;
  mutable std::unique_ptr<ChatTemplate> compiled;
};

ChatFormat::ChatFormat(const Tokenizer& tokenizer, const ChatSettings& settings)
    : impl_(std::make_unique<Impl>()) {
  impl_->name =
      settings.chat_template_path.empty() ? "the model's chat template" : settings.chat_template_path;
  impl_->source = settings.chat_template_path.empty() ? tokenizer.chat_template()
                                                      : read_file(settings.chat_template_path);
  impl_->now = seconds_of(settings.chat_template_date);
  if (!settings.chat_template_kwargs.empty()) {
    try {
      impl_->kwargs = jinja::read_json(settings.chat_template_kwargs);
    } catch (const Error& e) {
      fail("chat_template_kwargs: {}", e.what());
    }
    if (!impl_->kwargs.is(jinja::Kind::dict))
      fail("chat_template_kwargs: expected a JSON object, found {}", type_name(impl_->kwargs));
  }
  for (const auto& [key, id] : {std::pair{"bos_token", tokenizer.bos_token_id()},
                                {"eos_token", tokenizer.eos_token_id()},
                                {"pad_token", tokenizer.pad_token_id()}})
    if (id >= 0) impl_->special_tokens.emplace_back(key, tokenizer.token(id));
  for (const auto& [key, text] : tokenizer.named_tokens()) impl_->special_tokens.emplace_back(key, text);
}

ChatFormat::~ChatFormat() = default;

void ChatFormat::check_template() const { impl_->chat_template(impl_->name); }

void ChatFormat::render(Row& row, Wanted wanted, const std::string& place) const {
  if (row.chat.empty()) return;
  const Value given = jinja::read_json(row.chat);
  if (wanted == Wanted::prompt)
    impl_->prompt(row, given, place);
  else if (wanted == Wanted::completion)
    impl_->completion(row, given, place);
  else
    impl_->pair(row, given, place);
  row.rendered = true;
  row.chat.clear();
}

}  // namespace cohort
