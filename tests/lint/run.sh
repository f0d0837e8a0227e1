#!/usr/bin/env bash
# run.sh: every lint part in turn, the quick ones first; says what each found
# and, last, `N passed, N failed`. Run by `make lint`.
# Environment: BUILD  build folder (default build)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
build=${BUILD:-build}
logs=$build/logs/lint
passed=0
failed=0
mkdir -p "$logs"

# part NAME COMMAND…: one part; what is wrong is shown when it fails: the lines
# with an error, or, where there is none of that form, the end of the output.
part() {
    local name=$1 log=$logs/$1.log text began=$SECONDS
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %-18s %3d s\n' "$name" $((SECONDS - began))
    else
        failed=$((failed + 1))
        text=$(grep -E ': (fatal )?error: ' "$log" | sort -u) ||
            text=$(grep -vE '^  (CC|CXX|LD|TIDY) ' "$log")
        printf 'FAILED  %-18s %3d s  (%s)\n%s\n' "$name" \
            $((SECONDS - began)) "$log" "$(tail -n 60 <<<"$text")"
    fi
}

# The example files are what the programs print.
config_example() {
    local program=$build/smartidd tool=$build/smartidctl
    make --no-print-directory "$program" "$tool" || return 1
    {
        "$program" --print-example-config |
            diff -u config/smartidd.conf.example - &&
            "$tool" wechat accounts-example |
            diff -u config/wechat.example - &&
            "$tool" wechat texts | diff -u config/wechat_texts.example -
    } ||
        {
            echo "run: make config-example"
            return 1
        }
}

# README's table of routes is what the daemon enforces.
routes() {
    make --no-print-directory "$build/smartidd" || return 1
    tests/lint/routes.sh "$build/smartidd"
}

part format tests/lint/format.sh
part layers tests/lint/layers.sh
part sql tests/lint/sql.sh
part simple tests/lint/simple.sh
part scripts tests/lint/shell.sh
part gcc make --no-print-directory -k objects
part clang make --no-print-directory -k sanitized-objects
part config config_example
part routes routes
part openapi tests/lint/openapi.sh
part clang-tidy make --no-print-directory -k tidy
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
