/* store_sql_overview.c: what waits and what became of enrolments, counted.
 * Run by the thread that owns the store; owns nothing. */
#include <string.h>

#include "store_sql_ops.h"

static enum sid_err
read_review(struct sid_back *back, struct sid_store_overview *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_OVERVIEW_REVIEW);
    bool row = false;
    enum sid_err err = sid_sql_next(&query, &row);

    if (err == SID_OK && row) {
        out->review = sid_sql_read_int(&query);
        out->review_second = sid_sql_read_int(&query);
        out->review_oldest_s = sid_sql_read_int(&query);
        err = query.err;
    }
    sid_sql_end(&query);
    return err;
}

static enum sid_err
read_disputes(struct sid_back *back, struct sid_store_overview *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_OVERVIEW_DISPUTES);
    bool row = false;
    enum sid_err err = sid_sql_next(&query, &row);

    if (err == SID_OK && row) {
        out->disputes = sid_sql_read_int(&query);
        out->disputes_oldest_s = sid_sql_read_int(&query);
        err = query.err;
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_overview(struct sid_back *back, int64_t since_s,
                 struct sid_store_overview *out) {
    struct sid_store_overview found = {0};
    enum sid_err err = read_review(back, &found);

    if (err == SID_OK)
        err = read_disputes(back, &found);
    for (int i = 0; i < SID_ENROL_STATE_COUNT && err == SID_OK; i++) {
        struct sid_sql_query query =
            sid_sql_start(sid_sql_of(back), SID_SQL_OVERVIEW_STATE);

        sid_sql_bind_text(&query,
                          sid_enrol_state_name((enum sid_enrol_state)i));
        sid_sql_bind_int(&query, since_s);
        err = sid_sql_fetch_int(&query, &found.states[i]);
    }
    if (err == SID_OK)
        *out = found;
    return err;
}

enum sid_err
sid_sql_reasons_each(struct sid_back *back, enum sid_enrol_state state,
                     int64_t since_s, int limit,
                     enum sid_err (*each)(const struct sid_reasons *, void *),
                     void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_REASONS_SINCE);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sql_bind_text(&query, sid_enrol_state_name(state));
    sid_sql_bind_int(&query, since_s);
    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        char text[SID_REASONS_TEXT_SIZE] = "";
        struct sid_reasons reasons = {0};

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        sid_sql_read_text(&query, text, sizeof text);
        err = query.err;
        if (err == SID_OK && sid_reasons_unpack(text, &reasons) != SID_OK)
            err = SID_E_STORE;
        if (err == SID_OK)
            err = each(&reasons, ctx);
    }
    sid_sql_end(&query);
    return err;
}

static enum sid_err
read_earlier(struct sid_sql_query *query, struct sid_earlier *out) {
    char state[16] = "";
    char method[8] = "";
    char reasons[SID_REASONS_TEXT_SIZE] = "";

    *out = (struct sid_earlier){.id = ""};
    sid_sql_read_text(query, out->id, sizeof out->id);
    sid_sql_read_text(query, state, sizeof state);
    sid_sql_read_text(query, method, sizeof method);
    out->counter =
        strcmp(method, sid_enrol_method_name(SID_METHOD_COUNTER)) == 0;
    out->created_at_s = sid_sql_read_int(query);
    sid_sql_read_text(query, reasons, sizeof reasons);
    if (query->err != SID_OK)
        return query->err;
    return sid_enrol_state_parse(state, &out->state) == SID_OK &&
                   sid_reasons_unpack(reasons, &out->reasons) == SID_OK
               ? SID_OK
               : SID_E_STORE;
}

enum sid_err
sid_sql_enrol_earlier(struct sid_back *back,
                      const uint8_t id_index[SID_SHA256_BYTES], const char *id,
                      int limit, struct sid_earlier *out, int *count) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ENROL_EARLIER);
    int found = 0;
    bool row = true;

    sid_sql_bind_blob(&query, id_index, SID_SHA256_BYTES);
    sid_sql_bind_text(&query, id);
    sid_sql_bind_int(&query, limit);
    enum sid_err err = sid_sql_next(&query, &row);
    while (err == SID_OK && row && found < limit) {
        err = read_earlier(&query, &out[found++]);
        if (err == SID_OK)
            err = sid_sql_next(&query, &row);
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        *count = found;
    return err;
}

enum sid_err
sid_sql_photo_kinds(struct sid_back *back, const char *enrolment_id,
                    unsigned *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PHOTO_KINDS);
    unsigned kinds = 0;
    bool row = true;

    sid_sql_bind_text(&query, enrolment_id);
    enum sid_err err = sid_sql_next(&query, &row);
    while (err == SID_OK && row) {
        char name[16] = "";

        sid_sql_read_text(&query, name, sizeof name);
        err = query.err;
        kinds |= 1U << sid_photo_kind_parse(name, strlen(name));
        if (err == SID_OK)
            err = sid_sql_next(&query, &row);
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = kinds;
    return err;
}
