"""Makes tests/fixtures/oracles/: tiny random checkpoints of each model family, and what transformers says of them.

    python tools/make_oracles.py [OUTPUT_FOLDER]

Needs torch, transformers and safetensors. For each model, one folder:
  config.json, model.safetensors   as transformers 5 saves them (fp32)
  config_v4.json                   the same configuration as transformers 4 wrote it
  expected.json                    a forest of token trees, its head rows, random seeds, and by transformers in float64:
                                   log-probs and entropies at two temperatures, and ten AdamW steps of a loss curve;
                                   with PyTorch's own float32 error of each, as the yardstick of what float32 can do
  gradients.safetensors            float64's gradient of sum_r seed_r * log_prob_r + entropy_seed_r * entropy_r at
                                   `gradient_temperature`, for every parameter (stored as float32)

Every root-to-leaf path is run alone, as a plain sequence, so the fixture knows nothing of trees but the sum.
The code that runs is transformers' own. It computes norms and softmax in torch.float32 even for a float64 model, so that
name is bound to torch.float64 in the model's module; rope's angles stay float32, which is the families' definition.
"""

import json
import pathlib
import random
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Phi3Config, Qwen2Config, Qwen3Config

TEMPERATURES = [1.0, 0.7]
LOGIT_STD = 2.5


