// Adapters and frozen parts through the program: every method trains them, their files go in and out, and
// what does not fit is refused before step 1.
#include "methods_support.h"
#include "model/adapter_files.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::contents;
using testing::json_lines;
using testing::Methods;
using testing::Options;
using testing::Process;
using testing::run_program;
using testing::write_text;

class LoraRun : public Methods {
 protected:
  Options adapter_options(const std::string& method, const Options& changes = {}) const {
    Options o = options(method, {{"use_peft", "true"}, {"lora_target_modules", "\"all-linear\""}});
    if (o.contains("learning_rate")) o["learning_rate"] = "0.03";
    for (const auto& [name, value] : changes) o[name] = value;
    return o;
  }
  fs::path checkpoint(const std::string& run, int step) const {
    return folder_.file(run) / fmt::format("checkpoint-{}", step);
  }
  static std::string quoted(const fs::path& path) { return "\"" + path.string() + "\""; }
  // A run of a few steps whose last checkpoint holds a trained adapter.
  fs::path trained(const std::string& run) const {
    folder_.finish(run, adapter_options("sft", {{"max_steps", "5"}, {"train_batch_size", "4"}}));
    return checkpoint(run, 5);
  }
  // The log-probs that `cohort score` gives rows.jsonl.
  std::vector<float> scores(const fs::path& model) const {
    const Process::Result r =
        run_program({"score", "--model", model.string(), "--data", folder_.file("rows.jsonl").string(),
                     "--output", folder_.file("scores.jsonl").string()});
    EXPECT_EQ(r.status, 0) << r.text;
    std::vector<float> all;
    for (const nlohmann::json& row : json_lines(folder_.file("scores.jsonl")))
      for (float value : row["log_probs"]) all.push_back(value);
    return all;
  }
};

// Catches: a method that trains something else than the adapter, writes something else, or does not reach it.
TEST_F(LoraRun, EveryMethodTrainsIt) {
  for (const char* method : {"sft", "rft", "online-rft", "dpo", "ppo", "grpo", "distill", "trpo"}) {
    SCOPED_TRACE(method);
    const std::string run = method;
    folder_.finish(run, adapter_options(method, {{"max_steps", "2"}}));
    const auto files = contents(checkpoint(run, 2));
    EXPECT_TRUE(files.contains("adapter_model.safetensors") && files.contains("adapter_config.json") &&
                files.contains("tokenizer.json"));
    EXPECT_FALSE(files.contains("model.safetensors") || files.contains("config.json"));
    const Adapter adapter = load_adapter(checkpoint(run, 2), testing::tiny_config());
    for (const Parameter& p : adapter.parameters()) {
      if (!p.name.ends_with("lora_B.weight") || std::string(method) == "distill")
        continue;  // of itself: no gradient
      const float* b = adapter.flat().data + p.offset;
      EXPECT_TRUE(std::any_of(b, b + p.size(), [](float x) { return x != 0; })) << p.name;
    }
  }
}

// Catches: an adapter that cannot lead to the reward.
TEST_F(LoraRun, TheRewardRises) {
  folder_.finish("grpo", adapter_options("grpo", {{"beta", "0.01"}}));
  folder_.finish("trpo", adapter_options("trpo", {{"target_kl", "0.05"}}));
  for (const char* run : {"grpo", "trpo"}) {
    const std::vector<double> reward = metric(run, "reward");
    ASSERT_EQ(reward.size(), 60u) << run;
    EXPECT_GT(mean(reward, 50, 10), mean(reward, 0, 10) + 0.2) << run;
  }
}

