#include <chrono>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/chat_terminal.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "cli/sampling_options.h"
#include "rollout/engine.h"
#include "run/answer_stream.h"

namespace cohort {
namespace {

using nlohmann::ordered_json;

struct TalkSettings {
  Recipe recipe;
  std::string system;
  bool no_template = false;
};

void declare(OptionTable& t, TalkSettings& s) {
  Recipe& r = s.recipe;
  r.max_completion_length = 1024;
  r.temperature = 0.7;
  const std::chrono::year_month_day today(
      std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
  r.chat_template_date =
      fmt::format("{}-{:02}-{:02}", static_cast<int>(today.year()), static_cast<unsigned>(today.month()),
                  static_cast<unsigned>(today.day()));
  t.section("Model and conversation");
  t.add("model", &r.model,
        "a Hugging Face folder (a run's checkpoint-N is one), an adapter's, or a GGUF file")
      .shown_as("DIR|GGUF");
  add_dtype_option(t, r.dtype);
  t.add("system", &s.system, "the system message; empty: none, but what the template puts there itself")
      .shown_as("TEXT");
  add_chat_settings(t, r);
  t.add("no_template", &s.no_template,
        "for a model that was not made for chat: it goes on with the plain text so far");
  t.section("Sampling");
  add_sampler_options(t, r);
  t.section("Machine (none of these changes the result)");
  t.add("num_threads", &r.num_threads, "0: all cores").at_least(0).at_most(4096);
  t.add("kv_memory_gb", &r.kv_memory_gb, "memory of the key and value cache").above(0);
}

constexpr std::string_view kHelp =
    "  /help         this\n"
    "  /system TEXT  another system message from now on; without TEXT: shows it\n"
    "  /reset        forget the conversation\n"
    "  /retry        another answer to the last words\n"
    "  /save FILE    the conversation as a row of messages (JSONL, for SFT or score)\n"
    "  /exit         leave (also Ctrl-D)\n"
    "A line that ends with \\ goes on in the next one; // at the beginning is a / of your own. Ctrl-C stops "
    "an answer.";

struct Interrupted {};

ordered_json message(const char* role, std::string_view content) {
  ordered_json m = ordered_json::object();
  m["role"] = role;
  m["content"] = replace_invalid_utf8(content);
  return m;
}

class Chat {
 public:
  explicit Chat(const TalkSettings& s)
      : settings_(s),
        loaded_(s.recipe.model, s.recipe.dtype),
        tokenizer_(loaded_.checkpoint.tokenizer),
        format_(tokenizer_, s.recipe) {
    if (!s.no_template && tokenizer_.chat_template().empty() && s.recipe.chat_template_path.empty())
      fail(
          "chat: {}: the model has no chat template; give one as --chat_template_path FILE, or say "
          "--no_template to let it "
          "go on with plain text",
          s.recipe.model);
    if (!s.no_template) format_.check_template();
    set_system(s.system);
  }

  void run() {
    if (terminal_.interactive())
      terminal_.note(fmt::format("{} ({} parameters). /help lists the commands.", settings_.recipe.model,
                                 loaded_.model.floats()));
    while (std::optional<std::string> line = terminal_.read_line()) {
      if (line->starts_with('/') && !line->starts_with("//")) {
        if (!command(*line)) return;
        continue;
      }
      if (line->starts_with("//")) line->erase(0, 1);
      if (line->find_first_not_of(" \t\n") == std::string::npos) continue;
      messages_.push_back(message("user", *line));
      turn();
    }
  }

 private:
  void set_system(const std::string& text) {
    if (!messages_.empty() && messages_[0]["role"] == "system") messages_.erase(messages_.begin());
    if (!text.empty()) messages_.insert(messages_.begin(), message("system", text));
  }

  // False: leave.
  bool command(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const size_t begin = line.find_first_not_of(' ', space);
    const std::string rest =
        space == std::string::npos || begin == std::string::npos ? "" : line.substr(begin);
    if (name == "/exit" || name == "/quit") return false;
    if (name == "/help") {
      terminal_.note(kHelp);
    } else if (name == "/system") {
      if (!rest.empty()) set_system(rest);
      const bool has = !messages_.empty() && messages_[0]["role"] == "system";
      terminal_.note(has ? "system: " + messages_[0]["content"].get<std::string>() : "no system message");
    } else if (name == "/reset") {
      const std::string system = !messages_.empty() && messages_[0]["role"] == "system"
                                     ? messages_[0]["content"].get<std::string>()
                                     : "";
      messages_.clear();
      set_system(system);
      terminal_.note("the conversation is forgotten");
    } else if (name == "/retry") {
      if (!messages_.empty() && messages_.back()["role"] == "assistant") messages_.pop_back();
      if (messages_.empty() || messages_.back()["role"] != "user")
        terminal_.note("nothing was said yet");
      else
        turn();
    } else if (name == "/save") {
      save(rest);
    } else {
      terminal_.note(fmt::format("unknown command {}; /help lists those that there are", name));
    }
    return true;
  }

  void save(const std::string& path) {
    if (path.empty()) return terminal_.note("/save FILE: expected the name of a file");
    try {
      if (std::filesystem::exists(path) && !is_stream(path)) fail("{}: expected a new file, found one that exists", path);
      write_file(path, dump_json(ordered_json{{"messages", messages_}}) + "\n");
      terminal_.note(fmt::format("{} messages are in {}", messages_.size(), path));
    } catch (const std::exception& e) {
      terminal_.note(fmt::format("not saved: {}", e.what()));
    }
  }

  // Answers the last message. What goes wrong is told, and takes the message back.
  void turn() {
    ++turns_;
    try {
      answer();
    } catch (const Interrupted&) {  // before the first token
      terminal_.end_answer();
      messages_.pop_back();
      terminal_.note("stopped before the answer began; the last words are forgotten");
    } catch (const Error& e) {
      terminal_.end_answer();
      messages_.pop_back();
      terminal_.note(fmt::format("error: {}", e.what()));
    }
  }

  std::string prompt_text() const {
    std::string text;
    if (settings_.no_template) {
      for (const ordered_json& m : messages_) text += m["content"].get<std::string>() + "\n";
      return text;
    }
    Row row;
    row.chat = dump_json(ordered_json{{"messages", messages_}});
    format_.render(row, ChatFormat::Wanted::prompt, "the conversation");
    return row.prompt;
  }

  void answer() {
    const std::string prompt = prompt_text();
    GenerationRequest request;
    // What a template makes has its own special tokens.
    request.prompt_ids = tokenizer_.encode(prompt, settings_.no_template);
    request.prompt_index = static_cast<uint32_t>(turns_);
    GenerationOptions options = generation_options(settings_.recipe, loaded_.model.config(), tokenizer_);
    const int64_t room = loaded_.model.config().context() - std::ssize(request.prompt_ids);
    if (room < 1)
      fail("the conversation has {} tokens, and the model's context {}; /reset begins anew",
           request.prompt_ids.size(), loaded_.model.config().context());
    options.max_completion_length =
        static_cast<int32_t>(std::min<int64_t>(options.max_completion_length, room));

    AnswerStream stream([&](std::string_view text, bool thinking) { terminal_.show(text, thinking); },
                        options.stop, ends_thinking(prompt));
    std::vector<int32_t> ids;
    options.on_token = [&](size_t, size_t, int32_t token) {
      ids.push_back(token);
      if (token < tokenizer_.size()) stream.feed(shown(token));
    };
    bool interrupted = false, stopped = false;
    const auto begin = std::chrono::steady_clock::now();
    try {
      const auto done =
          generate(loaded_.model, tokenizer_, std::span(&request, 1), options, [](int64_t, int64_t) {
            if (ChatTerminal::interrupted()) throw Interrupted();
          });
      stopped = done[0][0].stopped;
    } catch (const Interrupted&) {
      if (ids.empty()) throw;
      interrupted = true;
    }
    const bool by_string = stopped && !is_end(options, ids.back());
    stream.finish(by_string);
    terminal_.end_answer();
    if (terminal_.interactive()) {
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      terminal_.note(fmt::format("[{} tokens, {:.1f} a second{}]", ids.size(),
                                 static_cast<double>(ids.size()) / seconds.count(),
                                 interrupted ? ", stopped"
                                 : stopped   ? ""
                                             : ", cut at the longest length"));
    }
    messages_.push_back(message("assistant", text_of(ids, options, by_string)));
  }

  static bool is_end(const GenerationOptions& options, int32_t token) {
    return std::find(options.end_tokens.begin(), options.end_tokens.end(), token) != options.end_tokens.end();
  }

  // A token's bytes; nothing of a special one that is no thinking tag.
  std::string_view shown(int32_t token) const {
    const std::string& bytes = tokenizer_.token_bytes(token);
    return tokenizer_.is_special(token) && bytes != "<think>" && bytes != "</think>" ? std::string_view()
                                                                                     : bytes;
  }

  // The answer as the next turn's template gets it: thinking tags stay, end tokens and stop strings go.
  std::string text_of(const std::vector<int32_t>& ids, const GenerationOptions& options,
                      bool by_string) const {
    std::string text;
    for (const int32_t id : ids)
      if (id < tokenizer_.size()) text += shown(id);
    if (by_string) {
      size_t end = text.size();
      for (const std::string& stop : options.stop) end = std::min(end, text.find(stop));
      text.resize(end);
    }
    return text;
  }

  const TalkSettings& settings_;
  const LoadedModel loaded_;
  const Tokenizer& tokenizer_;
  const ChatFormat format_;
  ChatTerminal terminal_;
  std::vector<ordered_json> messages_;
  int64_t turns_ = 0;
};

int run_chat(std::span<const std::string> arguments) {
  const TalkSettings s = read_options<TalkSettings, declare>("chat", arguments);
  require_option("chat", "model", !s.recipe.model.empty(), kModelExpected);
  use_threads(s.recipe.num_threads);
  Chat(s).run();
  return 0;
}

}  // namespace

const Command kChatCommand = {
    "chat",
    "talk to a model in the terminal",
    "cohort chat --model DIR|GGUF [--system TEXT] [--option value]...",
    "cohort chat --model model.gguf --system 'You answer in one sentence.'\n"
    "echo 'What is 12 + 30?' | cohort chat --model runs/smollm2-sums/checkpoint-100 --temperature 0",
    options_help<TalkSettings, declare>,
    run_chat};

}  // namespace cohort
