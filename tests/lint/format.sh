#!/usr/bin/env bash
# format.sh: every C and C++ file is laid out as .clang-format says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/lint/files.sh

mapfile -t files < <(project_files '*.c' '*.h' '*.cpp' '*.hpp')
if [ ${#files[@]} -eq 0 ]; then
    echo "no file found"
    exit 1
fi
clang-format --dry-run -Werror --ferror-limit=3 "${files[@]}"
