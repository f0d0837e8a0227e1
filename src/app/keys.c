/* keys.c: the keys in the database (see keys.h). Runs on the thread that owns
 * the store; owns nothing. Every opened key is wiped before a call ends, except
 * those that are handed to the caller. */
#include "smartid/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/rand.h"
#include "smartid/secretfile.h"

/* Every version of every use there can be. */
#define ROWS_MAX ((size_t)SID_KEY_USE_COUNT * SID_KEY_VERSION_MAX)

struct rows {
    size_t count;
    struct sid_wrapped_key row[ROWS_MAX];
};

static enum sid_err
keep_row(const struct sid_wrapped_key *key, void *ctx) {
    struct rows *rows = ctx;
    if (rows->count == ROWS_MAX)
        return SID_E_STORE;
    rows->row[rows->count++] = *key;
    return SID_OK;
}

/* All rows; the caller frees them. */
static enum sid_err
read_rows(struct sid_store *store, struct rows **out) {
    struct rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err = sid_store_key_each(store, keep_row, rows);
    if (err == SID_OK)
        *out = rows;
    else
        free(rows);
    return err;
}

/* "code 3" and why, for the audit log. */
static enum sid_err
audit_key(struct sid_store *store, const char *event, const char *actor,
          enum sid_key_use use, int version) {
    char subject[SID_ID_SIZE];
    (void)snprintf(subject, sizeof subject, "%s/%d", sid_key_use_name(use),
                   version);
    return sid_app_audit(store, event, actor, subject, "done", "");
}

/* ---- opening ------------------------------------------------------------- */

static enum sid_err
open_rows(const struct rows *rows, const struct sid_master *master,
          struct sid_keyring *ring) {
    enum sid_err err = SID_OK;
    for (size_t i = 0; i < rows->count && err == SID_OK; i++) {
        const struct sid_wrapped_key *row = &rows->row[i];
        uint8_t key[SID_KEY_BYTES];
        if (row->retired_at_s != 0)
            continue;
        err = sid_master_unwrap(master, row->use, row->version, row->wrapped,
                                key);
        if (err == SID_OK)
            err = sid_keyring_put(ring, row->use, row->version, row->made_at_s,
                                  key);
        sid_wipe(key, sizeof key);
    }
    for (int use = 0; use < SID_KEY_USE_COUNT && err == SID_OK; use++) {
        if (sid_keyring_current(ring, (enum sid_key_use)use) == 0)
            err = SID_E_SCHEMA;
    }
    return err;
}

static enum sid_err
ring_of(const struct rows *rows, const struct sid_master *master,
        struct sid_keyring **out) {
    struct sid_keyring *ring = NULL;
    enum sid_err err = sid_keyring_new(&ring);
    if (err == SID_OK)
        err = open_rows(rows, master, ring);
    if (err == SID_OK)
        *out = ring;
    else
        sid_keyring_free(&ring);
    return err;
}

enum sid_err
sid_master_next_path(const char *master_path, char *out, size_t out_size) {
    int n = snprintf(out, out_size, "%s.next", master_path);
    return n > 0 && (size_t)n < out_size ? SID_OK : SID_E_ARGUMENT;
}

enum sid_err
sid_master_replace_file(const char *master_path, const char *next_path) {
    return sid_secretfile_replace(next_path, master_path);
}

#define NEXT_PATH_SIZE (SID_PATH_SIZE + 8)

/* Opens the rows with the key that was to follow the one at master_path.
 * Errors: SID_E_WRONG_KEY. */
static enum sid_err
open_with_next(const struct rows *rows, const char *master_path,
               char next_path[NEXT_PATH_SIZE], struct sid_master **master,
               struct sid_keyring **ring) {
    struct sid_master *next = NULL;
    enum sid_err err =
        sid_master_next_path(master_path, next_path, NEXT_PATH_SIZE);
    if (err == SID_OK)
        err = sid_master_load(next_path, &next);
    if (err == SID_OK)
        err = ring_of(rows, next, ring);
    if (err != SID_OK) {
        sid_master_free(&next);
        return SID_E_WRONG_KEY;
    }
    *master = next;
    return SID_OK;
}

/* A change of the master key that was interrupted between the database and the
 * file: the other file fits. */
