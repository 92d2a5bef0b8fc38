#!/usr/bin/env python3
"""Checks an adapter folder that Cohort wrote (checkpoint-N of a run with use_peft) through PEFT's own loader.

usage: tools/check_adapter.py ADAPTER ROWS.JSONL SCORES.JSONL [MERGED]
SCORES is what `cohort score --model ADAPTER --data ROWS.JSONL` wrote; MERGED what `cohort merge` made of ADAPTER.
Every log-prob must be PEFT's to rounding (float32), and the merged weights PEFT's merge_and_unload's.
Needs PyPI's torch, transformers and peft.
"""
import json
import pathlib
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(adapter, rows, scores, merged=None):
    config = json.loads((pathlib.Path(adapter) / "adapter_config.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(config["base_model_name_or_path"], dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter).eval()
    tokenizer = AutoTokenizer.from_pretrained(adapter)
    worst = count = changed = 0
    for line, scored in zip(open(rows), open(scores)):
        row, ours = json.loads(line), json.loads(scored)["log_probs"]
        prompt = tokenizer(row["prompt"]).input_ids
        completion = tokenizer(row["completion"], add_special_tokens=False).input_ids
        ids = torch.tensor([prompt + completion])
        targets = torch.tensor(completion)[:, None]
        with torch.no_grad():
            theirs = torch.log_softmax(model(ids).logits[0, len(prompt) - 1:-1], -1).gather(1, targets)[:, 0]
            with model.disable_adapter():
                base = torch.log_softmax(model(ids).logits[0, len(prompt) - 1:-1], -1).gather(1, targets)[:, 0]
        assert len(ours) == len(completion), (len(ours), len(completion))
        worst = max(worst, (theirs - torch.tensor(ours)).abs().max().item())
        changed += (theirs - base).abs().sum().item()
        count += len(ours)
    print(f"{adapter}: {count} log-probs, at most {worst:.1e} from PEFT's; the adapter changes them by {changed / count:.2f} in the mean")
    assert worst < 1e-4
    if merged:
        theirs, ours = model.merge_and_unload().state_dict(), AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).state_dict()
        assert theirs.keys() == ours.keys()
        worst = max((theirs[n] - ours[n]).abs().max().item() for n in theirs)
        print(f"{merged}: {len(ours)} tensors, at most {worst:.1e} from merge_and_unload's")
        assert worst < 1e-5


if __name__ == "__main__":
    main(*sys.argv[1:])
