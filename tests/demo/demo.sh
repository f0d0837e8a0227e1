#!/usr/bin/env bash
# demo.sh: the whole story against a real daemon, told step by step: a man
# enrols with a photo of his ID card and a selfie, gets a code that changes
# every day, and a clerk checks it. Each answer is compared with what the story
# says; the first that differs ends the demo with status 1.
#
# Usage: demo.sh --bin DIR [--keep]
#   --keep  go on with the pages switched on: prints their addresses, a key for
#           each, and commands to play with; ends all of it at Ctrl-C
# Environment: DATA (sample photos), MODEL_DIR
#
# Everything lies in a fresh temporary folder. What was started is ended by its
# process id, and the folder is removed, whatever happens.
set -euo pipefail

bin=
keep=0
while [ $# -gt 0 ]; do
    case $1 in
    --bin) bin=$(realpath "$2") && shift ;;
    --keep) keep=1 ;;
    *) echo "usage: demo.sh --bin DIR [--keep]" >&2 && exit 2 ;;
    esac
    shift
done
photos=$(realpath -m "${DATA:-.data}")/photos
models=$(realpath -m "${MODEL_DIR:-.data/models}")

# A day and five minutes: beyond the grace that a code has at the counter.
later_s=86700
wait_s=30 # seconds an enrolment is waited for

# The cast. Both ID numbers are published specimens.
man_name='Zhang Yangben'
man_number=440524188001010014
man_portrait=$photos/franck_02045.jpg
man_selfie=$photos/franck_03979.jpg
man_at_counter=$photos/franck_02159.jpg
man_selfie_later=$photos/franck_02888.jpg
stranger=$photos/SeanConnery.jpg
drawing=$photos/facemodel_numbering_new.png

dir=$(mktemp -d -t smartid-demo.XXXXXX)
pids=()
bold='' dim='' green='' red='' plain=''
if [ -t 1 ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

# ---- telling ---------------------------------------------------------------
number=0
step() {
    number=$((number + 1))
    printf '\n%s%2d. %s%s\n' "$bold" "$number" "$*" "$plain"
}
note() { printf '    %s\n' "$*"; }
command_line() { printf '    %s$ %s%s\n' "$dim" "$*" "$plain"; }

fail() {
    printf '\n%sThe demo has failed: %s%s\n' "$red" "$*" "$plain" >&2
    if [ -s "$dir/answer" ]; then
        printf 'The last answer:\n' >&2
        head -c 2000 "$dir/answer" >&2
        printf '\n' >&2
    fi
    if [ -s "$data/log" ]; then
        printf 'The last lines of the daemon:\n' >&2
        tail -n 8 "$data/log" >&2
    fi
    exit 1
}

# expect WHAT FOUND WANTED
expect() {
    [ "$2" = "$3" ] || fail "$1 is '$2', but should be '$3'"
}

# ---- the daemon --------------------------------------------------------------
data=$dir
url=
credential=

end_daemon() {
    local pid=$1 tries=0
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -le 300 ] || kill -KILL "$pid" 2>/dev/null
        sleep 0.1
    done
}

finish() {
    local status=$? pid
    trap - EXIT
    for pid in "${pids[@]}"; do
        end_daemon "$pid"
    done
    rm -rf "$dir"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# new_daemon PROGRAM FOLDER: makes the folder and starts a daemon on it.
new_daemon() {
    local began=$EPOCHREALTIME tries=0 pid
    data=$dir/$2
    command_line "smartidctl init --dir $2 --model-dir MODELS"
    "$bin/smartidctl" init --dir "$data" --model-dir "$models" >/dev/null ||
        fail "smartidctl init"
    command_line "$1 -c $2/smartidd.conf &"
    printf '0\n' >"$data/clock"
    : >"$data/log"
    SMARTIDD_HTTP_LISTEN_PORT=0 SMARTIDD_TEST_CLOCK=$data/clock \
        setsid "$bin/$1" -c "$data/smartidd.conf" \
        </dev/null >/dev/null 2>"$data/log" &
    pid=$!
    pids+=("$pid")
    until grep -q ' event=ready' "$data/log"; do
        tries=$((tries + 1))
        kill -0 "$pid" 2>/dev/null || fail "the daemon does not start"
        [ "$tries" -le 600 ] || fail "the daemon is not ready after 60 s"
        sleep 0.1
    done
    port=$(sed -n 's/.* event=ready.* port=\([0-9]*\).*/\1/p' "$data/log")
    url=http://127.0.0.1:$port
    note "ready on $url after $(
        awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", b - a }'
    ) (process $pid)"
}

