#!/usr/bin/env python3
"""Compares what `cohort export` wrote with llama.cpp and with transformers, on a real model.

  greedy     llama.cpp loads the F32 GGUF and says the same greedy tokens as Cohort, for several prompts
  quantise   llama.cpp's own llama-quantize (llama_model_quantize) makes the same bytes of every tensor for every type
  tokens     llama.cpp cuts texts into the same tokens as Cohort's tokenizer
  logits     transformers loads the Hugging Face folder and gives Cohort's log-probs (`cohort score`)
  loss       the mean log-prob of a text and its difference from F32's, for every type, by `cohort score`

usage: tools/check_export.py --cohort build/cohort --model MODEL --work FOLDER [--llama PYTHON_PACKAGE_FOLDER --lib FOLDER]

--llama: the source folder of llama-cpp-python (its module llama_cpp is read), --lib: the folder of the built libllama.so.
Needs numpy, torch and transformers; greedy, quantise and tokens need llama.cpp.
"""
import argparse
import ctypes
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

TYPES = {"f16": 1, "bf16": 32, "q8_0": 7, "q6_k": 18, "q5_k_m": 17, "q5_1": 9, "q5_0": 8, "q4_k_m": 15, "q4_1": 3, "q4_0": 2}
PROMPTS = ["The capital of France is", "def fibonacci(n):\n", "Once upon a time, there was a", "1, 1, 2, 3, 5, 8,", "In 1969,"]
TEXTS = ["Hello, world!", " leading and trailing ", "tabs\tand\n\nnewlines\r\n", "numbers 1 23 456 7890 3.14", "I'm you're WE'LL", "h\u00e9llo w\u00f6rld \u4f60\u597d \uc548\ub155 \U0001f600\U0001f468\u200d\U0001f469",
         "def f(x):\n    return x ** 2  # squared", "a  b   c    d", "<|im_start|>user\nhi<|im_end|>\n", "\u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947"]


def cohort(args, *words):
    result = subprocess.run([args.cohort, *map(str, words)], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"cohort {' '.join(map(str, words))}: {result.stderr}")
    return result.stdout


class Llama:
    """llama.cpp through llama-cpp-python's ctypes declarations."""

    def __init__(self, package, lib):
        os.environ["LLAMA_CPP_LIB_PATH"] = lib
        import types
        stub = types.ModuleType("llama_cpp")  # the package without its __init__, which wants more than is needed here
        stub.__path__ = [str(pathlib.Path(package) / "llama_cpp")]
        sys.modules["llama_cpp"] = stub
        import llama_cpp.llama_cpp as api
        self.api = api
        api.llama_backend_init()
        self.quiet = api.llama_log_callback(lambda level, text, data: None)
        api.llama_log_set(self.quiet, None)

    def load(self, path):
        params = self.api.llama_model_default_params()
        params.n_gpu_layers = 0
        model = self.api.llama_model_load_from_file(str(path).encode(), params)
        assert model, f"llama.cpp does not load {path}"
        return model

    def tokenize(self, model, text, special=True, add=True):
        vocab = self.api.llama_model_get_vocab(model)
        data = text.encode()
        out = (ctypes.c_int32 * (len(data) + 8))()
        n = self.api.llama_tokenize(vocab, data, len(data), out, len(out), add, special)
        return list(out[:n])

    def greedy(self, model, ids, count):
        api = self.api
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_threads, params.n_threads_batch = 512, 512, 2, 2
        params.flash_attn_type = 0
        context = api.llama_init_from_model(model, params)
        vocab = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
        result, feed = [], list(ids)
        while len(result) < count:
            tokens = (ctypes.c_int32 * len(feed))(*feed)
            assert api.llama_decode(context, api.llama_batch_get_one(tokens, len(feed))) == 0
            logits = np.ctypeslib.as_array(api.llama_get_logits_ith(context, -1), shape=(vocab,))
            feed = [int(logits.argmax())]
            result += feed
        api.llama_free(context)
        return result

    def quantize(self, source, target, file_type):
        params = self.api.llama_model_quantize_default_params()
        params.ftype, params.nthread = file_type, 2
        assert self.api.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params)) == 0


def check_greedy(args, llama, f32):
    rows = args.work / "prompts.jsonl"
    rows.write_text("".join(json.dumps({"prompt": p}) + "\n" for p in PROMPTS))
    out = args.work / "greedy.jsonl"
    cohort(args, "generate", "--model", f32, "--data", rows, "--temperature", 0, "--max_completion_length", 48, "--ignore_eos", "--output", out)
    model = llama.load(f32)
    same = 0
    for line in out.read_text().splitlines():
        row = json.loads(line)
        theirs = llama.greedy(model, row["prompt_ids"], len(row["completion_ids"]))
        same += theirs == row["completion_ids"]
        if theirs != row["completion_ids"]:
            print("  differs:", row["prompt_ids"], theirs, row["completion_ids"])
    print(f"greedy: {same} of {len(PROMPTS)} prompts, 48 tokens each, are the same in llama.cpp")
    return model


