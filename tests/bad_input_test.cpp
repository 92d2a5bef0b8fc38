// Bad input through the program itself: one clear line, status 1, nothing made and nothing changed. Each case
// names the words that the line must hold: where, what was expected, what was found.
#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "run_support.h"
#include "tensor/file_cases.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::contents;
using testing::fault;
using testing::Options;
using testing::Process;
using testing::run_program;
using testing::write_text;

using Words = std::vector<std::string>;

class BadInput : public ::testing::Test {
 protected:
  // The program is refused with these words, and no file of the folder changes but the recipe that is written
  // here.
  void refused(const Words& arguments, const Words& expected) {
    const auto before = contents(folder_.path());
    const Process::Result r = run_program(arguments);
    EXPECT_EQ(r.status, 1) << r.text;
    const size_t at = r.text.find("error: ");
    ASSERT_NE(at, std::string::npos) << r.text;
    EXPECT_TRUE(at == 0 || r.text[at - 1] == '\n') << r.text;
    EXPECT_EQ(r.text.find("error: ", at + 1), std::string::npos) << r.text;
    const std::string message = r.text.substr(at);
    for (const std::string& word : expected)
      EXPECT_NE(message.find(word), std::string::npos) << word << " is not in: " << message;
    const auto after = contents(folder_.path());
    for (const auto& [name, bytes] : after)
      EXPECT_TRUE(before.contains(name) && before.at(name) == bytes) << name << " was made or changed";
    EXPECT_EQ(before.size(), after.size());
  }
  void train_refused(const Options& changes, const Words& expected, Words more = {}) {
    Words arguments = folder_.train("run", folder_.options(changes));
    arguments.insert(arguments.end(), more.begin(), more.end());
    refused(arguments, expected);
  }
  static std::string quoted(const fs::path& path) { return "\"" + path.string() + "\""; }
  std::string init(const char* name) const { return (folder_.file("init") / name).string(); }

  // The model's weights with another header or other values.
  void edit_weights(const std::function<void(nlohmann::json&, std::string&)>& edit) {
    const std::string bytes = read_file(init("model.safetensors"));
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    nlohmann::json header = nlohmann::json::parse(bytes.substr(8, length));
    std::string data = bytes.substr(8 + length);
    edit(header, data);
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    length = text.size();
    write_text(init("model.safetensors"),
               std::string(reinterpret_cast<const char*>(&length), 8) + text + data);
  }

  testing::RunFolder folder_;
};

// Catches: refusals that come from something else than the damage: undamaged, the same recipe trains.
TEST_F(BadInput, UndamagedItRuns) { folder_.finish("run", folder_.options({{"max_steps", "1"}})); }

TEST_F(BadInput, Model) {
  train_refused({{"model", "\"/no/such/model\""}}, {"/no/such/model"});
  train_refused({{"model", quoted(folder_.path())}}, {"config.json"});
  refused({"generate", "--model", "/no/such/model", "--prompt", "1+1="}, {"/no/such/model"});
}

