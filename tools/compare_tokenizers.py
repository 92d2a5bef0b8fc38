#!/usr/bin/env python3
"""Compares token ids, and the time for them on one core, with the reference implementations.

    pip install tokenizers sentencepiece
    cmake --build build --target bench_tokenizer        # configured with -DCOHORT_BENCH=ON
    tools/compare_tokenizers.py build/bench_tokenizer MODEL... [--count 12000]

MODEL is a folder with tokenizer.json (reference: Hugging Face tokenizers), a tokenizer.model (SentencePiece), or a GGUF file: there the
reference is llama.cpp's MODEL.inp and MODEL.out where they are, and for the rest the tokenizer.json that Cohort makes of it, opened by
Hugging Face tokenizers. Texts are random with a fixed seed: scripts, emoji, combining marks, replaced invalid bytes, numbers, code, runs
of white space, the model's own special tokens. Prints one line per model; the exit status is 1 where any id differs.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import sys
import sysconfig
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

PROSE = """The quick brown fox jumps over the lazy dog. It's what they've said, and I'm sure you're right: we'll see, he'd say. Reinforcement learning
from verifiable rewards trains a policy by sampling completions and scoring them. "Don't panic," she said; 42 is the answer (mostly).
한국어 텍스트입니다. 대한민국의 수도는 서울이며, 인구는 약 940만 명입니다. 자연어 처리는 어렵지만 재미있습니다.
你好，世界。今天天气很好，我们去学校。强化学习通过采样和评分来训练策略。機械學習與繁體中文也要測試。
日本語のテキストです。カタカナとひらがな、漢字が混ざっています。
Привет, мир! Как дела? Обучение с подкреплением. Ελληνικά κείμενα. مرحبا بالعالم، كيف حالك؟ שלום עולם. नमस्ते दुनिया, यह हिंदी है। สวัสดีชาวโลก ภาษาไทย Xin chào thế giới, tiếng Việt có dấu.
Café naïve résumé Führer mañana garçon œuvre Straße İstanbul ĳ ǆ ŉ. def f(x: int) -> int:\n\treturn x ** 2 + 1\n\nfor (int i = 0; i < n; ++i) {\n    a[i] += b[i];\n}\n
SELECT * FROM t WHERE id >= 10 AND name LIKE '%a%'; <div class="x">&nbsp;</div> https://example.com/a?b=c&d=%20#e \\frac{1}{2} \\sum_{i=0}^{n} x_i^2
<think>\nOkay, so I need to compute 12 * 34 = 408.\n</think>\n\\boxed{408} 3.14159 1,000,000 1e-5 0xFF 2024-07-26 10:30:00"""
WORDS = PROSE.replace("\n", " \n ").split(" ")
PARTS = (
    [" ", " ", "  ", "   ", "    ", "\n", "\n\n", "\r\n", "\t", "\t\t", " \n", "\n  ", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\u200b", "\ufeff", "\u180e"]
    + ["don't", "it's", "'s", "'S", "'ll", "'LL", "I'M", "you're", "'\u017f", "def", "return", "()", "[i]", "+=", "==", "->", "://", ".", ",", "!", "?", ";", "...", "_", "__init__", "camelCaseWord", "HTTPServer"]
    + [str(n) for n in (0, 1, 7, 12, 42, 100, 999, 1234, 65536, 3141592653589793)] + ["\u0663\u0664", "\u00bd", "\u00b2", "\u4e09", "\u2167", "\U0001d7d8"]
    + ["\u1112\u1161\u11ab\u1100\u1173\u11af", "\ufb01", "\u212b", "\u2126", "\uff21\uff22\uff11", "\u3392", "\u0958", "\u1e9b\u0323", "\u0344", "\u01c4", "\u0130", "\u00df", "\u2581", "\u2581\u2581"]
    + ["\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\ufe0f", "\u200d", "\U0001f1f0\U0001f1f7", "\u2764\ufe0f", "\U0001f44d\U0001f3fd", "\U0001fae8", "\U0001fa77", "e\u0301", "\u0301", "\u0323\u0307", "\u0307\u0323", "\u0e49"]
    + ["\ufffd", "\ufffd\ufffd", "\x00", "\x04", "\x1b[0m", "\x7f", "\ufffe", "\U0010ffff", "<|", "|>", "<s>x", "<0x0A>", "[INST]", "<unk>"]
)
RANGES = [(0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x5D0, 0x5EB), (0x600, 0x700), (0x900, 0x980), (0xE00, 0xE80), (0x1100, 0x1200), (0x1E00, 0x2000),
          (0x2000, 0x2070), (0x2190, 0x2C00), (0x3041, 0x3100), (0x4E00, 0x9FA6), (0xAC00, 0xD7A4), (0xF900, 0xFB07), (0xFE20, 0xFFF0), (0x1F300, 0x1FAFF), (0x0, 0x20), (0x10000, 0x20000), (0x20000, 0x2FA20)]


def random_texts(count, seed, specials):
    rng = random.Random(seed)
    texts = []
    for i in range(count):
        kind = rng.random()
        text = ""
        for _ in range(rng.randint(1, 30)):
            pick = rng.random()
            if pick < 0.45 or kind < 0.2:
                text += rng.choice(WORDS) + rng.choice([" ", " ", " ", "", "\n"])
            elif pick < 0.75:
                text += rng.choice(PARTS)
            elif pick < 0.8 and specials:
                text += rng.choice(specials)
            elif pick < 0.83:
                text += bytes(rng.randrange(256) for _ in range(rng.randint(1, 6))).decode("utf-8", "replace")
            elif pick < 0.86:
                text += rng.choice(PARTS) * rng.randint(2, 20)
            else:
                text += chr(rng.randrange(*rng.choice(RANGES)))
        texts.append(text)
    return texts


def prose(megabytes):
    """Python's own library and licences, and the words above: text with a vocabulary of its size."""
    lines, size = [], 0
    for path in sorted(glob.glob(sysconfig.get_paths()["stdlib"] + "/*.py") + glob.glob("/usr/share/common-licenses/*")):
        text = open(path, encoding="utf-8", errors="replace").read() + PROSE
        lines += [text[i:i + 2000] for i in range(0, len(text), 2000)]
    random.Random(3).shuffle(lines)
    taken = []
    for line in lines:
        if size < megabytes * 1e6:
            taken.append(line)
            size += len(line.encode())
    return taken


