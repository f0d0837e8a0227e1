/* store.c: the front of the store: one face for every back end.
 *
 * It owns the back end, the state of the transaction and the head of the audit
 * chain, which goes back with every rollback, undone savepoint and failed
 * commit. Run by the thread that owns the store: the writer's, or a tool's. */
#include "smartid/store.h"

#include <stdlib.h>
#include <string.h>

#include "move_side.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/url.h"
#include "store_front.h"

/* ---- open and close ---------------------------------------------------- */

/* What the front keeps of the rows. */
static enum sid_err
load(struct sid_store *store) {
    struct chain_head head = {.seq = 0};
    int64_t faces = 0;
    int64_t others = 0;
    enum sid_err err = store->back->ops->audit_head(
        store->back, store->slot, &head.seq, &head.at_us, head.mac);

    if (err == SID_OK)
        err = store->back->ops->template_count(store->back, store->slot, &faces,
                                               &others);
    if (err == SID_OK) {
        store->head = head;
        store->faces = faces;
        store->faces_others = others;
    }
    return err;
}

/* A database that a move has filled in part must not be used. */
static enum sid_err
check_mark(const struct sid_back *back) {
    static const char why[] = "a move into this database is not finished: give "
                              "the same smartidctl migrate again";
    if (!back->marked)
        return SID_OK;
    sid_pg_tell(why);
    sid_log(SID_LOG_ERROR, "store_error",
            SID_S("code", sid_err_code(SID_E_SCHEMA)), SID_S("at", "move"),
            SID_S("text", why));
    return SID_E_SCHEMA;
}

/* alone: nobody else may have it open; marked: also one that a move has filled
 * in part. */
static enum sid_err
open_store(const char *path, bool create, bool alone, bool marked,
           const struct sid_mac_key *audit_key, struct sid_store **out) {
    enum sid_err err = SID_E_NO_MEMORY;
    struct sid_store *store = calloc(1, sizeof *store);

    if (store == NULL)
        goto out;
    store->audit_key = audit_key;
    sid_pg_tell(NULL);
    err = sid_url_is_server(path)
              ? sid_pgsql_open(path, create, alone, marked, &store->back)
              : sid_sqlite_open(path, create, marked, &store->back);
    if (err == SID_OK && !marked)
        err = check_mark(store->back);
    if (err == SID_OK) {
        store->slot = store->back->ops->slot == NULL
                          ? 0
                          : store->back->ops->slot(store->back);
        err = load(store);
    }
    if (err == SID_OK && !sid_url_is_server(path))
        err = sid_front_photos_open(store, path);
    if (err != SID_OK)
        goto out;
    sid_metric_set(SID_M_FACES_STORED, sid_store_template_count(store));
    *out = store;
    store = NULL;
out:
    sid_store_close(&store);
    return err;
}

enum sid_err
sid_store_open(const char *path, bool create,
               const struct sid_mac_key *audit_key, struct sid_store **out) {
    return open_store(path, create, true, false, audit_key, out);
}

enum sid_err
sid_store_join(const char *path, struct sid_store **out) {
    return open_store(path, false, false, false, NULL, out);
}

enum sid_err
sid_front_open_marked(const char *place, bool create, struct sid_store **out) {
    return open_store(place, create, true, true, NULL, out);
}

enum sid_err
sid_store_open_readonly(const char *path, struct sid_store **out) {
    struct sid_store *store = calloc(1, sizeof *store);

    if (store == NULL)
        return SID_E_NO_MEMORY;
    /* The head is not loaded: it may be what somebody has spoilt. */
    store->read_only = true;
    sid_pg_tell(NULL);
    enum sid_err err = sid_url_is_server(path)
                           ? sid_pgsql_open_readonly(path, &store->back)
                           : sid_sqlite_open_readonly(path, &store->back);
    if (err == SID_OK)
        err = check_mark(store->back);
    if (err == SID_OK)
        *out = store;
    else
        sid_store_close(&store);
    return err;
}

void
sid_store_use_audit_key(struct sid_store *store,
                        const struct sid_mac_key *audit_key) {
    SID_ASSERT(store->audit_key == NULL);
    store->audit_key = audit_key;
}

void
sid_store_close(struct sid_store **store) {
    if (*store == NULL)
        return;
    sid_store_rollback(*store);
    sid_blobs_close(&(*store)->blobs); /* while the lock is held */
    if ((*store)->back != NULL)
        (*store)->back->ops->close(&(*store)->back);
    free((*store)->gone);
    free(*store);
    *store = NULL;
}

bool
sid_store_broken(const struct sid_store *store) {
    return store->back->ops->broken(store->back);
}

/* ---- transactions ------------------------------------------------------ */

