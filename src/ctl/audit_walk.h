/* audit_walk.h: what the files of `smartidctl audit verify` share: the walk
 * over the rows of the log, and of its archive before it. Private to
 * audit_verify.c and audit_verify_archive.c; single threaded. */
#ifndef SID_CTL_AUDIT_WALK_H
#define SID_CTL_AUDIT_WALK_H

#include "audit.h"
#include "audit_segment.h"
#include "smartid/audit_chain.h"

/* Rows, both included. */
struct sid_rows {
    int64_t first, last;
};
struct sid_rows_list {
    struct sid_rows *at; /* owned */
    size_t count;
};

struct walk {
    const struct sid_audit_check *what;
    struct sid_findings *findings;
    int slot; /* of the chain at hand */
    int chains;
    bool one; /* there is no other */
    /* Chains, a bit each: those that rows of others name, and those there are.
     */
    uint64_t named, present;
    struct sid_chain chain;
    const struct sid_known_heads *all;
    struct sid_known_heads heads; /* of this chain; borrowed from all */
    size_t next_head;             /* the first whose row has not come yet */
    size_t matched;               /* so far, of all chains; as removed */
    size_t removed;               /* heads of rows that retention has removed */

    /* Coverage by the daemon's own file. */
    bool running;            /* between its start and its stop */
    bool has_run;            /* there was a start */
    int64_t uncovered_seq;   /* the oldest row behind the last head; 0: none */
    int64_t uncovered_at_us; /* its time */
    int64_t newest_at_us;    /* of the rows while it ran */
    int64_t bare_stop;       /* a stop that has no head, while nothing tells
                                whether it had one; 0: none */

    /* The archive. */
    bool begun;           /* the chain is */
    int64_t rows_before;  /* of pieces that ended at a gap, and chains before */
    size_t segments;      /* read */
    int64_t segment_rows; /* in them */
    char segment[SID_SEGMENT_NAME_SIZE]; /* the last one; "": none */
    struct sid_rows_list gaps;           /* rows that are nowhere */
    struct sid_rows_list archived;       /* as rows of the log say */
    /* Rows that are in the archive and still in the log. */
    struct sid_chain twin;
    int64_t twin_last; /* 0: none, or they have passed */
    int64_t doubled;
};

/* ---- audit_verify.c ----------------------------------------------------- */
/* The next row, of the archive or of the log. ctx is the walk. */
enum sid_err sid_walk_row(const struct sid_audit_entry *entry, void *ctx);
/* The chain begins here, behind the row of this number and MAC; heads of what
 * lies before are passed over. */
void sid_walk_start(struct walk *walk, int64_t seq,
                    const uint8_t mac[SID_SHA256_BYTES]);
/* The chain's findings as text; ctx is the walk. */
void sid_walk_tell(const struct sid_chain_finding *found, void *ctx);

/* ---- audit_verify_archive.c --------------------------------------------- */
/* Reads the segments that follow the last one read. Errors: those of
 * sid_segment_read() but SID_E_BAD_REQUEST, which is a finding. */
SID_FALLIBLE enum sid_err sid_walk_segments(struct walk *walk);
/* The log itself begins behind this row. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_walk_log(struct walk *walk, int64_t seq,
                                       const uint8_t mac[SID_SHA256_BYTES]);
/* A row of the log, which may be in the archive as well. ctx is the walk. */
enum sid_err sid_walk_log_row(const struct sid_audit_entry *entry, void *ctx);
/* Notes what a row says of the archive. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_walk_note(struct walk *walk,
                                        const struct sid_audit_row *row);
/* After the last row of the log. */
void sid_walk_end_log(struct walk *walk);
void sid_walk_judge_gaps(struct walk *walk);
void sid_walk_print_archive(const struct walk *walk, FILE *to);
void sid_walk_fini(struct walk *walk);

#endif
