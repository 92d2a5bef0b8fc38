#!/usr/bin/env python3
"""Writes tests/fixtures/tokenizer: small tokenizers trained by Hugging Face tokenizers, texts, and the ids they give.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3
    tools/make_tokenizer_fixtures.py tests/fixtures/tokenizer

strings.json      {"explicit": [...], "random": [...]}: the texts, the same for every tokenizer
NAME/tokenizer.json, or NAME/tokenizer.model (SentencePiece)
NAME.ids.json     {"explicit": [[ids] ...] with special tokens added, "random": 8 hex digits per text, FNV-1a of its ids (see fnv),
                   "decoded": the explicit texts decoded again, special tokens left out}
NAME.gguf         vocabularies as a GGUF file holds them
behaviors.json    [{pattern, behavior, invert, text, pieces}]: what a Split pre-tokenizer makes of a text
"""
import json
import os
import random
import struct
import sys
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

EXPLICIT = [
    "", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000", "\u2028x", "a\u0085b", "x\u180ey", "\u200b",
    "Hello world", " Hello  world ", "Hello,   world!\n\n\nHow are you?", "trailing   ", "   leading", "tab\there", "\r\r\n\n",
    "I'm you're he's she'll we'd they've can't 'tis 'S 'T 'RE 'VE 'M 'LL 'D it'S", "don\u2019t", "'\u017f \u017f 's", "x'sy 'll'd",
    "1", "12", "123", "1234", "12345", "3.14159", "1,000,000", "1 2 33 444 5555", "x1y22z333", "\u0661\u0662\u0663", "\u00bd\u00b2\u2167",
    "\u4e09\u5341\u4e8c 32", "9" * 50, "0x1F", "1e-5",
    "\ud55c\uad6d\uc5b4 \ud14d\uc2a4\ud2b8\uc785\ub2c8\ub2e4.", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "\u4f60\u597d\uff0c\u4e16\u754c\uff01", "\u3053\u3093\u306b\u3061\u306f \u4e16\u754c", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u1780\u17b6\u1793\u17cb\u178f\u17c2\u1796\u17b7\u179f\u17c1\u179f",
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family", "\U0001f1f0\U0001f1f7\U0001f1fa\U0001f1f8", "\u2764\ufe0f", "\U0001f44d\U0001f3fd ok", "\U0001f636\u200d\U0001f32b\ufe0f",
    "e\u0301", "\u00e9", "a\u0323\u0307", "a\u0307\u0323", "\u1e9b\u0323", "\u212b \u2126", "\ufb01", "A\u030a", "\u0344", "q\u0307\u0323\u0307", "e\u0301" * 20,
    "F\u00fchrer na\u00efve caf\u00e9 \u00f1", "\u00fc \u00f6 \u00ff", "\u20ac100 \u00a35 $3.50", "\U0001d4d0\U0001d552 \U00010348", "\uffff\ufffe\ufffd", "\U0010ffff", "\x00\x01\x02\x04\x1f\x7f",
    "def f(x):\n    return x + 1\n", "for (int i = 0; i < n; ++i) { a[i] += b[i]; }\n\n\t// done", "if a==b&&c||!d:", "#include <vector>\n",
    "https://example.com/a?b=c&d=%20#e", "a_b-c.d@e", "\\frac{1}{2} \\le x^2", "{\"k\": [1, 2.5, null]}", "!!!???...", "--- *** ___",
    "<think>\n1 + 2 = 3\n</think>\n<answer> 3 </answer>", "6 + 2 = 8", "State the final answer to the following arithmetic problem: 6 + 2 =",
    "<|endoftext|>", "a<|endoftext|>b", "<|endoftext|><|endoftext|>", " <|endoftext|> ", "<|endoftext", "<|im_start|>user\nhi<|im_end|>\n", "<|im_start|>" * 3,
    "x <mask> y", "x  \t<mask>  y", "x <tail>  \n y", "<tail>  <mask>", "<mask><tail><mask>", "keyword key", "key", " key ", "a_key", "key9", "key-", "\u00e9key", "key\u0301",
    "<long><longer>", "<longer", "<longe", "caf\u00e9 cafe\u0301!", "cafe\u0301", "acaf\u00e9",
    "a" * 300, "ab" * 200, " " * 100, "\n" * 64, " \n" * 40, "\u0301" * 40, "\u0315\u0316" * 30, "'" * 40, "=" * 65 + "\n" * 3,
]