# add_client FILE ROLE ARGUMENT…: a key, as a header file for curl.
add_client() {
    local file=$1 role=$2 key
    shift 2
    command_line "smartidctl -c $(basename "$data")/smartidd.conf client add" \
        "--role $role $*"
    key=$("$bin/smartidctl" -c "$data/smartidd.conf" client add \
        --role "$role" "$@" 2>"$dir/said") ||
        fail "smartidctl client add: $(<"$dir/said")"
    [ -n "$key" ] || fail "smartidctl client add printed no key"
    printf 'Authorization: Bearer %s\n' "$key" >"$dir/$file"
    note "key ${key:0:20}… (told once; goes into $file)"
}

# ---- requests ----------------------------------------------------------------
# request ARGUMENT… PATH: a curl command, shown as it is run; sets $status and
# leaves the body in $dir/answer. `save`, when set, is the file it is shown to
# go into.
save=
request() {
    local shown='' word path=${*: -1} shown_path=${*: -1}
    for word in "${@:1:$#-1}"; do
        word=${word//"$photos/"/}
        case $word in
        *[\ \'\"\;\{\<]*) shown+=" '$word'" ;;
        *) shown+=" $word" ;;
        esac
    done
    [ -z "$credential" ] || shown_path=${path/"$credential"/\$C}
    command_line "curl$shown \"\$URL$shown_path\"${save:+ -o $save}"
    rm -f "$dir/answer"
    status=$(cd "$dir" && curl -sS --max-time 90 -o answer \
        -w '%{http_code}' "${@:1:$#-1}" "$url$path") || fail "no answer"
}

answer() { jq -r "$1" "$dir/answer" 2>/dev/null || true; }

# enrol ID_PHOTO SELFIE HOLDER
enrol() {
    local began=$EPOCHREALTIME
    request -H @app.auth -H "Prefer: wait=$wait_s" -F "id_photo=@$1" \
        -F "selfie=@$2" -F "holder=<$3;type=application/json" /v1/enrollments
    note "$status $(answer '"state: \(.state)"')$(
        awk -v a="$began" -v b="$EPOCHREALTIME" \
            'BEGIN { printf " (%.1f s)", b - a }'
    )"
    answer '.reasons[]? | "    \(.code)\(
        if .photo then " (" + .photo + ")" else "" end): \(.message)"'
}

# verify CODE: as the clerk; the code goes in a file, as it is a secret.
purpose=household_registration
verify() {
    jq -n --arg code "$1" --arg purpose "$purpose" \
        '{code: $code, purpose: $purpose, counter: "12"}' \
        >"$dir/check.json"
    note "check.json: $(jq -c . "$dir/check.json")"
    request -H @clerk.auth -H 'Content-Type: application/json' \
        -d @check.json /v1/verifications
    expect "the status of the check" "$status" 200
    if [ "$(answer .valid)" = true ]; then
        note "${green}valid${plain} $(answer '.credential | "(\(.type), \(.assurance))"')"
        answer '.holder | to_entries[] | "      \(.key): \(.value)"'
    else
        note "${red}not valid${plain}: $(answer .reason)"
    fi
}

expect_reason() {
    expect "valid" "$(answer .valid)" false
    expect "the reason" "$(answer .reason)" "$1"
    expect "what is told about the holder" "$(answer .holder)" null
}

changed() {
    local at=30 with=A
    [ "${1:at:1}" != A ] || with=B
    printf '%s' "${1:0:at}$with${1:at+1}"
}

