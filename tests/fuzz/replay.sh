#!/usr/bin/env bash
# replay.sh: runs each fuzz target over its corpus and the inputs that broke it
# once. Usage: replay.sh BINARY…. The last line is `N passed, N failed`, in
# inputs; a target without any has failed, and one that breaks counts as one.
# Environment: FOUND  folder of inputs that fuzzing has found, by target
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shopt -s nullglob
passed=0
failed=0
for binary in "$@"; do
    name=$(basename "$binary")
    inputs=("$here/corpus/$name"/* "$here/crashes/$name"/*)
    [ -z "${FOUND:-}" ] || inputs+=("$FOUND/$name"/*)
    if log=$("$binary" "${inputs[@]}" 2>&1); then
        passed=$((passed + ${#inputs[@]}))
        printf 'ok      %-16s %d inputs\n' "$name" "${#inputs[@]}"
    else
        failed=$((failed + 1))
        printf 'FAILED  %-16s\n%s\n' "$name" "$(tail -n 30 <<<"$log")"
    fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