static enum sid_err
try_next(const struct rows *rows, const char *master_path,
         struct sid_master **master, struct sid_keyring **ring) {
    char next_path[NEXT_PATH_SIZE];
    struct sid_master *next = NULL;
    enum sid_err err =
        open_with_next(rows, master_path, next_path, &next, ring);
    if (err != SID_OK)
        return err;
    if (sid_master_replace_file(master_path, next_path) == SID_OK)
        sid_log(SID_LOG_INFO, "master_key_change_finished");
    else
        sid_log(SID_LOG_WARN, "master_key_change_unfinished",
                SID_S("move", next_path), SID_S("to", master_path));
    sid_master_free(master);
    *master = next;
    return SID_OK;
}

static enum sid_err
make_key(struct sid_store *store, const struct sid_master *master,
         enum sid_key_use use, int version, int64_t now_s,
         uint8_t key[SID_KEY_BYTES]) {
    struct sid_wrapped_key row = {
        .use = use, .version = version, .made_at_s = now_s};
    enum sid_err err = sid_rand_bytes(key, SID_KEY_BYTES);
    if (err == SID_OK)
        err = sid_master_wrap(master, use, version, key, row.wrapped);
    if (err == SID_OK)
        err = sid_store_key_put(store, &row);
    return err;
}

/* The first version of every key, and the first row of the audit log. */
static enum sid_err
make_first_in(struct sid_store *store, const struct sid_master *master,
              struct sid_keyring *ring) {
    enum sid_err err = SID_OK;
    int64_t now_s = sid_now_s();
    for (int use = 0; use < SID_KEY_USE_COUNT && err == SID_OK; use++) {
        uint8_t key[SID_KEY_BYTES];
        err = make_key(store, master, (enum sid_key_use)use, 1, now_s, key);
        if (err == SID_OK)
            err = sid_keyring_put(ring, (enum sid_key_use)use, 1, now_s, key);
        sid_wipe(key, sizeof key);
    }
    if (err != SID_OK)
        return err;
    sid_store_use_audit_key(store, sid_keyring_audit(ring));
    err = sid_app_audit(store, "database_made", "control", "", "made", "");
    for (int use = 0; use < SID_KEY_USE_COUNT && err == SID_OK; use++)
        err = audit_key(store, "key_made", "control", (enum sid_key_use)use, 1);
    return err;
}

static enum sid_err
make_first(struct sid_store *store, const struct sid_master *master,
           struct sid_keyring **out) {
    struct sid_keyring *ring = NULL;
    enum sid_err err = sid_keyring_new(&ring);
    if (err == SID_OK)
        err = sid_store_begin(store);
    if (err == SID_OK) {
        err = make_first_in(store, master, ring);
        if (err == SID_OK)
            err = sid_store_commit(store);
        else
            sid_store_rollback(store);
    }
    if (err == SID_OK)
        *out = ring;
    else
        sid_keyring_free(&ring);
    return err;
}

static enum sid_err
open_with(struct sid_store *store, const char *master_path,
          struct sid_master **master, struct sid_keyring **ring) {
    struct rows *rows = NULL;
    enum sid_err err = read_rows(store, &rows);
    if (err != SID_OK)
        return err;
    if (rows->count == 0) {
        err = sid_store_audit_head(store, NULL) > 0
                  ? SID_E_SCHEMA
                  : make_first(store, *master, ring);
    } else {
        err = ring_of(rows, *master, ring);
        if (err == SID_E_WRONG_KEY)
            err = try_next(rows, master_path, master, ring);
        if (err == SID_OK)
            sid_store_use_audit_key(store, sid_keyring_audit(*ring));
    }
    free(rows);
    return err;
}

enum sid_err
sid_keys_open(struct sid_store *store, const char *master_path,
              struct sid_master **master, struct sid_keyring **ring) {
    struct sid_master *made = NULL;
    enum sid_err err = sid_master_load(master_path, &made);
    if (err == SID_OK)
        err = open_with(store, master_path, &made, ring);
    if (err == SID_OK)
        *master = made;
    else
        sid_master_free(&made);
    return err;
}

