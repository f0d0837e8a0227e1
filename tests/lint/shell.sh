#!/usr/bin/env bash
# shell.sh: shellcheck on every shell script, a syntax check on every Python
# file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/lint/files.sh

mapfile -t scripts < <(project_files '*.sh' '.ci/run')
shellcheck --external-sources "${scripts[@]}"
mapfile -t scripts < <(project_files '*.py')
python3 -W error -c '
import sys
for name in sys.argv[1:]:
    with open(name, "rb") as source:
        compile(source.read(), name, "exec")' "${scripts[@]}"
