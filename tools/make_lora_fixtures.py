"""Makes tests/fixtures/lora/: adapters that PEFT saved for the checkpoints of tests/fixtures/oracles, and what PEFT says.

    python tools/make_lora_fixtures.py [OUTPUT_FOLDER]

Needs torch, transformers, peft and safetensors. For each adapter (A and B random), one folder:
  adapter_config.json, adapter_model.safetensors   as PEFT saves them (fp32), the base named relative to the folder
  expected.json            on the token trees and seeds of the base's expected.json, in float64: log-probs and
                           entropies at two temperatures, and ten AdamW steps; with PyTorch's own float32 error
  gradients.safetensors    float64's gradient of the seeded sum (see make_oracles.py) for every A and B
  logits.json              of the first segment's tokens, a plain sequence, in float64
"""

import json
import pathlib
import shutil
import sys

import torch
import transformers
import peft
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from make_oracles import Float64Torch, TEMPERATURES, flatten, modeling_module, row_outputs

FIXTURES = pathlib.Path(__file__).parent.parent / "tests/fixtures"
ADAPTERS = {
    # PEFT's own choice of targets, which is the default here too
    "default_targets": ("llama_llama3_rope", dict(r=4, lora_alpha=8)),
    "rslora": ("qwen2", dict(r=3, lora_alpha=5, use_rslora=True, target_modules="all-linear")),
    "part_of_each_place": ("qwen3", dict(r=5, lora_alpha=7, target_modules=["down_proj", "k_proj", "gate_proj"])),
    "all_seven": ("llama_linear_rope_bias", dict(r=8, lora_alpha=16, target_modules=[
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])),
    # one A for what the file stores as one matrix
    "fused": ("phi3_longrope", dict(r=6, lora_alpha=9, target_modules=["qkv_proj", "o_proj", "gate_up_proj"])),
}


def adapted(base, options, seed):
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / "oracles" / base, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **options))
    model.eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:  # of a size at which the adapter changes log-probs by a good deal
                p.copy_(0.7 * torch.randn_like(p) / p.shape[1] ** 0.5)
    return model


def load(folder, base, double):
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / "oracles" / base, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, folder, is_trainable=True)
    model.eval()
    return model.double() if double else model


def trained(model):
    return {n.replace(".default.", "."): p for n, p in model.named_parameters() if p.requires_grad}


def curve(model, nodes, rows, paths):
    """As in make_oracles.py, of A and B alone: all are matrices."""
    parameters = list(trained(model).values())
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    losses, norms = [], []
    for _ in range(10):
        optimizer.zero_grad()
        loss = -row_outputs(model, nodes, rows, paths, 1.0)[0].mean()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        losses.append(loss.item())
        optimizer.step()
    return losses, norms


def make(name, base, options, seed, folder):
    model = adapted(base, options, seed)
    shutil.rmtree(folder, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = f"../../oracles/{base}"
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"] = sorted(config["target_modules"])  # a set's order is none
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")

    given = json.loads((FIXTURES / "oracles" / base / "expected.json").read_text())
    seeds, entropy_seeds = torch.tensor(given["seeds"]), torch.tensor(given["entropy_seeds"])
    nodes, rows, paths = flatten(given["segments"])
    expected = dict(made_by=f"tools/make_lora_fixtures.py, torch {torch.__version__.split('+')[0]}, "
                            f"transformers {transformers.__version__}, peft {peft.__version__}",
                    base=base, gradient_temperature=given["gradient_temperature"], temperatures=[])
    module = modeling_module(model.get_base_model())
    with torch.no_grad():
        single = [row_outputs(model, nodes, rows, paths, t) for t in TEMPERATURES]
    single_losses, single_norms = curve(load(folder, base, False), nodes, rows, paths)
    module.torch = Float64Torch()
    try:
        twin = load(folder, base, True)
        for t, (log32, entropy32) in zip(TEMPERATURES, single):
            log_prob, entropy = row_outputs(twin, nodes, rows, paths, t)
            assert log_prob.dtype == torch.float64
            expected["temperatures"].append(dict(
                temperature=t, log_probs=log_prob.tolist(), entropies=entropy.tolist(),
                torch_fp32_log_prob_error=(log32 - log_prob).abs().max().item(),
                torch_fp32_entropy_error=(entropy32 - entropy).abs().max().item()))
            if t == given["gradient_temperature"]:
                ((seeds.double() * log_prob).sum() + (entropy_seeds.double() * entropy).sum()).backward()
        gradients = {n: p.grad for n, p in trained(twin).items()}
        base_log_prob = torch.tensor(given["temperatures"][0]["log_probs"])
        change = (torch.tensor(expected["temperatures"][0]["log_probs"]) - base_log_prob).abs().mean().item()
        assert change > 0.1, change
        losses, norms = curve(load(folder, base, True), nodes, rows, paths)
        with torch.no_grad():
            tokens = given["segments"][0]["tokens"]
            logits = load(folder, base, True)(torch.tensor([tokens])).logits[0]
    finally:
        module.torch = torch
    expected["curve"] = dict(losses=losses, grad_norms=norms, torch_fp32_losses=single_losses,
                             torch_fp32_grad_norms=single_norms)
    save_file({n: g.float().contiguous() for n, g in gradients.items()}, folder / "gradients.safetensors")
    text = json.dumps(expected, separators=(", ", ": "))
    for key in ('"base"', '"temperatures"', '"log_probs"', '"entropies"', '"torch_fp32', '"curve"', '"grad_norms"'):
        text = text.replace(", " + key, ",\n" + key)
    (folder / "expected.json").write_text(text + "\n")
    (folder / "logits.json").write_text(json.dumps(dict(tokens=tokens, logits=[[round(x, 9) for x in row] for row in logits.tolist()])) + "\n")
    print(f"{name}: {sum(p.numel() for p in trained(model).values())} trained, log-probs changed by {change:.2f} in the mean, "
          f"loss {losses[0]:.3f} to {losses[-1]:.3f}; {sum(f.stat().st_size for f in folder.iterdir()) // 1024} KiB")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else FIXTURES / "lora")
    torch.set_num_threads(1)
    for index, (name, (base, options)) in enumerate(ADAPTERS.items()):
        make(name, base, options, 300 + index, root / name)


if __name__ == "__main__":
    main()
