/* flow_audit_read.c: see flow_audit_read.h. Owns the rows until the flow's
 * fini. */
#include "smartid/flow_audit_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/audit_json.h"

static bool
is_wanted(const struct sid_audit_look *look, const struct sid_audit_row *row) {
    return (look->event[0] == '\0' || strcmp(look->event, row->event) == 0) &&
           (look->subject[0] == '\0' ||
            strcmp(look->subject, row->subject) == 0);
}

/* Rows come oldest first; the last `limit` of them are kept. */
static enum sid_err
take_row(const struct sid_audit_entry *entry, void *ctx) {
    struct sid_audit_look *look = ctx;
    if (entry->row.seq >= look->end_seq)
        return SID_OK;
    look->any = true;
    if (!is_wanted(look, &entry->row))
        return SID_OK;
    if (look->count == look->limit) {
        sid_buf_clear(&look->rows[look->first]);
        look->first = (look->first + 1) % look->limit;
        look->count--;
        look->dropped = true;
    }
    int at = (look->first + look->count) % look->limit;
    look->count++;
    return sid_audit_json(entry, &look->scratch, &look->rows[at]);
}

static enum sid_err
note(const struct sid_audit_look *look, struct sid_store *store) {
    char detail[SID_AUDIT_EVENT_SIZE + 32];
    (void)snprintf(detail, sizeof detail, "shown=%d event=%s", look->count,
                   look->event);
    return sid_app_audit(store, "audit_read",
                         sid_caller_actor(&look->flow.caller), look->subject,
                         "shown", detail);
}

/* The number of a row, as its JSON begins with it; a comma ends it. */
static int64_t
seq_of(const struct sid_buf *row) {
    static const char head[] = "{\"seq\":";
    int64_t seq = 0;
    for (size_t i = sizeof head - 1; row->ptr[i] != ','; i++)
        seq = seq * 10 + (row->ptr[i] - '0');
    return seq;
}

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct sid_audit_look *look = (struct sid_audit_look *)op;
    int64_t head = sid_store_audit_head(store, NULL);
    look->end_seq = look->before_seq;
    if (look->end_seq == 0 || look->end_seq > head + 1)
        look->end_seq = head + 1;
    for (int i = 0; i < look->limit; i++)
        sid_buf_clear(&look->rows[i]);
    look->first = look->count = 0;
    look->any = look->dropped = false;
    look->next_seq = 0;
    int64_t from = look->end_seq - 1 - SID_AUDIT_SCAN_ROWS;
    if (from < 0)
        from = 0;
    enum sid_err err =
        sid_store_audit_each(store, from, SID_AUDIT_SCAN_ROWS, take_row, look);
    if (err != SID_OK)
        return err;
    if (look->dropped)
        look->next_seq = seq_of(&look->rows[look->first]);
    else if (from > 0 && look->any) /* else the log begins above it */
        look->next_seq = from + 1;
    return note(look, store);
}

void
sid_audit_look_start(struct sid_audit_look *look) {
    if (!sid_flow_admit(&look->flow))
        return;
    look->rows = sid_flow_page(&look->flow, look->limit, sizeof *look->rows);
    if (look->rows == NULL)
        return;
    look->flow.op.single_write = true;
    sid_flow_submit(&look->flow, look_run, sid_flow_end);
}

void
sid_audit_look_fini(struct sid_audit_look *look) {
    for (int i = 0; look->rows != NULL && i < look->limit; i++)
        sid_buf_free(&look->rows[i]);
    free(look->rows);
    look->rows = NULL;
    sid_buf_free(&look->scratch);
}
