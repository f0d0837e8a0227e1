# shellcheck shell=bash
# files.sh: sourced by the other lint scripts: which files there are.

# Prints the project's files (tracked, and new ones that are not ignored) that
# match the given git patterns and exist.
project_files() {
    git ls-files -co --exclude-standard -- "$@" | sort -u |
        while IFS= read -r file; do
            [ -f "$file" ] && printf '%s\n' "$file"
        done
    return 0
}

# Reads complaints; prints them and fails when there is one.
none_expected() {
    local text
    text=$(cat)
    [ -z "$text" ] && return 0
    printf '%s\n' "$text"
    return 1
}
