#!/bin/bash
# Figure 7 of DeepSeekMath on a small model: Maj@K and Pass@K before and after reinforcement learning, on the task it was trained on
# and on two that it was not. Needs what tools/figure5.sh left; docs/figure7.md tells what came out.
#   tools/figure7.sh [FIGURE5_FOLDER] [RUN] [PROBLEMS] [SAMPLES] [COHORT] [THREADS]
set -euo pipefail
out=${1:-runs/figure5} run=${2:-grpo-os-1} problems=${3:-200} samples=${4:-64} cohort=${5:-build/cohort} threads=${6:-0}
mkdir -p "$out/figure7"
sets=()
for name in carries-3 carries-4 products-3; do
  head -n "$problems" "$out/data/$name.held-out.jsonl" >"$out/figure7/$name.jsonl"
  sets+=(--data "$out/figure7/$name.jsonl")
done
"$cohort" eval --model "$out/supervised/checkpoint-300" --compare "$out/$run/$(cat "$out/$run/latest")" "${sets[@]}" \
  --reward_funcs answer_tag --num_generations "$samples" --max_completion_length 80 --num_threads "$threads" \
  --output "$out/figure7/samples.jsonl" --summary "$out/figure7/figures.json"
"$cohort" report "$out/figure7/figures.json" --title "Before and after $run" --output "$out/figure7/figure7.html"
"$cohort" report "$out/figure7/figures.json" --output "$out/figure7/figure7.svg"
