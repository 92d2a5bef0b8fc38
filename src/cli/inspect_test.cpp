#include "cli/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/file_cases.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kFixtures = COHORT_SOURCE_DIR "/tests/fixtures";

// Faults: a file taken for another kind, a figure that is not the file's.
TEST(Inspect, SaysWhatFilesHold) {
  const std::string gguf = inspect(kFixtures / "gguf/llama.gguf", {true, false});
  EXPECT_THAT(gguf, HasSubstr("GGUF"));
  EXPECT_THAT(gguf,
              HasSubstr("llama, 2 layers of width 16, 4 heads of 8 (2 of keys and values), feed-forward 24"));
  EXPECT_THAT(gguf, HasSubstr("llama3 scaling by 8 beyond 8192"));
  EXPECT_THAT(gguf, HasSubstr("llama.block_count = 2"));
  EXPECT_THAT(gguf, HasSubstr("blk.1.ffn_down.weight"));
  EXPECT_THAT(gguf, HasSubstr("tokenizer   not readable"));  // this one has none

  const std::string types = inspect(kFixtures / "gguf/quantised.gguf", {});
  EXPECT_THAT(types, HasSubstr("1 Q6_K"));
  EXPECT_THAT(types, HasSubstr("a.uint64 = 9223372036854775808"));
  EXPECT_THAT(types, HasSubstr("a.strings = [\"one\", \"\", \"three\"]"));
  EXPECT_THAT(types, HasSubstr("model       not readable"));

  EXPECT_THAT(inspect(kFixtures / "gguf/qwen3", {}), HasSubstr("the embedding is the head too"));
  EXPECT_THAT(inspect(kFixtures / "gguf/qwen2/model.safetensors", {}), HasSubstr("F32"));
  EXPECT_THAT(inspect(kFixtures / "gguf/qwen2/config.json", {}), HasSubstr("qwen2, 2 layers"));
  EXPECT_THAT(inspect(kFixtures / "tokenizer/llama3/tokenizer.json", {}), HasSubstr("byte-level BPE"));
  EXPECT_THAT(inspect(kFixtures / "tokenizer/spm_bpe/tokenizer.model", {}),
              HasSubstr("BPE with byte tokens"));
  EXPECT_THAT(inspect(kFixtures / "tokenizer/unigram", {}), HasSubstr("unigram"));
  for (const char* name : {"lora/rslora", "lora/rslora/adapter_config.json"}) {
    const std::string adapter = inspect(kFixtures / name, {});
    EXPECT_THAT(adapter, HasSubstr("LoRA of rank 3, alpha 5 (rsLoRA)"));
    EXPECT_THAT(adapter, HasSubstr("on q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"));
    EXPECT_THAT(adapter, HasSubstr("base        \"../../oracles/qwen2\""));
  }
  EXPECT_THAT(inspect(kFixtures / "lora/rslora", {true, false}), HasSubstr("up_proj.lora_B.weight"));
}

std::string error_of(const fs::path& path) {
  try {
    return inspect(path, {}).insert(0, "no error: ");
  } catch (const Error& e) {
    return e.what();
  }
}

// Faults: control characters of a file on the terminal; a pickle opened; an error without advice.
TEST(Inspect, UntrustedFiles) {
  const Scratch scratch;
  fs::create_directories(scratch.path());
  const auto write = [&](const char* name, std::string_view bytes) {
    write_new_file(scratch.path() / name, bytes);
    return scratch.path() / name;
  };
  EXPECT_THAT(error_of(scratch.path()), HasSubstr("no model and no tokenizer"));
  EXPECT_THAT(error_of(scratch.path() / "nowhere"), HasSubstr("no such file"));
  EXPECT_THAT(error_of(write("a.bin", "PK\x03\x04 rest")), HasSubstr("pickled"));
  EXPECT_THAT(error_of(write("a.txt", "words")), HasSubstr("neither GGUF"));
  EXPECT_THAT(error_of(write("empty", "")), HasSubstr("neither GGUF"));
  // An adapter that is not read here still says why, and what it is.
  const std::string dora = inspect(write("adapter_config.json",
                                         "{\"peft_type\":\"LORA\",\"r\":8,\"lora_alpha\":8,\"use_dora\":true,"
                                         "\"target_modules\":[\"q_proj\"]}"),
                                   {});
  EXPECT_THAT(dora, HasSubstr("adapter     not readable: adapter_config.json: 'use_dora'"));
  EXPECT_THAT(dora, HasSubstr("r = 8"));
  const std::string header = "{\"a\\u001b[31m\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}";
  const std::string size{static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  const std::string shown = inspect(write("b.safetensors", size + header), {true, true});
  EXPECT_EQ(shown.find('\033'), std::string::npos);
  EXPECT_THAT(shown, HasSubstr("a\\u001b[31m"));
}

// Faults: a crash, or an exception other than Error, for damaged bytes.
TEST(Inspect, DamageNeverCrashes) {
  const Scratch scratch;
  fs::create_directories(scratch.path());
  for (const char* name : {"gguf/llama.gguf", "tokenizer/gpt2_kind.gguf", "gguf/qwen2/model.safetensors",
                           "tokenizer/gpt2/tokenizer.json", "tokenizer/spm_bpe/tokenizer.model",
                           "gguf/qwen3/config.json", "lora/rslora/adapter_config.json"}) {
    const std::string whole = read_file(kFixtures / name);
    const fs::path path = scratch.path() / fs::path(name).filename();
    for (uint32_t seed = 0; seed < 60; ++seed) {
      fs::remove(path);
      std::ofstream(path, std::ios::binary) << damaged(whole, seed);
      accepts([&] { inspect(path, {true, seed % 2 == 0}); });
    }
  }
}

}  // namespace
}  // namespace cohort