class HuggingFace:
    def __init__(self, path):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(path)
        added = self.tokenizer.get_added_tokens_decoder().values()
        self.specials = [t.content for t in added][:40]

    def ids(self, texts):
        return [self.tokenizer.encode(t, add_special_tokens=False).ids for t in texts]

    def fast(self, texts):
        return [e.ids for e in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


class SentencePiece:
    def __init__(self, path):
        import sentencepiece
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=path)
        # Control tokens are text to SentencePiece and tokens to us, so they are not among the texts.
        self.specials = [self.tokenizer.id_to_piece(i) for i in range(self.tokenizer.get_piece_size())]
        self.specials = [p for i, p in enumerate(self.specials) if not self.tokenizer.is_control(i) and (p.startswith("[") or p.startswith("\u2581\u2581"))][:40]
        self.control = [self.tokenizer.id_to_piece(i) for i in range(self.tokenizer.get_piece_size()) if self.tokenizer.is_control(i)]

    def ids(self, texts):
        return [self.tokenizer.encode(t) for t in texts]

    fast = ids


def run(program, model, texts, save=None):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/texts.json", "w", encoding="utf-8") as file:
            json.dump(texts, file)
        out = subprocess.run([program, model, folder + "/texts.json", folder + "/ids.json"] + ([save] if save else []), capture_output=True, text=True)
        if out.returncode:
            sys.exit(out.stdout + out.stderr)
        return json.load(open(folder + "/ids.json")), json.loads(out.stdout)


def compare(program, model, count, megabytes):
    """One line of the table, and whether all ids are equal."""
    line = []
    equal = True
    with tempfile.TemporaryDirectory() as folder:
        target = model
        if model.endswith(".gguf"):
            if os.path.exists(model + ".inp"):
                texts = open(model + ".inp", encoding="utf-8", newline="").read().split("\n__ggml_vocab_test__\n")
                wanted = [[int(x) for x in row.split()] for row in open(model + ".out").read().split("\n")][:len(texts)]
                found, _ = run(program, model, texts)
                same = sum(a == b for a, b in zip(found, wanted))
                line.append(f"llama.cpp {same}/{len(texts)}")
                for t, a, b in zip(texts, found, wanted):
                    if a != b:
                        print("   ", repr(t), "\n      found", a, "\n      expected", b)
                equal &= same == len(texts)
            run(program, model, ["x"], folder + "/saved")
            reference = HuggingFace(folder + "/saved/tokenizer.json")
        elif model.endswith(".model"):
            reference = SentencePiece(model)
            os.symlink(os.path.abspath(model), folder + "/tokenizer.model")
            target = folder
        else:
            reference = HuggingFace(model + "/tokenizer.json")
        texts = random_texts(count, 11, reference.specials)
        if getattr(reference, "control", None):
            texts = [t for t in texts if not any(c in t for c in reference.control)]
        found, _ = run(program, target, texts)
        wanted = reference.ids(texts)
        same = sum(a == b for a, b in zip(found, wanted))
        line.append(f"{type(reference).__name__} {same}/{len(texts)}")
        shown = 0
        for t, a, b in zip(texts, found, wanted):
            if a != b and shown < 3:
                shown += 1
                print("   ", repr(t), "\n      found", a, "\n      expected", b)
        equal &= same == len(texts)
        if megabytes:
            texts = prose(megabytes)
            found, ours = run(program, target, texts)
            start = time.perf_counter()
            wanted = reference.fast(texts)
            theirs = ours["bytes"] / (time.perf_counter() - start) / 1e6
            equal &= found == wanted
            line.append(f"{ours['mb_per_second']:.1f} MB/s, theirs {theirs:.1f}, ratio {ours['mb_per_second'] / theirs:.1f}" + ("" if found == wanted else " DIFFERENT IDS"))
            _, letters = run(program, target, ["a" * 1_000_000])
            line.append(f"1 MB of one letter {letters['seconds']:.2f} s")
    print(f"{model}: " + "; ".join(line), flush=True)
    return equal


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--count", type=int, default=12000)
    parser.add_argument("--megabytes", type=float, default=2, help="of prose to time; 0: no timing")
    args = parser.parse_args()
    sys.exit(0 if all([compare(args.program, m, args.count, args.megabytes) for m in args.models]) else 1)


if __name__ == "__main__":
    main()
