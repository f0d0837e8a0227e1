/* store_sql_wechat.c: contacts, conversations, pushes and the outbox of
 * WeChat. Run by the thread that owns the store; owns nothing. */
#include <string.h>

#include "store_sql_ops.h"

/* A statement with one text to bind and no rows to give. */
static enum sid_err
run_for(struct sid_back *back, enum sid_sql_stmt which, const char *id,
        int *changes) {
    struct sid_sql_query query = sid_sql_start(sid_sql_of(back), which);

    sid_sql_bind_text(&query, id);
    return sid_sql_run(&query, changes);
}

/* The id of the first row that was not touched since before_s. */
static enum sid_err
find_stale(struct sid_back *back, enum sid_sql_stmt which, int64_t before_s,
           char id[SID_ID_SIZE]) {
    struct sid_sql_query query = sid_sql_start(sid_sql_of(back), which);
    bool row = false;

    sid_sql_bind_int(&query, before_s);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_text(&query, id, SID_ID_SIZE);
        err = query.err;
    }
    sid_sql_end(&query);
    return err;
}

/* ---- contacts ------------------------------------------------------------ */

enum sid_err
sid_sql_contact_put(struct sid_back *back, const struct sid_wechat_contact *c) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CONTACT_PUT);

    sid_sql_bind_text(&query, c->id);
    sid_sql_bind_text(&query, c->account);
    sid_sql_bind_blob(&query, c->person, sizeof c->person);
    sid_sql_bind_blob(&query, c->openid_sealed.ptr, c->openid_sealed.len);
    sid_sql_bind_text(&query, c->enrolment_id);
    sid_sql_bind_text(&query, c->client_id);
    sid_sql_bind_text(&query, c->purpose);
    sid_sql_bind_int(&query, c->made_at_s);
    sid_sql_bind_int(&query, c->seen_at_s);
    return sid_sql_run(&query, NULL);
}

/* In the order of CONTACTS. */
static enum sid_err
read_contact(struct sid_sql_query *query, struct sid_wechat_contact *out) {
    sid_sql_read_text(query, out->id, sizeof out->id);
    sid_sql_read_text(query, out->account, sizeof out->account);
    sid_sql_read_blob(query, out->person, sizeof out->person);
    sid_sql_read_buf(query, &out->openid_sealed);
    sid_sql_read_text(query, out->enrolment_id, sizeof out->enrolment_id);
    sid_sql_read_text(query, out->client_id, sizeof out->client_id);
    sid_sql_read_text(query, out->purpose, sizeof out->purpose);
    out->made_at_s = sid_sql_read_int(query);
    out->seen_at_s = sid_sql_read_int(query);
    sid_sql_read_subject(query, &out->key);
    return query->err;
}

/* The row of a query that is bound; ends it. */
static enum sid_err
fetch_contact(struct sid_sql_query *query, struct sid_wechat_contact *out) {
    struct sid_wechat_contact found = {.id = ""};
    bool row = false;

    enum sid_err err = sid_sql_next(query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        err = read_contact(query, &found);
    sid_sql_end(query);
    if (err == SID_OK)
        *out = found;
    else
        sid_wechat_contact_fini(&found);
    return err;
}

enum sid_err
sid_sql_contact_find(struct sid_back *back,
                     const uint8_t person[SID_SHA256_BYTES],
                     struct sid_wechat_contact *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CONTACT_FIND);

    sid_sql_bind_blob(&query, person, SID_SHA256_BYTES);
    return fetch_contact(&query, out);
}

enum sid_err
sid_sql_contact_get(struct sid_back *back, const char *id,
                    struct sid_wechat_contact *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CONTACT_GET);

    sid_sql_bind_text(&query, id);
    return fetch_contact(&query, out);
}

enum sid_err
sid_sql_contact_change(struct sid_back *back,
                       const struct sid_wechat_contact *c) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CONTACT_CHANGE);
    int changes = 0;

    sid_sql_bind_text(&query, c->enrolment_id);
    sid_sql_bind_text(&query, c->client_id);
    sid_sql_bind_text(&query, c->purpose);
    sid_sql_bind_int(&query, c->seen_at_s);
    sid_sql_bind_text(&query, c->id);
    enum sid_err err = sid_sql_run(&query, &changes);
    return err == SID_OK && changes == 0 ? SID_E_NOT_FOUND : err;
}

