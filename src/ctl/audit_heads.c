/* audit_heads.c: files of signed heads: reading them, and checking one with
 * nothing but the public key. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "smartid/audit.h"
#include "smartid/clock.h"
#include "smartid/text.h"

/* What a head begins with: in a file, the line (see audit_head.h). */
#define BEGINNING "version=1 chain="

void
sid_heads_fini(struct sid_known_heads *heads) {
    free(heads->row);
    *heads = (struct sid_known_heads){0};
}

enum sid_err
sid_parse_public_key(const char *text, uint8_t out[SID_PUBLIC_KEY_BYTES]) {
    return strlen(text) == 2 * SID_PUBLIC_KEY_BYTES
               ? sid_hex_decode(text, out, SID_PUBLIC_KEY_BYTES)
               : SID_E_ARGUMENT;
}

static enum sid_err
add(struct sid_known_heads *heads, const struct sid_audit_head *head,
    size_t line) {
    if (heads->count == heads->room) {
        size_t room = heads->room == 0 ? 64 : heads->room * 2;
        struct sid_known_head *row =
            reallocarray(heads->row, room, sizeof *row);
        if (row == NULL)
            return SID_E_NO_MEMORY;
        heads->row = row;
        heads->room = room;
    }
    struct sid_known_head *row = &heads->row[heads->count++];
    *row = (struct sid_known_head){
        .seq = head->seq, .at_s = head->at_s, .line = line};
    memcpy(row->mac, head->mac, sizeof row->mac);
    return SID_OK;
}

/* Whether a head of that row was read before. A file may have heads of several
 * chains: its daemon was in another place once. */
static bool
is_known(const struct sid_known_heads *heads, int64_t seq) {
    for (size_t i = heads->count; i > 0; i--) {
        int64_t known = heads->row[i - 1].seq;
        if (known == seq)
            return true;
        if (known < seq && sid_chain_slot(known) == sid_chain_slot(seq))
            return false;
    }
    return false;
}

/* The row of the last head that was read of this chain; its base: none was. */
static int64_t
last_known(const struct sid_known_heads *heads, int slot) {
    for (size_t i = heads->count; i > 0; i--) {
        if (sid_chain_slot(heads->row[i - 1].seq) == slot)
            return heads->row[i - 1].seq;
    }
    return sid_chain_base(slot);
}

/* A head without its end can be what a power cut left behind: it is passed
 * over. If it was whole once, the next head, which names it, shows that. */
static bool
is_torn(const char *text) {
    const char *begin = strstr(text, BEGINNING);
    if (begin == NULL)
        return strncmp(text, BEGINNING, strlen(text)) == 0;
    const char *signature = strstr(begin, " sig=");
    return signature == NULL ||
           strlen(signature + 5) < (size_t)2 * SID_SIGNATURE_BYTES;
}

/* Where a line stands. */
struct place {
    const char *path;
    size_t line;
    size_t begin;  /* heads that were known before this file */
    bool is_a_log; /* the line has more than the head */
};

/* What the head says about the ones before it. `after` is about the daemon's
 * file: in the log a head may name one from before the log's beginning, and
 * those that the file did not take are named by nobody. */
static void
judge_order(const struct place *at, const struct sid_audit_head *head,
            const struct sid_known_heads *heads,
            struct sid_findings *findings) {
    int64_t last = last_known(heads, sid_chain_slot(head->seq));
    if (head->seq <= last)
        sid_finding(findings,
                    "%s:%zu: signs row %" PRId64 " after row %" PRId64
                    " was signed: an older log was put in place, or lines "
                    "were moved",
                    at->path, at->line, head->seq, last);
    else if (head->after > 0 && !is_known(heads, head->after) &&
             !(at->is_a_log && heads->count == 0))
        sid_finding(findings,
                    "%s:%zu: follows a head of row %" PRId64
                    " that is not there: lines were taken away",
                    at->path, at->line, head->after);
    else if (head->after == 0 && heads->count > at->begin && !at->is_a_log)
        sid_finding(findings,
                    "%s:%zu: says that it is the first: the file was put "
                    "together",
                    at->path, at->line);
}

