#!/usr/bin/env python3
"""Writes tests/fixtures/tokenizer/config_cases.json: tiny tokenizers whose added tokens and flags transformers resolves, texts, and what it makes of them.

    pip install transformers==5.23.0 tokenizers==0.23.3
    tools/make_tokenizer_config_fixtures.py tests/fixtures/tokenizer/config_cases.json

A list of {"name", "tokenizer": a tokenizer.json, "config": a tokenizer_config.json, "texts": [{"text", "ids" (with special tokens added), "decoded",
"skipped" (decoded without special tokens)}]}.
"""
import json
import os
import sys
import tempfile

from transformers import AutoTokenizer

SPACE = "\u2581"
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
SENTENCEPIECE = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}


def added(content, id, **flags):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False, **flags}


def document(tokens, normalizer=REPLACE, pre_tokenizer=None, decoder=SENTENCEPIECE):
    vocab = ["<unk>", "<s>", "</s>", "a", "b", "h", "e", "l", "o", "k", "y", SPACE, SPACE * 2, "<0x41>", "<0xC3>", "<0xB6>"]
    vocab += [t["content"] for t in tokens if t["content"] not in vocab and t["id"] < len(vocab) + len(tokens)]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [{**t, "id": vocab.index(t["content"])} for t in tokens], "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": decoder,
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
                      "byte_fallback": True, "ignore_merges": False, "vocab": {t: i for i, t in enumerate(vocab)}, "merges": [[SPACE, SPACE]]}}


def config(decoder=None, **more):
    out = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", **more}
    if decoder:
        out["added_tokens_decoder"] = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in decoder}
    return out


def cases():
    ends = [added("<s>", 1, special=True), added("</s>", 2, special=True)]
    spelt = ends + [added(SPACE * 2, 12), added("<0x41>", 13), added("<0xC3>", 14, special=True), added("<0xB6>", 15), added("k" + SPACE + "y", 16)]
    texts = ["a" + SPACE * 2 + "b", SPACE * 2 + "a", "a<0x41>b", "<0xC3><0xB6>", "a<0xC3><0xB6>b", "k" + SPACE + "y k" + SPACE + "y", "a  b"]
    yield "spelling", document(spelt), config(), texts
    yield "spelling_metaspace", document(spelt, None, {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "first", "split": False},
                                         {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "first", "split": False}), config(), texts
    yield "spelling_normalized", document([{**t, "normalized": True} for t in spelt]), config(), texts

    words = ends + [added("key", 16), added("<b>", 17, lstrip=True)]
    texts = ["a </s>  b", "a <s> b", "key keyed", "a <b> b", "</s>", "a<b></s>key"]
    yield "flags_of_tokenizer_json", document(words), config(), texts
    yield "flags_of_config", document(words), config([added("</s>", 2, special=True, rstrip=True), added("<b>", 17, rstrip=True), added("key", 16, single_word=True)]), texts
    yield "special_stays", document(words), config([added("</s>", 2, rstrip=True), added("<s>", 1), added("<b>", 17, special=True)], pad_token="key"), texts
    yield "named_is_special", document(words), config([added("key", 16, normalized=True), added("<b>", 17, lstrip=True)], pad_token="key", unk_token="<b>"), texts
    yield "named_is_special_without_a_list", document(words), config(pad_token="key", unk_token="<b>"), texts
    yield "additional_stays", document(words), config(additional_special_tokens=["key"]), texts
    yield "defaults", document(words), config([{"id": 17, "content": "<b>"}]), texts
    yield "split_special_tokens", document(words), config(split_special_tokens=True), texts
    yield "split_special_tokens_of_config", document(words), config([added("key", 16, special=True)], split_special_tokens=True), texts

    first = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "first", "split": False}
    for left, right in [(True, False), (True, True), (False, True)]:
        yield "strip_%d%d" % (left, right), document(ends, {"type": "Strip", "strip_left": left, "strip_right": right}, first), config(), \
            ["hello", " hello", "\nhello ", "  hello hello", " </s> hello", "</s>hello", " ", ""]


def main(path):
    out = []
    for name, tokenizer, settings, texts in cases():
        with tempfile.TemporaryDirectory() as folder:
            for file, value in (("tokenizer.json", tokenizer), ("tokenizer_config.json", settings)):
                with open(os.path.join(folder, file), "w", encoding="utf-8") as f:
                    json.dump(value, f)
            opened = AutoTokenizer.from_pretrained(folder)
        rows = []
        for text in texts:
            ids = opened.encode(text)
            rows.append({"text": text, "ids": ids, "decoded": opened.decode(ids), "skipped": opened.decode(ids, skip_special_tokens=True)})
        out.append({"name": name, "tokenizer": tokenizer, "config": settings, "texts": rows})
    with open(path, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in out) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