enum sid_err
sid_keys_open_readonly(struct sid_store *store, const char *master_path,
                       struct sid_keyring **ring) {
    char next_path[NEXT_PATH_SIZE];
    struct sid_master *master = NULL, *next = NULL;
    struct rows *rows = NULL;
    enum sid_err err = sid_master_load(master_path, &master);
    if (err == SID_OK)
        err = read_rows(store, &rows);
    if (err == SID_OK && rows->count == 0)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        err = ring_of(rows, master, ring);
    if (err == SID_E_WRONG_KEY && rows != NULL)
        err = open_with_next(rows, master_path, next_path, &next, ring);
    if (err == SID_OK)
        sid_store_use_audit_key(store, sid_keyring_audit(*ring));
    free(rows);
    sid_master_free(&next);
    sid_master_free(&master);
    return err;
}

/* ---- new versions -------------------------------------------------------- */

/* A daemon that was cut off while another one changed the master key has the
 * old one: what it makes under it nobody could open. All rows are wrapped by
 * one master key, so one of them tells. Errors: SID_E_WRONG_KEY. */
static enum sid_err
check_master(const struct rows *rows, const struct sid_master *master) {
    size_t i = 0;
    uint8_t key[SID_KEY_BYTES];
    while (i < rows->count && rows->row[i].retired_at_s != 0)
        i++;
    if (i == rows->count)
        return SID_OK;
    const struct sid_wrapped_key *row = &rows->row[i];
    enum sid_err err =
        sid_master_unwrap(master, row->use, row->version, row->wrapped, key);
    sid_wipe(key, sizeof key);
    return err;
}

static int
last_version(const struct rows *rows, enum sid_key_use use) {
    int last = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->row[i].use == use && rows->row[i].version > last)
            last = rows->row[i].version;
    }
    return last;
}

enum sid_err
sid_keys_rotate_in(struct sid_store *store, const struct sid_master *master,
                   enum sid_key_use use, const char *actor, int64_t now_s,
                   struct sid_new_key *out) {
    if (use == SID_KEY_ROOT)
        return SID_E_ARGUMENT;
    struct rows *rows = NULL;
    enum sid_err err = read_rows(store, &rows);
    if (err != SID_OK)
        return err;
    struct sid_new_key made = {
        .use = use, .version = last_version(rows, use) + 1, .made_at_s = now_s};
    if (sid_store_is_shared(store))
        made.made_at_s += SID_KEY_AHEAD_S;
    err = check_master(rows, master);
    free(rows);
    if (err == SID_OK && made.version > SID_KEY_VERSION_MAX)
        err = SID_E_CONFLICT;
    if (err == SID_OK)
        err = make_key(store, master, use, made.version, made.made_at_s,
                       made.key);
    if (err == SID_OK)
        err = audit_key(store, "key_made", actor, use, made.version);
    if (err == SID_OK)
        *out = made;
    sid_wipe(&made, sizeof made);
    return err;
}

/* ---- what other daemons have done ---------------------------------------- */

static enum sid_err
note_key(const struct sid_wrapped_key *row, const struct sid_master *master,
         bool known, struct sid_key_news *news) {
    bool retired = row->retired_at_s != 0;
    /* Of other uses a row that was read before may still be waiting to be
     * opened; the database takes nothing more under them. */
    bool gone = retired && known && row->use == SID_KEY_CODE;
    if (gone && news->gone_count < SID_KEY_NEWS_MAX) {
        news->gone[news->gone_count].use = row->use;
        news->gone[news->gone_count++].version = row->version;
    }
    if (retired || known || news->fresh_count == SID_KEY_NEWS_MAX)
        return SID_OK;
    struct sid_new_key *fresh = &news->fresh[news->fresh_count];
    *fresh = (struct sid_new_key){
        .use = row->use, .version = row->version, .made_at_s = row->made_at_s};
    enum sid_err err = sid_master_unwrap(master, row->use, row->version,
                                         row->wrapped, fresh->key);
    news->fresh_count += err == SID_OK;
    return err;
}

