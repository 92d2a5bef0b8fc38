#!/usr/bin/env python3
"""Times one sequence's decoding beside llama.cpp: tokens per second after a short prompt, the likeliest token each time.

usage: tools/peer_decode.py --cohort build/cohort --llama PYTHON_PACKAGE_FOLDER --lib FOLDER [--threads 2] [--rounds 5] FILE.gguf ...
Each program in turn, several rounds, the best of each: ours is the time of LONG tokens less that of SHORT ones (start-up and prompt
fall out), llama.cpp's is its decode loop alone. Both read the same GGUF file, ours as --dtype says: auto, and float32 beside it.
--llama and --lib as in tools/check_export.py, whose loader this uses. Needs numpy.
"""
import argparse
import ctypes
import subprocess
import sys
import time

import numpy as np

from check_export import Llama

PROMPT = "Once upon a time there was a"
SHORT, LONG = 16, 272


def ours(args, path, dtype):
    def run(count):
        begin = time.perf_counter()
        subprocess.run([args.cohort, "generate", "--model", path, "--prompt", PROMPT, "--temperature", "0", "--ignore_eos", "--dtype", dtype,
                        "--num_threads", str(args.threads), "--max_completion_length", str(count)], check=True, capture_output=True)
        return time.perf_counter() - begin
    return (LONG - SHORT) / (run(LONG) - run(SHORT))


def theirs(args, llama, model):
    api = llama.api
    params = api.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_threads, params.n_threads_batch = 512, 512, args.threads, args.threads
    context = api.llama_init_from_model(model, params)
    vocab = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
    feed = llama.tokenize(model, PROMPT)
    for count in range(LONG):
        if count == SHORT:
            begin = time.perf_counter()
        tokens = (ctypes.c_int32 * len(feed))(*feed)
        assert api.llama_decode(context, api.llama_batch_get_one(tokens, len(feed))) == 0
        feed = [int(np.ctypeslib.as_array(api.llama_get_logits_ith(context, -1), shape=(vocab,)).argmax())]
    taken = time.perf_counter() - begin
    api.llama_free(context)
    return (LONG - SHORT) / taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohort", required=True)
    parser.add_argument("--llama", required=True)
    parser.add_argument("--lib", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    llama = Llama(args.llama, args.lib)
    for path in args.files:
        model = llama.load(path)
        best = dict(auto=0, float32=0, theirs=0)
        for _ in range(args.rounds):
            best["auto"] = max(best["auto"], ours(args, path, "auto"))
            best["float32"] = max(best["float32"], ours(args, path, "float32"))
            best["theirs"] = max(best["theirs"], theirs(args, llama, model))
        print(f"{path}: ours {best['auto']:.0f} tok/s (float32 {best['float32']:.0f}), llama.cpp {best['theirs']:.0f}, "
              f"ratio {best['auto'] / best['theirs']:.2f}; {args.threads} threads")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
