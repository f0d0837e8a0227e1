/* store_sql_webhook.c: how far the app's backend has been told, and what it
 * would not take. Run by the thread that owns the store; owns
 * nothing. */
#include "store_sql_ops.h"

enum sid_err
sid_sql_webhook_place(struct sid_back *back, int slot, int64_t *seq) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_WEBHOOK_PLACE);

    sid_sql_bind_int(&query, slot);
    return sid_sql_fetch_int(&query, seq);
}

enum sid_err
sid_sql_webhook_told(struct sid_back *back, int64_t seq) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_WEBHOOK_TOLD);

    sid_sql_bind_int(&query, sid_chain_slot(seq));
    sid_sql_bind_int(&query, seq);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_webhook_bury(struct sid_back *back,
                     const struct sid_dead_event *event) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_WEBHOOK_BURY);

    sid_sql_bind_int(&query, event->seq);
    sid_sql_bind_text(&query, event->id);
    sid_sql_bind_text(&query, event->type);
    sid_sql_bind_text(&query, event->body);
    sid_sql_bind_int(&query, event->tries);
    sid_sql_bind_int(&query, event->tried_at_s);
    sid_sql_bind_text(&query, event->why);
    return sid_sql_run(&query, NULL);
}

static enum sid_err
read_dead(struct sid_sql_query *query, struct sid_dead_event *out) {
    out->seq = sid_sql_read_int(query);
    sid_sql_read_text(query, out->id, sizeof out->id);
    sid_sql_read_text(query, out->type, sizeof out->type);
    sid_sql_read_text(query, out->body, sizeof out->body);
    out->tries = (int)sid_sql_read_int(query);
    out->tried_at_s = sid_sql_read_int(query);
    sid_sql_read_text(query, out->why, sizeof out->why);
    out->again = sid_sql_read_int(query) != 0;
    return query->err;
}

enum sid_err
sid_sql_webhook_dead_each(
    struct sid_back *back, bool again, int64_t after_seq, int limit,
    enum sid_err (*each)(const struct sid_dead_event *, void *), void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_WEBHOOK_DEAD);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sql_bind_int(&query, after_seq);
    sid_sql_bind_int(&query, again ? 1 : 0);
    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        struct sid_dead_event event = {.seq = 0};

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        err = read_dead(&query, &event);
        if (err == SID_OK)
            err = each(&event, ctx);
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_webhook_dead_count(struct sid_back *back, int64_t *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_WEBHOOK_DEAD_COUNT);

    return sid_sql_fetch_int(&query, out);
}

enum sid_err
sid_sql_webhook_again(struct sid_back *back, int64_t seq) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_WEBHOOK_AGAIN);
    int changes = 0;

    sid_sql_bind_int(&query, seq);
    enum sid_err err = sid_sql_run(&query, &changes);
    return err == SID_OK && changes == 0 ? SID_E_NOT_FOUND : err;
}

enum sid_err
sid_sql_webhook_exhume(struct sid_back *back, int64_t seq) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_WEBHOOK_EXHUME);

    sid_sql_bind_int(&query, seq);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_expiring_each(struct sid_back *back, int64_t before_s, int limit,
                      enum sid_err (*each)(const char *, int64_t, void *),
                      void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_EXPIRING);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sql_bind_int(&query, before_s);
    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        char id[SID_ID_SIZE] = "";

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        sid_sql_read_text(&query, id, sizeof id);
        int64_t valid_until_s = sid_sql_read_int(&query);
        err = query.err;
        if (err == SID_OK)
            err = each(id, valid_until_s, ctx);
    }
    sid_sql_end(&query);
    return err;
}