enum sid_err
sid_sql_contact_of(struct sid_back *back, const char *enrolment_id,
                   enum sid_err (*each)(const struct sid_wechat_contact *,
                                        void *),
                   void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CONTACT_OF);
    struct sid_wechat_contact found[SID_WECHAT_CONTACTS_MAX] = {{.id = ""}};
    enum sid_err err = SID_OK;
    int count = 0;
    bool row = true;

    sid_sql_bind_text(&query, enrolment_id);
    sid_sql_bind_int(&query, SID_WECHAT_CONTACTS_MAX);
    while (err == SID_OK && count < SID_WECHAT_CONTACTS_MAX) {
        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        err = read_contact(&query, &found[count++]);
    }
    sid_sql_end(&query); /* each may use the store */
    for (int i = 0; i < count; i++) {
        if (err == SID_OK)
            err = each(&found[i], ctx);
        sid_wechat_contact_fini(&found[i]);
    }
    return err;
}

enum sid_err
sid_sql_contact_delete(struct sid_back *back, const char *id) {
    int changes = 0;
    enum sid_err err = run_for(back, SID_SQL_CONTACT_DELETE, id, &changes);

    return err == SID_OK && changes == 0 ? SID_E_NOT_FOUND : err;
}

enum sid_err
sid_sql_contact_stale(struct sid_back *back, int64_t before_s,
                      char id[SID_ID_SIZE]) {
    return find_stale(back, SID_SQL_CONTACT_STALE, before_s, id);
}

enum sid_err
sid_sql_contact_unbind_client(struct sid_back *back, const char *client_id) {
    return run_for(back, SID_SQL_CONTACT_UNBIND_CLIENT, client_id, NULL);
}

/* ---- conversations ------------------------------------------------------- */

enum sid_err
sid_sql_chat_put(struct sid_back *back, const struct sid_wechat_chat *c) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHAT_PUT);

    sid_sql_bind_text(&query, c->contact_id);
    sid_sql_bind_text(&query, c->step);
    sid_sql_bind_text(&query, c->round);
    sid_sql_bind_blob(&query, c->said_sealed.ptr, c->said_sealed.len);
    sid_sql_bind_int(&query, c->updated_at_s);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_chat_get(struct sid_back *back, const char *contact_id,
                 struct sid_wechat_chat *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHAT_GET);
    struct sid_wechat_chat found = {.step = ""};
    bool row = false;

    sid_sql_bind_text(&query, contact_id);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_text(&query, found.contact_id, sizeof found.contact_id);
        sid_sql_read_text(&query, found.step, sizeof found.step);
        sid_sql_read_text(&query, found.round, sizeof found.round);
        sid_sql_read_buf(&query, &found.said_sealed);
        found.updated_at_s = sid_sql_read_int(&query);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = found;
    else
        sid_wechat_chat_fini(&found);
    return err;
}

enum sid_err
sid_sql_chat_delete(struct sid_back *back, const char *contact_id) {
    enum sid_err err =
        run_for(back, SID_SQL_CHAT_PHOTO_DELETE, contact_id, NULL);

    return err == SID_OK ? run_for(back, SID_SQL_CHAT_DELETE, contact_id, NULL)
                         : err;
}

enum sid_err
sid_sql_chat_stale(struct sid_back *back, int64_t before_s,
                   char contact_id[SID_ID_SIZE]) {
    return find_stale(back, SID_SQL_CHAT_STALE, before_s, contact_id);
}

enum sid_err
sid_sql_chat_photo_put(struct sid_back *back, const char *contact_id,
                       enum sid_photo_kind kind, struct sid_span sealed) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHAT_PHOTO_PUT);

    sid_sql_bind_text(&query, contact_id);
    sid_sql_bind_text(&query, sid_photo_kind_name(kind));
    sid_sql_bind_blob(&query, sealed.ptr, sealed.len);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_chat_photo_get(struct sid_back *back, const char *contact_id,
                       enum sid_photo_kind kind, struct sid_buf *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHAT_PHOTO_GET);

    sid_sql_bind_text(&query, contact_id);
    sid_sql_bind_text(&query, sid_photo_kind_name(kind));
    return sid_sql_fetch_buf(&query, out);
}

/* ---- pushes -------------------------------------------------------------- */

enum sid_err
sid_sql_push_put(struct sid_back *back, const uint8_t push[SID_SHA256_BYTES],
                 const struct sid_wechat_seen *seen) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PUSH_PUT);

    sid_sql_bind_blob(&query, push, SID_SHA256_BYTES);
    sid_sql_bind_text(&query, seen->run);
    sid_sql_bind_int(&query, seen->answered);
    sid_sql_bind_blob(&query, seen->answer_sealed.ptr, seen->answer_sealed.len);
    sid_sql_bind_int(&query, seen->taken_at_s);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_push_get(struct sid_back *back, const uint8_t push[SID_SHA256_BYTES],
                 struct sid_wechat_seen *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PUSH_GET);
    struct sid_wechat_seen found = {.run = ""};
    bool row = false;

    sid_sql_bind_blob(&query, push, SID_SHA256_BYTES);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_text(&query, found.run, sizeof found.run);
        found.answered = sid_sql_read_int(&query) != 0;
        sid_sql_read_buf(&query, &found.answer_sealed);
        found.taken_at_s = sid_sql_read_int(&query);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = found;
    else
        sid_wechat_seen_fini(&found);
    return err;
}

