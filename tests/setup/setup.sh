#!/usr/bin/env bash
# setup.sh: makes sure that what the build, the demo and the tests need is
# there. Says nothing, and takes a fraction of a second, when it is.
#
# Usage: setup.sh [demo|check|memcheck]
#   demo      what is needed to build, run and install (default)
#   check     that, and what the tests need
#   memcheck  what is needed for demo and, besides check's, for make valgrind
# Environment: DATA  folder of downloaded files (default .data)
#
# Debian packages come from packages.txt; they are installed as root or through
# sudo. Downloaded files that are not packages are data.sh's work.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=${DATA:-.data}
set_wanted=${1:-demo}
progress_s=5
log=$(mktemp -t smartid-setup.XXXXXX)
work=$(mktemp -d -t smartid-setup.XXXXXX)
trap 'rm -rf "$log" "$work"' EXIT

say() { printf 'setup: %s\n' "$*"; }

die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

show_log() {
    tail -n 15 "$log" | sed 's/^/    /' >&2
}

# The packages of the wanted sets that are not installed, one per line.
missing() {
    local wanted
    wanted=$(awk -v set="$set_wanted" '
        /^[a-z]/ && ($2 == "demo" || $2 == set) { print $1 }
    ' "$here/packages.txt")
    command -v npm >/dev/null ||
        wanted+=$'\n'$(awk '/^[a-z]/ && $2 == "npm" { print $1 }' \
            "$here/packages.txt")
    # It fails when it does not know a package, which is no failure here.
    # shellcheck disable=SC2086,SC2016 # words on purpose; dpkg's own ${…}
    { dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' $wanted \
        2>/dev/null || true; } |
        awk -v wanted="$wanted" '
            $2 ~ /^.i/ { have[$1] = 1 }
            END {
                n = split(wanted, name, "\n")
                for (i = 1; i <= n; i++)
                    if (!(name[i] in have)) print name[i]
            }'
}

# PostgreSQL's packages make a cluster, start it and open a port, unless this
# file says that they shall not. One that is there is its owner's.
no_cluster() {
    local file=/etc/postgresql-common/createcluster.conf as_root=()
    [ ! -e "$file" ] || return 0
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" install -d "${file%/*}" &&
        "${as_root[@]}" tee "$file" >/dev/null <<<'create_main_cluster = false'
}

# Runs apt-get as root. It writes into a file and never into a pipe: a full one
# has made packages' scripts fail.
apt() {
    local as_root=() status=0 watcher
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "packages have to be installed, but" \
            "this is not root and there is no sudo. As root, run:" \
            "apt-get install -y --no-install-recommends $(missing | xargs)"
        as_root=(sudo)
    fi
    : >"$log"
    progress &
    watcher=$!
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
        LC_ALL=C apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-confold \
        "$@" >>"$log" 2>&1 </dev/null || status=$?
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
    return "$status"
}

# Says every few seconds how far apt is, as its log tells.
progress() {
    local now last=''
    while sleep "$progress_s"; do
        now=$(awk '
            /^Get:/ { fetched++ }
            /^Unpacking / { unpacked++ }
            /^Setting up / { ready++ }
            / newly installed,/ { all = $3 }
            END {
                if (all) printf "%d packages: %d fetched, %d unpacked, %d set up",
                    all, fetched, unpacked, ready
            }' "$log")
        [ "$now" = "$last" ] || say "  $now"
        last=$now
    done
}

install_packages() {
    local names
    names=$(missing)
    [ -n "$names" ] || return 0
    say "reading the list of Debian packages"
    # A mirror that is down need not matter; the installation tells.
    apt update || true
    say "installing $(wc -l <<<"$names") Debian packages (some minutes):" \
        "$(xargs <<<"$names" | fold -s -w 66 | sed '2,$s/^/setup:   /')"
    case $names in *postgresql-15*) no_cluster ;; esac
    # shellcheck disable=SC2086 # one word per package
    if ! apt install -y --no-install-recommends $names; then
        show_log
        die "the packages could not be installed (above: apt's last words)." \
            "Is the Debian mirror of this machine in reach?"
    fi
    names=$(missing)
    [ -z "$names" ] || die "still missing after installation: $names"
}

# fetch_tool PACKAGE PATH SIZE: one program out of a Debian package. Installed,
# the package would also start a service and open a port; so it is unpacked.
fetch_tool() {
    local tools=$data/tools name=${2##*/}
    if command -v "$name" >/dev/null || [ -x "$tools/$name" ]; then
        return 0
    fi
    say "fetching $name ($3, out of the package $1)"
    chmod 755 "$work"
    if ! (cd "$work" && apt-get -q download "$1") >>"$log" 2>&1; then
        apt update || true
        if ! (cd "$work" && apt-get -q download "$1") >>"$log" 2>&1; then
            show_log
            die "the package $1 could not be fetched. Is the Debian mirror of" \
                "this machine in reach?"
        fi
    fi
    mkdir -p "$tools"
    dpkg-deb --fsys-tarfile "$work/$1"_*.deb | tar -x -C "$work" "./$2"
    mv "$work/$2" "$tools/$name"
}

case $set_wanted in
demo | check | memcheck) ;;
*) die "no such set: $set_wanted (demo, check or memcheck)" ;;
esac
command -v dpkg-query >/dev/null ||
    die "this is not Debian; packages.txt has the list of what is needed"
install_packages
if [ "$set_wanted" = check ]; then
    fetch_tool prometheus usr/bin/promtool "19 MB"
    fetch_tool nginx usr/sbin/nginx "0.5 MB"
fi
if [ -e "$here/data.sh" ]; then
    DATA=$data bash "$here/data.sh" "$set_wanted"
fi