def check_tokens(args, llama, model):
    rows = args.work / "texts.jsonl"
    rows.write_text("".join(json.dumps({"prompt": t, "completion": "x"}) + "\n" for t in TEXTS))
    scored = cohort(args, "score", "--model", args.work / "f32.gguf", "--data", rows)
    same = 0
    for text, line in zip(TEXTS, scored.splitlines()):
        ours, theirs = json.loads(line)["prompt_ids"], llama.tokenize(model, text)
        same += ours == theirs
        if ours != theirs:
            print("  differs:", repr(text), ours, theirs)
    print(f"tokens: {same} of {len(TEXTS)} texts are cut alike in llama.cpp")


def check_quantise(args, llama, f32):
    import gguf
    for name, file_type in TYPES.items():
        theirs = args.work / "llama.gguf"
        llama.quantize(f32, theirs, file_type)
        ours = {t.name: t for t in gguf.GGUFReader(args.work / f"{name}.gguf").tensors}
        same = types = 0
        tensors = gguf.GGUFReader(theirs).tensors
        for t in tensors:
            types += ours[t.name].tensor_type == t.tensor_type
            same += ours[t.name].tensor_type == t.tensor_type and bytes(ours[t.name].data) == bytes(t.data)
        print(f"quantise {name}: of {len(tensors)} tensors {types} have llama-quantize's type, {same} its bytes")
        theirs.unlink()


def score(args, model, rows):
    scored = [json.loads(line) for line in cohort(args, "score", "--model", model, "--data", rows).splitlines()]
    return scored


def check_logits(args):
    import torch
    import transformers
    rows = args.work / "logits.jsonl"
    rows.write_text("".join(json.dumps({"prompt": "The", "completion": t}) + "\n" for t in TEXTS))
    model = transformers.AutoModelForCausalLM.from_pretrained(args.work / "hf", dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.work / "hf")
    worst = tokens = 0
    for row in score(args, args.work / "hf", rows):
        ids = row["prompt_ids"] + row["completion_ids"]
        assert tokenizer(row["prompt"])["input_ids"] == row["prompt_ids"]
        assert tokenizer(row["completion"], add_special_tokens=False)["input_ids"] == row["completion_ids"], row["completion"]
        with torch.no_grad():
            log_probs = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
        at = len(row["prompt_ids"])
        for i, (token, ours) in enumerate(zip(row["completion_ids"], row["log_probs"])):
            worst = max(worst, abs(float(log_probs[at + i - 1, token]) - ours))
            tokens += 1
    print(f"logits: log-probs of {tokens} tokens differ from transformers' by at most {worst:.2g}")


def check_loss(args):
    text = (pathlib.Path(__file__).parent.parent / "README.md").read_text() + (pathlib.Path(__file__).parent.parent / "docs/methods.md").read_text()
    rows = args.work / "loss.jsonl"
    pieces = [text[i:i + 1500] for i in range(0, 15000, 1500)]
    rows.write_text("".join(json.dumps({"prompt": p[:40], "completion": p[40:]}) + "\n" for p in pieces))
    base = None
    for name in ["f32", *TYPES]:
        path = args.work / f"{name}.gguf"
        values = np.concatenate([r["log_probs"] for r in score(args, path, rows)])
        base = values if base is None else base
        print(f"loss {name}: {path.stat().st_size / 1e6:.1f} MB, perplexity {np.exp(-values.mean()):.3f}, mean |difference of log-prob| {np.abs(values - base).mean():.4f} "
              f"({len(values)} tokens)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cohort", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--llama")
    parser.add_argument("--lib")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    f32 = args.work / "f32.gguf"
    for name in ["f32", *TYPES]:
        source = args.model if name == "f32" else args.work / "hf"
        cohort(args, "export", "--model", source, "--to", f"gguf:{name}", "--output", args.work / f"{name}.gguf", "--overwrite")
        if name == "f32" and not (args.work / "hf").exists():
            cohort(args, "export", "--model", f32, "--to", "hf", "--output", args.work / "hf")
    if args.llama:
        llama = Llama(args.llama, args.lib)
        check_tokens(args, llama, check_greedy(args, llama, f32))
        check_quantise(args, llama, f32)
    check_logits(args)
    check_loss(args)


if __name__ == "__main__":
    main()