CORPUS = """The quick brown fox jumps over the lazy dog. It's what they've said, and I'm sure you're right: we'll see, he'd say.
def main(argc, argv):\n    for i in range(10):\n        print("value", i, argv[i])\n    return 0\n
State the final answer to the following arithmetic problem: 6 + 2 = 8. 12 + 30 = 42; 123 + 456 = 579; 1000 - 1 = 999.
<think> the sum of three and four is seven </think> <answer> 7 </answer>
\ud55c\uad6d\uc5b4 \ud14d\uc2a4\ud2b8\uc785\ub2c8\ub2e4. \ud55c\uad6d\uc758 \uc218\ub3c4\ub294 \uc11c\uc6b8\uc785\ub2c8\ub2e4. \u4f60\u597d\uff0c\u4e16\u754c\u3002\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u53bb\u5b66\u6821\u3002 \u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440. \u041a\u0430\u043a \u0434\u0435\u043b\u0430?
Caf\u00e9 na\u00efve r\u00e9sum\u00e9 F\u00fchrer ma\u00f1ana gar\u00e7on. \U0001f600 \U0001f680 \u2764\ufe0f \U0001f44d\U0001f600\U0001f680.   spaces    and\t\ttabs\n\n\nand lines.\r\n
'''!!! ??? ... --- === *** {{}} [[]] (()) <<>> && || != == += -> => // /* */ # $ % ^ ~ ` | \\\\
"""