static enum sid_err
begin(struct sid_store *store, enum txn txn) {
    SID_ASSERT(store->txn == TXN_NONE);
    SID_ASSERT(txn == TXN_READ || !store->read_only);
    if (sid_store_broken(store))
        return SID_E_STORE;
    enum sid_err err = store->back->ops->begin(store->back, txn == TXN_READ);
    if (err != SID_OK)
        return err;
    if (!store->read_only &&
        (store->unsure || store->back->ops->unsure(store->back))) {
        store->unsure = true;
        err = load(store);
        if (err != SID_OK) {
            store->back->ops->rollback(store->back);
            return err;
        }
        store->unsure = false;
    }
    store->txn = txn;
    store->head_at_begin = store->head;
    store->faces_at_begin = store->faces;
    return SID_OK;
}

enum sid_err
sid_store_begin(struct sid_store *store) {
    return begin(store, TXN_WRITE);
}

enum sid_err
sid_store_begin_read(struct sid_store *store) {
    return begin(store, TXN_READ);
}

enum sid_err
sid_store_commit(struct sid_store *store) {
    SID_ASSERT(store->txn != TXN_NONE);
    SID_ASSERT(!store->in_savepoint);
    /* What a damaged database has answered must not become a promise. */
    enum sid_err err = sid_store_broken(store) ? SID_E_STORE : SID_OK;
    if (err == SID_OK && store->faces != store->faces_at_begin)
        err = store->back->ops->template_tally(store->back, store->slot,
                                               store->faces);
    if (err == SID_OK)
        err = store->back->ops->commit(store->back);
    if (err != SID_OK)
        sid_store_rollback(store);
    else
        sid_front_photos_gone(store);
    store->txn = TXN_NONE;
    sid_metric_set(SID_M_FACES_STORED, sid_store_template_count(store));
    return err;
}

void
sid_store_rollback(struct sid_store *store) {
    if (store->txn == TXN_NONE)
        return;
    store->back->ops->rollback(store->back);
    store->head = store->head_at_begin;
    store->faces = store->faces_at_begin;
    store->gone_n = 0;
    store->in_savepoint = false;
    store->txn = TXN_NONE;
}

enum sid_err
sid_store_savepoint(struct sid_store *store) {
    SID_ASSERT(store->txn == TXN_WRITE);
    SID_ASSERT(!store->in_savepoint);
    enum sid_err err = store->back->ops->savepoint(store->back);
    if (err != SID_OK)
        return err;
    store->in_savepoint = true;
    store->head_at_savepoint = store->head;
    store->faces_at_savepoint = store->faces;
    store->gone_at_savepoint = store->gone_n;
    return SID_OK;
}

enum sid_err
sid_store_savepoint_release(struct sid_store *store) {
    SID_ASSERT(store->in_savepoint);
    enum sid_err err = store->back->ops->savepoint_release(store->back);
    if (err != SID_OK) {
        sid_store_savepoint_undo(store);
        return err;
    }
    store->in_savepoint = false;
    return SID_OK;
}

void
sid_store_savepoint_undo(struct sid_store *store) {
    SID_ASSERT(store->in_savepoint);
    store->back->ops->savepoint_undo(store->back);
    store->head = store->head_at_savepoint;
    store->faces = store->faces_at_savepoint;
    store->gone_n = store->gone_at_savepoint;
    store->in_savepoint = false;
}

enum sid_err
sid_store_touch(struct sid_store *store) {
    enum sid_err err = sid_store_begin(store);

    if (err != SID_OK)
        return err;
    err = store->back->ops->touch(store->back);
    if (err == SID_OK)
        return sid_store_commit(store);
    sid_store_rollback(store);
    return err;
}

enum sid_err
sid_store_look_ahead(struct sid_store *store, const uint64_t *serials,
                     size_t n) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->look_ahead == NULL || n == 0
               ? SID_OK
               : back->ops->look_ahead(back, serials, n);
}

bool
sid_store_keep(struct sid_store *store) {
    SID_ASSERT(store->txn == TXN_NONE);
    return store->back->ops->keep(store->back);
}

void
sid_store_checkpoint(struct sid_store *store) {
    SID_ASSERT(store->txn == TXN_NONE);
    if (!sid_store_broken(store) &&
        store->back->ops->checkpoint(store->back, SID_BACK_CHECKPOINT_ALL))
        store->littered = false;
}

bool
sid_store_littered(const struct sid_store *store) {
    return store->littered;
}

bool
sid_store_shrink(struct sid_store *store) {
    SID_ASSERT(store->txn == TXN_NONE);
    return !sid_store_broken(store) && store->back->ops->shrink(store->back);
}

void
sid_store_checkpoint_if_due(struct sid_store *store) {
    SID_ASSERT(store->txn == TXN_NONE);
    if (!sid_store_broken(store))
        (void)store->back->ops->checkpoint(store->back,
                                           SID_BACK_CHECKPOINT_IF_DUE);
}

