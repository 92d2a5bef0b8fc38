#!/usr/bin/env python3
"""How well language_consistency tells languages on short and mixed text. Needs translations: .deb packages whose
.mo files are read, for example

    apt-get download coreutils grep sed tar wget && python3 tools/measure_language.py build/cohort *.deb

For each language: messages of at least 4 words alone (should pay 1), the English of the same messages (should pay 0),
and texts of 1 message and of 3 messages in it followed by as many in English, each in its own line (should pay the
message's share of the words; in scripts without spaces two characters are a word).
"""
import collections
import gettext
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff]")
NOISE = re.compile(r"%[-#+0-9.$*]*[a-zA-Z]+|--?[a-zA-Z][-a-zA-Z]*|[A-Z_]{2,}|['\"`\u2018\u2019\u201c\u201d\u00ab\u00bb<>][^ ]*")
# The same language under other names, or told apart by nobody.
TARGET = {"zh_CN": "zh", "zh_TW": "zh", "pt_BR": "pt", "nb": "no", "he": "iw"}
LANGUAGES = ("de fr es it pt_BR nl sv da nb fi pl cs sk hu ro hr sl et lt tr vi id ru uk bg sr el ja ko zh_CN zh_TW").split()


def words(text):
    unspaced = len(UNSPACED.findall(text))
    rest = re.findall(r"[^\W\d_]{2,}|[^\W\d_a-zA-Z]", UNSPACED.sub(" ", text))
    return len(rest) + unspaced / 2


def messages(packages):
    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for package in packages:
            subprocess.run(["dpkg", "-x", package, folder], check=True)
        for path in sorted(pathlib.Path(folder).glob("usr/share/locale/*/LC_MESSAGES/*.mo")):
            language = path.parts[-3]
            if language not in LANGUAGES:
                continue
            try:
                with open(path, "rb") as file:
                    catalog = gettext.GNUTranslations(file)._catalog
            except UnicodeDecodeError:  # a header in another encoding
                continue
            for english, own in catalog.items():
                if not isinstance(english, str) or not english or "\n" in english.strip():
                    continue
                english, own = NOISE.sub(" ", english).strip(), NOISE.sub(" ", own).strip()
                if english != own and words(english) >= 4 and words(own) >= 4 and len(own) < 200:
                    found[language].append((own, english))
    return found


def main():
    cohort, packages = sys.argv[1], sys.argv[2:]
    rows, kinds = [], []
    rng = random.Random(1)
    for language, pairs in sorted(messages(packages).items()):
        target = TARGET.get(language, language)
        rng.shuffle(pairs)
        for i in range(min(200, len(pairs) // 6)):
            own = [p[0] for p in pairs[6 * i:6 * i + 3]]
            english = [p[1] for p in pairs[6 * i + 3:6 * i + 6]]
            for kind, mine, other in (("alone", own[:1], []), ("English", [], english[:1]),
                                      ("1 + 1", own[:1], english[:1]), ("3 + 3", own, english)):
                a, b = sum(map(words, mine)), sum(map(words, other))
                rows.append(dict(completion="\n".join(mine + other), language=target, prompt=""))
                kinds.append((language, kind, a / (a + b)))
    with tempfile.TemporaryDirectory() as folder:
        data, out = pathlib.Path(folder, "rows.jsonl"), pathlib.Path(folder, "out.jsonl")
        data.write_text("".join(json.dumps(r) + "\n" for r in rows))
        subprocess.run([cohort, "reward", "score", "--reward", "language_consistency", "--data", data, "--output", out],
                       check=True, stdout=subprocess.DEVNULL)
        found = [json.loads(line) for line in out.read_text().splitlines()]
    errors = collections.defaultdict(list)
    for (language, kind, expected), row in zip(kinds, found):
        errors[language, kind].append(abs(row["reward"] - expected))
        errors["all", kind].append(abs(row["reward"] - expected))
    names = ("alone", "English", "1 + 1", "3 + 3")
    print("mean |found - true share|\nlanguage  texts " + "".join(f"{n:>9}" for n in names))
    for language in sorted({k[0] for k in errors} - {"all"}) + ["all"]:
        cells = [errors[language, n] for n in names]
        print(f"{language:8}  {len(cells[0]):5} " + "".join(f"{sum(c) / len(c):9.3f}" for c in cells))


if __name__ == "__main__":
    main()