PARTS = (
    [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n", "\u00a0", "\u2003"]
    + ["the", "The", " answer", "ing", "don't", "it's", "'s", "'S", "'ll", "I'M", "you're", "def", "return", "()", "[i]", "+=", "==", "->", "://", ".", ",", "!", "?", ";"]
    + [str(n) for n in (0, 1, 7, 12, 42, 100, 999, 1234, 65536, 3141592653589793)] + ["\u0663", "\u00bd", "\u4e09"]
    + ["\ud55c\uad6d", "\uc5b4", "\u4f60\u597d", "\uff0c", "\u3002", "\u4e16\u754c", "\u043c\u0438\u0440", "\u0627\u0644", "\u0928\u092e\u0938\u094d", "\u1112\u1161\u11ab"]
    + ["\U0001f600", "\U0001f468\u200d\U0001f469", "\ufe0f", "\u200d", "\U0001f1f0", "e\u0301", "\u0301", "\u0323\u0307", "\u0307\u0323", "\u00e9", "\u00fc", "\u00df", "\u0130", "\u212b"]
    + ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<mask>", "<tail>", "key", "<long>", "<longer>", "caf\u00e9", "cafe\u0301", "<|", "|>", "_"]
)
RANGES = [(0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x180), (0x300, 0x370), (0x370, 0x500), (0x5D0, 0x5EB), (0x620, 0x66A), (0x905, 0x93A), (0x1100, 0x1200),
          (0x2000, 0x2070), (0x2190, 0x2200), (0x3041, 0x3097), (0x4E00, 0x9FA6), (0xAC00, 0xD7A4), (0x1F300, 0x1F650), (0x0, 0x20)]


def random_strings(count, seed):
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        text = ""
        for _ in range(rng.randint(1, 14)):
            if rng.random() < 0.75:
                text += rng.choice(PARTS)
            else:
                text += chr(rng.randrange(*rng.choice(RANGES)))
        out.append(text)
    return out


def fnv(ids):
    h = 0x811C9DC5
    for i in ids:
        for byte in i.to_bytes(4, "little"):
            h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h


def train(pre_tokenizer, normalizer=None, size=600, specials=("<|endoftext|>",)):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(specials), show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator([CORPUS], trainer)
    return tokenizer


def edited(tokenizer, edit):
    document = json.loads(tokenizer.to_str())
    edit(document)
    return Tokenizer.from_str(json.dumps(document)), document


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


def byte_level(use_regex, add_prefix_space=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=use_regex)


def make_all():
    """name -> (tokenizer, its tokenizer.json as a document)"""
    result = {}

    gpt2 = train(byte_level(True))
    gpt2.add_tokens([AddedToken("<mask>", lstrip=True, normalized=False), AddedToken("<tail>", rstrip=True, normalized=False),
                     AddedToken("key", single_word=True, normalized=False), AddedToken("<long>", normalized=False),
                     AddedToken("<longer>", normalized=False)])

    def old_form(document):  # merges as strings, no type
        document["model"]["merges"] = [" ".join(m) for m in document["model"]["merges"]]
        del document["model"]["type"]
    result["gpt2"] = edited(gpt2, old_form)

    smollm = train(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)]),
                   specials=("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    result["smollm"] = edited(smollm, lambda document: None)

    llama3 = train(pre_tokenizers.Sequence([split(LLAMA3), byte_level(False)]), specials=())
    llama3.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    llama3.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|im_start|> $A", pair="<|im_start|> $A <|im_start|> $B",
                                      special_tokens=[("<|im_start|>", llama3.token_to_id("<|im_start|>"))])])

    def ignore_merges(document):
        document["model"]["ignore_merges"] = True
        # A token that no merge reaches, so that the flag shows.
        first = document["model"]["vocab"]
        lost = [m for m in document["model"]["merges"] if m[0] + m[1] in ("\u0120answer", "\u0120the")]
        assert lost and all(m[0] + m[1] in first for m in lost)
        document["model"]["merges"] = [m for m in document["model"]["merges"] if m not in lost]
    result["llama3"] = edited(llama3, ignore_merges)

    qwen2 = train(pre_tokenizers.Sequence([split(QWEN2), byte_level(False)]), normalizers.NFC(), specials=())
    qwen2.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    qwen2.add_tokens([AddedToken("caf\u00e9", normalized=True), AddedToken("key", single_word=True, normalized=True)])
    result["qwen2"] = edited(qwen2, lambda document: None)

    # The rarer options: a prefix space, cuts that drop and that merge, missing bytes with an unknown token.
    odd = train(pre_tokenizers.Sequence([
        pre_tokenizers.Split(" = ", behavior="removed"), pre_tokenizers.Split(Regex(r"[.,;]+"), behavior="merged_with_previous"),
        pre_tokenizers.Digits(individual_digits=False), byte_level(True, add_prefix_space=True)]), specials=("<|endoftext|>", "<unk>"))
    odd.post_processor = processors.TemplateProcessing(
        single="<unk> $A <|endoftext|>", special_tokens=[("<unk>", 1), ("<|endoftext|>", 0)])

    def lose_bytes(document):
        model = document["model"]
        gone = {"!", "\u0142", "\u00bf"}
        kept = [t for t, _ in sorted(model["vocab"].items(), key=lambda item: item[1]) if not gone & set(t) or t.startswith("<")]
        model["vocab"] = {t: i for i, t in enumerate(kept)}
        model["merges"] = [m for m in model["merges"] if not gone & set(m[0] + m[1])]
        model["unk_token"] = "<unk>"
        model["fuse_unk"] = True
    result["odd"] = edited(odd, lose_bytes)
    return result


RULES = [("\u00bd", "1/2"), ("\ufb01", "fi"), ("\u212b", "\u00c5"), ("A\u030a", "\u00c5"), ("e\u0301", "\u00e9"), ("\u00a0", " "), ("\u3000", " "), ("\t", " "), ("\n", " "),
         ("\u1112\u1161\u11ab", "\ud55c"), ("\u2026", "..."), ("\uff01", "!"), ("\u00ad", " "), ("\U0001f1f0\U0001f1f7", "KR")]


