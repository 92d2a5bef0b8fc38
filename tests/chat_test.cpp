// cohort chat through the program itself, with standard input as a pipe.
#include <signal.h>
#include <sys/wait.h>

#include "cli/random_model.h"
#include "model/adapter_files.h"
#include "run_support.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTemplate =
    "{% for m in messages %}{{ '[' + m.role[0] + ']' + m.content + '|' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '[a]' }}{% endif %}";

// Thinking that an answer does not close is closed where it is shown.
std::string without_tags(std::string text) {
  for (const std::string tag : {"<think>", "</think>"})
    for (size_t at; (at = text.find(tag)) != text.npos;) text.erase(at, tag.size());
  return text;
}

class Chat : public ::testing::Test {
 protected:
  void SetUp() override {
    RandomModelShape shape;
    shape.hidden_size = 32;
    shape.intermediate_size = 48;
    shape.num_hidden_layers = 1;
    shape.num_attention_heads = 2;
    shape.max_position_embeddings = 200000;
    write_random_model(model(), shape, "abcdefghijklmnopqrstuvwxyz []|/?0123456789\n", 1);
    speaker_ = model();
  }
  void add_template() { testing::write_text(model() / "chat_template.jinja", kTemplate); }
  fs::path model() const { return folder_.path() / "model"; }
  std::string file(const char* name) const { return (folder_.path() / name).string(); }

  // A chat that reads from a pipe.
  struct Running {
    pid_t pid;
    int input;
  };
  Running start(std::vector<std::string> options) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    std::vector<std::string> words{COHORT_BINARY, "chat", "--model", speaker_.string(), "--num_threads", "1"};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(ends[0], 0);
      close(ends[0]);
      close(ends[1]);
      for (const auto& [name, fd] : {std::pair{"out", 1}, {"err", 2}})
        dup2(open(file(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), fd);
      execv(pointers[0], pointers.data());
      _exit(127);
    }
    close(ends[0]);
    return {pid, ends[1]};
  }
  static void say(const Running& chat, std::string_view text) {
    EXPECT_EQ(write(chat.input, text.data(), text.size()), std::ssize(text));
  }
  static int finish(const Running& chat) {
    close(chat.input);
    int status = 0;
    waitpid(chat.pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int run(std::string_view input, std::vector<std::string> options) {
    const Running chat = start(std::move(options));
    say(chat, input);
    return finish(chat);
  }
  std::string out() const { return read_file(file("out")); }
  std::string err() const { return read_file(file("err")); }

  testing::TempFolder folder_;
  fs::path speaker_;  // which model talks
};

// Faults: terminal codes in a pipe, an answer that is not the one kept, a history that loses or doubles a
// message, a system message in the wrong place, another answer from the same seed.
TEST_F(Chat, KeepsTheConversation) {
  add_template();
  const std::string input = "hello\nand\\\nmore\n/save " + file("saved") + "\n";
  const std::vector<std::string> options{
      "--system", "be brief", "--max_completion_length", "12", "--ignore_eos", "--seed", "4"};
  ASSERT_EQ(run(input, options), 0) << err();
  const std::string first = out();
  EXPECT_EQ(first.find('\033'), std::string::npos);
  const auto messages = testing::json_lines(file("saved")).at(0)["messages"];
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[0], (nlohmann::json{{"role", "system"}, {"content", "be brief"}}));
  EXPECT_EQ(messages[1]["content"], "hello");
  EXPECT_EQ(messages[3]["content"], "and\nmore");
  EXPECT_EQ(messages[4]["role"], "assistant");
  const auto shown = [&](int i) {
    const std::string text = messages[i]["content"];
    return text + (text.ends_with('\n') ? "" : "\n");
  };
  EXPECT_EQ(without_tags(first), without_tags(shown(2) + shown(4)));
  fs::remove(file("saved"));
  ASSERT_EQ(run(input, options), 0);
  EXPECT_EQ(out(), first);
}

// Faults: a command taken for words or words for a command; a reset that keeps something.
TEST_F(Chat, Commands) {
  add_template();
  ASSERT_EQ(run("/help\n/nonsense\n/retry\nhello\n/reset\n/system be kind\n//slash\n/retry\n/save " +
                    file("saved") + "\n/exit\nnever\n",
                {"--max_completion_length", "3", "--ignore_eos"}),
            0);
  EXPECT_NE(err().find("/save FILE"), std::string::npos);
  EXPECT_NE(err().find("unknown command /nonsense"), std::string::npos);
  EXPECT_NE(err().find("nothing was said yet"), std::string::npos);
  const auto messages = testing::json_lines(file("saved")).at(0)["messages"];
  ASSERT_EQ(messages.size(), 3u) << messages;
  EXPECT_EQ(messages[0]["content"], "be kind");
  EXPECT_EQ(messages[1]["content"], "/slash");
}

