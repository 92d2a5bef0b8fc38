#!/bin/bash
# Figure 5 of DeepSeekMath on a small model: RFT, Online RFT, GRPO with outcome and with process supervision from one supervised model,
# and GRPO that passes over groups with equal rewards (which samples more); SEEDS seeds each; one page, one picture, one table at the end.
# docs/figure5.md tells what came out. Runs that are whole are not run again.
#   tools/figure5.sh [OUTPUT_FOLDER] [STEPS] [SEEDS] [COHORT] [THREADS]
set -euo pipefail
out=${1:-runs/figure5} steps=${2:-} seeds=${3:-3} cohort=${4:-build/cohort} threads=${5:-0}
recipes=$(dirname "$0")/../recipes
mkdir -p "$out/data"

# 1. Sums with their carries, of three and of four digits, and products: the supervised model learns all three, the methods only see
#    the first. A tenth of each is held out.
make_data() {
  "$cohort" data --data "$1" --task_digits "$2" --task_problems 6000 --seed 1 --holdout_fraction 0.1 \
    --output "$out/data/$1-$2.jsonl" --held_out "$out/data/$1-$2.held-out.jsonl"
}
make_data carries 3
make_data carries 4
make_data products 3
cat "$out"/data/{carries-3,carries-4,products-3}.jsonl >"$out/data/examples.jsonl"
head -n 3840 "$out/data/carries-3.jsonl" >"$out/data/questions.jsonl"

# 2. The supervised model.
if [ ! -e "$out/supervised/checkpoint-300" ]; then
  rm -rf "$out/init" "$out/supervised"
  "$cohort" init --data "$out/data/examples.jsonl" --output_dir "$out/init" --seed 1 --hidden_size 96 --intermediate_size 288 --num_attention_heads 3
  "$cohort" train "$recipes/figure5-base.toml" --model "$out/init" --data "$out/data/examples.jsonl" \
    --eval_data "$out/data/carries-3.held-out.jsonl" --output_dir "$out/supervised" --num_threads "$threads"
fi

[ "$seeds" -gt 0 ] || exit 0  # only the model that they start from

# 3. The methods: 8 questions x 8 completions in each step; rft samples the same 3840 questions x 8 once, before its first step.
run() {  # name, seed, then options
  local folder=$out/$1-$2 seed=$2
  shift 2
  [ -e "$folder/latest" ] && [ "$(cat "$folder/latest")" = "checkpoint-${steps:-480}" ] && return
  rm -rf "$folder"
  "$cohort" train "$recipes/figure5.toml" --model "$out/supervised/checkpoint-300" --data "$out/data/questions.jsonl" \
    --eval_data "$out/data/carries-3.held-out.jsonl" --output_dir "$folder" --seed "$seed" --num_threads "$threads" \
    ${steps:+--max_steps "$steps"} "$@"
}
begin=$SECONDS
for seed in $(seq 1 "$seeds"); do
  run rft "$seed" --method rft
  run online-rft "$seed" --method online-rft
  run grpo-os "$seed" --method grpo
  run grpo-ps "$seed" --method grpo --supervision process
  run grpo-os-filtered "$seed" --method grpo --filter_groups true
done
echo "trainings: $((SECONDS - begin)) s"

# 4. The figure.
runs=()
for method in rft online-rft grpo-os grpo-ps grpo-os-filtered; do
  for seed in $(seq 1 "$seeds"); do runs+=("$out/$method-$seed"); done
done
title="Held-out accuracy of five methods from one model"
"$cohort" report --compare "${runs[@]}" --title "$title" --output "$out/figure5.html"
"$cohort" report --compare "${runs[@]}" --title "$title" --output "$out/figure5.svg"

# 5. The models at the end on all held-out sums: 8 samples of each, as in training; and always the likeliest token.
accuracy() {  # model, then options
  local model=$1
  shift
  "$cohort" eval --model "$model" --data "$out/data/carries-3.held-out.jsonl" --reward_funcs answer_tag --max_completion_length 64 \
    --num_threads "$threads" --output "$out/samples.jsonl" --summary "$out/summary.json" "$@" >/dev/null 2>&1
  grep -m1 '"accuracy"' "$out/summary.json" | tr -dc '0-9.e-'
}
both() { echo "$(accuracy "$1" --num_generations 8) $(accuracy "$1" --num_generations 1 --temperature 0)"; }
printf '| method | sampled: mean %% (each seed) | likeliest token: mean %% (each seed) |\n|---|---|---|\n'
both "$out/supervised/checkpoint-300" | awk '{printf "| start | %.1f | %.1f |\n", 100*$1, 100*$2}'
for method in rft online-rft grpo-os grpo-ps grpo-os-filtered; do
  for seed in $(seq 1 "$seeds"); do both "$out/$method-$seed/$(cat "$out/$method-$seed/latest")"; done |
    awk -v method="$method" '{a += $1; b += $2; each_a = each_a (NR > 1 ? ", " : "") sprintf("%.1f", 100*$1); each_b = each_b (NR > 1 ? ", " : "") sprintf("%.1f", 100*$2)}
      END {printf "| %s | %.1f (%s) | %.1f (%s) |\n", method, 100*a/NR, each_a, 100*b/NR, each_b}'
done
