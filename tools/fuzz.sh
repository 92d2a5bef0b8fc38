#!/bin/bash
# Fuzzes what reads untrusted bytes with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, and prints the line coverage of each
# parser's files. Needs clang and llvm (apt install clang llvm).
#   tools/fuzz.sh [SECONDS for each target, default 60] [TARGET...]
# Seeds are the tests' fixtures; what is found is kept in build-fuzz/corpus/TARGET, a crash in build-fuzz/crashes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(latex_fuzz text_fuzz rows_fuzz tokenizer_fuzz sentencepiece_fuzz tokenizer_gguf_fuzz gguf_fuzz safetensors_fuzz template_fuzz config_fuzz parquet_fuzz)
cmake -S . -B build-fuzz -G Ninja -DCOHORT_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_C_COMPILER=clang >/dev/null
cmake --build build-fuzz --target "${targets[@]}"

# Sources whose coverage counts, by target.
declare -A sources=([latex_fuzz]='src/math/' [text_fuzz]='src/reward/(format|number|prose|script|language|countdown|repetition|length|answer)'
  [rows_fuzz]='src/data/(rows|conversation|records|csv|json_rows|columns|distinct|pairs|reward_rows)' [tokenizer_fuzz]='src/text/(tokenizer_json(_steps)?.cpp|tokenizer_config|tokenizer.cpp|json_node|pretokenizer|normalizer|decoder|regex|added_tokens|bpe|unigram|byte_level)'
  [sentencepiece_fuzz]='src/text/(sentencepiece|charsmap)' [tokenizer_gguf_fuzz]='src/text/(tokenizer_gguf.cpp|tokenizer_json_write)'
  [gguf_fuzz]='src/tensor/(gguf.cpp|dequantize)' [safetensors_fuzz]='src/tensor/safetensors' [template_fuzz]='src/template/'
  [config_fuzz]='src/model/(adapter_config|config|rope_json|gguf_config)' [parquet_fuzz]='src/parquet/')

seeds() {  # of a target, into its folder
  case $1 in
    latex_fuzz) split -l 2 -a 3 tests/fixtures/fuzz/answers.txt "$2/seed" ;;
    text_fuzz) split -l 1 -a 3 tests/fixtures/fuzz/texts.txt "$2/seed" ;;
    rows_fuzz)
      split -l 1 -a 3 tests/fixtures/fuzz/rows.jsonl "$2/seed"
      printf 'question,answer\r\n"1, ""2""\nand 3",6\r\n\n,""\nlast,7' >"$2/csv"
      printf 'prompt\tanswer\n1\t2\n' >"$2/tsv" ;;
    tokenizer_fuzz)
      python3 -c 'import json, sys; [open(f"{sys.argv[1]}/seed{i}", "w").write("\0".join(json.loads(row))) for i, row in enumerate(open("tests/fixtures/fuzz/tokenizers.jsonl"))]' "$2" ;;
    sentencepiece_fuzz) for f in tests/fixtures/tokenizer/*/tokenizer.model; do cp "$f" "$2/$(basename "$(dirname "$f")")"; done ;;
    tokenizer_gguf_fuzz) cp tests/fixtures/tokenizer/*.gguf "$2" ;;
    gguf_fuzz) for f in tests/fixtures/gguf/*.gguf; do head -c 60000 "$f" >"$2/$(basename "$f")"; done; cp tests/fixtures/tokenizer/*.gguf "$2" ;;
    config_fuzz)
      for f in $(find tests/fixtures -name config.json -size -8k -o -name generation_config.json -o -name adapter_config.json); do
        cp "$f" "$2/$(basename "$(dirname "$f")")-$(basename "$f")"
      done
      cp tests/fixtures/gguf/{llama,qwen2,qwen3}.gguf "$2" ;;
    parquet_fuzz) cp tests/fixtures/parquet/*.parquet "$2" ;;
    template_fuzz) python3 -c 'import json, sys; [open(f"{sys.argv[1]}/seed{i}", "w").write(json.loads(row)["template"]) for i, row in enumerate(open("tests/fixtures/template/cases.jsonl"))]' "$2" ;;
    safetensors_fuzz)  # headers, each before 16 bytes of data
      python3 -c 'import sys; [open(f"{sys.argv[1]}/seed{i}", "wb").write(len(row).to_bytes(8, "little") + row + bytes(16)) for i, row in enumerate(open("tests/fixtures/fuzz/safetensors.jsonl", "rb").read().split(b"\n"))]' "$2"
      printf '\377\377\377\377\377\377\377\177{}' >"$2/huge"
      find tests/fixtures -name '*.safetensors' -size -16k -exec cp --backup=numbered -t "$2" {} + ;;
  esac
}

# Fuzzes one target and prints what it found, and the coverage; a status other than 0 where it found something.
fuzz() {
  local target=$1 folder=build-fuzz/corpus/$1 status=0
  mkdir -p "$folder"
  seeds "$target" "$folder" || true
  export LLVM_PROFILE_FILE=build-fuzz/$target.profraw
  echo "== $target"
  build-fuzz/"$target" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix=build-fuzz/crashes/"$target"- "$folder" >build-fuzz/"$target".log 2>&1 || status=1
  grep -E 'ERROR|SUMMARY|runtime error|stat::(number_of_executed_units|average_exec_per_sec|slowest_unit)' build-fuzz/"$target".log || true
  [ $status = 0 ] || tail -n 60 build-fuzz/"$target".log | grep -vE '^(#[0-9]+\s+(NEW|REDUCE|pulse)|\s+NEW_FUNC)' | cut -c1-300
  llvm-profdata merge -sparse "$LLVM_PROFILE_FILE" -o build-fuzz/"$target".profdata
  llvm-cov export -summary-only build-fuzz/"$target" -instr-profile=build-fuzz/"$target".profdata 2>/dev/null |
    python3 -c '
import json, re, sys
files = [f for f in json.load(sys.stdin)["data"][0]["files"] if re.search(sys.argv[1], f["filename"]) and not f["filename"].endswith(("_fuzz.cpp", ".h"))]
covered = sum(f["summary"]["lines"]["covered"] for f in files)
count = sum(f["summary"]["lines"]["count"] for f in files)
print(f"line coverage {100 * covered / max(count, 1):.1f} % of {count} lines in {len(files)} files")
for f in sorted(files, key=lambda f: f["summary"]["lines"]["percent"])[:4]:
    print("  %5.1f %%  %s" % (f["summary"]["lines"]["percent"], f["filename"].split("/src/")[-1]))' "${sources[$target]}"
  return $status
}

# Two at a time; each prints when it is done.
status=0
mkdir -p build-fuzz/crashes
for ((i = 0; i < ${#targets[@]}; i += 2)); do
  pids=()
  for target in "${targets[@]:i:2}"; do
    fuzz "$target" >build-fuzz/"$target".summary 2>&1 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || status=1; done
  for target in "${targets[@]:i:2}"; do cat build-fuzz/"$target".summary; done
done
ls build-fuzz/crashes/* 2>/dev/null && status=1
exit $status
