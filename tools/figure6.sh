#!/bin/bash
# Figure 6 of DeepSeekMath on a small model: iterative GRPO with a learned reward model, iterations 0, 1 and 2, beside the same run
# whose reward model and reference stay as they were. From the supervised model and questions of tools/figure5.sh, which are made here
# where they are not there yet. docs/figure6.md tells what came out. Runs that are whole are not run again.
#   tools/figure6.sh [OUTPUT_FOLDER] [STEPS_PER_ITERATION] [SEEDS] [COHORT] [THREADS]
set -euo pipefail
out=${1:-runs/figure6} steps=${2:-40} seeds=${3:-3} cohort=${4:-build/cohort} threads=${5:-0}
tools=$(dirname "$0") figure5=$(dirname "$out")/figure5
base=$figure5/supervised/checkpoint-300
[ -e "$base" ] || "$tools/figure5.sh" "$figure5" 1 0 "$cohort" "$threads"
mkdir -p "$out"

# 1. Pairs of a right and a wrong completion of the supervised model, and the reward model that learns from them.
if [ ! -e "$out/pairs.jsonl" ]; then
  "$cohort" reject --model "$base" --data "$figure5/data/questions.jsonl" --reward_funcs answer_tag --num_generations 8 \
    --max_completion_length 64 --output "$out/accepted.jsonl" --pairs "$out/pairs.jsonl" --num_threads "$threads"
fi
if [ ! -e "$out/reward/latest" ]; then
  rm -rf "$out/reward"
  "$cohort" reward train --model "$base" --data "$out/pairs.jsonl" --output_dir "$out/reward" --train_batch_size 32 \
    --holdout_fraction 0.2 --learning_rate 1e-3 --num_train_epochs 8 --num_threads "$threads"
fi
reward=$out/reward/$(cat "$out/reward/latest")

# 2. GRPO by that model's values alone; the rule has weight 0: it labels the pairs of the iterations, and says how it goes.
run() {  # name, seed, then options
  local folder=$out/$1-$2 seed=$2
  shift 2
  [ -e "$folder/latest" ] && [ "$(cat "$folder/latest")" = "checkpoint-$((3 * steps))" ] && return
  rm -rf "$folder"
  "$cohort" train "$tools/../recipes/figure6.toml" --model "$base" --data "$figure5/data/questions.jsonl" \
    --eval_data "$figure5/data/carries-3.held-out.jsonl" --reward_funcs answer_tag --reward_funcs "model:$reward" --output_dir "$folder" \
    --seed "$seed" --max_steps $((3 * steps)) --num_threads "$threads" "$@"
}
for seed in $(seq 1 "$seeds"); do
  run fixed "$seed"
  run iterative "$seed" --steps_per_iteration "$steps" --reward_model_label answer_tag
done

# 3. The figure.
runs=()
for name in fixed iterative; do
  for seed in $(seq 1 "$seeds"); do runs+=("$out/$name-$seed"); done
done
title="Held-out accuracy: GRPO by a reward model, fixed and iterative"
"$cohort" report --compare "${runs[@]}" --title "$title" --output "$out/figure6.html"
"$cohort" report --compare "${runs[@]}" --title "$title" --output "$out/figure6.svg"