def train_sentencepiece(folder, model_type, **options):
    """A model of SentencePiece, as bytes."""
    lines = [line for line in CORPUS.split("\n") if line.strip()]
    with open(folder + "/corpus.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(lines * 4))
    if options.pop("rules", False):
        with open(folder + "/rules.tsv", "w") as file:
            for source, target in RULES:
                file.write(" ".join("%X" % ord(c) for c in source) + "\t" + " ".join("%X" % ord(c) for c in target) + "\n")
        options["normalization_rule_tsv"] = folder + "/rules.tsv"
    sentencepiece.SentencePieceTrainer.train(
        input=folder + "/corpus.txt", model_prefix=folder + "/m", model_type=model_type, num_threads=1, minloglevel=2, **options)
    with open(folder + "/m.model", "rb") as file:
        return file.read()


def sentencepiece_models():
    """name -> bytes of a tokenizer.model"""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the model holds the paths of what it was trained on
        folder = "."
        return {
            "spm_bpe": train_sentencepiece(folder, "bpe", vocab_size=600, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
                                           split_digits=True, allow_whitespace_only_pieces=True, user_defined_symbols=["<|im_start|>", "key", "\u2581\u2581\u2581"]),
            "spm_unigram": train_sentencepiece(folder, "unigram", vocab_size=420, rules=True, hard_vocab_limit=False, user_defined_symbols=["<mask>", "caf\u00e9"]),
            "spm_suffix": train_sentencepiece(folder, "bpe", vocab_size=500, normalization_rule_name="identity", treat_whitespace_as_suffix=True,
                                              split_by_whitespace=False, max_sentencepiece_length=8),
            "spm_bytes": train_sentencepiece(folder, "unigram", vocab_size=620, byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=False,
                                             hard_vocab_limit=False, character_coverage=0.98),
        }


def charsmap_of(model):
    """precompiled_charsmap of a ModelProto: field 2 of field 3."""
    def varint(data, at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                return value, at

    def field(data, number):
        at = 0
        while at < len(data):
            key, at = varint(data, at)
            if key & 7 == 0:
                _, at = varint(data, at)
                continue
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                size, at = varint(data, at)
            if key >> 3 == number:
                return data[at:at + size]
            at += size
    return field(field(model, 3), 2)


def make_components(models_of_sentencepiece):
    """name -> tokenizer: what byte-level BPE does not have."""
    result = {}
    sentencepiece_decoder = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    bytes_ = ["<0x%02X>" % b for b in range(256)]
    added = [AddedToken("<mask>", lstrip=True, normalized=False), AddedToken("<tail>", rstrip=True, normalized=False), AddedToken("key", single_word=True, normalized=True),
             AddedToken("<|im_start|>", special=True, normalized=False), AddedToken("caf\u00e9", normalized=True)]

    def bpe(name, normalizer, pre_tokenizer, decoder, **options):
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        if normalizer:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)  # words, for training alone
        corpus = options.pop("corpus", CORPUS)
        tokenizer.train_from_iterator([corpus], trainers.BpeTrainer(vocab_size=760, special_tokens=["<unk>", "<s>", "</s>"] + bytes_, show_progress=False, **options))
        document = json.loads(tokenizer.to_str())
        document["added_tokens"] = document["added_tokens"][:3]  # byte tokens are the model's own
        tokenizer = Tokenizer.from_str(json.dumps(document))
        if pre_tokenizer:
            tokenizer.pre_tokenizer = pre_tokenizer
        else:
            document["pre_tokenizer"] = None
            tokenizer = Tokenizer.from_str(json.dumps(document))
        tokenizer.decoder = decoder
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
        tokenizer.add_tokens(added)
        result[name] = tokenizer

    # Llama 2: one word after another to the merges, a prefix at each stretch.
    bpe("llama2", normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]), None,
        decoders.Sequence(sentencepiece_decoder + [decoders.Strip(" ", 1, 0)]))
    bpe("metaspace", None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False), decoders.Sequence(sentencepiece_decoder + [decoders.Strip(" ", 1, 0)]))
    bpe("gemma", normalizers.Replace(" ", "\u2581"), pre_tokenizers.Split(" ", "merged_with_previous"), decoders.Sequence(sentencepiece_decoder))
    # Some bytes are missing: part of the text is unknown.
    bpe("partial", normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Metaspace(prepend_scheme="always")]),
        decoders.Metaspace(), corpus=CORPUS.encode("ascii", "ignore").decode())
    document = json.loads(result["partial"].to_str())
    vocabulary = document["model"]["vocab"]
    for byte in list(range(0x80, 0x90)) + list(range(0xE0, 0xE8)):
        vocabulary["gone%02X" % byte] = vocabulary.pop("<0x%02X>" % byte)
    document["post_processor"] = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": True, "add_prefix_space": True}
    result["partial"] = Tokenizer.from_str(json.dumps(document))

    pieces = sentencepiece.SentencePieceProcessor(model_proto=models_of_sentencepiece["spm_unigram"])
    vocabulary = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    unigram = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=False))
    unigram.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap_of(models_of_sentencepiece["spm_unigram"])), normalizers.Strip(left=False, right=True),
                                               normalizers.Replace(Regex(" {2,}"), "\u2581")])
    unigram.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.Metaspace(prepend_scheme="always")])
    unigram.decoder = decoders.Metaspace()
    unigram.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 1))
    unigram.add_tokens(added)
    result["unigram"] = unigram

    pieces = sentencepiece.SentencePieceProcessor(model_proto=models_of_sentencepiece["spm_bytes"])
    vocabulary = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    fallback = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=True))
    fallback.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()])
    fallback.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    fallback.decoder = decoders.Sequence(sentencepiece_decoder + [decoders.Replace(Regex(" +$"), ""), decoders.Strip("!", 1, 0)])
    fallback.add_tokens(added)
    result["unigram_bytes"] = fallback

    words = Tokenizer(models.WordLevel(unk_token="<unk>"))
    words.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])
    words.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit("|"), pre_tokenizers.Whitespace(), pre_tokenizers.Digits(False), pre_tokenizers.Punctuation()])
    words.train_from_iterator([CORPUS], trainers.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False))
    words.decoder = decoders.Fuse()
    words.add_tokens(added)
    result["words"] = words

    # ByteLevel as a normaliser, cuts on its characters after it, classes that the engines write differently.
    chars = train(pre_tokenizers.Sequence([split(r"[^\W\d_]+|[\w&&[^\p{L}]]+|\b"), byte_level(False)]))
    document = json.loads(chars.to_str())
    document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": r"[^\W\d_]+|[\w&&[^\p{L}]]+|\h{2}|[^\s\S]|[\p{So}[\p{Sm}+-]]"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False},
        {"type": "Split", "pattern": {"String": "\u0120"}, "behavior": "MergedWithNext", "invert": False}]}
    result["chars"] = Tokenizer.from_str(json.dumps(document))
    normal = train(byte_level(False))
    document = json.loads(normal.to_str())
    document["normalizer"] = {"type": "ByteLevel"}
    document["pre_tokenizer"] = {"type": "Split", "pattern": {"String": "\u0120"}, "behavior": "MergedWithNext", "invert": False}
    result["byte_normalizer"] = Tokenizer.from_str(json.dumps(document))
    return result


