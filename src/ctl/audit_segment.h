/* audit_segment.h: a segment of the audit log's archive: a file of JSON lines
 * that holds the rows of one month, as they were.
 *
 * The first line says of which month it is, and which row and MAC it stands on;
 * then comes a line for each row, as of `audit export`, but for "detail", which
 * is the text that the MAC was made over; the last line says how many rows
 * there are, so that a file which was cut off shows. Private to src/ctl; single
 * threaded. */
#ifndef SID_CTL_AUDIT_SEGMENT_H
#define SID_CTL_AUDIT_SEGMENT_H

#include <limits.h>
#include <stdio.h>

#include "audit.h"
#include "smartid/flow_audit.h"

/* "audit-2026-09.jsonl"; of a chain behind the first
 * "audit-2026-09.chain-07.jsonl" and a NUL. */
#define SID_SEGMENT_NAME_SIZE 29
#define SID_SEGMENT_PATH_SIZE (PATH_MAX + SID_SEGMENT_NAME_SIZE + 8)

struct sid_segment_head {
    char month[SID_MONTH_SIZE];
    int64_t after; /* the row before the first one; 0: none */
    uint8_t after_mac[SID_SHA256_BYTES];
};

void sid_segment_name(const char month[SID_MONTH_SIZE], int slot,
                      char out[SID_SEGMENT_NAME_SIZE]);
/* The first segment of a chain in the folder whose name comes behind this one
 * ("": the very first), by name and so by month; false when there is none.
 * Errors: SID_E_IO (told on stderr). */
SID_FALLIBLE enum sid_err sid_segment_next(const char *folder, int slot,
                                           const char *behind, bool *found,
                                           char out[SID_SEGMENT_NAME_SIZE]);

/* ---- writing ------------------------------------------------------------ */
struct sid_segment_writer {
    FILE *to;            /* borrowed */
    struct sid_buf line; /* owned */
    int64_t rows;
};
/* Errors: SID_E_IO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_segment_write_head(struct sid_segment_writer *writer,
                       const struct sid_segment_head *head);
SID_FALLIBLE enum sid_err
sid_segment_write_row(struct sid_segment_writer *writer,
                      const struct sid_audit_entry *entry);
SID_FALLIBLE enum sid_err
sid_segment_write_end(struct sid_segment_writer *writer);
void sid_segment_writer_fini(struct sid_segment_writer *writer);

/* ---- reading ------------------------------------------------------------ */
struct sid_segment_visit {
    enum sid_err (*head)(const struct sid_segment_head *head, void *ctx);
    sid_audit_each_fn *row; /* the entry is borrowed */
    void *ctx;
};
/* What is wrong with a file, in which line. */
struct sid_segment_problem {
    size_t line;
    const char *what; /* static text */
};
/* Whether the rows fit each other is the caller's business. Errors:
 * SID_E_BAD_REQUEST (not a whole segment: *problem is filled; lines before it
 * have been given), SID_E_NOT_FOUND, SID_E_IO, SID_E_NO_MEMORY, those of the
 * visit, which end it. */
SID_FALLIBLE enum sid_err
sid_segment_read(const char *path, const struct sid_segment_visit *visit,
                 struct sid_segment_problem *problem);

#endif