class Float64Torch:
    """The torch module, with float32 meaning float64."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


def modeling_module(model):
    return sys.modules[type(model).__module__]


def variants():
    common = dict(num_hidden_layers=2, initializer_range=0.02, max_position_embeddings=128, bos_token_id=1, eos_token_id=2)
    yield "llama_llama3_rope", 1.0, LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=56, num_attention_heads=4, num_key_value_heads=2,
        rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="llama3", rope_theta=1000.0, factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=64), **common)
    yield "llama_linear_rope_bias", 0.7, LlamaConfig(
        vocab_size=101, hidden_size=42, intermediate_size=50, num_attention_heads=6, num_key_value_heads=2, head_dim=12,
        rms_norm_eps=1e-4, attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=2.5), **common)
    yield "qwen2", 1.0, Qwen2Config(
        vocab_size=128, hidden_size=32, intermediate_size=64, num_attention_heads=4, num_key_value_heads=1,
        rms_norm_eps=1e-6, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=10000.0), **common)
    common["num_hidden_layers"] = 3
    yield "qwen3", 0.7, Qwen3Config(
        vocab_size=113, hidden_size=32, intermediate_size=44, num_attention_heads=4, num_key_value_heads=2, head_dim=24,
        rms_norm_eps=1e-3, tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=100000.0),
        **common)
    yield "mistral_window", 1.0, MistralConfig(
        vocab_size=101, hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        rms_norm_eps=1e-5, sliding_window=5, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="default", rope_theta=10000.0), **common)
    yield "qwen2_window_yarn", 0.7, Qwen2Config(
        vocab_size=96, hidden_size=32, intermediate_size=52, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-6,
        use_sliding_window=True, sliding_window=4, max_window_layers=1, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="yarn", rope_theta=1000.0, factor=4.0, original_max_position_embeddings=32), **common)
    yield "llama_dynamic_rope", 1.0, LlamaConfig(
        vocab_size=90, hidden_size=24, intermediate_size=40, num_attention_heads=3, num_key_value_heads=3, rms_norm_eps=1e-6,
        tie_word_embeddings=True, rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0), **common)
    common["pad_token_id"] = None  # a padding index would have no gradient
    yield "phi3_window", 1.0, Phi3Config(
        vocab_size=97, hidden_size=32, intermediate_size=44, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
        sliding_window=6, tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0), **common)
    yield "phi3_longrope", 0.7, Phi3Config(
        vocab_size=97, hidden_size=32, intermediate_size=44, num_attention_heads=4, num_key_value_heads=4, rms_norm_eps=1e-5,
        original_max_position_embeddings=100, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="longrope", rope_theta=10000.0, short_factor=[1.0, 1.1, 1.5, 2.5],
                             long_factor=[2.0, 4.0, 8.0, 16.0], original_max_position_embeddings=100), **common)


def random_model(config, seed):
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("norm.weight"):
                p.copy_(0.5 + torch.rand_like(p))
            elif name.endswith(".bias"):
                p.copy_(0.3 * torch.randn_like(p))
            elif "embed_tokens" in name:
                p.copy_(0.05 * torch.randn_like(p))
            else:
                gain = 1.6 if "q_proj" in name or "k_proj" in name else 1.0
                p.copy_(gain * torch.randn_like(p) / p.shape[1] ** 0.5)
        probe = torch.randint(0, config.vocab_size, (4, 48))
        scale = LOGIT_STD / model(probe).logits.std()
        (model.model.norm.weight if config.tie_word_embeddings else model.lm_head.weight).mul_(scale)
        assert model(probe).logits.std() >= 2
    return model


def random_forest(rng, vocab):
    """A prompt with several completions; a three-level tree; a lone sequence. kind as in TokenTree: a 'segment' of tokens,
    or a 'completion', whose last token is a target only. Segments may ask for rows of their own tokens."""
    tokens = lambda n: [rng.randrange(vocab) for _ in range(n)]
    segments = []

    def add(parent, kind, n):
        segments.append(dict(parent=parent, kind=kind, tokens=tokens(n)))
        return len(segments) - 1

    prompt = add(-1, "segment", 11)
    for n in (9, 1, 17, 9):  # the one-token completion adds no node
        add(prompt, "completion", n)
    root = add(-1, "segment", 37)  # beyond one block of 32 positions
    for n in (3, 14):
        middle = add(root, "segment", n)
        for m in (6, 21):
            add(middle, "completion", m)
    lone = add(-1, "segment", 1)
    add(lone, "completion", 5)
    return segments


def flatten(segments):
    """The rows of TokenTree, in its order: nodes' tokens, head rows (node, target), and each node's path of nodes."""
    nodes, rows, paths, ends = [], [], [], []  # ends[s]: path of nodes at the end of segment s
    for s in segments:
        path = list(ends[s["parent"]]) if s["parent"] >= 0 else []
        inputs = s["tokens"][:-1] if s["kind"] == "completion" else s["tokens"]
        if s["kind"] == "completion":
            before = [path[-1]] + list(range(len(nodes), len(nodes) + len(inputs)))
            rows += [(node, target) for node, target in zip(before, s["tokens"])]
        for token in inputs:
            path = path + [len(nodes)]
            paths.append(path)
            nodes.append(token)
        ends.append(path)
    return nodes, rows, paths


def leaf_paths(paths):
    inner = {tuple(p[:i]) for p in paths for i in range(1, len(p))}
    return [p for p in paths if tuple(p) not in inner]


def row_outputs(model, nodes, rows, paths, temperature):
    """log-prob and entropy of every head row, each path run alone; a row is read off the first path that holds its node."""
    log_probs, entropies = [None] * len(rows), [None] * len(rows)
    for path in leaf_paths(paths):
        logits = model(torch.tensor([[nodes[i] for i in path]])).logits[0] / temperature
        log_p = torch.log_softmax(logits, dim=-1)
        entropy = -(log_p.exp() * log_p).sum(-1)
        for r, (node, target) in enumerate(rows):
            if log_probs[r] is None and node in path:
                position = path.index(node)
                log_probs[r], entropies[r] = log_p[position, target], entropy[position]
    return torch.stack(log_probs), torch.stack(entropies)


def in_double(model):
    twin = AutoModelForCausalLM.from_config(model.config, dtype=torch.float32)
    twin.load_state_dict(model.state_dict())
    twin.eval()
    return twin.double()


def curve(model, nodes, rows, paths):
    """Ten steps of AdamW on loss = -mean log-prob of the rows: losses, and gradient norms before clipping to 1. Matrices
    are decayed by 0.01, norms and biases are not, as transformers' Trainer does."""
    groups = [dict(params=[p for p in model.parameters() if p.dim() == 2], weight_decay=0.01),
              dict(params=[p for p in model.parameters() if p.dim() != 2], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    losses, norms = [], []
    for _ in range(10):
        optimizer.zero_grad()
        loss = -row_outputs(model, nodes, rows, paths, 1.0)[0].mean()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        losses.append(loss.item())
        optimizer.step()
    return losses, norms


def version4(config):
    """config.json as transformers 4 wrote it: rope_theta and rope_scaling beside one another, torch_dtype."""
    old = dict(config)
    rope = dict(old.pop("rope_parameters"))
    old["rope_theta"] = rope.pop("rope_theta")
    old["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    old["torch_dtype"] = old.pop("dtype", "float32")
    old["transformers_version"] = "4.46.0"
    return old


def make(name, gradient_temperature, config, seed, folder):
    model = random_model(config, seed)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    saved = json.loads((folder / "config.json").read_text())
    (folder / "config_v4.json").write_text(json.dumps(version4(saved), indent=2, sort_keys=True) + "\n")
    (folder / "config.json").write_text(json.dumps(saved, indent=2, sort_keys=True) + "\n")

    rng = random.Random(seed)
    segments = random_forest(rng, config.vocab_size)
    nodes, rows, paths = flatten(segments)
    seeds = [round(rng.gauss(0, 1), 4) for _ in rows]
    entropy_seeds = [round(rng.gauss(0, 1), 4) for _ in rows]

    # Both configuration files are the same model.
    with tempfile.TemporaryDirectory() as old, torch.no_grad():
        shutil.copy(folder / "model.safetensors", old)
        shutil.copy(folder / "config_v4.json", pathlib.Path(old) / "config.json")
        probe = torch.tensor([nodes])
        assert torch.equal(model(probe).logits, AutoModelForCausalLM.from_pretrained(old)(probe).logits), name

    expected = dict(
        made_by=f"tools/make_oracles.py, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}",
        segments=segments, seeds=seeds, entropy_seeds=entropy_seeds, gradient_temperature=gradient_temperature,
        temperatures=[])
    module = modeling_module(model)
    with torch.no_grad():
        single = [row_outputs(model, nodes, rows, paths, t) for t in TEMPERATURES]
        plain = row_outputs(in_double(model), nodes, rows, paths, 1.0)
    single_losses, single_norms = curve(in_double(model).float(), nodes, rows, paths)
    module.torch = Float64Torch()
    try:
        twin = in_double(model)
        for t, (log32, entropy32) in zip(TEMPERATURES, single):
            log_prob, entropy = row_outputs(twin, nodes, rows, paths, t)
            assert log_prob.dtype == torch.float64
            expected["temperatures"].append(dict(
                temperature=t, log_probs=log_prob.tolist(), entropies=entropy.tolist(),
                torch_fp32_log_prob_error=(log32 - log_prob).abs().max().item(),
                torch_fp32_entropy_error=(entropy32 - entropy).abs().max().item()))
            if t == 1.0:  # the change of dtype changed nothing else
                assert (plain[0] - log_prob).abs().max() < 1e-5
            if t == gradient_temperature:
                objective = (torch.tensor(seeds).double() * log_prob).sum() + (torch.tensor(entropy_seeds).double() * entropy).sum()
                objective.backward()
        gradients = {n: p.grad for n, p in twin.named_parameters()}
        losses, norms = curve(in_double(model), nodes, rows, paths)
    finally:
        module.torch = torch
    log32, entropy32 = row_outputs(model, nodes, rows, paths, gradient_temperature)
    ((torch.tensor(seeds) * log32).sum() + (torch.tensor(entropy_seeds) * entropy32).sum()).backward()
    expected["torch_fp32_gradient_error"] = max(
        ((p.grad - gradients[n]).norm() / gradients[n].norm()).item() for n, p in model.named_parameters())
    expected["curve"] = dict(losses=losses, grad_norms=norms, torch_fp32_losses=single_losses)
    save_file({n: g.float().contiguous() for n, g in gradients.items()}, folder / "gradients.safetensors")
    text = json.dumps(expected, separators=(", ", ": "))
    for key in ('"segments"', '{"parent"', '"seeds"', '"entropy_seeds"', '"gradient_temperature"', '"temperatures"',
                '"log_probs"', '"entropies"', '"torch_fp32', '"curve"', '"grad_norms"'):
        text = text.replace(", " + key, ",\n" + key)
    (folder / "expected.json").write_text(text + "\n")
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, {len(nodes)} nodes, {len(rows)} rows; fp32 errors: "
          f"log-prob {expected['temperatures'][0]['torch_fp32_log_prob_error']:.1e}, gradient "
          f"{expected['torch_fp32_gradient_error']:.1e}; loss {losses[0]:.3f} to {losses[-1]:.3f}; "
          f"{sum(f.stat().st_size for f in folder.iterdir()) // 1024} KiB")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/fixtures/oracles")
    torch.set_num_threads(1)
    for index, (name, temperature, config) in enumerate(variants()):
        make(name, temperature, config, 100 + index, root / name)


if __name__ == "__main__":
    main()
