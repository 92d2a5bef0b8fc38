#!/usr/bin/env python3
"""Writes tests/fixtures/rl/importance.json: importance weights of samples that another engine drew, as TRL computes them.

Needs torch and trl (made with trl 1.16.0 and torch 2.15.0). The lines of GRPOTrainer._generate_and_score_completions that
compute them run as they stand, in float64, on random log-probs.

    python tools/make_importance_fixtures.py
"""
import inspect
import json
import math
import pathlib
import textwrap
import types

import torch
import trl.trainer.grpo_trainer as grpo

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "rl" / "importance.json"


def trl_lines():
    source = inspect.getsource(grpo.GRPOTrainer._generate_and_score_completions)
    begin = source.index("            if self.use_vllm and self.vllm_importance_sampling_correction:\n                mask =")
    end = source.index("            # Compute the per-token log probabilities for the reference model")
    return textwrap.dedent(source[begin:end])


def main():
    torch.manual_seed(5)
    code = compile(trl_lines(), "trl", "exec")
    B, T = 6, 5
    lengths = [5, 3, 1, 4, 5, 2]
    mask = torch.tensor([[float(t < n) for t in range(T)] for n in lengths], dtype=torch.float64)
    old = torch.round(-torch.rand(B, T, dtype=torch.float64) * 3 * 1024) / 1024
    sampling = torch.round((old - 0.6 * torch.randn(B, T, dtype=torch.float64)).clamp(max=0) * 1024) / 1024
    cases = []
    for mode in ("token_truncate", "token_mask", "sequence_truncate", "sequence_mask"):
        for low, high in ((None, 3.0), (0.5, 1.5), (None, None), (0.8, None)):
            if "truncate" in mode and low is None and high is None:
                continue
            names = dict(torch=torch, math=math, old_per_token_logps=old, sampling_per_token_logps=sampling,
                         completion_mask=mask, tool_mask=None,
                         self=types.SimpleNamespace(use_vllm=True, vllm_importance_sampling_correction=True,
                                                    vllm_importance_sampling_mode=mode,
                                                    vllm_importance_sampling_clip_max=high,
                                                    vllm_importance_sampling_clip_min=low))
            exec(code, names)
            ratio = names["vllm_importance_sampling_ratio"].expand(B, T)
            cases.append(dict(mode=mode, clip_max=high, clip_min=low,
                              weights=[ratio[i, :n].tolist() for i, n in enumerate(lengths)]))
    rows = lambda x: [x[i, :n].tolist() for i, n in enumerate(lengths)]
    OUT.write_text(json.dumps(dict(log_probs=rows(old), sampler_log_probs=rows(sampling), cases=cases)) + "\n")


main()
