/* store_sql_key.c: rows of wrapped keys: the daemon's and people's
 * own. Run by the thread that owns the store; owns nothing. */
#include "store_sql_ops.h"

/* ---- the daemon's -------------------------------------------------------- */

enum sid_err
sid_sql_key_put(struct sid_back *back, const struct sid_wrapped_key *key) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_KEY_PUT);

    sid_sql_bind_text(&query, sid_key_use_name(key->use));
    sid_sql_bind_int(&query, key->version);
    sid_sql_bind_int(&query, key->made_at_s);
    sid_sql_bind_int(&query, key->retired_at_s);
    sid_sql_bind_blob(&query, key->wrapped,
                      key->retired_at_s == 0 ? sizeof key->wrapped : 0);
    return sid_sql_run(&query, NULL);
}

static enum sid_err
read_key(struct sid_sql_query *query, struct sid_wrapped_key *out) {
    char use[16] = "";

    sid_sql_read_text(query, use, sizeof use);
    out->version = (int)sid_sql_read_int(query);
    out->made_at_s = sid_sql_read_int(query);
    out->retired_at_s = sid_sql_read_int(query);
    if (out->retired_at_s == 0)
        sid_sql_read_blob(query, out->wrapped, sizeof out->wrapped);
    if (query->err != SID_OK)
        return query->err;
    return sid_key_use_parse(use, &out->use) == SID_OK ? SID_OK : SID_E_STORE;
}

enum sid_err
sid_sql_key_each(struct sid_back *back,
                 enum sid_err (*each)(const struct sid_wrapped_key *, void *),
                 void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_KEY_EACH);
    enum sid_err err = SID_OK;
    bool row = true;

    while (err == SID_OK) {
        struct sid_wrapped_key key = {.version = 0};

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        err = read_key(&query, &key);
        if (err == SID_OK)
            err = each(&key, ctx);
    }
    sid_sql_end(&query);
    return err;
}

/* Runs an update that must hit one row. */
static enum sid_err
update_one(struct sid_sql_query *query) {
    int changes = 0;
    enum sid_err err = sid_sql_run(query, &changes);

    return err == SID_OK && changes == 0 ? SID_E_NOT_FOUND : err;
}

enum sid_err
sid_sql_key_rewrap(struct sid_back *back, const struct sid_wrapped_key *key) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_KEY_REWRAP);

    sid_sql_bind_blob(&query, key->wrapped, sizeof key->wrapped);
    sid_sql_bind_text(&query, sid_key_use_name(key->use));
    sid_sql_bind_int(&query, key->version);
    return update_one(&query);
}

enum sid_err
sid_sql_key_retire(struct sid_back *back, enum sid_key_use use, int version,
                   int64_t now_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_KEY_RETIRE);

    sid_sql_bind_int(&query, now_s);
    sid_sql_bind_blob(&query, NULL, 0);
    sid_sql_bind_text(&query, sid_key_use_name(use));
    sid_sql_bind_int(&query, version);
    return update_one(&query);
}

/* ---- people's own -------------------------------------------------------- */

static void
bind_subject(struct sid_sql_query *query, const struct sid_subject_key *key) {
    sid_sql_bind_int(query, key->data_version);
    sid_sql_bind_blob(query, key->data_wrapped, sizeof key->data_wrapped);
    sid_sql_bind_int(query, key->template_version);
    sid_sql_bind_blob(
        query, key->template_wrapped,
        key->template_version == 0 ? 0 : sizeof key->template_wrapped);
}

enum sid_err
sid_sql_subject_put(struct sid_back *back, const char *subject,
                    const struct sid_subject_key *key) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_SUBJECT_PUT);

    sid_sql_bind_text(&query, subject);
    bind_subject(&query, key);
    int changes = 0;
    enum sid_err err = sid_sql_run(&query, &changes);
    /* The keys in memory are older than the database's. */
    return err == SID_OK && changes == 0 ? SID_E_STORE : err;
}

enum sid_err
sid_sql_subject_rewrap(struct sid_back *back, const char *subject,
                       const struct sid_subject_key *key) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_SUBJECT_REWRAP);

    bind_subject(&query, key);
    sid_sql_bind_text(&query, subject);
    return update_one(&query);
}

enum sid_err
sid_sql_subject_get(struct sid_back *back, const char *subject,
                    struct sid_subject_key *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_SUBJECT_GET);
    struct sid_subject_key key = {.data_version = 0};
    bool row = false;

    sid_sql_bind_text(&query, subject);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_subject(&query, &key);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = key;
    return err;
}

enum sid_err
sid_sql_subject_stale(struct sid_back *back, int data_version,
                      int template_version, int limit,
                      enum sid_err (*each)(const char *, void *), void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_SUBJECT_STALE);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sql_bind_int(&query, data_version);
    sid_sql_bind_int(&query, template_version);
    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        char subject[SID_ID_SIZE] = "";

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        sid_sql_read_text(&query, subject, sizeof subject);
        err = query.err == SID_OK ? each(subject, ctx) : query.err;
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_subject_count_stale(struct sid_back *back, int data_version,
                            int template_version, int64_t *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_SUBJECT_COUNT);
    bool row = false;

    sid_sql_bind_int(&query, data_version);
    sid_sql_bind_int(&query, template_version);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK) {
        SID_ASSERT(row);
        *out = sid_sql_read_int(&query);
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_subject_forget(struct sid_back *back, const char *subject) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_SUBJECT_FORGET);

    sid_sql_bind_text(&query, subject);
    return sid_sql_run(&query, NULL);
}
