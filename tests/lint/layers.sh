#!/usr/bin/env bash
# layers.sh: who may include what.
#
#   main, ctl > http > wechat > app > store > core > {crypto work net image face qr json} > base
#
# A public header (include/smartid) may be included by its own layer and those
# above; libraries of one level do not know each other, but face may use
# image's pixels. A private header is included by its own folder only. The
# header of a foreign library is for the one layer that wraps it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/lint/files.sh

# layer level its public headers
layers='
base   0 err buf text clock rand log config metrics secretfile harden sandbox network inifile appendfile json_out notify inherit url setting
crypto 1 mac aead sign master keyring subject legacy
work   1 queue pool
net    1 post
image  1 image
face   1 face
qr     1 qr
json   1 json
core   2 token offline credential credential_type recovery enrolment policy copy challenge plane purpose audit audit_chain audit_head audit_json apikey idnumber ratelimit quota pseudonym erasure template steady recent event tally report
store  3 store store_slot move backup store_photo store_purposes store_wechat blobs writer migrate dispute overview
photo  5
app    4 app models photo faceproc keys flow_enrol flow_challenge flow_verify flow_face flow_credential flow_recover flow_dispute flow_admin flow_keys flow_audit purposes_file retention flow_webhook flow_session flow_wechat flow_search flow_audit_read flow_overview flow_misuse
wechat 5 wechat wechat_account wechat_api wechat_channel wechat_crypt wechat_page wechat_push wechat_replay wechat_reply wechat_texts wechat_visit
http   6 server
ctl    7
main   7
'

# foreign header (pattern)              where it may stand (pattern)
foreign='
openssl/                                ^(src/crypto/|tests/fuzz/fail\.c$|tests/bench/)
opencv2/                                ^(src/face/.*pp|tests/(tools|bench)/.*pp)$
qrencode\.h                             ^src/qr/
sqlite3\.h                              ^(src/store/|tests/unit/(store|ctl)/|tests/fuzz/|tests/bench/|tests/tools/(mkcredentials|one_writer))
libpq-fe\.h                             ^(src/store/store_pgsql|tests/unit/store/)
microhttpd\.h                           ^(src/http/|tests/bench/|tests/unit/http/)
jansson\.h                              ^(include/smartid/json\.h|src/(json|wechat|http|ctl)/|tests/unit/(json|wechat|http|ctl)/)
curl/                                   ^src/(wechat|ctl|net)/
expat\.h                                ^src/wechat/
jpeglib\.h|jerror\.h|turbojpeg\.h       ^(src/image/|tests/bench/|tests/tools/|tests/unit/)
png\.h                                  ^(src/image/|src/qr/|tests/tools/|tests/unit/)
zlib\.h                                 ^(src/image/|tests/unit/|tests/fuzz/)
ini\.h                                  ^(src/base/|src/app/models\.c$)
'

mapfile -t files < <(project_files 'src/*' 'include/*' 'tests/*.c' \
    'tests/*.h' 'tests/*.cpp' | grep -E '\.(c|h|cpp|hpp)$')

# path:line:header for each include of the given kind
includes() {
    grep -HnoE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[$1][^>\"]+" \
        "${files[@]}" | sed -E 's/:[[:space:]]*#[^<"]*[<"]/:/' || true
}

check_own() {
    includes '"' | awk -F: -v layers="$layers" '
        BEGIN {
            n = split(layers, row, "\n")
            for (i = 1; i <= n; i++) {
                m = split(row[i], word, " ")
                if (m < 2) continue
                level[word[1]] = word[2]
                for (j = 3; j <= m; j++)
                    home["smartid/" word[j] ".h"] = word[1]
            }
        }
        function layer_of(path,   part) {
            split(path, part, "/")
            if (path ~ /^include\/smartid\//)
                return home["smartid/" part[3]]
            if (path == "src/main.c") return "main"
            if (path ~ /^src\//) return part[2]
            if (path ~ /^tests\/unit\//) return part[3]
            return "main"
        }
        {
            path = $1; header = $3; mine = layer_of(path)
            if (!(mine in level)) {
                print path ": in no layer that layers.sh knows"
                next
            }
            if (header ~ /^smartid\//) {
                theirs = home[header]
                if (theirs == "")
                    print path ":" $2 ": " header " is in no layer that layers.sh knows"
                else if (theirs != mine && level[theirs] >= level[mine] &&
                         !(mine == "face" && theirs == "image"))
                    print path ":" $2 ": " mine " may not include " header " of " theirs
                next
            }
            if (header ~ /\// && path !~ /^tests\//)
                print path ":" $2 ": private header " header " of another folder"
        }'
}

check_foreign() {
    includes '<' | awk -F: -v rules="$foreign" '
        BEGIN {
            n = split(rules, row, "\n")
            for (i = 1; i <= n; i++)
                if (split(row[i], word, " ") == 2) {
                    count++
                    header[count] = "^(" word[1] ")"
                    place[count] = word[2]
                }
        }
        {
            for (i = 1; i <= count; i++)
                if ($3 ~ header[i] && $1 !~ place[i])
                    print $1 ":" $2 ": <" $3 "> belongs into " place[i]
        }'
}

{
    check_own
    check_foreign
} | sort -u | none_expected