# ---- parts of the story --------------------------------------------------------
write_holders() {
    local now
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    jq -n --arg now "$now" --arg name "$man_name" --arg number "$man_number" \
        '{name: $name, id_number: $number,
        consent: {version: "2026-01", given_at: $now, portrait: true}}' \
        >"$dir/man.json"
    jq -n --arg now "$now" '{name: "Li Yangben",
        id_number: "11010519491231002X",
        consent: {version: "2026-01", given_at: $now}}' >"$dir/other.json"
}

draw_card() {
    note "The card is a drawn specimen that lies askew on a table:"
    command_line "mkphoto card $(basename "$man_portrait") card.jpg" \
        "--name '$man_name' --number $man_number"
    "$bin/mkphoto" card "$man_portrait" "$dir/card.jpg" --models "$models" \
        --name "$man_name" --number "$man_number" \
        --fill 0.6 --turn 4 >/dev/null || fail "mkphoto"
}

enrol_the_man() {
    enrol card.jpg "$man_selfie" man.json
    expect "the status" "$status" 201
    expect "the state" "$(answer .state)" approved
    credential=$(answer .credential_id)
    printf 'Authorization: Bearer %s\n' "$(answer .holder_secret)" \
        >"$dir/holder.auth"
    note "credential: $credential (\$C)"
}

refuse_others() {
    step "Two different people: refused"
    enrol card.jpg "$stranger" other.json
    expect "the state" "$(answer .state)" rejected
    expect "the reason" "$(answer '.reasons[0].code')" faces_differ

    step "A drawing instead of a selfie: refused, and told what to do"
    enrol card.jpg "$drawing" other.json
    expect "the state" "$(answer .state)" rejected
    expect "the reason" "$(answer '.reasons[0].code')" no_face
}

fetch_code() {
    request -H @holder.auth "/v1/credentials/$credential/code"
    expect "the status" "$status" 200
    code=$(answer .code)
    note "code: $code"
    answer '"    from \(.not_before) to \(.not_after)"'
    expect "the code's length" "${#code}" 56
}

# save_code TYPE FILE
save_code() {
    save=$2
    request -H @holder.auth -H "Accept: $1" \
        "/v1/credentials/$credential/code?scale=8"
    save=
    expect "the status" "$status" 200
    mv "$dir/answer" "$dir/$2"
    note "$2: $(stat -c %s "$dir/$2") bytes"
}

show_code() {
    step "The code, on the man's phone"
    fetch_code
    printf '%s\n' "$code" >"$dir/code.txt"
    command_line "smartidctl qr < code.txt"
    "$bin/smartidctl" qr <"$dir/code.txt" || fail "smartidctl qr"

    step "The same as PNG and SVG; a QR reader that is not ours reads it"
    save_code image/svg+xml code.svg
    save_code image/png code.png
    note "They lie in $dir and go away with the demo."
    command_line "ZXingReader -format QRCode code.png"
    read_back=$(ZXingReader -format QRCode "$dir/code.png" |
        sed -n 's/^Text: *"\(.*\)"$/\1/p')
    note "reads: $read_back"
    expect "what the QR reader reads" "$read_back" "$code"
}

check_code() {
    step "The clerk checks it for household registration: valid"
    verify "$code"
    expect "valid" "$(answer .valid)" true
    expect "the name" "$(answer .holder.name)" "$man_name"
    expect "the number" "$(answer .holder.id_number)" "$man_number"

    step "One character changed: not valid"
    verify "$(changed "$code")"
    expect_reason not_valid
}

# compare_face PHOTO RESULT: of who stands at the counter.
compare_face() {
    request -H @clerk.auth -F "photo=@$1" "/v1/verifications/$check/face"
    expect "the status" "$status" 200
    note "$(answer '.result + (if .assurance then " (\(.assurance))" else "" end)')"
    expect "the result" "$(answer .result)" "$2"
    expect "a score" "$(answer .similarity)" null
}

