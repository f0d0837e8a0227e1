#!/usr/bin/env bash
# embed.sh: makes the files that the pages consist of part of the program, as
# they are and gzipped: an assembler file with their bytes, and a table of them
# for page_embedded.c.
#
# Usage: embed.sh OUT PATH=FILE…   writes OUT/web_files.S, OUT/web_files.inc and
#                                  OUT/web/N.gz; FILE is served as PATH
set -euo pipefail

out=$1
shift
mkdir -p "$out/web"
table=$out/web_files.inc
assembler=$out/web_files.S
printf '    .section .note.GNU-stack,"",%%progbits\n    .section .rodata\n' \
    >"$assembler.new"
: >"$table.new"

# bytes NAME FILE: the bytes of a file between two labels.
bytes() {
    printf '    .globl %s, %s_end\n%s:\n    .incbin "%s"\n%s_end:\n    .byte 0\n' \
        "$1" "$1" "$1" "$2" "$1"
}

n=0
for pair in "$@"; do
    path=${pair%%=*}
    file=${pair#*=}
    gzip -9nc "$file" >"$out/web/$n.gz"
    {
        bytes "sid_web_$n" "$file"
        bytes "sid_web_${n}_gzip" "$out/web/$n.gz"
    } >>"$assembler.new"
    printf 'WEB_FILE(%d, "%s")\n' "$n" "$path" >>"$table.new"
    n=$((n + 1))
done
mv "$table.new" "$table"
mv "$assembler.new" "$assembler"
