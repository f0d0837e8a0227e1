#!/usr/bin/env bash
# run.sh: runs each fuzzer for a while. Usage: run.sh SECONDS BINARY…
# What it finds stays in the corpus beside the binaries for the next run; an
# input that breaks something is kept there too, and named.
# Beside the fuzzer's source, corpus/NAME and crashes/NAME have inputs to begin
# with and NAME.dict words to put together.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=$1
shift
failed=0
for binary in "$@"; do
    name=$(basename "$binary")
    corpus=$(dirname "$binary")/corpus/$name
    mkdir -p "$corpus"
    seeds=("$corpus")
    for kept in "$here/corpus/$name" "$here/crashes/$name"; do
        [ ! -d "$kept" ] || seeds+=("$kept")
    done
    words=()
    if [ -f "$here/$name.dict" ]; then
        words=(-dict="$here/$name.dict")
    fi
    log=$binary.log
    if "$binary" -max_total_time="$seconds" -max_len=65536 -timeout=20 \
        -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$(dirname "$binary")/$name-" \
        "${words[@]}" "${seeds[@]}" >"$log" 2>&1; then
        printf 'ok      %-16s %s runs\n' "$name" \
            "$(sed -n 's/.*number_of_executed_units: *//p' "$log")"
    else
        failed=$((failed + 1))
        printf 'FAILED  %-16s (%s)\n' "$name" "$log"
        tail -n 30 "$log"
    fi
done
printf '%d passed, %d failed\n' $(($# - failed)) "$failed"
[ "$failed" -eq 0 ]