// Catches: bytes that depend on the machine's settings or on a resume, for methods with other state.
TEST_F(LoraRun, BytesAreTheRecipes) {
  const Options lora{
      {"use_peft", "true"}, {"lora_r", "4"}, {"use_rslora", "true"}, {"learning_rate", "0.03"}};
  const auto with = [&](Options more) {
    more.insert(lora.begin(), lora.end());
    return more;
  };
  expect_same_bytes("ppo", with({{"num_iterations", "2"}, {"kl_coef", "0.02"}}));
  expect_same_bytes("dpo", lora);
  expect_same_bytes("online-rft", with({{"dtype", "\"bfloat16\""}, {"gradient_checkpointing", "true"}}));
  expect_same_bytes("grpo", with({{"beta", "0.02"},
                                  {"sync_ref_model", "true"},
                                  {"ref_model_mixup_alpha", "1"},
                                  {"ref_model_sync_steps", "3"}}));
  expect_same_bytes("grpo", {{"freeze_layers", "1"}, {"freeze_embeddings", "true"}});
}

// Catches: a reference that is not the start: the KL term is exactly 0 at the first step, from a new adapter
// and from one that was trained before, and above 0 later.
TEST_F(LoraRun, TheReferenceIsTheStart) {
  const fs::path start = trained("start");
  for (const Options& from :
       {Options{}, Options{{"adapter", quoted(start)}}, Options{{"model", quoted(start)}}}) {
    Options o = adapter_options("grpo", {{"beta", "0.02"}, {"max_steps", "4"}});
    for (const auto& [name, value] : from) o[name] = value;
    const std::string run = "kl-" + (from.empty() ? "new" : from.begin()->first);
    folder_.finish(run, o);
    const std::vector<double> kl = metric(run, "kl");
    ASSERT_EQ(kl.size(), 4u);
    EXPECT_EQ(kl[0], 0);
    EXPECT_GT(kl[3], 0);
  }
  // The same adapter, named in two ways.
  EXPECT_EQ(read_file(checkpoint("kl-adapter", 4) / "adapter_model.safetensors"),
            read_file(checkpoint("kl-model", 4) / "adapter_model.safetensors"));
}

// Catches: an adapter that is not the starting point it was given as.
TEST_F(LoraRun, GoesOnFromAnAdapter) {
  const fs::path start = trained("start");
  folder_.finish("same", options("sft", {{"use_peft", "true"},
                                         {"adapter", quoted(start)},
                                         {"learning_rate", "0"},
                                         {"max_steps", "1"}}));
  EXPECT_EQ(read_file(start / "adapter_model.safetensors"),
            read_file(checkpoint("same", 1) / "adapter_model.safetensors"));
  EXPECT_EQ(read_file(start / "adapter_config.json"),
            read_file(checkpoint("same", 1) / "adapter_config.json"));
}

// Catches: commands that run the base alone, and a merge that is another model.
TEST_F(LoraRun, OtherCommandsReadIt) {
  const fs::path adapter = trained("start");
  const Process::Result r =
      run_program({"merge", "--adapter", adapter.string(), "--output_dir", folder_.file("merged").string()});
  ASSERT_EQ(r.status, 0) << r.text;
  const std::vector<float> adapted = scores(adapter), merged = scores(folder_.file("merged")),
                           base = scores(folder_.file("init"));
  ASSERT_EQ(adapted.size(), merged.size());
  double change = 0;
  for (size_t i = 0; i < adapted.size(); ++i) {
    EXPECT_NEAR(adapted[i], merged[i], 1e-5);
    change += std::fabs(adapted[i] - base[i]);
  }
  EXPECT_GT(change / static_cast<double>(adapted.size()), 0.1);
  const auto greedy = [&](const fs::path& model) {
    return run_program({"generate", "--model", model.string(), "--prompt", "0+1=", "--temperature", "0",
                        "--max_completion_length", "4"})
        .text;
  };
  EXPECT_EQ(greedy(adapter), greedy(folder_.file("merged")));
  EXPECT_NE(greedy(adapter), greedy(folder_.file("init")));
  // What eval draws and judges.
  const auto judged = [&](const fs::path& model) {
    const fs::path rows = folder_.file("judged.jsonl");
    fs::remove(rows);
    const Process::Result e = run_program(
        {"eval", "--model", model.string(), "--data", folder_.file("rows.jsonl").string(), "--reward_funcs",
         "last_number", "--num_generations", "2", "--max_completion_length", "4", "--output", rows.string()});
    EXPECT_EQ(e.status, 0) << e.text;
    std::vector<std::string> completions;
    for (const nlohmann::json& row : json_lines(rows)) completions.push_back(row["completion"]);
    return completions;
  };
  const std::vector<std::string> completions = judged(adapter);
  EXPECT_EQ(completions.size(), 8u);  // two for each problem that training sets aside
  EXPECT_EQ(completions, judged(folder_.file("merged")));
  EXPECT_NE(completions, judged(folder_.file("init")));
}

