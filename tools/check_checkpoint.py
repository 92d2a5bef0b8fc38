#!/usr/bin/env python3
"""Checks a checkpoint folder that Cohort wrote against what it started from, through transformers' own loaders.

usage: tools/check_checkpoint.py START WRITTEN     START: a Hugging Face folder or a GGUF file; WRITTEN: a folder
Both must give the same weights, logits and token ids. Needs PyPI's torch, transformers (and gguf for a GGUF).
"""
import pathlib
import sys

import torch
import transformers

TEXTS = ["State the final answer: 6 + 2 =", "  h\u00e9llo\n\nw\u00f6rld 123456 ", "<|im_start|>user\nhi<|im_end|>\n"]


def load(path):
    path = pathlib.Path(path)
    where = dict(pretrained_model_name_or_path=path)
    if path.is_file():
        where = dict(pretrained_model_name_or_path=path.parent, gguf_file=path.name)
    model = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    has_tokenizer = path.is_file() or (path / "tokenizer.json").exists()
    return model.eval(), transformers.AutoTokenizer.from_pretrained(**where) if has_tokenizer else None


def main(start, written):
    (model, tokenizer), (ours, our_tokenizer) = load(start), load(written)
    assert type(model) is type(ours), (type(model), type(ours))
    assert ours.dtype == torch.float32, ours.dtype
    expected, found = model.state_dict(), ours.state_dict()
    assert expected.keys() == found.keys(), expected.keys() ^ found.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, found[name]), name
    ids = torch.arange(64).reshape(2, 32) % model.config.vocab_size
    with torch.no_grad():
        assert torch.equal(model(ids).logits, ours(ids).logits), "logits differ"
    if tokenizer is not None:
        for text in TEXTS:
            assert tokenizer(text).input_ids == our_tokenizer(text).input_ids, text
        assert tokenizer.chat_template == our_tokenizer.chat_template
    print(f"{written}: {len(found)} tensors, logits and tokens are those of {start}")


if __name__ == "__main__":
    main(*sys.argv[1:])
