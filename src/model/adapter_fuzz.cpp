// adapter_config.json, as PEFT or anybody else wrote it, and what it asks for of a small model.
#include "base/fuzz_support.h"
#include "model/adapter_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  fuzz::accept_errors([&] {
    const AdapterConfig c = parse_adapter_config(std::string(fuzz::text_of(data, size)), "file");
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
