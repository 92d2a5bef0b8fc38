#!/usr/bin/env python3
"""Writes tests/fixtures/gguf/quantise.gguf: what ggml makes of values, byte for byte. Needs PyPI's gguf.

The tensor "values" holds rows of 256 values of many kinds; for each type T the tensor "T" holds the same values as ggml's
reference quantisation stores them. F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 are computed by gguf.quants, and by ggml's own
library too, which must agree; the K types by ggml's library alone (gguf.quants only reads them).

usage: tools/make_quantise_fixtures.py LIBGGML_BASE.so     (built from llama.cpp, cmake target ggml-base)
"""
import ctypes
import pathlib
import sys

import gguf
import numpy as np

OUT = pathlib.Path(__file__).parent.parent / "tests/fixtures/gguf/quantise.gguf"
SIMPLE = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"]
K_TYPES = ["Q4_K", "Q5_K", "Q6_K"]


def rows(rng):
    n = 256
    yield rng.normal(0, 0.02, n)  # as weights are
    yield rng.normal(0, 1, n)
    yield rng.normal(0, 1, n) * np.exp(rng.normal(0, 2, n))  # outliers
    yield np.abs(rng.normal(0, 0.1, n)) + 0.05  # all positive
    yield -np.abs(rng.normal(0, 0.1, n))  # all negative
    yield np.zeros(n)
    yield np.full(n, 0.7)
    yield np.full(n, -0.3)
    yield rng.integers(-8, 9, n) / 8  # ties of rounding
    yield np.where(rng.random(n) < 0.5, 1.0, -1.0)  # equal magnitudes, both signs
    yield np.where(rng.random(n) < 0.9, 0.0, rng.normal(0, 1, n))  # mostly zero
    yield rng.normal(0, 1e-6, n)  # scales that are subnormal halves
    yield rng.normal(0, 1e-9, n)  # scales that are no halves any more
    yield rng.normal(0, 300, n)
    yield np.repeat(10.0 ** np.arange(-6, 2), 32) * rng.normal(0, 1, n)  # each sub-block another size
    yield np.concatenate([np.zeros(32), rng.normal(0, 1, 32)] * 4)  # empty sub-blocks beside full ones


def main(library):
    ggml = ctypes.CDLL(library)
    values = np.array(list(rows(np.random.default_rng(3))), dtype=np.float32)
    writer = gguf.GGUFWriter(OUT, "none")
    writer.add_tensor("values", values)
    for kind in SIMPLE + K_TYPES:
        qtype = gguf.GGMLQuantizationType[kind]
        block_values, block_bytes = gguf.GGML_QUANT_SIZES[qtype]
        out = np.zeros((values.shape[0], 256 // block_values * block_bytes), dtype=np.uint8)
        name = {"F16": "ggml_fp32_to_fp16_row", "BF16": "ggml_fp32_to_bf16_row_ref"}.get(kind, f"quantize_row_{kind.lower().replace('_k', '_K')}_ref")
        for row, stored in zip(values, out):
            getattr(ggml, name)(row.ctypes.data_as(ctypes.c_void_p), stored.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(256))
        if kind in SIMPLE:
            python = gguf.quants.quantize(values, qtype).view(np.uint8).reshape(out.shape)
            assert (python == out).all(), f"{kind}: gguf.quants and ggml differ in {(python != out).sum()} bytes"
        data = out.view(np.float16) if kind == "F16" else out
        writer.add_tensor(kind, data, raw_dtype=None if kind == "F16" else qtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
