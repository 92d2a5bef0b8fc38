#!/usr/bin/env python3
"""Opens a reward model's folder with transformers and compares its values with those that a run wrote.

    python tools/check_reward_model.py RUN/checkpoint-N PAIRS.jsonl RUN/eval_samples.jsonl [ROWS]

Needs torch and transformers. Prints the largest difference over the first ROWS (50) held-out pairs of that step.
"""
import json
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def main():
    folder, pairs, samples = sys.argv[1:4]
    most = int(sys.argv[4]) if len(sys.argv) > 4 else 50
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = open(pairs).read().splitlines()
    step = int(folder.rstrip("/").rsplit("-", 1)[1])
    held_out = [s for s in map(json.loads, open(samples)) if s["step"] == step][:most]
    worst = 0.0
    for s in held_out:
        row = json.loads(rows[s["line"] - 1])
        prompt = row.get("prompt_ids") or tokenizer(row["prompt"])["input_ids"]
        for side, value in zip(("chosen", "rejected"), s["values"]):
            ids = prompt + tokenizer(row[side], add_special_tokens=False)["input_ids"]
            if tokenizer.eos_token_id is not None:
                ids.append(tokenizer.eos_token_id)
            with torch.no_grad():
                # One sequence at a time: without padding the last token is read, whatever the pad token is.
                hidden = model.model(torch.tensor([ids])).last_hidden_state[0, -1]
                last = model.score(hidden).item()
                whole = model(torch.tensor([ids])).logits.item()
            worst = max(worst, abs(last - value), abs(whole - value))
    print(f"{type(model).__name__}: {2 * len(held_out)} values, largest difference {worst:.2e}")
    if not held_out or worst > 1e-4:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