// Catches: an export of the base alone, or of a tensor that the adapter missed; a folder that says nothing of
// what it holds.
TEST_F(LoraRun, ExportMergesIt) {
  const fs::path adapter = trained("start");
  const auto done = [](const std::vector<std::string>& words) {
    const Process::Result r = run_program(words);
    EXPECT_EQ(r.status, 0) << r.text;
    return r.text;
  };
  const std::string merged = folder_.file("merged").string(), gguf = folder_.file("x.gguf").string(),
                    hf = folder_.file("hf").string();
  done({"merge", "--adapter", adapter.string(), "--output_dir", merged});
  done({"export", "--model", adapter.string(), "--to", "hf", "--output", hf});
  done({"export", "--model", adapter.string(), "--to", "gguf:f32", "--output", gguf});
  EXPECT_EQ(read_file(fs::path(hf) / "model.safetensors"), read_file(fs::path(merged) / "model.safetensors"));
  EXPECT_EQ(read_file(fs::path(hf) / "tokenizer.json"), read_file(fs::path(adapter) / "tokenizer.json"));
  EXPECT_EQ(scores(gguf), scores(merged));
  const std::string held = done({"inspect", adapter.string()});
  for (const std::string& words : {std::string("LoRA of rank 16, alpha 32: counted 2 times"),
                                   folder_.file("init").string(), std::string("adapter_model.safetensors")})
    EXPECT_NE(held.find(words), std::string::npos) << words << " in " << held;
}

// Catches: a plan that counts gradients, moments and a reference of the whole model.
TEST_F(LoraRun, ThePlanKnows) {
  const auto plan = [&](const Options& o) {
    std::vector<std::string> words = folder_.train("plan", o);
    words[0] = "plan";
    const Process::Result r = run_program(words);
    EXPECT_EQ(r.status, 0) << r.text;
    return r.text;
  };
  const std::string full = plan(options("grpo", {{"beta", "0.1"}})),
                    lora = plan(adapter_options("grpo", {{"beta", "0.1"}})),
                    frozen = plan(options("grpo", {{"freeze_layers", "2"}}));
  EXPECT_EQ(full.find("trained"), std::string::npos) << full;
  EXPECT_NE(full.find("reference model"), std::string::npos) << full;
  for (const char* words : {"M trained", "adapter: weights", "reference: the base without the adapter"})
    EXPECT_NE(lora.find(words), std::string::npos) << words << " in " << lora;
  EXPECT_EQ(lora.find("reference model"), std::string::npos) << lora;
  EXPECT_NE(frozen.find("M trained"), std::string::npos) << frozen;
}

// Catches: `auto` that rounds fp32 files, and an option that nothing reads.
TEST_F(LoraRun, TheBaseIsHeldAsAsked) {
  const auto weights = [&](const std::string& dtype) {
    folder_.finish(dtype, adapter_options("sft", {{"max_steps", "3"}, {"dtype", "\"" + dtype + "\""}}));
    return contents(checkpoint(dtype, 3)).at("adapter_model.safetensors");
  };
  const std::string automatic = weights("auto");
  EXPECT_EQ(automatic, weights("float32"));
  EXPECT_NE(automatic, weights("bfloat16"));
}

