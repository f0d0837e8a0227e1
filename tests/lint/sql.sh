#!/usr/bin/env bash
# sql.sh: the SQL of the store keeps to what PostgreSQL, Citus, YugabyteDB and
# CockroachDB share: numbers and times are made by the program, no state of a
# session is relied on, and what only one machine can do is not used.
# Usage: sql.sh [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/lint/files.sh

# pattern (of a word, any case)
forbidden='
listen|notify|unlisten
pg_(try_)?advisory_\w+
(small|big)serial[0-9]?|serial[0-9]|\w+\s+serial\s+(not\s+null|primary)|generated|nextval|currval|setval|identity
gen_random_uuid|uuid_generate\w*|random\(\)
now\(\)|current_(timestamp|date|time)|clock_timestamp|statement_timestamp|localtimestamp
create\s+(or\s+replace\s+)?(constraint\s+)?trigger|create\s+(or\s+replace\s+)?(function|procedure|rule|domain|type|extension|sequence)|execute\s+function
create\s+(or\s+replace\s+)?(temp(orary)?\s+|materialized\s+)?view
inherits|exclude\s+using|deferrable|partition\s+by|unlogged|lock\s+table
with\s+hold|declare\s+\w+\s+cursor|tablespace
'

files=("$@")
[ $# -gt 0 ] ||
    mapfile -t files < <(project_files 'migrations/pgsql/*' \
        'src/store/store_sql_query.c' 'src/store/store_pgsql*.c')

# Comments may say what is not done; of C only what stands in quotes counts.
code() {
    awk -v file="$1" '
        file ~ /\.sql$/ { sub(/--.*/, "") }
        file ~ /\.c$/ {
            text = ""
            while (match($0, /"([^"\\]|\\.)*"/)) {
                text = text " " substr($0, RSTART + 1, RLENGTH - 2)
                $0 = substr($0, RSTART + RLENGTH)
            }
            $0 = text
        }
        { printf "%s:%d: %s\n", file, FNR, $0 }' "$1"
}

for file in "${files[@]}"; do
    code "$file"
done | { grep -iE ": (.*\W)?($(grep . <<<"$forbidden" | paste -sd '|'))" || true; } |
    none_expected
