#!/usr/bin/env python3
"""Writes tests/fixtures/credit/: advantages of the credit rules, in float64.

Needs torch, trl (made with trl 1.16.0 and torch 2.15.0) and the folder of an unpacked trl 0.22.2, the last minor version
whose PPO trainer is read here. TRL's own lines run where it has the rule: leave-one-out from RLOOTrainer, several
rewards from GRPOTrainer, generalised advantage estimation and whitening from PPOTrainer. REINFORCE++ and process
supervision are written here from their formulas (verl's documentation; arXiv 2402.03300, section 4.1.3).

    pip install --no-deps --target trl_ppo trl==0.22.2
    python tools/make_credit_fixtures.py trl_ppo
"""
import ast
import inspect
import itertools
import json
import math
import pathlib
import sys
import textwrap
import types

import torch
import trl
import trl.trainer.grpo_trainer as grpo
import trl.trainer.rloo_trainer as rloo

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "credit"
NAN = float("nan")


def numbers(tensor):
    return [None if math.isnan(x) else x for x in tensor.double().flatten().tolist()]


def grid(tensor):
    """Multiples of 1/1024: short in print, and the same number in float32 and float64."""
    return torch.round(tensor.double() * 1024) / 1024


def lines_between(source, first, last):
    """The lines from the one that begins with `first` to the next that begins with `last`, compiled."""
    lines = source.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.strip().startswith(first))
    end = next(i for i, line in enumerate(lines) if i >= begin and line.strip().startswith(last))
    return compile(textwrap.dedent("\n".join(lines[begin:end + 1])), "trl", "exec")


BATCHES = [
    [1, 0, 0, 1, 0, 0, 0, 1], [1, 1, 1, 1, 0.5, -0.25, 0.125, 2], [0.1, 0.1, 0.1, 0.1, 0.7, 0.1, 0.1, 0.1],
    [NAN, 1, 0, 1, 1, NAN, NAN, 0], [0.25, NAN, 0.5, 1, 1, 0, 0, -3],
]


def leave_one_out_cases():
    code = lines_between(inspect.getsource(rloo.RLOOTrainer._generate_and_score_completions), "unscorable_mask =",
                         "advantages = torch.nan_to_num")
    for rewards, group in itertools.product(BATCHES + [[0.5, NAN, NAN, NAN, 1, 2, 3, 4]], (2, 4)):
        scope = dict(vars(rloo), self=types.SimpleNamespace(
            reward_weights=torch.ones(1, dtype=torch.float64), reward_clip_range=None, beta=0.0,
            normalize_advantages=False), rewards_per_func=torch.tensor(rewards, dtype=torch.float64)[:, None],
            device="cpu", num_generations=group)
        exec(code, scope)
        yield dict(rule="leave_one_out", num_generations=group, rewards=[None if math.isnan(r) else r for r in rewards],
                   advantages=numbers(scope["advantages"]))


def kl_in_reward_cases():
    code = lines_between(inspect.getsource(rloo.RLOOTrainer._generate_and_score_completions), "unscorable_mask =",
                         "advantages = torch.nan_to_num")
    g = torch.Generator().manual_seed(13)
    for rewards, beta in itertools.product(BATCHES[2:], (0.05, 0.7)):
        lengths = torch.randint(1, 7, (8,), generator=g)
        logprobs = grid(-3 * torch.rand(8, 6, generator=g))
        ref = logprobs - grid(0.5 * torch.randn(8, 6, generator=g))
        scope = dict(vars(rloo), self=types.SimpleNamespace(
            reward_weights=torch.ones(1, dtype=torch.float64), reward_clip_range=None, beta=beta,
            normalize_advantages=False), rewards_per_func=torch.tensor(rewards, dtype=torch.float64)[:, None],
            device="cpu", num_generations=4, old_per_token_logps=logprobs, ref_per_token_logps=ref,
            completion_mask=torch.arange(6)[None] < lengths[:, None], gather=lambda x: x)
        exec(code, scope)
        yield dict(num_generations=4, kl_coef=beta, rewards=numbers(torch.tensor(rewards, dtype=torch.float64)),
                   log_probs=[row[:n].tolist() for row, n in zip(logprobs, lengths)],
                   ref_log_probs=[row[:n].tolist() for row, n in zip(ref, lengths)],
                   advantages=numbers(scope["advantages"]))


def multi_objective_cases():
    code = lines_between(inspect.getsource(grpo.GRPOTrainer._generate_and_score_completions), "unscorable_mask =",
                         "advantages = torch.nan_to_num")
    first, second = [1, 0, 0, 1, 0, 0, 0, 1], [3, -1, 2, 0.5, 0.1, 0.1, 0.1, 0.1]
    third = [NAN, NAN, 4, 5, 1, NAN, 0, 2]
    unscored = ([NAN, 0, 0, 1, 0, NAN, 0, 1], [NAN, -1, 2, 0.5, 0.1, NAN, 0.1, 0.1])
    for columns, weights in [((first,), [1]), ((first, second), [1, 0.1]), ((first, second, third), [1, 0.5, -2]),
                             (unscored, [1, 1]), ((second, third), [0.3, 0])]:
        rewards = torch.tensor(columns, dtype=torch.float64).T
        scope = dict(vars(grpo), self=types.SimpleNamespace(
            multi_objective_aggregation="normalize_then_sum", scale_rewards="group", reward_funcs=list(weights),
            reward_weights=torch.tensor(weights, dtype=torch.float64)), rewards_per_func=rewards, device="cpu",
            num_generations=4)
        exec(code, scope)
        yield dict(num_generations=4, reward_weights=weights, rewards=[numbers(row) for row in rewards],
                   advantages=numbers(scope["advantages"]))