struct sid_back *
sid_front_for_write(struct sid_store *store) {
    SID_ASSERT(store->txn == TXN_WRITE);
    return store->back;
}

/* ---- audit ------------------------------------------------------------- */

enum sid_err
sid_store_audit(struct sid_store *store, const struct sid_audit_row *row) {
    struct sid_back *back = sid_front_for_write(store);
    struct sid_audit_row numbered = *row;
    struct chain_head next;

    SID_ASSERT(store->audit_key != NULL);
    numbered.seq = store->head.seq + 1;
    if (numbered.at_us < store->head.at_us)
        numbered.at_us = store->head.at_us;
    next.seq = numbered.seq;
    next.at_us = numbered.at_us;
    enum sid_err err =
        sid_audit_link(store->audit_key, store->head.mac, &numbered, next.mac);
    if (err == SID_OK)
        err = back->ops->audit_append(back, &numbered, next.mac);
    if (err == SID_OK)
        store->head = next;
    return err;
}

int64_t
sid_store_audit_head(const struct sid_store *store,
                     uint8_t mac[SID_SHA256_BYTES]) {
    SID_ASSERT(!store->read_only);
    if (mac != NULL)
        memcpy(mac, store->head.mac, sizeof store->head.mac);
    return store->head.seq == sid_chain_base(store->slot) ? 0 : store->head.seq;
}

int64_t
sid_store_audit_at_us(const struct sid_store *store) {
    SID_ASSERT(!store->read_only);
    return store->head.at_us;
}

enum sid_err
sid_front_walk_row(const struct sid_audit_entry *entry, void *ctx) {
    struct sid_chain_walk *walk = ctx;
    uint8_t mac[SID_SHA256_BYTES];

    walk->rows++;
    if (walk->bad)
        return SID_OK; /* only counted: the chain is broken before it */
    enum sid_err err =
        sid_audit_link(walk->key, walk->head.mac, &entry->row, mac);
    if (err != SID_OK)
        return err;
    if (!entry->intact || entry->row.seq != walk->head.seq + 1 ||
        !sid_equal_ct(mac, entry->mac, sizeof mac)) {
        walk->bad = true;
        return SID_OK;
    }
    walk->head.seq = entry->row.seq;
    memcpy(walk->head.mac, mac, sizeof mac);
    return SID_OK;
}

enum sid_err
sid_store_check_key(struct sid_store *store) {
    struct sid_chain_walk walk;
    int slot = 0;
    enum sid_err err = sid_store_audit_slot(store, &slot);

    if (err == SID_E_NOT_FOUND)
        slot = store->slot; /* there may be an anchor still */
    if (err == SID_OK || err == SID_E_NOT_FOUND)
        err = sid_front_walk_begin(store, slot, &walk);
    if (err == SID_OK)
        err = store->back->ops->audit_scan(store->back, sid_chain_low(slot),
                                           sid_chain_high(slot), 1,
                                           sid_front_walk_row, &walk);
    return err == SID_OK && walk.bad ? SID_E_WRONG_KEY : err;
}

enum sid_err
sid_store_audit_each(struct sid_store *store, int64_t after_seq, int64_t limit,
                     sid_audit_each_fn *each, void *ctx) {
    return sid_store_audit_range(store, after_seq, INT64_MAX, limit, each, ctx);
}

/* ---- keys -------------------------------------------------------------- */

enum sid_err
sid_store_key_put(struct sid_store *store, const struct sid_wrapped_key *key) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->key_put(back, key);
}

enum sid_err
sid_store_key_each(struct sid_store *store,
                   enum sid_err (*each)(const struct sid_wrapped_key *key,
                                        void *ctx),
                   void *ctx) {
    return store->back->ops->key_each(store->back, each, ctx);
}

enum sid_err
sid_store_key_rewrap(struct sid_store *store,
                     const struct sid_wrapped_key *key) {
    struct sid_back *back = sid_front_for_write(store);

    store->littered = true;
    return back->ops->key_rewrap(back, key);
}

enum sid_err
sid_store_key_retire(struct sid_store *store, enum sid_key_use use, int version,
                     int64_t now_s) {
    struct sid_back *back = sid_front_for_write(store);

    store->littered = true;
    return back->ops->key_retire(back, use, version, now_s);
}

enum sid_err
sid_store_subject_rewrap(struct sid_store *store, const char *subject,
                         const struct sid_subject_key *key) {
    struct sid_back *back = sid_front_for_write(store);

    store->littered = true;
    return back->ops->subject_rewrap(back, subject, key);
}

enum sid_err
sid_store_subject_get(struct sid_store *store, const char *subject,
                      struct sid_subject_key *out) {
    return store->back->ops->subject_get(store->back, subject, out);
}

