#!/usr/bin/env bash
# valgrind.sh: runs unit tests under valgrind's memcheck: no read or write out of
# place, no decision by what was never set, nothing lost. Usage: valgrind.sh
# BINARY…. Nothing of this project is suppressed. The last line is `N passed, N
# failed`, in programs.
set -uo pipefail

data=${DATA:-.data}
passed=0
failed=0
for binary in "$@"; do
    name=${binary#*/unit/}
    log=$binary.valgrind
    if DATA=$(realpath "$data") valgrind --quiet --error-exitcode=99 \
        --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite --child-silent-after-fork=yes \
        "$binary" >"$log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %s\n' "$name"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s  (%s)\n' "$name" "$log"
        grep -E '^==[0-9]+==|FAILED|ERROR' "$log" | head -n 30
    fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
