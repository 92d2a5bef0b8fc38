"""Measures TRL's GRPOTrainer, the peer of `cohort train`: seconds per whole GRPO step on CPU in fp32.

    python tools/peer_trl.py 0.2M | 0.8M | 5M | 5M-prompt256 | 5M-prompt512 | smollm2 [--steps 5] [--threads 2]
                             [--micro_batch N] [--model SmolLM2-135M-Instruct.Q4_1.gguf]

Needs torch, transformers, trl and datasets (written against TRL 1.16.0); smollm2 needs gguf too. Prints one line per optimizer
step, sampling, rewards, forward, backward and AdamW included. No reference model (beta 0), no gradient checkpointing. The models but
SmolLM2 are random and no completion ends early, so every step has the same tokens; for SmolLM2 the reward is whether the last
number in the completion is the sum. The rewards of the random models are random: a step costs the same, and its gradient is not 0.
Run it alone on the machine.
"""

import argparse
import os
import random
import re
import tempfile
import time

import torch
import transformers
import trl
from datasets import Dataset
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback

# name: (C, L, H, K, F), prompts, generations, prompt tokens, new tokens, sequences per forward and backward
SHAPES = {
    "0.2M": ((64, 4, 4, 4, 192), 16, 16, 32, 32, 256),
    "0.8M": ((128, 4, 4, 2, 384), 16, 16, 32, 32, 256),
    "5M": ((256, 5, 8, 8, 1024), 16, 16, 32, 32, 256),
    "5M-prompt256": ((256, 5, 8, 8, 1024), 4, 16, 256, 32, 64),
    "5M-prompt512": ((256, 5, 8, 8, 1024), 4, 16, 512, 64, 64),
    "smollm2": (None, 8, 8, 46, 32, 16),
}
VOCAB = 128


class StepTimes(TrainerCallback):
    def __init__(self):
        self.seconds, self.last = [], None

    def on_train_begin(self, *args, **kwargs):
        self.last = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
        print(f"step {state.global_step}: {self.seconds[-1]:.3f} s", flush=True)


def character_tokenizer():
    """One token per character: 126 letters of the CJK block and two special tokens."""
    letters = [chr(0x4E00 + i) for i in range(VOCAB - 2)]
    vocab = {"<pad>": 0, "<eos>": 1} | {c: i + 2 for i, c in enumerate(letters)}
    core = Tokenizer(models.WordLevel(vocab, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", padding_side="left"), letters


def random_task(shape, prompts, prompt_tokens, steps, rng):
    width, layers, heads, kv_heads, feed_forward = shape
    tokenizer, letters = character_tokenizer()
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCAB, hidden_size=width, intermediate_size=feed_forward, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=kv_heads, max_position_embeddings=1024, tie_word_embeddings=False, bos_token_id=None, eos_token_id=1,
        pad_token_id=0))
    rows = [dict(prompt="".join(rng.choice(letters) for _ in range(prompt_tokens))) for _ in range(prompts * steps)]
    return model, tokenizer, rows, lambda completions, **kwargs: [rng.random() for _ in completions]


def sums_task(path, prompts, steps, rng):
    from oracle_smollm2 import read_model

    tokenizer = AutoTokenizer.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path))
    tokenizer.padding_side = "left"
    model = read_model(path)
    model.config.eos_token_id = model.generation_config.eos_token_id = 2
    model.config.pad_token_id = model.generation_config.pad_token_id = 2
    rows = []
    for _ in range(prompts * steps):
        a, b = rng.randrange(10), rng.randrange(10)
        question = f"State the final answer to the following arithmetic problem: {a} + {b} ="
        rows.append(dict(prompt=[dict(role="user", content=question)], answer=a + b))

    def reward(completions, answer, **kwargs):
        last = [re.findall(r"\d+", c[0]["content"])[-1:] for c in completions]
        return [float(found == [str(right)]) for found, right in zip(last, answer)]

    return model, tokenizer, rows, reward


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--micro_batch", type=int)
    parser.add_argument("--model", help="SmolLM2's GGUF")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rng = random.Random(0)
    shape, prompts, generations, prompt_tokens, new_tokens, micro_batch = SHAPES[options.shape]
    micro_batch = options.micro_batch or micro_batch
    if shape:
        model, tokenizer, rows, reward = random_task(shape, prompts, prompt_tokens, options.steps, rng)
    else:
        if not options.model:
            parser.error("smollm2 needs --model")
        model, tokenizer, rows, reward = sums_task(options.model, prompts, options.steps, rng)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{options.shape}: {parameters} parameters, {prompts} x {generations}, prompt {prompt_tokens}, new {new_tokens}; TRL "
          f"{trl.__version__}, transformers {transformers.__version__}, torch {torch.__version__}, {options.threads} threads")
    times = StepTimes()
    with tempfile.TemporaryDirectory() as folder:
        config = trl.GRPOConfig(
            output_dir=folder, use_cpu=True, bf16=False, report_to="none", save_strategy="no", disable_tqdm=True,
            max_steps=options.steps, per_device_train_batch_size=micro_batch,
            gradient_accumulation_steps=prompts * generations // micro_batch, num_generations=generations,
            max_completion_length=new_tokens, learning_rate=1e-5, lr_scheduler_type="constant", beta=0.0, temperature=1.0,
            gradient_checkpointing=False, logging_steps=1, seed=0,
            generation_kwargs=dict(min_new_tokens=new_tokens) if shape else None)
        trainer = trl.GRPOTrainer(model=model, reward_funcs=reward, args=config, train_dataset=Dataset.from_list(rows),
                                  processing_class=tokenizer, callbacks=[times])
        trainer.train()
        for row in trainer.state.log_history:
            if "completions/mean_length" in row:
                assert not shape or row["completions/min_length"] == new_tokens
                print(f"step {row['step']}: reward {row['reward']:.3f}, mean length {row['completions/mean_length']:.1f}")
    print(f"mean of steps 1 to {options.steps}: {sum(times.seconds) / len(times.seconds):.3f} s")


if __name__ == "__main__":
    main()