face_at_the_counter() {
    step "A hotel checks the code and looks at the portrait he agreed to"
    purpose=hotel_check_in
    verify "$code"
    purpose=household_registration
    check=$(answer .id)
    save=portrait.jpg
    request -H @clerk.auth "$(answer .holder.portrait_url)"
    save=
    expect "the status" "$status" 200
    note "portrait.jpg: $(stat -c %s "$dir/answer") bytes, for 5 minutes, for this clerk"

    step "The counter's camera: it is he; with somebody else his code is no use"
    compare_face "$man_at_counter" match
    compare_face "$stranger" no_match
}

# change WHAT: suspend or resume, as the app
change() {
    request -X POST -H @app.auth "/v1/credentials/$credential/$1"
    expect "the status" "$status" 200
    note "state: $(answer .state)"
}

# recover SELFIE
recover() {
    request -H @app.auth -F "selfie=@$1" "/v1/credentials/$credential/recover"
    expect "the status" "$status" 200
    note "recovered: $(answer .recovered)"
    answer '.reasons[]? | "    \(.code): \(.message)"'
}

lose_the_phone() {
    local old=$code
    step "The phone is lost: suspended, and at once no longer valid"
    change suspend
    expect "the state" "$(answer .state)" suspended
    verify "$old"
    expect_reason not_valid

    step "A new phone: neither a stranger's selfie nor the old one brings it back"
    recover "$stranger"
    expect "recovered" "$(answer .recovered)" false
    recover "$man_selfie"
    expect "recovered" "$(answer .recovered)" false
    expect "the reason" "$(answer '.reasons[0].code')" not_recognised

    step "The man's own face does; what the old phone has is dead for ever"
    recover "$man_selfie_later"
    expect "recovered" "$(answer .recovered)" true
    mv "$dir/holder.auth" "$dir/old.auth"
    printf 'Authorization: Bearer %s\n' "$(answer .holder_secret)" \
        >"$dir/holder.auth"
    change resume
    request -H @old.auth "/v1/credentials/$credential/code"
    expect "the status for the old phone" "$status" 404
    verify "$old"
    expect_reason not_valid
    fetch_code
    verify "$code"
    expect "valid" "$(answer .valid)" true
}

revoke() {
    step "The phone is stolen: revoked, and at once no longer valid"
    request -H @app.auth -H 'Content-Type: application/json' \
        -d '{"reason": "stolen"}' "/v1/credentials/$credential/revoke"
    expect "the status" "$status" 200
    note "state: $(answer .state)"
    expect "the state" "$(answer .state)" revoked
    verify "$code"
    expect_reason not_valid
}

make_keys() {
    step "A key for the app that enrols people, and one for a clerk"
    add_client app.auth app --name demo-app
    add_client clerk.auth clerk --name demo-clerk \
        --purpose household_registration --purpose hotel_check_in
}

today() {
    step "A new daemon, with an empty store"
    new_daemon smartidd today
    make_keys
    step "A man enrols: a photo of his card and a selfie"
    write_holders
    draw_card
    enrol_the_man
    refuse_others
    show_code
    check_code
    face_at_the_counter
    lose_the_phone
    revoke
}

# The same on a daemon of the same sources whose clock a test can set.
a_day_later() {
    local yesterday
    step "Again, with a daemon whose clock can be moved"
    new_daemon smartidd-clock later
    make_keys
    step "The man enrols; the clerk checks his code: valid"
    enrol_the_man
    fetch_code
    verify "$code"
    expect "valid" "$(answer .valid)" true

    step "A day and five minutes later: the phone shows another code"
    yesterday=$code
    printf '%d\n' "$later_s" >"$data/clock.new"
    mv "$data/clock.new" "$data/clock"
    command_line "echo $later_s > later/clock"
    fetch_code
    [ "$code" != "$yesterday" ] || fail "the code is still yesterday's"

    step "Yesterday's code: expired"
    verify "$yesterday"
    expect_reason expired
    check_code
    revoke
}

# key_of FILE: the key in a header file of curl.
key_of() { sed 's/^Authorization: Bearer //' "$dir/$1"; }