def gguf_of(values):
    """A GGUF file of metadata alone."""
    def text(value):
        data = value.encode() if isinstance(value, str) else value
        return struct.pack("<Q", len(data)) + data

    def item(value):
        if isinstance(value, bool):
            return 7, struct.pack("<B", value)
        if isinstance(value, int):
            return 4, struct.pack("<I", value)
        return 8, text(value)

    out = struct.pack("<IIQQ", 0x46554747, 3, 0, len(values))
    for key, value in values.items():
        out += text(key)
        if not isinstance(value, list):
            kind, data = item(value)
            out += struct.pack("<I", kind) + data
        elif isinstance(value[0], str):
            out += struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
        elif isinstance(value[0], float):
            out += struct.pack("<IIQ", 9, 6, len(value)) + struct.pack("<%df" % len(value), *value)
        else:
            out += struct.pack("<IIQ", 9, 5, len(value)) + struct.pack("<%di" % len(value), *value)
    return out + bytes(-len(out) % 32)


def ggufs(tokenizers, models_of_sentencepiece):
    """name -> bytes of a GGUF file: kinds gpt2, llama and t5."""
    result = {}
    prefix = "tokenizer.ggml."
    document = tokenizers["llama3"][1]
    vocabulary = sorted(document["model"]["vocab"], key=document["model"]["vocab"].get)
    added = [t["content"] for t in document["added_tokens"]]
    result["gpt2_kind"] = gguf_of({
        prefix + "model": "gpt2", prefix + "pre": "llama-bpe", prefix + "tokens": vocabulary + added, prefix + "token_type": [1] * len(vocabulary) + [3] * len(added),
        prefix + "merges": [" ".join(m) for m in document["model"]["merges"]], prefix + "bos_token_id": len(vocabulary), prefix + "eos_token_id": len(vocabulary) + 1,
        "tokenizer.chat_template": "{{ bos_token }}"})
    for name, kind, source in (("llama_kind", "llama", "spm_bpe"), ("t5_kind", "t5", "spm_unigram")):
        pieces = sentencepiece.SentencePieceProcessor(model_proto=models_of_sentencepiece[source])
        ids = range(pieces.get_piece_size())
        types = [2 if pieces.is_unknown(i) else 3 if pieces.is_control(i) else 6 if pieces.is_byte(i) else 1 for i in ids]
        result[name] = gguf_of({
            prefix + "model": kind, prefix + "tokens": [pieces.id_to_piece(i) for i in ids], prefix + "scores": [pieces.get_score(i) for i in ids], prefix + "token_type": types,
            prefix + "bos_token_id": 1, prefix + "eos_token_id": 2, prefix + "unknown_token_id": 0, prefix + "add_bos_token": True, prefix + "add_space_prefix": True,
            **({prefix + "precompiled_charsmap": list(charsmap_of(models_of_sentencepiece[source]))} if kind == "t5" else {})})
    return result


