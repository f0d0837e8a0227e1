#!/usr/bin/env bash
# sql.sh: the SQL of the store keeps to what PostgreSQL, Citus, YugabyteDB and
# CockroachDB share: numbers and times are made by the program, what only one
# machine can do is not used, nothing but a primary key is unique without a
# reason, and of a session's state only what is allowed below is set. (Statements
# are prepared, too: by the protocol, where no SQL shows it.) First it is tried
# on tests/data/refused.sql, which is not for any database: exactly the lines
# marked there are to be refused.
# Usage: sql.sh [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/lint/files.sh

control=tests/data/refused.sql

# pattern (of a word, any case)
forbidden='
listen|notify|unlisten
pg_(try_)?advisory_\w+
(small|big)serial[0-9]?|serial[0-9]|\w+\s+serial\s+(not\s+null|primary)|generated|nextval|currval|setval|identity
gen_random_\w+|uuid_generate\w*|random\(\)
now\(\)|current_(timestamp|date|time)|(clock|statement|transaction)_timestamp|localtime(stamp)?|timeofday
txid_current\w*|pg_current_xact_id\w*
create\s+(or\s+replace\s+)?(constraint\s+)?trigger|create\s+(or\s+replace\s+)?(function|procedure|rule|domain|type|extension|sequence)|execute\s+function
create\s+(or\s+replace\s+)?(temp(orary)?\s+|materialized\s+)?view
inherits|exclude\s+using|deferrable|partition\s+by|unlogged|lock\s+table
skip\s+locked|for\s+(no\s+key\s+)?update|for\s+(key\s+)?share
with\s+hold|declare\s+\w+\s+cursor|tablespace
set_config|discard\s+(all|plans|sequences|temp)|temp(orary)?\s+table
'
# A job is claimed by a conditional UPDATE with the key in its WHERE, so rows
# need not be locked beforehand, nor those of others be passed over.

# What SET may set: what a lost client keeps waiting, plans, and who only reads.
# A server that does not know one of them refuses the connection at the start.
settings='default_transaction_read_only|idle_in_transaction_session_timeout'
settings+='|tcp_user_timeout|tcp_keepalives_(idle|interval|count)'
settings+='|enable_seqscan|jit'

# What is unique beside primary keys, and why. Citus wants the shard key in each
# such constraint, and no column could be that of all. But a shard is a database
# of its own with its daemons (README, How large): what has to be unique is so
# among the people of one shard, and nothing looks beyond it.
unique='
client.key_name                                  # a key is looked up by it
credential_by_id on credential id                # ids come out of lots, numbers stand in codes
credential_standing on credential id_index type where state in active suspended   # a person has one of each type
dispute.audit_seq                                # a check is disputed once
enrolment_portrait on enrolment id consent_portrait  # begins with the primary key; portrait refers to both
wechat_contact.person                            # who writes is one contact
wechat_outbox.operation                          # no message is sent twice
'

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

# SQL is in capitals here; texts for people may say set. What an UPDATE or an
# ALTER of a table sets is no state.
session_state() {
    sed -E "s/\bSET (SESSION )?($settings) (=|TO) //g; s/\b(UPDATE|ALTER)\b[^;]*\bSET\b//g" |
        grep -E '\b(RE)?SET\b' || true
}

# Only one a line, named by table and column, or by all that an index says up to
# the end of its statement.
uniques() {
    awk -v allowed="$unique" '
        function words(text) {
            text = tolower(text)
            gsub(/[^a-z0-9_]+/, " ", text)
            gsub(/^ | $/, "", text)
            return text
        }
        function judge() {
            if (pending != "" && !(pending in known))
                print place " " pending " is unique"
            pending = ""
        }
        BEGIN {
            n = split(allowed, lines, "\n")
            for (i = 1; i <= n; i++) {
                sub(/ *#.*/, "", lines[i])
                known[lines[i]] = 1
            }
        }
        {
            at = $1
            sub(/^[^ ]* /, "")
            text = words($0)
            ends = /;/
            if (match(text, /create table /)) {
                table = substr(text, RSTART + RLENGTH)
                sub(/^if not exists /, "", table)
                sub(/ .*/, "", table)
            }
            if (pending != "")
                pending = pending " " text
            else if (match(text, /^create unique index /)) {
                place = at
                pending = substr(text, RLENGTH + 1)
            } else if ((" " text " ") ~ / unique /) {
                place = at
                column = text
                sub(/ .*/, "", column)
                pending = table "." column
                if (gsub(/ unique/, "", text) > 1)
                    pending = pending " and another"
                ends = 1
            }
            if (ends)
                judge()
        }
        END { judge() }'
}

complaints() {
    local file text
    text=$(for file in "$@"; do code "$file"; done)
    grep -iE ": (.*\W)?($(grep . <<<"$forbidden" | paste -sd '|'))" <<<"$text" || true
    session_state <<<"$text"
    uniques <<<"$text"
}

# The numbers of the lines that are marked and of those that are refused.
refused_lines() {
    diff <(grep -n -- '-- refused$' "$control" | cut -d: -f1) \
        <(complaints "$control" | cut -d: -f2 | sort -nu) |
        sed -n "s#^< \(.*\)#$control:\1: was not refused#p
                s#^> \(.*\)#$control:\1: was refused#p"
}

files=("$@")
[ $# -gt 0 ] ||
    mapfile -t files < <(project_files 'migrations/pgsql/*' \
        'src/store/store_sql_query.c' 'src/store/store_pgsql*.c' \
        'src/store/move*.c')

{
    refused_lines
    complaints "${files[@]}"
} | none_expected
