#!/usr/bin/env python3
"""Writes tests/fixtures/gguf: what the readers of model files are checked against. Needs PyPI's gguf, torch, transformers.

quantised.gguf   metadata of every type, and for each tensor type T random blocks "T" with the values "T.expected" that
                 gguf.quants.dequantize gives
FAMILY/          a tiny random model as transformers saves it (config.json, model.safetensors)
FAMILY.gguf      the same model as llama.cpp's converter would write it: renamed, and for llama with the query and key rows
                 of each head interleaved
smollm2_sums.json  (where SmolLM2-135M-Instruct.Q4_1.gguf is given) a checksum of each tensor of SmolLM2 under its Hugging
                 Face name: the sum over i of (2 i + 1) times the bits of value i, modulo 2^64

usage: tools/make_gguf_fixtures.py [SmolLM2-135M-Instruct.Q4_1.gguf]
"""
import json
import pathlib
import shutil
import sys

import gguf
import numpy as np
import torch
import transformers

OUT = pathlib.Path(__file__).parent.parent / "tests/fixtures/gguf"
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2],
          "Q6_K": [208]}  # where a block keeps its half-precision scales


def finite_halves(rng, n):
    bits = rng.integers(0, 1 << 16, n, dtype=np.uint16)
    bits[(bits & 0x7C00) == 0x7C00] &= 0x83FF  # infinities and NaN become subnormal
    bits[:4] = [0x0001, 0x8000, 0x03FF, 0x7BFF]  # smallest subnormal, -0, largest subnormal, largest
    return bits


def random_blocks(rng, kind):
    if kind == "F16":
        return finite_halves(rng, 64).reshape(2, 32).view(np.float16)
    if kind == "BF16":
        bits = rng.integers(0, 1 << 16, 64, dtype=np.uint16)
        bits[(bits & 0x7F80) == 0x7F80] = 0x0001
        return bits.reshape(2, 32).view(np.uint8)
    _, block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    blocks = rng.integers(0, 256, (6, block_bytes), dtype=np.uint8)
    halves = finite_halves(rng, 6 * len(SCALES[kind])).reshape(6, -1).view(np.uint8)
    for i, at in enumerate(SCALES[kind]):
        blocks[:, at:at + 2] = halves[:, 2 * i:2 * i + 2]
    return blocks.reshape(2, -1)


def write_quantised(rng):
    writer = gguf.GGUFWriter(OUT / "quantised.gguf", "none")
    writer.add_custom_alignment(64)
    writer.add_uint8("a.uint8", 200)
    writer.add_int8("a.int8", -100)
    writer.add_uint16("a.uint16", 60000)
    writer.add_int16("a.int16", -30000)
    writer.add_uint32("a.uint32", 4000000000)
    writer.add_int32("a.int32", -2000000000)
    writer.add_uint64("a.uint64", 1 << 63)
    writer.add_int64("a.int64", -(1 << 62))
    writer.add_float32("a.float32", 0.5)
    writer.add_float64("a.float64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_string("a.string", "h\u00e9llo")
    writer.add_array("a.strings", ["one", "", "three"])
    writer.add_array("a.int32s", [1, -2, 3])
    writer.add_array("a.floats", [0.5, -1.5])
    for kind in ["F16", "BF16", *SCALES]:
        blocks, qtype = random_blocks(rng, kind), gguf.GGMLQuantizationType[kind]
        writer.add_tensor(kind, blocks, raw_dtype=None if kind == "F16" else qtype)
        writer.add_tensor(kind + ".expected", gguf.quants.dequantize(blocks, qtype))
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def interleaved(rows, heads):
    """Rows t * D/2 + j of each head move to 2 j + t."""
    split = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return np.ascontiguousarray(split.swapaxes(1, 2).reshape(rows.shape))


SIZES = dict(vocab_size=12, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=16384, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8192)
FAMILIES = {
    "llama": transformers.LlamaConfig(**SIZES, head_dim=8, attention_bias=True, rms_norm_eps=1e-5,
                                      rope_parameters=LLAMA3),
    "qwen2": transformers.Qwen2Config(**SIZES, tie_word_embeddings=True),
    "qwen3": transformers.Qwen3Config(**SIZES, head_dim=8, tie_word_embeddings=True,
                                      rope_parameters=dict(rope_type="default", rope_theta=1000000.0)),
}


def write_family(name, config):
    torch.manual_seed(7)
    model = transformers.AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)

    arch = gguf.MODEL_ARCH_NAMES.keys()
    arch = next(a for a in arch if gguf.MODEL_ARCH_NAMES[a] == name)
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", name)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    head_dim = getattr(config, "head_dim", config.hidden_size // config.num_attention_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    writer.add_pad_token_id(config.pad_token_id)
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.numpy()
        if name == "llama" and ".q_proj." in key:
            values = interleaved(values, config.num_attention_heads)
        if name == "llama" and ".k_proj." in key:
            values = interleaved(values, config.num_key_value_heads)
        writer.add_tensor(names.get_name(key, try_suffixes=(".weight", ".bias")), values)
    if name == "llama":
        inverse, _ = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
        plain = 1.0 / config.rope_parameters["rope_theta"] ** (torch.arange(0, head_dim, 2).float() / head_dim)
        writer.add_tensor("rope_freqs.weight", (plain / inverse).numpy())
    finish(writer)


def write_smollm2_sums(path):
    reader = gguf.GGUFReader(path)
    heads = {"q_proj": reader.fields["llama.attention.head_count"].contents(),
             "k_proj": reader.fields["llama.attention.head_count_kv"].contents()}
    layers = reader.fields["llama.block_count"].contents()
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, layers)
    parts = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj",
             "mlp.up_proj", "mlp.down_proj", "input_layernorm", "post_attention_layernorm"]
    wanted = ["model.embed_tokens", "model.norm"] + [f"model.layers.{i}.{p}" for i in range(layers) for p in parts]
    hugging_face = {names.get_name(name) + ".weight": name + ".weight" for name in wanted}
    sums = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        name = hugging_face[tensor.name]
        part = name.split(".")[-2]
        if part in heads:  # the inverse of interleaved()
            split = values.reshape(heads[part], -1, 2, values.shape[1])
            values = split.swapaxes(1, 2).reshape(values.shape)
        bits = np.ascontiguousarray(values, dtype=np.float32).reshape(-1).view(np.uint32).astype(np.uint64)
        weights = 2 * np.arange(bits.size, dtype=np.uint64) + 1
        sums[name] = f"{int((bits * weights).sum(dtype=np.uint64)):016x}"
    (OUT / "smollm2_sums.json").write_text(json.dumps(sums, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    write_quantised(np.random.default_rng(7))
    for family, family_config in FAMILIES.items():
        write_family(family, family_config)
    if len(sys.argv) > 1:
        write_smollm2_sums(sys.argv[1])
