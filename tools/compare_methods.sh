#!/bin/bash
# All methods on one task, from one base model, with as many steps each: a table of held-out accuracy before and after, samples, wall time and peak memory.
#   tools/compare_methods.sh BASE_MODEL OUTPUT_FOLDER [STEPS] [SEED] [COHORT]
# BASE_MODEL: runs/quickstart/base of ./quickstart, for example. dpo learns from pairs of the base's own completions; the teacher of distill is grpo's result.
set -euo pipefail
base=$1 out=$2 steps=${3:-30} seed=${4:-1} cohort=${5:-build/cohort}
mkdir -p "$out"
common=(--model "$base" --task_digits 3 --task_problems 4000 --holdout_fraction 0.05 --eval_problems 200 --num_generations_eval 4
  --max_completion_length 64 --max_steps "$steps" --eval_steps "$steps" --save_steps 0 --seed "$seed")
adamw=(--learning_rate 3e-4 --lr_scheduler_type constant)
rewards=(--reward_funcs answer_tag --reward_funcs think_format --reward_weights 1.0 --reward_weights 0.1)

accuracy() { grep -o '"eval_accuracy":[0-9.e-]*' "$out/$1/metrics.jsonl" | sed -n "${2}p" | cut -d: -f2; }
run() {  # name, then options
  local name=$1; shift
  rm -rf "${out:?}/$name"
  local begin=$SECONDS
  /usr/bin/time -f %M -o "$out/$name.kb" "$cohort" train "${common[@]}" "$@" --output_dir "$out/$name" >"$out/$name.log" 2>&1
  printf '| %-28s | %5.1f | %5.1f | %6d | %5d s | %5d MB |\n' "$name" "$(awk "BEGIN{print 100*$(accuracy "$name" 1)}")" \
    "$(awk "BEGIN{print 100*$(accuracy "$name" 2)}")" "$(wc -l <"$out/$name/samples.jsonl")" $((SECONDS - begin)) $(($(cat "$out/$name.kb") / 1024))
}
printf '| method | before %% | after %% | samples trained on | wall time | peak memory |\n|---|---|---|---|---|---|\n'
sampled=(--data addition "${rewards[@]}" --train_batch_size 128)
run grpo --method grpo "${sampled[@]}" "${adamw[@]}"
run grpo-rloo --method grpo --advantage_estimator rloo "${sampled[@]}" "${adamw[@]}"
run online-rft --method online-rft "${sampled[@]}" "${adamw[@]}"
run ppo --method ppo --critic_learning_rate 3e-4 "${sampled[@]}" "${adamw[@]}"
run trpo --method trpo "${sampled[@]}"
run distill --method distill --teacher_model "$out/grpo/$(cat "$out/grpo/latest")" "${sampled[@]}" "${adamw[@]}"
run rft --method rft --data addition "${rewards[@]}" --reward_threshold 1.1 --num_generations 8 --train_batch_size 128 "${adamw[@]}"
"$cohort" reject --model "$base" --data addition --task_digits 3 --task_problems 1000 --seed "$seed" "${rewards[@]}" --reward_threshold 1.1 \
  --num_generations 8 --max_completion_length 64 --output "$out/kept.jsonl" --pairs "$out/pairs.jsonl" --overwrite >"$out/reject.log" 2>&1
run dpo --method dpo --data "$out/pairs.jsonl" --eval_data addition --train_batch_size 64 "${rewards[@]}" "${adamw[@]}" --learning_rate 3e-5
