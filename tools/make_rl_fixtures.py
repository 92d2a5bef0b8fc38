#!/usr/bin/env python3
"""Writes tests/fixtures/rl/: advantages, losses, per-token gradients and metrics as TRL computes them.

Needs torch and trl (made with trl 1.16.0 and torch 2.15.0). TRL's own code runs: GRPOTrainer._compute_loss on a stand-in for the trainer,
with the per-token log-probs and entropies as leaves of the graph, in float64; and the lines of _generate_and_score_completions
that turn rewards into advantages, taken from its source. What TRL does not have (GMPO, the KL estimators k1 and k2) is
written here after the papers.

    python tools/make_rl_fixtures.py
"""
import collections
import inspect
import itertools
import json
import math
import pathlib
import textwrap
import types

import torch
import trl
import trl.trainer.grpo_trainer as grpo

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "rl"
GROUP = 4


def numbers(tensor):
    return [None if math.isnan(x) else x for x in tensor.double().flatten().tolist()]


def grid(tensor):
    """Multiples of 1/1024: short in print, and the same number in float32 and float64."""
    return torch.round(tensor * 1024) / 1024


class Accelerator:
    num_processes = 1
    sync_gradients = True
    gather = staticmethod(lambda x: x)
    reduce = staticmethod(lambda x, reduction: x)
    pad_across_processes = staticmethod(lambda x, dim, pad_index: x)


VARIANT = dict(sapo_temperature_neg=1.05, sapo_temperature_pos=1.0, vespo_k_pos=2.0, vespo_lambda_pos=3.0, vespo_k_neg=3.0,
               vespo_lambda_neg=2.0, off_policy_mask_threshold=None, top_entropy_quantile=1.0, entropy_coef=0.0,
               kl_estimator="k3")


def mean_of_means(x, mask):
    return ((x * mask).sum(1) / mask.sum(1).clamp(min=1)).mean()


def gmpo_loss(new, old, advantages, mask, low, high):
    """arXiv 2507.20673, equation 4: per sequence, the geometric mean of the ratios, each bounded where its advantage pushes."""
    a = advantages[:, None].expand_as(new)
    log_ratio = new - old
    bounded = torch.where(a > 0, log_ratio.clamp(max=high), torch.where(a < 0, log_ratio.clamp(min=-low), 0 * log_ratio))
    ratio = ((bounded * mask).sum(1) / mask.sum(1).clamp(min=1)).exp()
    return -(ratio * advantages * (mask.sum(1) > 0)).mean()


def r1_loss(new, old, ref, advantages, mask, low, high, delta, beta, bias, estimator):
    """arXiv 2501.12948, equations 1 and 2: ratio and KL term of whole completions; delta and the KL term's ratio as TRL has them."""
    w = ((new - old) * mask).sum(1).exp()
    bounded = w if delta is None else w.clamp(max=delta)
    objective = torch.minimum(bounded * advantages, w.clamp(1 - low, 1 + high) * advantages)
    term = kl((new * mask).sum(1), (ref * mask).sum(1), estimator) * (w if bias else 1)
    here = mask.sum(1) > 0
    return -((objective - beta * term) * here).mean(), ((term * mask.sum(1)).sum() / mask.sum()).item()


def kl(new, ref, estimator):
    d = new - ref
    return {"k1": d, "k2": d * d / 2, "k3": (-d).exp() + d - 1}[estimator]