enum sid_err
sid_sql_push_purge(struct sid_back *back, int64_t before_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PUSH_PURGE);

    sid_sql_bind_int(&query, before_s);
    return sid_sql_run(&query, NULL);
}

/* ---- outbox -------------------------------------------------------------- */

static const char *const kinds[SID_ERRAND_KINDS] = {
#define ERRAND_ROW(sym, word) [sym] = (word),
    SID_ERRAND_MAP(ERRAND_ROW)
#undef ERRAND_ROW
};

enum sid_err
sid_sql_errand_put(struct sid_back *back, const struct sid_errand *e) {
    struct sid_sql *sql = sid_sql_of(back);
    int64_t number = 0;
    enum sid_err err = sql->engine->number(sql, "errand", &number);

    SID_ASSERT((unsigned)e->kind < SID_ERRAND_KINDS);
    if (err != SID_OK)
        return err;
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ERRAND_PUT);
    sid_sql_bind_number(&query, number);
    sid_sql_bind_text(&query, e->operation);
    sid_sql_bind_text(&query, e->contact_id);
    sid_sql_bind_text(&query, e->account);
    sid_sql_bind_text(&query, kinds[e->kind]);
    sid_sql_bind_blob(&query, e->content_sealed.ptr, e->content_sealed.len);
    sid_sql_bind_int(&query, e->due_at_s);
    sid_sql_bind_int(&query, e->made_at_s);
    return sid_sql_run(&query, NULL);
}

static enum sid_err
read_errand(struct sid_sql_query *query, struct sid_errand *out) {
    char word[8] = "";

    out->seq = sid_sql_read_int(query);
    out->attempts = (int)sid_sql_read_int(query) + 1;
    sid_sql_read_text(query, out->operation, sizeof out->operation);
    sid_sql_read_text(query, out->contact_id, sizeof out->contact_id);
    sid_sql_read_text(query, out->account, sizeof out->account);
    sid_sql_read_text(query, word, sizeof word);
    sid_sql_read_buf(query, &out->content_sealed);
    out->due_at_s = sid_sql_read_int(query);
    out->made_at_s = sid_sql_read_int(query);
    if (query->err != SID_OK)
        return query->err;
    for (int i = 0; i < SID_ERRAND_KINDS; i++) {
        if (strcmp(kinds[i], word) == 0) {
            out->kind = (enum sid_errand_kind)i;
            return SID_OK;
        }
    }
    return SID_E_STORE;
}

enum sid_err
sid_sql_errand_take(struct sid_back *back, const char *account, int64_t now_s,
                    struct sid_errand *out) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ERRAND_NEXT);
    struct sid_errand found = {.seq = 0};
    bool row = false;

    sid_sql_bind_int(&query, now_s);
    sid_sql_bind_text(&query, account);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        err = read_errand(&query, &found);
    sid_sql_end(&query);
    if (err == SID_OK) {
        query = sid_sql_start(sql, SID_SQL_ERRAND_TAKE);
        sid_sql_bind_int(&query, found.seq);
        err = sid_sql_run(&query, NULL);
    }
    if (err == SID_OK)
        *out = found;
    else
        sid_errand_fini(&found);
    return err;
}

enum sid_err
sid_sql_errand_back(struct sid_back *back, int64_t seq, int64_t due_at_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ERRAND_BACK);

    sid_sql_bind_int(&query, due_at_s);
    sid_sql_bind_int(&query, seq);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_errand_end(struct sid_back *back, int64_t seq) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ERRAND_END);

    sid_sql_bind_int(&query, seq);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_errand_delete_all(struct sid_back *back, const char *contact_id,
                          bool fetches_only) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ERRAND_DELETE_ALL);

    sid_sql_bind_text(&query, contact_id);
    sid_sql_bind_int(&query, fetches_only);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_errand_recover(struct sid_back *back, int64_t *lost) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ERRAND_LOST);
    int changes = 0;

    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK) {
        query = sid_sql_start(sql, SID_SQL_ERRAND_RECOVER);
        err = sid_sql_run(&query, NULL);
    }
    if (err == SID_OK)
        *lost = changes;
    return err;
}

enum sid_err
sid_sql_errand_count(struct sid_back *back, int64_t *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ERRAND_COUNT);

    return sid_sql_fetch_int(&query, out);
}
