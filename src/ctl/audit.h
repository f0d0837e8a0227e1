/* audit.h: what the files of `smartidctl audit` share. Private to src/ctl.
 * Single threaded. */
#ifndef SID_CTL_AUDIT_H
#define SID_CTL_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl.h"
#include "smartid/audit_head.h"
#include "smartid/audit_json.h"

/* Each gets argv with argv[0] its own name, and returns the exit code. */
int sid_audit_verify(const char *config_path, int argc, char **argv);
int sid_audit_check_heads(int argc, char **argv);
int sid_audit_archive(const char *config_path, int argc, char **argv);
int sid_audit_export(const char *config_path, int argc, char **argv);
int sid_audit_report(const char *config_path, int argc, char **argv);

/* ---- findings ------------------------------------------------------------ */

/* Lines that say what is wrong; the first ones are printed, all are counted. */
struct sid_findings {
    FILE *to;
    int64_t count;
};
void sid_finding(struct sid_findings *findings, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "… and 12 more", when some were not printed. */
void sid_findings_end(struct sid_findings *findings);

/* ---- heads (audit_heads.c) ----------------------------------------------- */

/* A head that was read and is signed by the key. */
struct sid_known_head {
    int64_t seq, at_s;
    uint8_t mac[SID_SHA256_BYTES];
    size_t line; /* of its file; 0: given by hand */
};
struct sid_known_heads {
    struct sid_known_head *row; /* owned */
    size_t count, room;
};
void sid_heads_fini(struct sid_known_heads *heads);

/* Reads a file of heads ("-": standard input), or lines of the daemon's log
 * that have one, and adds those that are signed by the key. What is wrong with
 * a line, with the order, or shows that lines were taken away, is a finding.
 * Several files are read as one, in the order they are given. Errors:
 * SID_E_NOT_FOUND, SID_E_IO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_heads_read(const char *path, const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
               struct sid_known_heads *heads, struct sid_findings *findings);
/* Adds one head that somebody has kept; of the order nothing is asked. Errors:
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_heads_take(const char *line, const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
               struct sid_known_heads *heads, struct sid_findings *findings);
/* By number of row. */
void sid_heads_sort(struct sid_known_heads *heads);

/* 64 hex digits. Errors: SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err
sid_parse_public_key(const char *text, uint8_t out[SID_PUBLIC_KEY_BYTES]);

/* ---- the check (audit_verify.c) ------------------------------------------ */

struct sid_audit_check {
    struct sid_store *store;        /* borrowed; opened for reading */
    const struct sid_keyring *keys; /* borrowed */
    /* The daemon's own file of heads, which must cover the log; or files that
     * somebody has kept, which may be older than it. Borrowed. */
    const char *own_heads; /* NULL: the others are looked at instead */
    const char *const *kept_heads;
    size_t kept_count;
    const char *const *lines; /* heads given by hand; borrowed */
    size_t line_count;
    const char *archive;       /* a folder of segments, or NULL; borrowed */
    const uint8_t *public_key; /* the key that is expected, or NULL */
    int64_t head_interval_s;
    bool progress; /* on stderr */
};
/* Writes what was found to `to`; *findings 0: all is well. Errors: those of the
 * store and of sid_heads_read(); SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_audit_check_run(const struct sid_audit_check *what, FILE *to,
                    int64_t *findings);

/* ---- rows (audit.c) ------------------------------------------------------ */

/* An RFC 3339 time, or a date (then its first second, offset_s east of UTC).
 * Errors: SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err
sid_audit_parse_time(const char *text, int64_t offset_s, int64_t *out_us);

/* Reads all rows, in the order of their times, in pieces, so that no
 * transaction stays open while somebody waits for output; between the pieces
 * `pause` is called. Errors: those of the store, of each, of pause. */
SID_FALLIBLE enum sid_err sid_audit_walk(struct sid_store *store,
                                         sid_audit_each_fn *each,
                                         enum sid_err (*pause)(void *ctx),
                                         void *ctx);

#endif