def loss_case(seed, loss_type, level, beta, bias, epsilon_high, delta, inserted, steps, **variant):
    o = types.SimpleNamespace(**{**VARIANT, **variant})
    ours = loss_type in ("gmpo", "r1") or o.kl_estimator != "k3"  # mean over tokens, then samples
    g = torch.Generator().manual_seed(seed)
    batch, longest = 2 * GROUP, 7
    lengths = torch.randint(1, longest + 1, (batch,), generator=g)
    lengths[0] = longest
    mask = (torch.arange(longest)[None] < lengths[:, None]).long()
    new = grid(-3 * torch.rand(batch, longest, generator=g))
    old = new - grid(0.35 * torch.randn(batch, longest, generator=g))
    ref = new - grid(0.5 * torch.randn(batch, longest, generator=g))
    entropies = grid(2 * torch.rand(batch, longest, generator=g))
    advantages = grid(torch.randn(batch, generator=g))
    advantages[1] = 0
    tool_mask = torch.ones_like(mask)
    if inserted:  # tokens 1 and 2 were inserted, where the completion goes on behind them
        tool_mask[lengths > 3, 1:3] = 0
    effective = mask * tool_mask
    items = effective.sum() * steps + (5 if steps > 1 else 0)

    leaf, entropy_leaf = new.double().requires_grad_(), entropies.double().requires_grad_()
    trainer = types.SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *a, **k: (leaf, entropy_leaf, None),
        aux_loss_enabled=False, top_entropy_quantile=o.top_entropy_quantile,
        off_policy_mask_threshold=o.off_policy_mask_threshold, loss_type="grpo" if ours else loss_type,
        importance_sampling_level=level, beta=0.0 if ours else beta, epsilon_low=0.2,
        epsilon_high=0.2 if epsilon_high is None else epsilon_high, use_vllm=False,
        vllm_importance_sampling_correction=False, model=types.SimpleNamespace(training=True),
        current_gradient_accumulation_steps=1, max_completion_length=longest + 3, accelerator=Accelerator(),
        _entropy_bonus_enabled=o.entropy_coef != 0, use_adaptive_entropy=False, entropy_coef=o.entropy_coef,
        get_off_policy_mask=grpo.GRPOTrainer.get_off_policy_mask, get_gamma_weights=grpo.GRPOTrainer.get_gamma_weights,
        _metrics={"train": collections.defaultdict(list)},
        args=types.SimpleNamespace(delta=delta, use_bias_correction_kl=bias, steps_per_generation=steps, **vars(o)))
    trainer.get_high_entropy_mask = lambda *a: grpo.GRPOTrainer.get_high_entropy_mask(trainer, *a)
    inputs = dict(
        prompt_ids=torch.zeros(batch, 1, dtype=torch.long), prompt_mask=torch.ones(batch, 1, dtype=torch.long),
        completion_ids=torch.zeros(batch, longest, dtype=torch.long), completion_mask=mask, tool_mask=tool_mask,
        advantages=advantages.double(), old_per_token_logps=old.double(), ref_per_token_logps=ref.double(),
        num_items_in_batch=items)
    torch.set_default_dtype(torch.float64)  # else torch.where makes temperatures of 24 bits
    loss = grpo.GRPOTrainer._compute_loss(trainer, trainer.model, inputs)
    torch.set_default_dtype(torch.float32)
    metrics = {k: v[0] for k, v in trainer._metrics["train"].items()}
    if ours:
        if loss_type == "gmpo":
            loss = gmpo_loss(leaf, old.double(), advantages.double(), effective, 0.2, trainer.epsilon_high)
            metrics = {}
        if loss_type == "r1":
            loss, whole_kl = r1_loss(leaf, old.double(), ref.double(), advantages.double(), effective, 0.2,
                                     trainer.epsilon_high, delta, beta, bias, o.kl_estimator)
            metrics = dict(kl=whole_kl) if beta else {}
        term = kl(leaf, ref.double(), o.kl_estimator)
        if bias:
            term = term * (leaf - old.double()).exp()
        if loss_type != "r1":
            loss = loss + beta * mean_of_means(term, effective)
        if beta and loss_type != "r1":
            metrics["kl"] = ((term * effective).sum() / effective.sum()).item()
    loss.backward()
    rows = []
    for i in range(batch):
        n = int(lengths[i])
        entropy_gradient = {} if o.entropy_coef == 0 else dict(
            entropy_gradient=[float(f"{x:.10g}") for x in entropy_leaf.grad[i, :n].tolist()])
        rows.append(dict(
            sampled=effective[i, :n].tolist(), log_probs=new[i, :n].tolist(), old_log_probs=old[i, :n].tolist(),
            ref_log_probs=ref[i, :n].tolist(), entropies=entropies[i, :n].tolist(), advantage=advantages[i].item(),
            gradient=[float(f"{x:.10g}") for x in leaf.grad[i, :n].tolist()], **entropy_gradient))
    return dict(
        loss_type=loss_type, importance_sampling_level=level, beta=beta, use_bias_correction_kl=bias, epsilon=0.2,
        epsilon_high=epsilon_high, delta=delta, max_completion_length=longest + 3,
        tokens_per_step=items.item() / steps, samples=rows, loss=loss.item(),
        metrics=metrics, **variant)


def advantage_code():
    """TRL's lines from the weighted sum of the rewards to the advantages."""
    lines = inspect.getsource(grpo.GRPOTrainer._generate_and_score_completions).splitlines()
    begin = next(i for i, line in enumerate(lines) if line.strip().startswith("unscorable_mask ="))
    end = next(i for i, line in enumerate(lines) if line.strip().startswith("advantages = torch.nan_to_num"))
    return compile(textwrap.dedent("\n".join(lines[begin:end + 1])), "trl", "exec")


