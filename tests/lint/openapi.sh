#!/usr/bin/env bash
# openapi.sh: src/web/openapi.json is good OpenAPI by redocly's recommended
# rules, its examples fit its schemas, and docs.html is made of it. Nothing is
# sent anywhere: redocly's telemetry and search for updates are switched off.
# Environment: DATA  folder of downloaded files (default .data)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
report=$("${DATA:-.data}/web/node_modules/.bin/redocly" lint \
    --config tests/web/redocly.yaml --max-problems 20 \
    src/web/openapi.json 2>&1) || {
    printf '%s\n' "$report"
    exit 1
}
# A warning does not fail there.
if grep -q '^You have [0-9]* warning' <<<"$report"; then
    printf '%s\n' "$report"
    exit 1
fi
tests/lint/docs.py