def behaviors():
    rows = []
    for text in ["the-final--countdown", "-a-", "--", "abc", "a.b..c", "\u00e9-\u00e9", "1-22-333", "a \u180e b", "x\ny\n"]:
        for pattern in ["-", r"-+", r"\d+", r"[^\s\w]".replace(r"\w", r"\p{L}"), r"\s", r"\S+", r"y?", r"$", r"."]:
            for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
                for invert in [False, True]:
                    splitter = pre_tokenizers.Split(Regex(pattern), behavior=behavior, invert=invert)
                    pieces = [p for p, _ in splitter.pre_tokenize_str(text)]
                    rows.append({"pattern": pattern, "behavior": behavior, "invert": invert, "text": text, "pieces": pieces})
    return rows


def main(folder):
    folder = os.path.abspath(folder)
    texts = {"explicit": EXPLICIT, "random": random_strings(2000, 7)}

    def write(name, value, indent=None):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=indent is None, indent=indent)
            file.write("\n")

    os.makedirs(folder, exist_ok=True)
    write("strings.json", texts)
    write("behaviors.json", behaviors())
    def write_ids(name, encode, decode):
        explicit = [encode(t) for t in EXPLICIT]
        write(name + ".ids.json", {"explicit": explicit, "decoded": [decode(ids) for ids in explicit], "random": "".join("%08x" % fnv(encode(t)) for t in texts["random"])})

    tokenizers = make_all()
    spm = sentencepiece_models()
    for name, tokenizer in make_components(spm).items():
        tokenizers[name] = (tokenizer, json.loads(tokenizer.to_str()))
    for name, (tokenizer, document) in tokenizers.items():
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        write(name + "/tokenizer.json", document)
        write_ids(name, lambda t: tokenizer.encode(t).ids, tokenizer.decode)
    for name, data in ggufs(tokenizers, spm).items():
        with open(os.path.join(folder, name + ".gguf"), "wb") as file:
            file.write(data)
    for name, model in spm.items():
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        with open(os.path.join(folder, name, "tokenizer.model"), "wb") as file:
            file.write(model)
        pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
        write_ids(name, pieces.encode, pieces.decode)


if __name__ == "__main__":
    main(sys.argv[1])