// Catches: a file that is mapped and read beyond its end.
TEST_F(BadInput, TruncatedSafetensors) {
  const std::string bytes = read_file(init("model.safetensors"));
  for (size_t size : {size_t{0}, size_t{5}, size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
    write_text(init("model.safetensors"), bytes.substr(0, size));
    train_refused({}, {"model.safetensors"});
  }
}

// Catches: tensors that are taken by size instead of shape.
TEST_F(BadInput, TensorOfWrongShape) {
  edit_weights([](nlohmann::json& header, std::string&) {
    auto& shape = header["model.layers.1.mlp.down_proj.weight"]["shape"];
    std::swap(shape[0], shape[1]);
  });
  train_refused({}, {"model.safetensors", "model.layers.1.mlp.down_proj.weight", "48", "32"});
}

TEST_F(BadInput, MissingTensor) {
  edit_weights([](nlohmann::json& header, std::string&) {
    header["model.layers.1.mlp.other.weight"] = header["model.layers.1.mlp.down_proj.weight"];
    header.erase("model.layers.1.mlp.down_proj.weight");
  });
  train_refused({}, {"init", "model.layers.1.mlp.down_proj.weight", "missing"});
}

// Catches: weights that turn every later number into NaN.
TEST_F(BadInput, NaNWeight) {
  edit_weights([](nlohmann::json& header, std::string& data) {
    const int64_t begin = header["model.layers.0.self_attn.q_proj.weight"]["data_offsets"][0];
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(data.data() + begin + 4 * 37, &nan, 4);
  });
  train_refused({}, {"model.safetensors", "model.layers.0.self_attn.q_proj.weight", "nan"});
}

// Catches: counts and offsets of a GGUF that are believed.
TEST_F(BadInput, LyingGguf) {
  write_text(folder_.file("short.gguf"), "GGUF\x03");
  train_refused({{"model", quoted(folder_.file("short.gguf"))}}, {"short.gguf"});
  std::string huge("GGUF\x03\0\0\0", 8);
  huge += std::string(7, '\xff') + '\x7f' + std::string(7, '\xff') + '\x7f';
  write_text(folder_.file("huge.gguf"), huge);
  train_refused({{"model", quoted(folder_.file("huge.gguf"))}}, {"huge.gguf"});
}

// Catches: external cases that the readers refuse but the program crashes on. All of them are refused here:
// the accepted ones hold no model.
TEST_F(BadInput, ExternalCases) {
  const std::vector<FileCase> ggufs = file_cases("gguf_files.jsonl"),
                              tensors = file_cases("safetensors_files.jsonl");
  if (ggufs.empty() && tensors.empty()) GTEST_SKIP() << "../shared/cases is not there";
  for (const FileCase& c : ggufs) {
    SCOPED_TRACE(c.name);
    write_text(folder_.file("case.gguf"), c.bytes);
    refused({"generate", "--model", folder_.file("case.gguf").string(), "--prompt", "1"}, {"case.gguf"});
  }
  for (const FileCase& c : tensors) {
    SCOPED_TRACE(c.name);
    write_text(init("model.safetensors"), c.bytes);
    refused({"generate", "--model", folder_.file("init").string(), "--prompt", "1"}, {"init"});
  }
}

// Catches: rows that are skipped in silence, and errors without the line.
TEST_F(BadInput, Data) {
  const fs::path rows = folder_.file("bad.jsonl");
  const Options o{{"data", quoted(rows)}};
  train_refused(o, {"bad.jsonl"});  // not there
  write_text(rows, "");
  train_refused(o, {"bad.jsonl"});
  write_text(rows, "{\"prompt\": \"1+1=\", \"answer\": \"2\"}\n\n{\"prompt\": \"1+2=\", \n");
  train_refused(o, {"bad.jsonl:3", "not JSON"});
  write_text(rows, "{\"prompt\": \"1+1=\", \"answer\": \"2\"}\n[1]\n");
  train_refused(o, {"bad.jsonl:2", "expected a JSON object", "array"});
  write_text(rows, "{\"question\": \"1+1=\"}\n");
  train_refused(o, {"bad.jsonl:1", "\"prompt\"", "question"});
  write_text(rows, "{\"prompt\": \"1+\xff\"}\n");
  train_refused(o, {"bad.jsonl:1", "UTF-8"});
  write_text(rows, "{\"prompt_ids\": [1, 99], \"answer\": \"2\"}\n");
  train_refused(o, {"bad.jsonl:1", "99", "vocabulary"});
}

TEST_F(BadInput, Recipe) {
  train_refused({{"num_generation", "4"}}, {"run.toml", "num_generation", "did you mean num_generations"});
  train_refused({}, {"command line", "learning_rat;", "did you mean learning_rate"},
                {"--learning_rat", "0.1"});
  train_refused({{"temperature", "\"hot\""}}, {"run.toml", "temperature", "hot"});
  train_refused({{"temperature", "0.0"}}, {"temperature", "above 0"});
  train_refused({{"max_steps", "= 3"}}, {"run.toml", "TOML"});
  train_refused({{"reward_funcs", "[\"last_numbr\"]"}}, {"last_numbr", "last_number"});
  train_refused({{"top_p", "0.9"}}, {"top_p", "on-policy", "expected top_p 1"});
  train_refused({{"top_k", "5"}}, {"top_k", "on-policy"});
  train_refused({{"train_batch_size", "6"}}, {"train_batch_size", "6", "num_generations", "4"});
  train_refused({{"load_best_model_at_end", "true"}, {"save_steps", "4"}, {"steps_per_generation", "3"}},
                {"load_best_model_at_end", "eval_steps", "3"});
  refused({"trian"}, {"trian", "did you mean train"});
  refused({"train", "/no/such/recipe.toml"}, {"/no/such/recipe.toml"});
}

// Catches: positions beyond those that the model was made for.
TEST_F(BadInput, LongerThanTheContext) {
  write_text(folder_.file("long.jsonl"),
             "{\"prompt\": \"1+1=\"}\n{\"prompt\": \"" + std::string(70, '1') + "=\"}\n");
  train_refused({{"data", quoted(folder_.file("long.jsonl"))}, {"holdout_fraction", "0.0"}},
                {"long.jsonl:2", "71", "context", "64"});
  train_refused({{"max_completion_length", "62"}}, {"rows.jsonl:", "62", "context", "64"});
  train_refused({{"max_prompt_length", "3"}}, {"rows.jsonl:", "max_prompt_length", "3"});
  refused({"generate", "--model", folder_.file("init").string(), "--prompt",
           "1+1=", "--max_completion_length", "100"},
          {"100", "context", "64"});
}

// Catches: a run that dies of memory, while it reads weights or after hours, instead of being refused; and
// advice that is not given.
TEST_F(BadInput, MemoryLimit) {
  train_refused({{"memory_limit_gb", "0.0001"}}, {"GB", "micro_batch_tokens", "max_completion_length"});
  train_refused({{"kv_memory_gb", "0.0000001"}},
                {"kv_memory_gb", "key/value cache", "max_completion_length"});
  write_text(init("model.safetensors"), "");  // the refusal comes before the weights are read
  train_refused({{"memory_limit_gb", "0.0001"}}, {"GB", "micro_batch_tokens"});
}

// Catches: a second run over the first.
TEST_F(BadInput, OutputHoldsARun) {
  folder_.finish("run", folder_.options({{"max_steps", "1"}}));
  train_refused({{"max_steps", "1"}}, {"run", "--resume", "--output_dir"});
}

// Catches: a failing disk that is noticed late, or leaves a folder that looks like a run.
TEST_F(BadInput, Output) {
  write_text(folder_.file("file"), "x");
  train_refused({}, {"file/run"}, {"--output_dir", (folder_.file("file") / "run").string()});
  Words arguments = folder_.train("run", folder_.options());
  arguments.insert(arguments.end(), {"--output_dir", "/proc/cohort-run"});
  refused(arguments, {"/proc/cohort-run"});
  // The disk is full from the start: no run is left behind that a second try would refuse.
  const Process::Result full =
      run_program(folder_.train("run", folder_.options()), fault(folder_.file("run"), 2, "FULL"));
  EXPECT_EQ(full.status, 1) << full.text;
  EXPECT_NE(full.text.find("No space left on device"), std::string::npos) << full.text;
  folder_.finish("run", folder_.options({{"max_steps", "1"}}));
}

}  // namespace
}  // namespace cohort
