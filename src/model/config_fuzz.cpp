// What says what a model is: config.json, generation_config.json, adapter_config.json and a GGUF file's metadata.
#include "base/fuzz_support.h"
#include "model/adapter_config.h"
#include "model/config_json.h"
#include "tensor/gguf.h"

namespace {

using namespace cohort;

// What a model's constructor makes of it, and what is written of it again.
void use(const ModelConfig& config, const std::string& original) {
  rope_frequencies(config.head_dim, config.rope_theta, config.rope_scaling);
  parse_config(config_json(config, original), "written again");
  parse_config(config_json(config, ""), "written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(fuzz::text_of(data, size));
  if (text.starts_with("GGUF")) {
    const fuzz::MemoryFile file(text);
    fuzz::accept_errors([&] { use(gguf_config(GgufFile(file.path())), ""); });
    return 0;
  }
  fuzz::accept_errors([&] {
    ModelConfig config = parse_config(text, "file");
    merge_generation_config(&config, text, "file");
    use(config, text);
  });
  fuzz::accept_errors([&] {
    ModelConfig config;
    merge_generation_config(&config, text, "file");
  });
  fuzz::accept_errors([&] {
    const AdapterConfig c = parse_adapter_config(text, "file");
    ModelConfig model;
    model.num_hidden_layers = 1;
    model.hidden_size = model.intermediate_size = 16;
    model.num_attention_heads = model.num_key_value_heads = 2;
    model.head_dim = 8;
    lora_parameters(model, c.lora);
    c.lora.scale();
  });
  return 0;
}
