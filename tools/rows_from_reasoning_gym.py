#!/usr/bin/env python3
"""Problems of reasoning-gym (106 generators with checkers) as rows for Cohort.

pip install reasoning-gym
tools/rows_from_reasoning_gym.py leg_counting countdown --size 500 --seed 42 > rows.jsonl
cohort train recipe.toml --data rows.jsonl --reward_funcs 'command:python3 tools/reward_of_reasoning_gym.py'

A row has prompt, answer, data_source (reasoning_gym/NAME) and reasoning_gym, the generator's own entry, which its checker
needs. Where the answer is a number or a formula, `--reward_funcs math` does as well, without Python. `--list` names the generators.
"""
import argparse
import json
import sys

import reasoning_gym
from reasoning_gym.factory import DATASETS

ASK = " Give the final answer as <answer> answer </answer>."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="GENERATOR")
    parser.add_argument("--size", type=int, default=500, help="problems of each generator [500]")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--ask", default=ASK, help="text after each question")
    parser.add_argument("--list", action="store_true")
    a = parser.parse_args()
    if a.list:
        print("\n".join(sorted(DATASETS)))
        return
    if not a.names:
        parser.error("expected a generator's name (--list names them)")
    for name in a.names:
        if name not in DATASETS:
            parser.error(f"there is no generator {name} (--list names them)")
        for entry in reasoning_gym.create_dataset(name, size=a.size, seed=a.seed):
            row = {"prompt": entry["question"].strip() + a.ask, "data_source": f"reasoning_gym/{name}",
                   "reasoning_gym": entry}
            if entry["answer"] is not None:
                row["answer"] = str(entry["answer"])
            json.dump(row, sys.stdout, ensure_ascii=False, default=str)
            print()


if __name__ == "__main__":
    main()
