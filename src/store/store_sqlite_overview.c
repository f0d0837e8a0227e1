/* store_sqlite_overview.c: what waits and what became of enrolments, counted in
 * SQLite. Run by the thread that owns the store; owns nothing. */
#include "store_sqlite.h"

static enum sid_err
read_review(struct sid_back *back, struct sid_store_overview *out) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_OVERVIEW_REVIEW);
    bool row = false;
    enum sid_err err = sid_sq_next(&query, &row);

    if (err == SID_OK && row) {
        out->review = sid_sq_read_int(&query);
        out->review_second = sid_sq_read_int(&query);
        out->review_oldest_s = sid_sq_read_int(&query);
        err = query.err;
    }
    sid_sq_end(&query);
    return err;
}

static enum sid_err
read_disputes(struct sid_back *back, struct sid_store_overview *out) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_OVERVIEW_DISPUTES);
    bool row = false;
    enum sid_err err = sid_sq_next(&query, &row);

    if (err == SID_OK && row) {
        out->disputes = sid_sq_read_int(&query);
        out->disputes_oldest_s = sid_sq_read_int(&query);
        err = query.err;
    }
    sid_sq_end(&query);
    return err;
}

enum sid_err
sid_sqlite_overview(struct sid_back *back, int64_t since_s,
                    struct sid_store_overview *out) {
    struct sid_store_overview found = {0};
    enum sid_err err = read_review(back, &found);

    if (err == SID_OK)
        err = read_disputes(back, &found);
    for (int i = 0; i < SID_ENROL_STATE_COUNT && err == SID_OK; i++) {
        struct sid_sq_query query =
            sid_sq_start(sid_sqlite_of(back), SID_SQ_OVERVIEW_STATE);

        sid_sq_bind_text(&query, sid_enrol_state_name((enum sid_enrol_state)i));
        sid_sq_bind_int(&query, since_s);
        err = sid_sq_fetch_int(&query, &found.states[i]);
    }
    if (err == SID_OK)
        *out = found;
    return err;
}

enum sid_err
sid_sqlite_reasons_each(struct sid_back *back, enum sid_enrol_state state,
                        int64_t since_s, int limit,
                        enum sid_err (*each)(const struct sid_reasons *,
                                             void *),
                        void *ctx) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_REASONS_SINCE);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sq_bind_text(&query, sid_enrol_state_name(state));
    sid_sq_bind_int(&query, since_s);
    sid_sq_bind_int(&query, limit);
    while (err == SID_OK) {
        char text[SID_REASONS_TEXT_SIZE] = "";
        struct sid_reasons reasons = {0};

        err = sid_sq_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        sid_sq_read_text(&query, text, sizeof text);
        err = query.err;
        if (err == SID_OK && sid_reasons_unpack(text, &reasons) != SID_OK)
            err = SID_E_STORE;
        if (err == SID_OK)
            err = each(&reasons, ctx);
    }
    sid_sq_end(&query);
    return err;
}