# Switches the pages on; they are off unless somebody wants them.
open_pages() {
    local client tries=0
    client=$("$bin/smartidctl" -c "$data/smartidd.conf" client list |
        awk '/demo-app/ && match($0, /cli_[0-9A-Za-z]+/) {
            print substr($0, RSTART, RLENGTH); exit }')
    [ -n "$client" ] || fail "the client of the page is missing"
    printf '[pages]\nclient = %s\nenroll = on\ncard = on\nscan = on\nconsole = on\n' \
        "$client" >>"$data/smartidd.conf"
    command_line "printf '[pages] …' >> today/smartidd.conf && kill -HUP ${pids[0]}"
    kill -HUP "${pids[0]}"
    until curl -fsS -o "$dir/answer" "$url/enroll" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -le 100 ] || fail "the pages are not switched on"
        sleep 0.1
    done
}

play() {
    # The first daemon goes on; so let there be somebody in it.
    end_daemon "${pids[1]}"
    pids=("${pids[0]}")
    url=$first_url
    data=$dir/today
    mv "$dir/today.app.auth" "$dir/app.auth"
    mv "$dir/today.clerk.auth" "$dir/clerk.auth"
    step "The daemon goes on, with the man enrolled anew and the pages switched on"
    enrol_the_man
    add_client officer.auth officer --name demo-officer
    add_client admin.auth admin --name demo-admin
    open_pages
    cat <<END

In a browser on this machine (the keys are told once):

  ${bold}resident${plain}  $url/enroll
            photos to choose, if you have no camera: $dir/card.jpg
            and $man_selfie;
            an ID number that nobody has here: 11010519491231002X
  ${bold}clerk${plain}     $url/scan
            $(key_of clerk.auth)
  ${bold}officer${plain}   $url/console
            $(key_of officer.auth)
  ${bold}admin${plain}     the same page: all of the audit log
            $(key_of admin.auth)

One browser is signed in as one of them at a time.

The daemon goes on (process ${pids[0]}, log in today/log). To play with it:

  cd $dir && URL=$url && C=$credential

  curl -H @holder.auth \$URL/v1/credentials/\$C/code
  curl -H @holder.auth -H 'Accept: image/png' \$URL/v1/credentials/\$C/code -o code.png
  curl -H @holder.auth -H 'Accept: image/svg+xml' \$URL/v1/credentials/\$C/code -o code.svg
  curl -H @holder.auth -s \$URL/v1/credentials/\$C/code | jq -r .code | $bin/smartidctl qr
  jq -n --arg c "\$(ZXingReader code.png | sed -n 's/^Text: *"\(.*\)"\$/\1/p')" \\
    '{code: \$c, purpose: "household_registration"}' |
    curl -H @clerk.auth -H 'Content-Type: application/json' -d @- \$URL/v1/verifications
  curl -H @app.auth -H 'Content-Type: application/json' -d '{"reason": "lost"}' \\
    \$URL/v1/credentials/\$C/revoke
  curl -H @app.auth -H 'Prefer: wait=30' -F id_photo=@card.jpg \\
    -F selfie=@$man_selfie -F 'holder=<man.json;type=application/json' \\
    \$URL/v1/enrollments
  curl \$URL/metrics

Ctrl-C ends it and removes the folder.
END
    while kill -0 "${pids[0]}" 2>/dev/null; do
        sleep 0.5 &
        wait $! || true
    done
    fail "the daemon has ended by itself"
}

for file in "$bin"/{smartidd,smartidd-clock,smartidctl,mkphoto} \
    "$man_portrait" "$man_selfie" "$man_selfie_later" \
    "$man_at_counter" "$stranger" "$drawing" "$models/models.ini"; do
    [ -e "$file" ] || fail "$file is missing: start the demo with make demo"
done
today
first_url=$url
cp "$dir/app.auth" "$dir/today.app.auth"
cp "$dir/clerk.auth" "$dir/today.clerk.auth"
a_day_later
if [ "$keep" -eq 1 ]; then
    play
else
    printf '\n%sThe story is told; every answer was as it should be.%s\n' \
        "$green" "$plain"
fi
