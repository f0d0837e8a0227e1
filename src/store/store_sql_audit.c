/* store_sql_audit.c: rows of the audit log. The chain itself is
 * the front's. Run by the thread that owns the store; owns nothing. */
#include <string.h>

#include "store_sql_ops.h"

/* Rows of the log that are read at a time: about half a megabyte. */
#define PAGE_ROWS 2048

enum sid_err
sid_sql_audit_head(struct sid_back *back, int slot, int64_t *seq,
                   int64_t *at_us, uint8_t mac[SID_SHA256_BYTES]) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_AUDIT_HEAD);
    uint8_t last_mac[SID_SHA256_BYTES] = {0};
    int64_t last_seq = sid_chain_base(slot);
    int64_t last_at_us = 0;
    bool row = false;

    sid_sql_bind_int(&query, sid_chain_low(slot));
    sid_sql_bind_int(&query, sid_chain_high(slot));
    enum sid_err err = sid_sql_next(&query, &row);

    if (err == SID_OK && row) {
        last_seq = sid_sql_read_int(&query);
        last_at_us = sid_sql_read_int(&query);
        sid_sql_read_blob(&query, last_mac, sizeof last_mac);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err != SID_OK)
        return err;
    *seq = last_seq;
    *at_us = last_at_us;
    memcpy(mac, last_mac, sizeof last_mac);
    return SID_OK;
}

enum sid_err
sid_sql_audit_append(struct sid_back *back, const struct sid_audit_row *row,
                     const uint8_t mac[SID_SHA256_BYTES]) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_AUDIT_APPEND);

    sid_sql_bind_int(&query, row->seq);
    sid_sql_bind_int(&query, row->at_us);
    sid_sql_bind_text(&query, row->event);
    sid_sql_bind_text(&query, row->actor);
    sid_sql_bind_text(&query, row->subject);
    sid_sql_bind_text(&query, row->outcome);
    sid_sql_bind_text(&query, row->detail);
    sid_sql_bind_blob(&query, mac, SID_SHA256_BYTES);
    enum sid_err err = sid_sql_run(&query, NULL);
    /* The number comes from the chain: taken already means a forged log. */
    return err == SID_E_EXISTS ? SID_E_STORE : err;
}

/* The row under the cursor; its texts are borrowed until the next step. Columns
 * of another form are told by intact, not by an error: the one who walks wants
 * to see them. */
static void
read_entry(struct sid_sql_query *query, struct sid_audit_entry *out) {
    bool whole = true;

    out->row.seq = sid_sql_peek_int(query, &whole);
    out->row.at_us = sid_sql_peek_int(query, &whole);
    out->row.event = sid_sql_peek_text(query, &whole);
    out->row.actor = sid_sql_peek_text(query, &whole);
    out->row.subject = sid_sql_peek_text(query, &whole);
    out->row.outcome = sid_sql_peek_text(query, &whole);
    out->row.detail = sid_sql_peek_text(query, &whole);
    sid_sql_peek_blob(query, out->mac, sizeof out->mac, &whole);
    out->intact = whole;
}

/* Up to limit rows behind *after_seq, which becomes the last one's, and up to
 * last_seq; *rows: how many there were. */
static enum sid_err
scan_page(struct sid_sql *sql, int64_t last_seq, int64_t limit,
          sid_audit_each_fn *each, void *ctx, int64_t *after_seq,
          int64_t *rows) {
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_AUDIT_SCAN);
    enum sid_err err = SID_OK;
    bool row = true;

    *rows = 0;
    sid_sql_bind_int(&query, *after_seq);
    sid_sql_bind_int(&query, last_seq);
    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        struct sid_audit_entry entry = {.intact = false};

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        read_entry(&query, &entry);
        *after_seq = entry.row.seq;
        (*rows)++;
        err = each(&entry, ctx);
    }
    sid_sql_end(&query);
    return err;
}

/* In pages, because an engine may hold a whole answer in memory. */
enum sid_err
sid_sql_audit_scan(struct sid_back *back, int64_t after_seq, int64_t last_seq,
                   int64_t limit, sid_audit_each_fn *each, void *ctx) {
    int64_t rows = PAGE_ROWS;
    enum sid_err err = SID_OK;

    while (err == SID_OK && limit > 0 && rows == PAGE_ROWS) {
        int64_t page = limit < PAGE_ROWS ? limit : PAGE_ROWS;

        err = scan_page(sid_sql_of(back), last_seq, page, each, ctx, &after_seq,
                        &rows);
        limit -= rows;
    }
    return err;
}

/* ---- the oldest rows ----------------------------------------------------- */

enum sid_err
sid_sql_audit_prune(struct sid_back *back, int64_t last_seq) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_AUDIT_PRUNE);

    sid_sql_bind_int(&query, sid_chain_low(sid_chain_slot(last_seq)));
    sid_sql_bind_int(&query, last_seq);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_anchor_get(struct sid_back *back, int slot,
                   struct sid_back_anchor *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ANCHOR_GET);
    struct sid_back_anchor anchor = {.seq = 0};
    bool row = false;

    sid_sql_bind_int(&query, slot);
    enum sid_err err = sid_sql_next(&query, &row);

    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        anchor.seq = sid_sql_read_int(&query);
        sid_sql_read_blob(&query, anchor.mac, sizeof anchor.mac);
        sid_sql_read_blob(&query, anchor.seal, sizeof anchor.seal);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = anchor;
    return err;
}

enum sid_err
sid_sql_anchor_put(struct sid_back *back,
                   const struct sid_back_anchor *anchor) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ANCHOR_PUT);

    sid_sql_bind_int(&query, sid_chain_slot(anchor->seq));
    sid_sql_bind_int(&query, anchor->seq);
    sid_sql_bind_blob(&query, anchor->mac, sizeof anchor->mac);
    sid_sql_bind_blob(&query, anchor->seal, sizeof anchor->seal);
    return sid_sql_run(&query, NULL);
}
