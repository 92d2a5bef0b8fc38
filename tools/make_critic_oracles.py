"""Makes tests/fixtures/critic/: what transformers says of models with a scalar head on the trunks of tests/fixtures/oracles/.

    python tools/make_critic_oracles.py [OUTPUT_FOLDER]

Needs torch, transformers and safetensors, and the folders that tools/make_oracles.py made. For each family, one folder:
  expected.json           the head's weight, seeds, and by transformers in float64 (XForTokenClassification of one label, its bias
                          0): the value of every head row of the family's forest, and ten AdamW steps on the loss
                          mean((value - target)^2) / 2; with PyTorch's own float32 error of each
  gradients.safetensors   float64's gradient of sum_r seed_r * value_r for every parameter (stored as float32)
"""

import json
import pathlib
import random
import sys

import torch
import transformers
from make_oracles import Float64Torch, flatten, leaf_paths, modeling_module
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForTokenClassification

FIXTURES = pathlib.Path(__file__).parent.parent / "tests/fixtures"
FAMILIES = ["llama_linear_rope_bias", "llama_llama3_rope", "qwen2", "qwen3"]


def token_classifier(source, head, dtype):
    config = AutoConfig.from_pretrained(source)
    config.num_labels = 1
    model = AutoModelForTokenClassification.from_config(config, dtype=torch.float32).eval()
    state = {n: w for n, w in load_file(source / "model.safetensors").items() if n != "lm_head.weight"}
    model.load_state_dict(dict(state, **{"score.weight": head, "score.bias": torch.zeros(1)}))
    model.score.bias.requires_grad_(False)
    return model.to(dtype)


def values(model, nodes, rows, paths):
    """The value of every head row, each path run alone; a row is read off the first path that holds its node."""
    result = [None] * len(rows)
    for path in leaf_paths(paths):
        out = model(torch.tensor([[nodes[i] for i in path]])).logits[0, :, 0]
        for r, (node, _) in enumerate(rows):
            if result[r] is None and node in path:
                result[r] = out[path.index(node)]
    return torch.stack(result)


def curve(model, forest, targets):
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [dict(params=[p for p in trained if p.dim() == 2], weight_decay=0.01),
              dict(params=[p for p in trained if p.dim() != 2], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    losses, norms = [], []
    for _ in range(10):
        optimizer.zero_grad()
        loss = ((values(model, *forest) - targets) ** 2).mean() / 2
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(trained, 1.0).item())
        losses.append(loss.item())
        optimizer.step()
    return losses, norms


def make(name, seed, folder):
    source = FIXTURES / "oracles" / name
    forest = flatten(json.loads((source / "expected.json").read_text())["segments"])
    count = len(forest[1])
    rng = random.Random(seed)
    width = AutoConfig.from_pretrained(source).hidden_size
    head = torch.tensor([[round(rng.gauss(0, 1) / width**0.5, 4) for _ in range(width)]])
    seeds = [round(rng.gauss(0, 1), 4) for _ in range(count)]
    targets = [round(rng.gauss(0, 1), 4) for _ in range(count)]

    model = token_classifier(source, head, torch.float32)
    with torch.no_grad():
        single = values(model, *forest)
    single_losses, _ = curve(model, forest, torch.tensor(targets))
    module = modeling_module(model)
    module.torch = Float64Torch()
    try:
        twin = token_classifier(source, head, torch.float64)
        result = values(twin, *forest)
        assert result.dtype == torch.float64
        (torch.tensor(seeds).double() * result).sum().backward()
        gradients = {n: p.grad for n, p in twin.named_parameters() if p.requires_grad}
        losses, norms = curve(token_classifier(source, head, torch.float64), forest, torch.tensor(targets).double())
    finally:
        module.torch = torch
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: g.float().contiguous() for n, g in gradients.items()}, folder / "gradients.safetensors")
    expected = dict(
        made_by=f"tools/make_critic_oracles.py, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}",
        head=[round(w, 4) for w in head[0].tolist()], seeds=seeds, targets=targets, values=result.tolist(),
        torch_fp32_value_error=(single - result).abs().max().item(), losses=losses, grad_norms=norms,
        torch_fp32_losses=single_losses)
    text = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in expected.items())
    (folder / "expected.json").write_text("{" + text + "}\n")
    print(f"{name}: {count} rows, values of standard deviation {result.std().item():.2f}, fp32 error "
          f"{expected['torch_fp32_value_error']:.1e}; loss {losses[0]:.3f} to {losses[-1]:.3f}; "
          f"{sum(f.stat().st_size for f in folder.iterdir()) // 1024} KiB")


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES / "critic"
    torch.set_num_threads(1)
    for index, name in enumerate(FAMILIES):
        make(name, 200 + index, root / name)


if __name__ == "__main__":
    main()