def advantage_case(code, rewards, scale_rewards):
    rewards = torch.tensor(rewards, dtype=torch.float64)
    scope = dict(vars(grpo), self=types.SimpleNamespace(
        multi_objective_aggregation="sum_then_normalize", reward_weights=torch.ones(1, dtype=torch.float64),
        scale_rewards=scale_rewards), rewards_per_func=rewards[:, None], device="cpu", num_generations=GROUP)
    exec(code, scope)
    return dict(
        scale_rewards=scale_rewards, num_generations=GROUP, rewards=numbers(rewards),
        advantages=numbers(scope["advantages"]), reward=torch.nanmean(rewards).item(),
        reward_std=grpo.nanstd(rewards).item(), frac_reward_zero_std=scope["is_std_zero"].double().mean().item())


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    cases, seed = [], 0
    for loss_type, level, (beta, bias), (high, delta) in itertools.product(
            ["grpo", "bnpo", "dr_grpo", "dapo"], ["token", "sequence"], [(0.0, True), (0.3, False), (0.3, True)],
            [(None, None), (0.28, 1.5)]):
        if level == "sequence" and loss_type != "grpo":
            continue  # TRL warns of these: the loss is not that of GSPO
        seed += 1
        steps = 2 if loss_type == "dapo" and seed % 2 else 1
        cases.append(loss_case(seed, loss_type, level, beta, bias, high, delta, seed % 3 == 0, steps))
    header = dict(made_with=f"trl {trl.__version__}, torch {torch.__version__.split('+')[0]}")
    (OUT / "losses.json").write_text(json.dumps({**header, "cases": cases}) + "\n")

    variants = [dict(loss_type=t, beta=b, bias=c, level=l, **v) for t, b, c, l, v in [
        ("cispo", 0.0, True, "token", dict(epsilon_high=1.25)), ("cispo", 0.3, True, "token", dict(epsilon_high=5.0)),
        ("cispo", 0.0, True, "sequence", dict(epsilon_high=1.1)),
        ("sapo", 0.0, True, "token", {}), ("sapo", 0.3, True, "sequence", {}),
        ("sapo", 0.3, False, "token", dict(sapo_temperature_neg=3.0, sapo_temperature_pos=0.5)),
        ("luspo", 0.0, True, "sequence", {}), ("luspo", 0.3, True, "token", dict(epsilon_high=0.28, delta=1.5)),
        ("vespo", 0.0, True, "token", {}),
        ("vespo", 0.3, True, "token", dict(vespo_k_pos=1.0, vespo_lambda_pos=0.5, vespo_k_neg=2.0, vespo_lambda_neg=1.5)),
        ("gmpo", 0.0, True, "token", {}), ("gmpo", 0.3, False, "token", dict(epsilon_high=0.4)),
        ("gmpo", 0.3, True, "token", dict(epsilon_high=0.1)),
        ("grpo", 0.3, False, "token", dict(kl_estimator="k1")), ("grpo", 0.3, True, "token", dict(kl_estimator="k1")),
        ("grpo", 0.3, False, "token", dict(kl_estimator="k2")), ("grpo", 0.3, True, "token", dict(kl_estimator="k2")),
        ("dapo", 0.3, True, "token", dict(entropy_coef=0.05)), ("grpo", 0.0, True, "token", dict(entropy_coef=0.05)),
        ("dapo", 0.3, True, "token", dict(top_entropy_quantile=0.2)),
        ("grpo", 0.0, True, "sequence", dict(top_entropy_quantile=0.4)),
        ("cispo", 0.0, True, "token", dict(epsilon_high=5.0, top_entropy_quantile=0.35, entropy_coef=0.05)),
        ("dapo", 0.3, True, "token", dict(off_policy_mask_threshold=0.02)),
        ("grpo", 0.0, True, "sequence", dict(off_policy_mask_threshold=0.0)),
        ("r1", 0.0, True, "token", {}), ("r1", 0.3, False, "token", dict(epsilon_high=0.5)),
        ("r1", 0.3, True, "token", dict(epsilon_high=0.3, delta=1.8)),
    ]]
    rows = [loss_case(seed=1000 + i, inserted=i % 3 == 0, steps=1 + i % 2 * (v["loss_type"] in ("dapo", "cispo", "vespo")),
                      **{**dict(epsilon_high=None, delta=None), **v}) for i, v in enumerate(variants)]
    (OUT / "loss_variants.json").write_text(json.dumps({**header, "cases": rows}) + "\n")

    nan, code = float("nan"), advantage_code()
    batches = [
        [1, 0, 0, 1, 0, 0, 0, 1], [1, 1, 1, 1, 0.5, -0.25, 0.125, 2], [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
        [nan, 1, 0, 1, 1, nan, nan, 0], [nan, nan, nan, 1, 1, 0, 0, 0], [nan, nan, nan, nan, 0.3, 0.7, 0.1, 0.9],
    ]
    rows = [advantage_case(code, b, s) for b in batches for s in ("group", "batch", "none")]
    (OUT / "advantages.json").write_text(json.dumps({**header, "cases": rows}) + "\n")


if __name__ == "__main__":
    main()
