#!/usr/bin/env bash
# run-check.sh: everything `make check` proves, one part after the other: lint,
# unit tests, the corpus of the fuzz targets, end-to-end tests, the pages in a
# browser, and all but lint and pages again under AddressSanitizer and
# UndefinedBehaviorSanitizer. Each part's whole output goes to $BUILD/logs; the
# last line is `N passed, N failed` over all of them. A part that crashes, or has
# no test, has failed.
# Environment: BUILD  build folder (default build)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
build=${BUILD:-build}
logs=$build/logs
passed=0
failed=0
summary=()
# Of a line of a log: an assertion may quote a daemon's whole log in one.
WIDEST=500
mkdir -p "$logs"

# part NAME TARGET [VARIABLE=…]: makes TARGET, whose last line has the totals.
part() {
    local name=$1 log=$logs/${1// /-}.log began=$SECONDS status good bad line
    shift
    printf '== %s (%s)\n' "$name" "$log"
    make --no-print-directory "$@" 2>&1 | tee "$log" |
        grep --line-buffered -E '^(ok|FAILED) |: .* [Ee]rror|passed, [0-9]+ failed \('
    status=${PIPESTATUS[0]}
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    good=${line%% *}
    bad=$(sed -E 's/.*, ([0-9]+) failed/\1/' <<<"$line")
    good=${good:-0}
    bad=${bad:-0}
    # No totals, no test, or a bad end without a failure: that is one.
    if [ $((good + bad)) -eq 0 ] ||
        { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
        bad=$((bad + 1))
    fi
    if [ "$bad" -gt 0 ]; then
        printf -- '---- the end of %s\n' "$log"
        tail -n 60 "$log" | cut -c "1-$WIDEST"
        printf -- '----\n'
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    summary+=("$(printf '%-24s %5d passed, %d failed, %4d s' "$name" "$good" \
        "$bad" $((SECONDS - began)))")
}

part "lint" lint
part "unit" check-unit
part "fuzz corpus" check-corpus
part "end to end" check-e2e
part "pages" check-web
part "unit sanitized" sanitized-check-unit
part "fuzz corpus sanitized" sanitized-check-corpus
part "end to end sanitized" sanitized-check-e2e

# What failed once more, where it is seen without scrolling.
grep -hE -A 12 '^FAILED ' "$logs"/*.log | cut -c "1-$WIDEST"
printf '\n'
printf '%s\n' "${summary[@]}"
printf '%d s in all\n' "$SECONDS"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