// Catches: what does not fit, found out late or said without file, tensor, expectation and finding.
TEST_F(LoraRun, WhatDoesNotFitIsRefused) {
  refused(options("sft", {{"lora_r", "8"}}), {"lora_r", "use_peft true"});
  refused(options("sft", {{"adapter", "\"x\""}}), {"adapter", "use_peft true"});
  refused(options("sft", {{"dtype", "\"bfloat16\""}}), {"dtype", "use_peft true"});
  refused(adapter_options("sft", {{"dtype", "\"float16\""}}), {"dtype", "bfloat16", "float16"});
  refused(adapter_options("sft", {{"dtype", "\"q8_0\""}}), {"dtype", "rows of 48 values", "down_proj", "bfloat16"});
  refused(adapter_options("sft", {{"lora_target_modules", "[\"q_proj\", \"query\"]"}}),
          {"lora_target_modules", "q_proj", "found 'query'"});
  refused(adapter_options("sft", {{"lora_dropout", "0.05"}}), {"lora_dropout", "0.05"});
  refused(adapter_options("sft", {{"freeze_layers", "1"}}), {"freeze_layers", "use_peft"});
  refused(options("sft", {{"freeze_layers", "3"}}), {"freeze_layers", "2 layers", "found 3"});
  refused(options("trpo", {{"freeze_embeddings", "true"}}), {"freeze_embeddings", "trpo"});
  refused(adapter_options("grpo", {{"beta", "0.1"}, {"sync_ref_model", "true"}}),
          {"ref_model_mixup_alpha", "expected 1"});
  refused(adapter_options("sft", {{"adapter", "\"/no/such/adapter\""}}),
          {"/no/such/adapter", "adapter_config.json"});

  const fs::path start = trained("start");
  refused(options("sft", {{"model", quoted(start)}}), {start.string(), "use_peft", "cohort merge"});
  refused(options("sft", {{"use_peft", "true"}, {"adapter", quoted(start)}, {"lora_r", "4"}}),
          {start.string(), "lora_r 4", "lora_r 16"});
  refused(adapter_options("sft", {{"model", quoted(start)}, {"adapter", quoted(start)}}),
          {"adapter", "model is an adapter itself"});

  // Damage, one at a time.
  const auto damaged = [&](const std::function<void(const fs::path&)>& damage,
                           const std::vector<std::string>& words) {
    const fs::path copy = folder_.file("damaged");
    fs::remove_all(copy);
    fs::copy(start, copy);
    damage(copy);
    refused(adapter_options("sft", {{"adapter", quoted(copy)}}), words);
  };
  const auto config = [](const char* key, const nlohmann::json& value) {
    return [=](const fs::path& folder) {
      nlohmann::json j = nlohmann::json::parse(read_file(folder / "adapter_config.json"));
      j[key] = value;
      write_text(folder / "adapter_config.json", j.dump());
    };
  };
  const std::string q = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
  damaged(config("r", 5), {"adapter_model.safetensors", q, "expected shape (5, 32)", "found (16, 32)"});
  damaged(config("target_modules", {"q_proj"}),
          {"adapter_model.safetensors", "lora_A.weight", "not part of"});
  damaged(config("use_dora", true), {"adapter_config.json", "use_dora", "found true"});
  damaged([](const fs::path& folder) { fs::remove(folder / "adapter_model.safetensors"); },
          {"adapter_model.safetensors", "missing"});
  damaged(
      [](const fs::path& folder) {
        const std::string bytes = read_file(folder / "adapter_model.safetensors");
        write_text(folder / "adapter_model.safetensors", bytes.substr(0, bytes.size() - 4));
      },
      {"adapter_model.safetensors"});
  // A base that is gone, or is an adapter.
  for (const std::string& base : {std::string("/no/such/base"), start.string(), std::string()}) {
    config("base_model_name_or_path", base)(folder_.file("damaged"));
    const Process::Result r =
        run_program({"generate", "--model", folder_.file("damaged").string(), "--prompt", "1"});
    EXPECT_EQ(r.status, 1);
    for (const std::string& word : {std::string("adapter_config.json: 'base_model_name_or_path'"), base})
      EXPECT_NE(r.text.find(word), std::string::npos) << r.text;
  }
}

}  // namespace
}  // namespace cohort