enum sid_err
sid_keys_follow_in(struct sid_store *store, const struct sid_master *master,
                   const struct sid_keyring *ring, int64_t now_s,
                   struct sid_key_news *out) {
    struct rows *rows = NULL;
    enum sid_err err = read_rows(store, &rows);
    if (err != SID_OK)
        return err;
    out->fresh_count = out->gone_count = 0;
    err = check_master(rows, master);
    for (size_t i = 0; err == SID_OK && i < rows->count; i++) {
        const struct sid_wrapped_key *row = &rows->row[i];
        bool known = sid_keyring_has(ring, row->use, row->version);
        err = note_key(row, master, known, out);
        /* In the order of versions, which only rise. */
        if (row->retired_at_s == 0 && row->made_at_s <= now_s)
            out->current[row->use] = row->version;
        if (row->retired_at_s == 0 && row->made_at_s + SID_KEY_AHEAD_S <= now_s)
            out->settled[row->use] = row->version;
    }
    free(rows);
    return err;
}

void
sid_keys_follow(struct sid_keyring *ring, struct sid_key_news *news) {
    for (int i = 0; i < news->fresh_count; i++) {
        const struct sid_new_key *key = &news->fresh[i];
        enum sid_err err = sid_keyring_put_ahead(ring, key->use, key->version,
                                                 key->made_at_s, key->key);
        /* Of code keys their times say which one is used for what. */
        if (err == SID_OK && key->use == SID_KEY_CODE)
            sid_keyring_use(ring, key->use, key->version);
        sid_log(err == SID_OK ? SID_LOG_INFO : SID_LOG_ERROR, "key_followed",
                SID_S("use", sid_key_use_name(key->use)),
                SID_N("version", key->version),
                SID_S("code", sid_err_code(err)));
    }
    for (int use = 0; use < SID_KEY_USE_COUNT; use++) {
        if (sid_keyring_has(ring, (enum sid_key_use)use, news->current[use]))
            sid_keyring_use(ring, (enum sid_key_use)use, news->current[use]);
    }
    for (int i = 0; i < news->gone_count; i++)
        sid_keyring_retire(ring, news->gone[i].use, news->gone[i].version);
    sid_wipe(news->fresh, sizeof news->fresh);
}

void
sid_keys_retire_codes(struct sid_keyring *ring, struct sid_key_range range) {
    for (int v = range.first; v != 0 && v <= range.last; v++)
        sid_keyring_retire(ring, SID_KEY_CODE, v);
}

/* Destroys the versions up to `last` of a use that are not destroyed yet. */
static enum sid_err
retire_up_to(struct sid_store *store, const struct rows *rows,
             enum sid_key_use use, int last, const char *actor, int64_t now_s,
             struct sid_key_range *out) {
    enum sid_err err = SID_OK;
    for (size_t i = 0; i < rows->count && err == SID_OK; i++) {
        const struct sid_wrapped_key *row = &rows->row[i];
        if (row->use != use || row->version > last || row->retired_at_s != 0)
            continue;
        err = sid_store_key_retire(store, use, row->version, now_s);
        if (err == SID_OK)
            err = audit_key(store, "key_retired", actor, use, row->version);
        if (out->first == 0)
            out->first = row->version;
        out->last = row->version;
    }
    return err;
}

enum sid_err
sid_keys_retire_codes_in(struct sid_store *store, bool all, int64_t life_s,
                         const char *actor, int64_t now_s,
                         struct sid_key_range *out) {
    struct rows *rows = NULL;
    enum sid_err err = read_rows(store, &rows);
    if (err != SID_OK)
        return err;
    int last = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct sid_wrapped_key *row = &rows->row[i];
        bool dead = all || row->made_at_s + life_s <= now_s;
        if (row->use == SID_KEY_CODE && row->version - 1 > last && dead)
            last = row->version - 1; /* this one has taken over from it */
    }
    struct sid_key_range range = {0};
    err = retire_up_to(store, rows, SID_KEY_CODE, last, actor, now_s, &range);
    free(rows);
    if (err == SID_OK)
        *out = range;
    return err;
}

/* ---- wrapping people's keys again ---------------------------------------- */

static enum sid_err
keep_stale(const char *subject, void *ctx) {
    struct sid_stale *stale = ctx;
    (void)snprintf(stale->subject[stale->count++], SID_ID_SIZE, "%s", subject);
    return SID_OK;
}

