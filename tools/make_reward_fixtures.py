#!/usr/bin/env python3
"""Writes tests/fixtures/rl/reward.json: losses, gradients and metrics of reward models, in float64.

Needs torch and trl (made with trl 1.16.0 and torch 2.15.0). Pairs: TRL's own code runs, RewardTrainer.compute_loss
on a stand-in for the trainer and the model whose logits are the leaves. Labels: torch's
binary_cross_entropy_with_logits, and for steps the cross-entropy of two classes over the marked tokens, which is
what a token classifier is trained by (the value is the difference of its two logits).

    python tools/make_reward_fixtures.py
"""
import collections
import itertools
import json
import pathlib
import types

import torch
import torch.nn.functional as F
import trl
from trl import RewardTrainer

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "rl"
METRICS = ("accuracy", "margin", "mean_reward", "min_reward", "max_reward")


def grid(tensor):
    """Multiples of 1/1024: short in print, and the same number in float32 and float64."""
    return torch.round(tensor * 1024) / 1024


def pair_case(seed, count, spread, margins, center):
    g = torch.Generator().manual_seed(seed)
    leaf = grid(spread * torch.randn(2 * count, 1, generator=g)).double().requires_grad_()
    margin = grid(torch.rand(count, generator=g)).double()

    class Model:
        training = True

        def __call__(self, **k):
            return types.SimpleNamespace(logits=leaf)

    accelerator = types.SimpleNamespace(gather=lambda x: x, gather_for_metrics=lambda x: x)
    trainer = types.SimpleNamespace(
        model=Model(), accelerator=accelerator, args=types.SimpleNamespace(center_rewards_coefficient=center),
        _metrics={"train": collections.defaultdict(list)}, _total_train_tokens=0, _tp_size=1)
    inputs = dict(attention_mask=torch.ones(2 * count, 1, dtype=torch.long))
    if margins:
        inputs["margin"] = margin
    loss = RewardTrainer.compute_loss(trainer, trainer.model, inputs)
    loss.backward()
    chosen, rejected = leaf.detach().view(2, count)
    d_chosen, d_rejected = leaf.grad.view(2, count)
    return dict(center=center or 0.0, loss=loss.item(),
                metrics={k: trainer._metrics["train"][k][0] for k in METRICS},
                pairs=[dict(chosen=chosen[i].item(), rejected=rejected[i].item(),
                            margin=margin[i].item() if margins else 0.0, d_chosen=d_chosen[i].item(),
                            d_rejected=d_rejected[i].item()) for i in range(count)])


def label_case(seed, count, spread, soft, steps):
    g = torch.Generator().manual_seed(seed)
    value = grid(spread * torch.randn(count, generator=g)).double().requires_grad_()
    label = torch.rand(count, generator=g)
    label = grid(label).double() if soft else (label > 0.5).double()
    if steps:
        logits = torch.stack([torch.zeros_like(value), value], -1)
        loss = F.cross_entropy(logits, label.long())
    else:
        loss = F.binary_cross_entropy_with_logits(value, label)
    loss.backward()
    right = ((value.sigmoid() >= 0.5) == (label >= 0.5)).double().mean()
    return dict(loss=loss.item(),
                metrics=dict(accuracy=right.item(), mean_reward=value.mean().item(), min_reward=value.min().item(),
                             max_reward=value.max().item()),
                values=[dict(value=v, label=l, gradient=d) for v, l, d in
                        zip(value.tolist(), label.tolist(), value.grad.tolist())])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    pairs = [pair_case(seed, *options) for seed, options in
             enumerate(itertools.product([1, 5], [0.0, 1.0, 60.0], [False, True], [None, 0.01]))]
    labels = [label_case(seed, *options) for seed, options in
              enumerate(itertools.product([1, 6], [0.0, 1.0, 60.0], [False, True], [False]))]
    labels += [label_case(100 + seed, 6, spread, False, True) for seed, spread in enumerate([1.0, 60.0])]
    header = dict(made_with=f"trl {trl.__version__}, torch {torch.__version__.split('+')[0]}")
    (OUT / "reward.json").write_text(json.dumps({**header, "pairs": pairs, "labels": labels}) + "\n")


if __name__ == "__main__":
    main()
