/* flow_audit_read.h: the audit log page by page, the newest rows first. */
#ifndef SMARTID_FLOW_AUDIT_READ_H
#define SMARTID_FLOW_AUDIT_READ_H

#include "smartid/app.h"
#include "smartid/audit.h"

/* Rows that one page looks at, at most: then it says where to go on, so that
 * nobody waits for a search. Own choice: some milliseconds of the writer. */
#define SID_AUDIT_SCAN_ROWS 5000
#define SID_AUDIT_EVENT_SIZE 48

struct sid_audit_look {
    struct sid_flow flow;
    int64_t before_seq;               /* in: rows with a lower number; 0: all */
    int limit;                        /* in: 1..SID_PAGE_MAX */
    char event[SID_AUDIT_EVENT_SIZE]; /* in; "": any */
    char subject[SID_ID_SIZE];        /* in; "": any */
    /* out: JSON objects, the oldest first, in a ring: row i of count is at
     * (first + i) % limit */
    struct sid_buf *rows;
    int first, count;
    int64_t next_seq; /* out: go on before this one; 0: there is no more */
    /* private */
    int64_t end_seq; /* rows with a lower number, as of this run */
    bool any;        /* there are rows of these numbers */
    bool dropped;    /* an older row would have been wanted, too */
    struct sid_buf scratch;
};
/* An officer names a subject: the history of one person's enrolment or
 * credential. That it was read is written down. */
void sid_audit_look_start(struct sid_audit_look *look);
void sid_audit_look_fini(struct sid_audit_look *look);

#endif
