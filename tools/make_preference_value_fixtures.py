#!/usr/bin/env python3
"""Writes tests/fixtures/rl/preference.json and value.json: losses, gradients and metrics of DPO and of PPO with a critic.

Needs torch and trl (made with trl 1.16.0 and torch 2.15.0). DPO: TRL's own code runs, DPOTrainer._compute_loss on
a stand-in for the trainer and the model, with the per-token log-probs as leaves of the graph, in float64. Its
sigmoid loss has no label smoothing; its "aot" loss, given one pair at a time, has (sorting one number changes
nothing). PPO: TRL 1.16 has no PPO trainer any more, so the formula is written here and autograd takes its gradient.

    python tools/make_preference_value_fixtures.py
"""
import collections
import itertools
import json
import pathlib
import types

import torch
import trl
import trl.trainer.dpo_trainer as dpo

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "rl"


def grid(tensor):
    """Multiples of 1/1024: short in print, and the same number in float32 and float64."""
    return torch.round(tensor * 1024) / 1024


def short(tensor):
    return [float(f"{x:.10g}") for x in tensor.tolist()]


def completions(g, count, longest):
    """Which tokens are there, and which of them were sampled: of every third completion the second was inserted."""
    lengths = torch.randint(1, longest + 1, (count,), generator=g)
    lengths[0] = longest
    mask = (torch.arange(longest)[None] < lengths[:, None]).long()
    sampled = mask.clone()
    for i in range(0, count, 3):
        if lengths[i] > 2:
            sampled[i, 1] = 0
    return lengths, sampled


def trl_dpo(leaf, ref, sampled, beta, smoothing):
    """Loss and metrics of the pairs, chosen completions first; accumulates the gradient of leaf."""
    zeros = torch.zeros_like(leaf)

    class Model:
        training = True

        def __call__(self, **k):  # log-probs as of TRL's fused head: 0 at tokens without a label
            return types.SimpleNamespace(log_probs=leaf * sampled, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())

    accelerator = types.SimpleNamespace(device="cpu", gather=lambda x: x, gather_for_metrics=lambda x: x)
    trainer = types.SimpleNamespace(
        model=Model(), accelerator=accelerator, aux_loss_enabled=False, ld_alpha=None, precompute_ref_logps=True,
        f_divergence_type="reverse_kl", beta=beta, label_smoothing=smoothing,
        loss_types=["aot" if smoothing else "sigmoid"], loss_weights=[1.0], use_weighting=False,
        _metrics={"train": collections.defaultdict(list)}, _total_train_tokens=0, _tp_size=1)
    prompt = torch.ones(len(leaf), 1, dtype=torch.long)
    ref_chosen, ref_rejected = (ref * sampled).sum(1).chunk(2)
    inputs = dict(input_ids=torch.cat([prompt, torch.zeros_like(sampled)], 1),
                  attention_mask=torch.cat([prompt, torch.ones_like(sampled)], 1),
                  completion_mask=torch.cat([0 * prompt, sampled], 1), ref_chosen_logps=ref_chosen,
                  ref_rejected_logps=ref_rejected)
    loss = dpo.DPOTrainer._compute_loss(trainer, trainer.model, inputs, False)
    metrics = {k: trainer._metrics["train"][k][0]
               for k in ("rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins")}
    return loss, metrics


def preference_case(seed, beta, smoothing, spread):
    g = torch.Generator().manual_seed(seed)
    pairs, longest = 4, 6
    lengths, sampled = completions(g, 2 * pairs, longest)
    new = grid(-3 * torch.rand(2 * pairs, longest, generator=g))
    ref = new - grid(spread * torch.randn(2 * pairs, longest, generator=g))
    if spread == 0:
        ref = new.clone()
    leaf = new.double().requires_grad_()
    total, metrics = 0, collections.Counter()
    for p in range(pairs):
        rows = [p, pairs + p]
        loss, one = trl_dpo(leaf[rows], ref.double()[rows], sampled[rows], beta, smoothing)
        total = total + loss / pairs
        for k, v in one.items():
            metrics[k] += v / pairs
    total.backward()

    def sample(i):
        n = int(lengths[i])
        return dict(sampled=sampled[i, :n].tolist(), log_probs=new[i, :n].tolist(),
                    ref_log_probs=ref[i, :n].tolist(), gradient=short(leaf.grad[i, :n]))

    return dict(beta=beta, label_smoothing=smoothing, loss=total.item(), metrics=dict(metrics),
                pairs=[dict(chosen=sample(p), rejected=sample(pairs + p)) for p in range(pairs)])


def value_case(seed, vf_coef, cliprange_value, epsilon, spread):
    g = torch.Generator().manual_seed(seed)
    count, longest = 6, 7
    lengths, sampled = completions(g, count, longest)
    mask = sampled.bool()
    new = grid(-3 * torch.rand(count, longest, generator=g))
    old = new - grid(spread * torch.randn(count, longest, generator=g))
    advantages = grid(torch.randn(count, longest, generator=g))
    old_values = grid(torch.randn(count, longest, generator=g))
    values = old_values + grid(2 * spread * torch.randn(count, longest, generator=g))
    returns = old_values + grid(0.7 * torch.randn(count, longest, generator=g))

    def mean(x):
        return x[mask].mean()

    log_probs, v = new.double().requires_grad_(), values.double().requires_grad_()
    R, V0, A = returns.double(), old_values.double(), advantages.double()
    log_ratio = log_probs - old.double()
    ratio = log_ratio.exp()
    unclipped, clipped = -A * ratio, -A * ratio.clamp(1 - epsilon, 1 + epsilon)
    near = v.maximum(V0 - cliprange_value).minimum(V0 + cliprange_value)
    error, near_error = (v - R) ** 2, (near - R) ** 2
    value_loss = 0.5 * mean(torch.maximum(error, near_error))
    loss = mean(torch.maximum(unclipped, clipped)) + vf_coef * value_loss
    loss.backward()
    metrics = {
        "loss": loss, "loss/value_avg": value_loss, "val/error": mean(error),
        "val/clipfrac_avg": mean((near_error > error).double()),
        "policy/clipfrac_avg": mean((clipped > unclipped).double()), "policy/approxkl_avg": 0.5 * mean(log_ratio**2),
        "explained_variance": 1 - (R - V0)[mask].var() / R[mask].var()}

    def sample(i):
        n = int(lengths[i])
        cut = lambda x: x[i, :n].tolist()
        return dict(sampled=cut(sampled), log_probs=cut(new), old_log_probs=cut(old), advantages=cut(advantages),
                    values=cut(values), old_values=cut(old_values), returns=cut(returns),
                    log_prob_gradient=short(log_probs.grad[i, :n]), value_gradient=short(v.grad[i, :n]))

    return dict(vf_coef=vf_coef, cliprange_value=cliprange_value, epsilon=epsilon,
                metrics={k: x.item() for k, x in metrics.items()}, samples=[sample(i) for i in range(count)])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    header = dict(made_with=f"trl {trl.__version__}, torch {torch.__version__.split('+')[0]}")
    # Spreads: the policy is its reference, is near it, and has margins of hundreds.
    cases = [preference_case(seed, *options) for seed, options in
             enumerate(itertools.product([0.1, 0.5], [0.0, 0.1, 0.4], [0.0, 0.5, 60.0]))]
    (OUT / "preference.json").write_text(json.dumps({**header, "cases": cases}) + "\n")
    cases = [value_case(seed, *options) for seed, options in
             enumerate(itertools.product([0.1, 1.0], [0.2, 0.5], [0.2], [0.0, 0.35]))]
    (OUT / "value.json").write_text(json.dumps({**header, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