enum sid_err
sid_keys_stale_in(struct sid_store *store, const struct sid_keyring *ring,
                  int most, struct sid_stale *out) {
    SID_ASSERT(most > 0 && most <= SID_REWRAP_MAX);
    out->count = 0;
    return sid_store_subject_stale(
        store, sid_keyring_current(ring, SID_KEY_DATA),
        sid_keyring_current(ring, SID_KEY_TEMPLATE), most, keep_stale, out);
}

static enum sid_err
rewrap_one(struct sid_store *store, const struct sid_keyring *ring,
           const char *subject) {
    struct sid_subject_key key;
    bool changed = false;
    enum sid_err err = sid_store_subject_get(store, subject, &key);
    if (err == SID_E_NOT_FOUND)
        return SID_OK; /* erased since it was found */
    if (err != SID_OK)
        return err;
    bool template =
        key.template_version != 0 &&
        key.template_version < sid_keyring_current(ring, SID_KEY_TEMPLATE);
    if (!template &&
        key.data_version >= sid_keyring_current(ring, SID_KEY_DATA))
        return SID_OK; /* done since */
    /* Not only wrapped again: whoever has the old template key and an old copy
     * of the database shall be able to do nothing with a new one. */
    if (template)
        err = sid_template_renew(ring, store, subject, &key);
    if (err == SID_OK)
        err = sid_subject_rewrap(ring, subject, &key, &changed);
    if (err == SID_OK)
        err = sid_store_subject_rewrap(store, subject, &key);
    return err;
}

enum sid_err
sid_keys_rewrap_in(struct sid_store *store, const struct sid_keyring *ring,
                   const struct sid_stale *stale) {
    enum sid_err err = SID_OK;
    for (int i = 0; i < stale->count && err == SID_OK; i++)
        err = rewrap_one(store, ring, stale->subject[i]);
    return err;
}

static enum sid_err
destroy_old(struct sid_store *store, int data, int template, const char *actor,
            int64_t now_s, int *destroyed) {
    struct rows *rows = NULL;
    struct sid_key_range gone[2] = {{0}, {0}};
    enum sid_err err = read_rows(store, &rows);
    if (err == SID_OK)
        err = retire_up_to(store, rows, SID_KEY_DATA, data - 1, actor, now_s,
                           &gone[0]);
    if (err == SID_OK)
        err = retire_up_to(store, rows, SID_KEY_TEMPLATE, template - 1, actor,
                           now_s, &gone[1]);
    free(rows);
    for (int i = 0; i < 2; i++)
        *destroyed += gone[i].first == 0 ? 0 : gone[i].last - gone[i].first + 1;
    return err;
}

enum sid_err
sid_keys_destroy_in(struct sid_store *store, const struct sid_keyring *ring,
                    const char *actor, int64_t now_s, int *destroyed) {
    int data = sid_keyring_current(ring, SID_KEY_DATA);
    int template = sid_keyring_current(ring, SID_KEY_TEMPLATE);
    int64_t left = 0;
    int count = 0;
    enum sid_err err =
        sid_store_subject_count_stale(store, data, template, &left);
    if (err == SID_OK && left > 0)
        err = SID_E_CONFLICT;
    if (err == SID_OK)
        err = destroy_old(store, data, template, actor, now_s, &count);
    if (err == SID_OK)
        *destroyed = count;
    return err;
}

/* ---- another master key -------------------------------------------------- */

enum sid_err
sid_master_change_in(struct sid_store *store, const struct sid_master *now,
                     const struct sid_master *next, const char *actor) {
    struct rows *rows = NULL;
    enum sid_err err = read_rows(store, &rows);
    for (size_t i = 0; err == SID_OK && i < rows->count; i++) {
        struct sid_wrapped_key *row = &rows->row[i];
        uint8_t key[SID_KEY_BYTES];
        if (row->retired_at_s != 0)
            continue;
        err = sid_master_unwrap(now, row->use, row->version, row->wrapped, key);
        if (err == SID_OK)
            err = sid_master_wrap(next, row->use, row->version, key,
                                  row->wrapped);
        sid_wipe(key, sizeof key);
        if (err == SID_OK)
            err = sid_store_key_rewrap(store, row);
    }
    free(rows);
    if (err == SID_OK)
        err = sid_app_audit(store, "master_key_changed", actor, "", "done", "");
    return err;
}