static enum sid_err
judge_line(const struct place *at, const char *text,
           const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
           struct sid_known_heads *heads, struct sid_findings *findings) {
    struct sid_audit_head head;
    if (sid_head_parse(text, &head) != SID_OK) {
        if (!is_torn(text))
            sid_finding(findings, "%s:%zu: is no head", at->path, at->line);
        return SID_OK;
    }
    bool good = false;
    enum sid_err err = sid_head_check(public_key, &head, &good);
    if (err != SID_OK)
        return err;
    if (!good) {
        sid_finding(findings,
                    "%s:%zu: is not signed by this key, or was changed",
                    at->path, at->line);
        return SID_OK;
    }
    judge_order(at, &head, heads, findings);
    return add(heads, &head, at->line);
}

enum sid_err
sid_heads_read(const char *path, const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
               struct sid_known_heads *heads, struct sid_findings *findings) {
    bool from_stdin = strcmp(path, "-") == 0;
    FILE *file = from_stdin ? stdin : fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? SID_E_NOT_FOUND : SID_E_IO;
    enum sid_err err = SID_OK;
    struct place at = {.path = path, .begin = heads->count};
    char *text = NULL;
    size_t room = 0;
    while (err == SID_OK && getline(&text, &room, file) >= 0) {
        at.line++;
        text[strcspn(text, "\n")] = '\0';
        at.is_a_log = strncmp(text, BEGINNING, strlen(BEGINNING)) != 0;
        if (text[0] != '\0')
            err = judge_line(&at, text, public_key, heads, findings);
    }
    if (err == SID_OK && ferror(file) != 0)
        err = SID_E_IO;
    free(text);
    if (!from_stdin)
        (void)fclose(file);
    return err;
}

enum sid_err
sid_heads_take(const char *line, const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
               struct sid_known_heads *heads, struct sid_findings *findings) {
    struct sid_audit_head head;
    if (sid_head_parse(line, &head) != SID_OK) {
        sid_finding(findings, "--head: is no head: %.60s", line);
        return SID_OK;
    }
    bool good = false;
    enum sid_err err = sid_head_check(public_key, &head, &good);
    if (err != SID_OK)
        return err;
    if (!good) {
        sid_finding(findings,
                    "--head: that of row %" PRId64
                    " is not signed by this key, or was changed",
                    head.seq);
        return SID_OK;
    }
    return add(heads, &head, 0);
}

static int
by_row(const void *a, const void *b) {
    const struct sid_known_head *x = a, *y = b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

void
sid_heads_sort(struct sid_known_heads *heads) {
    if (heads->count > 1)
        qsort(heads->row, heads->count, sizeof *heads->row, by_row);
}

/* ---- smartidctl audit check-heads ---------------------------------------- */

static int
check(const char *path, const uint8_t public_key[SID_PUBLIC_KEY_BYTES]) {
    struct sid_known_heads heads = {0};
    struct sid_findings findings = {.to = stdout};
    enum sid_err err = sid_heads_read(path, public_key, &heads, &findings);
    int status = SID_CTL_FAILED;
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", path, sid_err_text(err));
    } else if (findings.count > 0) {
        sid_findings_end(&findings);
        (void)printf("heads: %zu are signed by this key, %" PRId64
                     " findings\n",
                     heads.count, findings.count);
    } else if (heads.count == 0) {
        (void)puts("heads: none was found");
    } else {
        char at[SID_TIME_TEXT_SIZE];
        const struct sid_known_head *last = &heads.row[heads.count - 1];
        sid_time_text(last->at_s, at);
        (void)printf("heads: %zu, all signed by this key; the last is of row "
                     "%" PRId64 ", %s\n",
                     heads.count, last->seq, at);
        status = SID_CTL_OK;
    }
    sid_heads_fini(&heads);
    return status;
}

int
sid_audit_check_heads(int argc, char **argv) {
    const char *path = NULL;
    uint8_t public_key[SID_PUBLIC_KEY_BYTES];
    bool has_key = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--public-key") == 0 && i + 1 < argc) {
            has_key = sid_parse_public_key(argv[++i], public_key) == SID_OK;
            if (!has_key)
                return SID_CTL_USAGE;
        } else if (path == NULL) {
            path = argv[i];
        } else {
            return SID_CTL_USAGE;
        }
    }
    return path != NULL && has_key ? check(path, public_key) : SID_CTL_USAGE;
}
