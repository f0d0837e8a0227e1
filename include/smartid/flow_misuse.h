/* flow_misuse.h: what in the audit log looks like misuse of checks, for an
 * officer or an admin: the rules of report.h over the rows of some days.
 *
 * A thread of its own reads them, over a connection that only reads, in short
 * transactions: neither the writer nor a face worker waits for it. There is one
 * at a time; it runs when nobody else wants the processor. */
#ifndef SMARTID_FLOW_MISUSE_H
#define SMARTID_FLOW_MISUSE_H

#include "smartid/app.h"
#include "smartid/store_slot.h"

/* Days that one report may be about. Own choice: a month. */
#define SID_MISUSE_DAYS_MAX 31
/* Rows that one looks at, at most, and counts it keeps: then it says until when
 * it got. Own choice: a few seconds, 60 MB; smartidctl has no such limit. */
#define SID_MISUSE_ROWS_MAX 1000000
#define SID_MISUSE_HELD_MAX 200000
/* Findings that are told; the rest is only counted. */
#define SID_MISUSE_FOUND_MAX 500

struct sid_misuse {
    struct sid_flow flow;
    /* in, Unix seconds: from and until when; until_s becomes the time it got
     * to when that is sooner */
    int64_t since_s, until_s;
    /* in: SID_MISUSE_ROWS_MAX and SID_MISUSE_HELD_MAX, or less; looked at after
     * each slice of some thousand rows */
    int64_t rows_max;
    size_t held_max;
    /* out, when flow.err is SID_OK */
    struct sid_buf found; /* JSON objects (sid_suspicion_json()), commas
                             between, the oldest first */
    int64_t count;        /* of what was found */
    int64_t checks;       /* that were looked at */
    bool complete;        /* it got to the end */
    /* private */
    struct sid_report *report;
    struct sid_audit_places places;
    int64_t rows, last_at_us;
    bool past; /* a row behind the end has come */
    enum sid_err work_err;
};
/* That it was read is written down. flow.err: SID_E_QUEUE_FULL (another one is
 * being made), SID_E_STORE, SID_E_SCHEMA, SID_E_NO_MEMORY, SID_E_STOPPING …
 * done is always called. */
void sid_misuse_start(struct sid_misuse *misuse);
void sid_misuse_fini(struct sid_misuse *misuse);

#endif
