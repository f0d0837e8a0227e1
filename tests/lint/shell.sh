#!/usr/bin/env bash
# shell.sh: shellcheck on every shell script, a syntax check on every Python
# file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/lint/files.sh

mapfile -t scripts < <(project_files '*.sh' '.ci/run')
shellcheck --external-sources "${scripts[@]}"
project_files '*.py' | while IFS= read -r file; do
    python3 -W error -c '
import sys
with open(sys.argv[1], "rb") as source:
    compile(source.read(), sys.argv[1], "exec")' "$file"
done
