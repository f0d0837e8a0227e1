#!/usr/bin/env bash
# simple.sh: mistakes that a pattern can see.
#
# Files of at most 600 lines, functions of at most 70 (found by the layout: a
# function's name starts its line, its last brace stands alone); each file
# begins with a comment that says why it exists; no left-over markers, paths of
# somebody's machine or hosts of registries; no C functions that cannot be used
# safely; nothing over 1 MiB is tracked; a test is skipped only with the reason beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/lint/files.sh

file_lines_max=600
function_lines_max=70
file_bytes_max=1048576

mapfile -t code < <(project_files '*.c' '*.h' '*.cpp' '*.hpp')
mapfile -t scripts < <(project_files '*.sh' '*.py' '.ci/run')
mapfile -t all < <(project_files)
self=tests/lint/simple.sh

long_files() {
    wc -l "${code[@]}" "${scripts[@]}" |
        awk -v max="$file_lines_max" '$1 > max && $2 != "total" {
            print $2 ": " $1 " lines, at most " max }'
}

long_functions() {
    awk -v max="$function_lines_max" '
        FNR == 1 { start = 0 }
        /^[A-Za-z_~][A-Za-z0-9_:~]*\(/ { start = FNR; body = 0 }
        start && /\{[[:space:]]*$/ { body = 1 }
        start && !body && /;[[:space:]]*$/ { start = 0 }
        start && /^}/ {
            if (FNR - start + 1 > max)
                print FILENAME ":" start ": function of " FNR - start + 1 \
                    " lines, at most " max
            start = 0
        }' "${code[@]}"
}

first_comments() {
    local file line
    for file in "${code[@]}"; do
        IFS= read -r line <"$file" || true
        case $line in
        '/*'* | '//'*) ;;
        *) echo "$file: the first line is no comment that says why it exists" ;;
        esac
    done
    for file in "${scripts[@]}"; do
        line=$(grep -vE -m 1 '^(#!|# shellcheck)' "$file") || true
        case $line in
        '# '* | '"""'*) ;;
        *) echo "$file: does not begin by saying why it exists" ;;
        esac
    done
}

# grep over the project's files; "$self" has the patterns and is left out.
find_in() {
    local pattern=$1
    shift
    printf '%s\0' "$@" | grep -zvxF "$self" |
        xargs -0 grep -HnIE -- "$pattern" | cut -c1-160 || true
}

left_overs() {
    find_in '\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K|not imple[m]ented|unimple[m]ented|for[ ]now|stu[b])\b' \
        "${all[@]}" | grep -v '^LICENSE:' | sed 's/$/   <- left-over/' || true
}

places() {
    find_in '(/work/|/root/|/farm/|/home/[a-z]|registry\.npm|npmmirror|deb\.debian|pypi\.org)' \
        "${all[@]}" | sed 's/$/   <- path of a machine or host of a registry/'
}

unsafe_calls() {
    find_in '(^|[^A-Za-z0-9_>.])(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|alloca|system|popen|atoi|atol|strtok|tmpnam|mktemp)[[:space:]]*\(' \
        "${code[@]}" | grep -E '^(src|include)/' |
        sed 's/$/   <- not to be used/' || true
}

skipped_tests() {
    find_in '(@unittest\.skip|skipTest|\.skipIf|[^a-z_]skip\()' \
        "${scripts[@]}" "${code[@]}" | grep -vE 'skip\(\); /\* .* \*/$' |
        sed 's/$/   <- skipped test/' || true
}

large_files() {
    local file size
    for file in "${all[@]}"; do
        size=$(stat -c %s "$file")
        [ "$size" -le "$file_bytes_max" ] ||
            echo "$file: $size bytes, at most $file_bytes_max"
    done
}

{
    long_files
    long_functions
    first_comments
    left_overs
    places
    unsafe_calls
    skipped_tests
    large_files
} | none_expected