enum sid_err
sid_store_subject_stale(struct sid_store *store, int data_version,
                        int template_version, int limit,
                        enum sid_err (*each)(const char *subject, void *ctx),
                        void *ctx) {
    return store->back->ops->subject_stale(store->back, data_version,
                                           template_version, limit, each, ctx);
}

enum sid_err
sid_store_subject_count_stale(struct sid_store *store, int data_version,
                              int template_version, int64_t *out) {
    return store->back->ops->subject_count_stale(store->back, data_version,
                                                 template_version, out);
}

enum sid_err
sid_store_subject_forget(struct sid_store *store, const char *subject) {
    struct sid_back *back = sid_front_for_write(store);

    store->littered = true;
    return back->ops->subject_forget(back, subject);
}

/* ---- clients ----------------------------------------------------------- */

enum sid_err
sid_store_client_put(struct sid_store *store, const struct sid_client *client) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->client_put(back, client);
}

enum sid_err
sid_store_client_revoke(struct sid_store *store, const char *id,
                        int64_t now_s) {
    struct sid_back *back = sid_front_for_write(store);

    enum sid_err err = back->ops->client_revoke(back, id, now_s);
    return err == SID_OK ? back->ops->contact_unbind_client(back, id) : err;
}

enum sid_err
sid_store_client_each(struct sid_store *store,
                      enum sid_err (*each)(const struct sid_client *client,
                                           void *ctx),
                      void *ctx) {
    return store->back->ops->client_each(store->back, each, ctx);
}

/* ---- enrolments -------------------------------------------------------- */

void
sid_enrolment_fini(struct sid_enrolment *enrolment) {
    sid_buf_free(&enrolment->holder_sealed);
    sid_buf_free(&enrolment->note_sealed);
    sid_buf_free(&enrolment->first_note_sealed);
    sid_buf_free(&enrolment->statement_sealed);
    sid_wipe(enrolment, sizeof *enrolment);
}

enum sid_err
sid_store_enrol_insert(struct sid_store *store,
                       const struct sid_enrolment *enrolment) {
    struct sid_back *back = sid_front_for_write(store);
    enum sid_err err = back->ops->enrol_insert(back, enrolment);

    if (err == SID_OK && enrolment->key.data_version != 0)
        err = back->ops->subject_put(back, enrolment->id, &enrolment->key);
    return err;
}

enum sid_err
sid_store_enrol_get(struct sid_store *store, const char *id,
                    struct sid_enrolment *out) {
    return store->back->ops->enrol_get(store->back, id, out);
}

enum sid_err
sid_store_enrol_begin_work(struct sid_store *store, const char *id,
                           int64_t now_s, int *attempts) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->enrol_begin_work(back, id, now_s, attempts);
}

enum sid_err
sid_store_enrol_decide(struct sid_store *store,
                       const struct sid_enrolment *enrolment,
                       enum sid_enrol_state expected) {
    struct sid_back *back = sid_front_for_write(store);
    enum sid_err err = back->ops->enrol_decide(back, enrolment, expected);

    bool review = enrolment->state == SID_ENROL_REVIEW;

    /* Only an officer still needs the photos, and template and portrait only
     * who has or may get a credential. */
    if (err == SID_OK && !review) {
        store->littered = true;
        err = sid_front_photos_delete(store, enrolment->id);
    }
    bool keeps = review || enrolment->state == SID_ENROL_APPROVED;
    if (err == SID_OK && !keeps)
        err = sid_front_template_delete(store, enrolment->id);
    if (err == SID_OK && !keeps)
        err = back->ops->portrait_delete(back, enrolment->id);
    return err;
}

enum sid_err
sid_store_enrol_list(struct sid_store *store, enum sid_enrol_state state,
                     enum sid_waiting waiting, const char *after, int limit,
                     enum sid_err (*each)(const struct sid_enrolment *enrolment,
                                          void *ctx),
                     void *ctx) {
    if (limit <= 0)
        return SID_OK;
    return store->back->ops->enrol_list(store->back, state, waiting, after,
                                        limit, each, ctx);
}

enum sid_err
sid_store_enrol_unfinished(struct sid_store *store,
                           enum sid_err (*each)(const char *id, int attempts,
                                                void *ctx),
                           void *ctx) {
    return store->back->ops->enrol_unfinished(store->back, each, ctx);
}

/* ---- idempotency ------------------------------------------------------- */

enum sid_err
sid_store_idempotency_get(struct sid_store *store, const char *client_id,
                          const char *key, struct sid_idempotency *out) {
    return store->back->ops->idempotency_get(store->back, client_id, key, out);
}

enum sid_err
sid_store_idempotency_put(struct sid_store *store,
                          const struct sid_idempotency *row) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->idempotency_put(back, row);
}

enum sid_err
sid_store_idempotency_purge(struct sid_store *store, int64_t before_s) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->idempotency_purge(back, before_s);
}
