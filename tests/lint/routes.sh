#!/usr/bin/env bash
# routes.sh: README.md's table of routes is the one that the daemon prints.
# Usage: routes.sh [--write] SMARTIDD   (--write puts it there)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

write=false
if [ "$1" = --write ]; then
    write=true
    shift
fi
begin='<!-- routes: smartidd --print-routes -->'
end='<!-- end of routes -->'

# README.md with the table as the daemon has it now.
with_table() {
    table=$("$1" --print-routes) begin=$begin end=$end awk '
        $0 == ENVIRON["begin"] {
            print; print ENVIRON["table"]; inside = 1; found++
        }
        $0 == ENVIRON["end"] { inside = 0; found++ }
        !inside && $0 != ENVIRON["begin"] { print }
        END { if (found != 2) exit 1 }' README.md
}

fresh=$(with_table "$1") || {
    echo "README.md: the marks around the table of routes are missing"
    exit 1
}
if $write; then
    printf '%s\n' "$fresh" >README.md
else
    diff -u README.md - <<<"$fresh" || {
        echo "run: make routes"
        exit 1
    }
fi
