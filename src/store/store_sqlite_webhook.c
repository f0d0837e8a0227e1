/* store_sqlite_webhook.c: how far the app's backend has been told, and what it
 * would not take, in SQLite. Run by the thread that owns the store; owns
 * nothing. */
#include "store_sqlite.h"

/* The one number that a statement answers with; missing: there is no row. */
static enum sid_err
read_number(struct sid_back *back, enum sid_sq_stmt which, enum sid_err missing,
            int64_t *out) {
    struct sid_sq_query query = sid_sq_start(sid_sqlite_of(back), which);
    int64_t found = 0;
    bool row = false;
    enum sid_err err = sid_sq_next(&query, &row);

    if (err == SID_OK && !row)
        err = missing;
    if (err == SID_OK) {
        found = sid_sq_read_int(&query);
        err = query.err;
    }
    sid_sq_end(&query);
    if (err == SID_OK)
        *out = found;
    return err;
}

enum sid_err
sid_sqlite_webhook_place(struct sid_back *back, int64_t *seq) {
    return read_number(back, SID_SQ_WEBHOOK_PLACE, SID_E_NOT_FOUND, seq);
}

enum sid_err
sid_sqlite_webhook_told(struct sid_back *back, int64_t seq) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_WEBHOOK_TOLD);

    sid_sq_bind_int(&query, seq);
    return sid_sq_run(&query, NULL);
}

enum sid_err
sid_sqlite_webhook_bury(struct sid_back *back,
                        const struct sid_dead_event *event) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_WEBHOOK_BURY);

    sid_sq_bind_int(&query, event->seq);
    sid_sq_bind_text(&query, event->id);
    sid_sq_bind_text(&query, event->type);
    sid_sq_bind_text(&query, event->body);
    sid_sq_bind_int(&query, event->tries);
    sid_sq_bind_int(&query, event->tried_at_s);
    sid_sq_bind_text(&query, event->why);
    return sid_sq_run(&query, NULL);
}

static enum sid_err
read_dead(struct sid_sq_query *query, struct sid_dead_event *out) {
    out->seq = sid_sq_read_int(query);
    sid_sq_read_text(query, out->id, sizeof out->id);
    sid_sq_read_text(query, out->type, sizeof out->type);
    sid_sq_read_text(query, out->body, sizeof out->body);
    out->tries = (int)sid_sq_read_int(query);
    out->tried_at_s = sid_sq_read_int(query);
    sid_sq_read_text(query, out->why, sizeof out->why);
    out->again = sid_sq_read_int(query) != 0;
    return query->err;
}

enum sid_err
sid_sqlite_webhook_dead_each(
    struct sid_back *back, bool again, int64_t after_seq, int limit,
    enum sid_err (*each)(const struct sid_dead_event *, void *), void *ctx) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_WEBHOOK_DEAD);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sq_bind_int(&query, after_seq);
    sid_sq_bind_int(&query, again ? 1 : 0);
    sid_sq_bind_int(&query, limit);
    while (err == SID_OK) {
        struct sid_dead_event event = {.seq = 0};

        err = sid_sq_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        err = read_dead(&query, &event);
        if (err == SID_OK)
            err = each(&event, ctx);
    }
    sid_sq_end(&query);
    return err;
}

enum sid_err
sid_sqlite_webhook_dead_count(struct sid_back *back, int64_t *out) {
    return read_number(back, SID_SQ_WEBHOOK_DEAD_COUNT, SID_E_STORE, out);
}

enum sid_err
sid_sqlite_webhook_again(struct sid_back *back, int64_t seq) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_WEBHOOK_AGAIN);
    int changes = 0;

    sid_sq_bind_int(&query, seq);
    enum sid_err err = sid_sq_run(&query, &changes);
    return err == SID_OK && changes == 0 ? SID_E_NOT_FOUND : err;
}

enum sid_err
sid_sqlite_webhook_exhume(struct sid_back *back, int64_t seq) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_WEBHOOK_EXHUME);

    sid_sq_bind_int(&query, seq);
    return sid_sq_run(&query, NULL);
}

enum sid_err
sid_sqlite_expiring_each(struct sid_back *back, int64_t before_s, int limit,
                         enum sid_err (*each)(const char *, int64_t, void *),
                         void *ctx) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_EXPIRING);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sq_bind_int(&query, before_s);
    sid_sq_bind_int(&query, limit);
    while (err == SID_OK) {
        char id[SID_ID_SIZE] = "";

        err = sid_sq_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        sid_sq_read_text(&query, id, sizeof id);
        int64_t valid_until_s = sid_sq_read_int(&query);
        err = query.err;
        if (err == SID_OK)
            err = each(id, valid_until_s, ctx);
    }
    sid_sq_end(&query);
    return err;
}