def whiten(values, mask):
    """verl's masked_whiten, from its documentation: moments over the tokens of the mask."""
    n = mask.sum()
    mean = (values * mask).sum() / n
    variance = ((values - mean)**2 * mask).sum() / (n - 1)
    return (values - mean) / torch.sqrt(variance + 1e-8)


def reinforce_plus_plus_cases():
    g = torch.Generator().manual_seed(7)
    for rewards, baseline in itertools.product(BATCHES, (False, True)):
        lengths = torch.randint(1, 9, (8,), generator=g)
        rewards = torch.tensor(rewards, dtype=torch.float64)
        credit = rewards.clone()
        if baseline:
            credit -= torch.nanmean(rewards.view(-1, 4), dim=1).repeat_interleave(4)
        mask = (torch.arange(9)[None] < lengths[:, None]).double() * (~torch.isnan(rewards))[:, None]
        tokens = whiten(torch.nan_to_num(credit)[:, None].expand_as(mask), mask) * mask
        yield dict(rule="group_baseline" if baseline else "batch", num_generations=4, lengths=lengths.tolist(),
                   rewards=numbers(rewards), advantages=tokens[:, 0].tolist())


def process_cases():
    g = torch.Generator().manual_seed(11)
    for scale, missing in itertools.product(("group", "batch", "none"), (False, True)):
        samples = []
        for i in range(8):
            length = int(torch.randint(4, 10, (1,), generator=g))
            count = int(torch.randint(0 if i == 2 else 1, 4, (1,), generator=g))
            ends = sorted((torch.randperm(length, generator=g)[:count] + 1).tolist())
            rewards = grid(torch.rand(count, generator=g)).tolist()
            if missing and i in (1, 6):
                rewards[0] = NAN
            samples.append((length, ends, rewards))
        result, everything = [], [r for _, _, rs in samples for r in rs if not math.isnan(r)]
        for first in (0, 4):
            group = samples[first:first + 4]
            pool = torch.tensor([r for _, _, rs in group for r in rs if not math.isnan(r)], dtype=torch.float64)
            divisor = {"group": pool.std() + 1e-4, "none": 1.0,
                       "batch": torch.tensor(everything, dtype=torch.float64).std() + 1e-4}[scale]
            for length, ends, rewards in group:
                normalized = [0.0 if math.isnan(r) else float((r - pool.mean()) / divisor) for r in rewards]
                result.append(dict(
                    length=length, ends=ends, rewards=[None if math.isnan(r) else r for r in rewards],
                    advantages=[sum(n for e, n in zip(ends, normalized) if e > t) for t in range(length)]))
        yield dict(scale_rewards=scale, num_generations=4, samples=result)


def gae_cases(ppo):
    code = lines_between((ppo / "trl/trainer/ppo_trainer.py").read_text(), "logr = ref_logprobs - logprobs",
                         "advantages = torch.masked_fill")
    core = ast.parse((ppo / "trl/core.py").read_text())
    core.body = [f for f in core.body if getattr(f, "name", "").startswith("masked_")]
    whitening = dict(torch=torch, Optional=__import__("typing").Optional)
    exec(compile(core, "trl", "exec"), whitening)
    g = torch.Generator().manual_seed(5)
    for kl_coef, gamma, lam, critic in [(0.05, 1.0, 0.95, True), (0.0, 1.0, 1.0, False), (0.3, 0.9, 0.5, True),
                                        (0.3, 1.0, 1.0, False), (0.05, 0.99, 0.0, True)]:
        # All as long as the longest: behind a shorter one TRL pays the score on the padding.
        batch, length = 4, 6
        logprobs = grid(-3 * torch.rand(batch, length, generator=g))
        ref = logprobs - grid(0.5 * torch.randn(batch, length, generator=g))
        values = grid(torch.randn(batch, length, generator=g)) * critic
        scores = grid(torch.randn(batch, generator=g))
        last = torch.full((batch,), length - 1)
        scope = dict(
            whitening, args=types.SimpleNamespace(kl_estimator="k1", kl_coef=kl_coef, gamma=gamma, lam=lam,
                                                  whiten_rewards=False),
            logprobs=logprobs, ref_logprobs=ref, values=values, scores=scores, responses=logprobs,
            sequence_lengths=last, sequence_lengths_p1=last + 1,
            padding_mask=torch.zeros(batch, length, dtype=torch.bool),
            padding_mask_p1=torch.zeros(batch, length, dtype=torch.bool), torch=torch)
        exec(code, scope)
        yield dict(kl_coef=kl_coef, gamma=gamma, lam=lam, samples=[dict(
            reward=scores[i].item(), log_probs=logprobs[i].tolist(), ref_log_probs=ref[i].tolist(),
            values=values[i].tolist() if critic else [], returns=scope["returns"][i].tolist(),
            advantages=scope["advantages"][i].tolist()) for i in range(batch)])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    made_with = f"trl {trl.__version__} and, for gae, 0.22.2; torch {torch.__version__.split('+')[0]}"
    fixture = dict(
        made_with=made_with, samples=[*leave_one_out_cases(), *reinforce_plus_plus_cases()],
        kl_in_reward=[*kl_in_reward_cases()], multi_objective=[*multi_objective_cases()], process=[*process_cases()],
        gae=[*gae_cases(pathlib.Path(sys.argv[1]))])
    (OUT / "credit.json").write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    main()
