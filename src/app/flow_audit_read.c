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

/* What one page reads of each chain: the rows behind places, up to end. */
struct reading {
    struct sid_audit_look *look;
    struct sid_audit_places places;
    int64_t end[SID_SLOTS_MAX]; /* the first number that is not read */
    int64_t rows;               /* at most, of all chains */
    /* The newest of the rows that a chain's part begins with: what is older has
     * not been read of all chains. seq 0: all has been. */
    int64_t floor_at_us, floor_seq;
};

static bool
is_older(int64_t at_us, int64_t seq, int64_t than_us, int64_t than_seq) {
    return at_us != than_us ? at_us < than_us : seq < than_seq;
}

/* Rows come oldest first; the last `limit` of them are kept. */
static enum sid_err
take_row(const struct sid_audit_entry *entry, void *ctx) {
    const struct reading *reading = ctx;
    struct sid_audit_look *look = reading->look;
    const struct sid_audit_row *row = &entry->row;
    if (row->seq >= reading->end[sid_chain_slot(row->seq)] ||
        (reading->floor_seq != 0 &&
         is_older(row->at_us, row->seq, reading->floor_at_us,
                  reading->floor_seq)))
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

struct peek {
    int64_t seq, at_us; /* 0: there is no such row */
};

static enum sid_err
peek_row(const struct sid_audit_entry *entry, void *ctx) {
    *(struct peek *)ctx = (struct peek){entry->row.seq, entry->row.at_us};
    return SID_OK;
}

static enum sid_err
row_behind(struct sid_store *store, int64_t seq, struct peek *out) {
    *out = (struct peek){0};
    return sid_store_audit_range(
        store, seq, sid_chain_high(sid_chain_slot(seq + 1)), 1, peek_row, out);
}

/* Where the part of a chain ends: before the row that the page comes before, or
 * before what is as old as that. */
static enum sid_err
find_end(const struct reading *reading, struct sid_store *store, int slot,
         const struct peek *before, int64_t *end) {
    int64_t number = reading->look->before_seq;
    int64_t last = 0;
    enum sid_err err = sid_store_audit_find(store, slot, INT64_MAX, &last);
    *end = last + 1;
    if (err != SID_OK || number == 0)
        return err;
    int own = sid_chain_slot(number);
    if (slot == own) {
        *end = number < *end ? number : *end;
    } else if (before->seq != 0) {
        err = sid_store_audit_find(store, slot,
                                   before->at_us + (slot < own ? 1 : 0), &last);
        *end = last + 1;
    }
    return err;
}

/* The part of one chain: so many rows, or all there are. */
static enum sid_err
plan_chain(struct reading *reading, struct sid_store *store, int slot,
           const struct peek *before, int64_t most) {
    int64_t base = sid_chain_base(slot);
    struct peek oldest, first;
    enum sid_err err =
        find_end(reading, store, slot, before, &reading->end[slot]);
    int64_t from = reading->end[slot] - 1 - most;
    if (from < base)
        from = base;
    if (err == SID_OK)
        err = row_behind(store, base, &oldest);
    if (err == SID_OK)
        err = row_behind(store, from, &first);
    if (err != SID_OK)
        return err;
    reading->places.after[slot] = from;
    reading->rows += reading->end[slot] - 1 - from;
    /* Where rows are missing the part may have none. */
    if (oldest.seq < first.seq && first.seq < reading->end[slot] &&
        (reading->floor_seq == 0 ||
         is_older(reading->floor_at_us, reading->floor_seq, first.at_us,
                  first.seq))) {
        reading->floor_at_us = first.at_us;
        reading->floor_seq = first.seq;
    }
    return SID_OK;
}

static enum sid_err
plan(struct reading *reading, struct sid_store *store) {
    struct peek before = {0};
    int slots[SID_SLOTS_MAX];
    int count = 0, slot = 0;
    enum sid_err err = SID_OK;
    if (reading->look->before_seq != 0)
        err = row_behind(store, reading->look->before_seq - 1, &before);
    for (;
         err == SID_OK && (err = sid_store_audit_slot(store, &slot)) == SID_OK;
         slot++)
        slots[count++] = slot;
    if (err == SID_E_NOT_FOUND)
        err = SID_OK;
    for (int i = 0; err == SID_OK && i < count; i++)
        err = plan_chain(reading, store, slots[i], &before,
                         SID_AUDIT_SCAN_ROWS / count);
    return err;
}

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct sid_audit_look *look = (struct sid_audit_look *)op;
    struct reading reading = {.look = look};
    int64_t rows = 0;
    for (int i = 0; i < look->limit; i++)
        sid_buf_clear(&look->rows[i]);
    look->first = look->count = 0;
    look->any = look->dropped = false;
    look->next_seq = 0;
    sid_audit_places_begin(&reading.places);
    enum sid_err err = plan(&reading, store);
    if (err == SID_OK)
        err = sid_store_audit_by_time(store, &reading.places, reading.rows,
                                      take_row, &reading, &rows);
    if (err != SID_OK)
        return err;
    if (look->dropped)
        look->next_seq = seq_of(&look->rows[look->first]);
    else if (look->any) /* else the log begins above it */
        look->next_seq = reading.floor_seq;
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