// Faults: a Ctrl-C that ends the program, or does not end the answer.
TEST_F(Chat, CtrlCStopsTheAnswerOnly) {
  add_template();
  const Running chat = start({"--max_completion_length", "100000", "--ignore_eos"});
  say(chat, "hello\n");
  for (int i = 0; i < 600 && (!fs::exists(file("out")) || fs::file_size(file("out")) < 20); ++i)
    usleep(100000);
  ASSERT_EQ(kill(chat.pid, SIGINT), 0);
  say(chat, "/save " + file("saved") + "\n");
  EXPECT_EQ(finish(chat), 0) << err();
  const auto messages = testing::json_lines(file("saved")).at(0)["messages"];
  ASSERT_EQ(messages.size(), 2u);
  const std::string answer = messages[1]["content"];
  EXPECT_GE(answer.size(), 15u);
  EXPECT_LT(answer.size(), 90000u);
}

// Faults: a model that was not made for chat answered silently, with made-up tags around the words.
TEST_F(Chat, WithoutATemplate) {
  EXPECT_EQ(run("hello\n", {}), 1);
  EXPECT_NE(err().find("--no_template"), std::string::npos) << err();
  EXPECT_EQ(run("hello\n", {"--no_template", "--max_completion_length", "4"}), 0) << err();
}

// Faults: a template that cannot be read told anew for each message, and an exit as if all had gone well.
TEST_F(Chat, ATemplateThatDoesNotParse) {
  testing::write_text(model() / "chat_template.jinja", "{% for %}");
  EXPECT_EQ(run("hello\nmore\n", {}), 1);
  const std::string told = err();
  EXPECT_NE(told.find("line 1: "), std::string::npos) << told;
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
}

// Faults: answers that a full disk swallows, and an exit as if all had gone well.
TEST_F(Chat, AFullDiskEndsIt) {
  add_template();
  fs::create_symlink("/dev/full", file("out"));
  EXPECT_EQ(run("hello\nmore\n", {"--max_completion_length", "4", "--ignore_eos"}), 1);
  EXPECT_NE(err().find("standard output cannot be written"), std::string::npos) << err();
}

// Faults: the base that talks where an adapter should.
TEST_F(Chat, AnAdapterTalks) {
  add_template();
  const Checkpoint base = load_checkpoint(model());
  Buffer weights = initial_lora(base.config, {}, 1);
  for (int64_t i = 0; i < weights.size(); ++i)
    weights.data()[i] = static_cast<float>(i * 37 % 17 - 8) * 0.05f;
  save_adapter(file("adapter"), Adapter(base.config, {}, std::move(weights)), model().string(),
               base.tokenizer);
  ASSERT_EQ(
      testing::run_program({"merge", "--adapter", file("adapter"), "--output_dir", file("merged")}).status,
      0);
  std::map<std::string, std::string> said;
  for (const char* name : {"model", "adapter", "merged"}) {
    speaker_ = file(name);
    EXPECT_EQ(run("hello\n", {"--max_completion_length", "20", "--ignore_eos", "--temperature", "0"}), 0)
        << err();
    said[name] = out();
  }
  EXPECT_EQ(said["adapter"], said["merged"]);
  EXPECT_NE(said["adapter"], said["model"]);
}

// Faults: a message that cannot be tokenised, or that the template refuses, ends the conversation or stays in
// it.
TEST_F(Chat, ErrorsTakeTheMessageBack) {
  add_template();
  ASSERT_EQ(
      run("HELLO\nhello\n/save " + file("saved") + "\n", {"--max_completion_length", "3", "--ignore_eos"}),
      0);
  EXPECT_NE(err().find("no token for"), std::string::npos) << err();
  const auto messages = testing::json_lines(file("saved")).at(0)["messages"];
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0]["content"], "hello");
}

// Faults: a file that was there written over, or advice that a chat cannot follow.
TEST_F(Chat, SavesToANewFile) {
  add_template();
  testing::write_text(file("saved"), "mine");
  ASSERT_EQ(run("/save " + file("saved") + "\n", {}), 0);
  EXPECT_NE(err().find("expected a new file, found one that exists\n"), std::string::npos) << err();
  EXPECT_EQ(read_file(file("saved")), "mine");
}

}  // namespace
}  // namespace cohort
