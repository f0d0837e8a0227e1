/* flow_enrol_submit.c: taking an enrolment in (see flow_enrol.h).
 *
 * io thread: seals photos and statement, makes the row. Blobs: the photos reach
 * the disk. Writer: idempotency, number in use, insert. Then the job goes to
 * the workers, and the request is answered or waits. Until the insert is on
 * disk the job belongs to the request. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/text.h"

/* ---- io thread: a place, and room for the body --------------------------- */

static enum sid_err
take_room(struct sid_app *app, uint64_t bytes) {
    struct sid_config config;
    sid_app_config(app, &config);
    uint64_t total = (uint64_t)config.upload_total_bytes;
    uint64_t used = atomic_load(&app->upload_bytes);
    do {
        if (used > total || bytes > total - used)
            return SID_E_QUEUE_FULL;
    } while (
        !atomic_compare_exchange_weak(&app->upload_bytes, &used, used + bytes));
    return SID_OK;
}

void
sid_enrol_give_room_back(struct sid_app *app, uint64_t bytes) {
    uint64_t used = atomic_fetch_sub(&app->upload_bytes, bytes);
    SID_ASSERT(used >= bytes);
}

enum sid_err
sid_enrol_reserve(struct sid_app *app, uint64_t body_bytes) {
    struct sid_pool *pool = atomic_load(&app->pool);
    if (pool == NULL || atomic_load(&app->stopping))
        return SID_E_STOPPING;
    enum sid_err err = take_room(app, body_bytes);
    if (err == SID_OK) {
        err = sid_pool_reserve(pool);
        if (err != SID_OK)
            sid_enrol_give_room_back(app, body_bytes);
    }
    if (err == SID_E_QUEUE_FULL)
        sid_metric_add(SID_M_ENROL_SHED, 1);
    return err;
}

void
sid_enrol_release(struct sid_app *app, uint64_t body_bytes) {
    struct sid_pool *pool = atomic_load(&app->pool);
    sid_enrol_give_room_back(app, body_bytes);
    if (pool != NULL)
        sid_pool_release(pool);
}

/* ---- io thread: making the row and sealing ------------------------------- */

static enum sid_err
seal_holder(struct sid_enrol_submit *submit, struct sid_enrolment *enrolment) {
    struct sid_subject subject =
        sid_app_subject(submit->flow.app, enrolment->id, &enrolment->key);
    struct sid_buf blob = SID_BUF_EMPTY;
    struct sid_place place = sid_enrol_holder_place(enrolment->id);
    enum sid_err err = sid_holder_pack(&submit->holder, &blob);
    if (err == SID_OK)
        err = sid_subject_seal(&subject, &place, sid_buf_span(&blob),
                               &enrolment->holder_sealed);
    sid_buf_free(&blob);
    return err;
}

/* What makes two requests the same: everything the client stated and sent. */
static enum sid_err
make_fingerprint(struct sid_enrol_submit *submit) {
    if (submit->idempotency_key[0] == '\0')
        return SID_OK;
    struct sid_sha256 *hash = NULL;
    enum sid_err err = sid_sha256_new(&hash);
    const struct sid_span texts[] = {
        sid_span_of(submit->holder.name, strlen(submit->holder.name) + 1),
        sid_span_of(submit->id_number_text, strlen(submit->id_number_text) + 1),
        sid_span_of(submit->holder.phone, strlen(submit->holder.phone) + 1),
        sid_span_of(submit->consent_version,
                    strlen(submit->consent_version) + 1),
        sid_span_of(&submit->consent_at_s, sizeof submit->consent_at_s),
        sid_span_of(&submit->consent_portrait, sizeof submit->consent_portrait),
        sid_span_of(&submit->valid_until_s, sizeof submit->valid_until_s),
        sid_span_of(submit->challenge_id, strlen(submit->challenge_id) + 1),
        sid_span_of("replace", submit->replace ? sizeof "replace" : 0),
    };
    for (size_t i = 0; err == SID_OK && i < sizeof texts / sizeof *texts; i++)
        err = sid_sha256_update(hash, texts[i]);
    for (int kind = 0; err == SID_OK && kind < SID_PHOTO_KINDS; kind++) {
        const struct sid_buf *photo = &submit->photo[kind];
        err = sid_sha256_update(hash,
                                sid_span_of(&photo->len, sizeof photo->len));
        if (err == SID_OK)
            err = sid_sha256_update(hash, sid_buf_span(photo));
    }
    if (err == SID_OK)
        err = sid_sha256_final(hash, submit->fingerprint);
    sid_sha256_free(&hash);
    return err;
}

/* A client may put anything into its retry key, an order or an ID number for
 * example: what is stored is a keyed hash. The part in front keeps it apart
 * from the index of a number. */
static enum sid_err
hide_idempotency_key(struct sid_enrol_submit *submit) {
    char *key = submit->idempotency_key;
    if (key[0] == '\0')
        return SID_OK;
    static const char use[] = "Idempotency-Key";
    const struct sid_span parts[] = {sid_span_of(use, sizeof use),
                                     sid_span_str(key)};
    uint8_t mac[SID_SHA256_BYTES];
    enum sid_err err =
        sid_mac(sid_keyring_blind(submit->flow.app->keys), parts, 2, mac);
    sid_wipe(key, SID_IDEMPOTENCY_SIZE);
    if (err == SID_OK)
        sid_base32_encode(mac, sizeof mac, key);
    return err;
}

/* Normalises the number and makes its blind index; a bad number is kept out of
 * the statement and has an index of its raw text. */
static enum sid_err
judge_number(struct sid_enrol_submit *submit) {
    struct sid_enrolment *enrolment = &submit->made;
    const char *raw = submit->id_number_text;
    submit->id_number_bad =
        sid_idnumber_normalise(raw, strlen(raw), enrolment->created_at_s,
                               submit->holder.id_number) != SID_OK;
    if (submit->id_number_bad)
        submit->holder.id_number[0] = '\0';
    struct sid_span text =
        sid_span_str(submit->id_number_bad ? raw : submit->holder.id_number);
    return sid_mac(sid_keyring_blind(submit->flow.app->keys), &text, 1,
                   enrolment->id_index);
}

static enum sid_err
make_row(struct sid_enrol_submit *submit) {
    struct sid_enrolment *enrolment = &submit->made;
    struct sid_app *app = submit->flow.app;
    enrolment->state = SID_ENROL_RECEIVED;
    enrolment->created_at_s = sid_now_s();
    enrolment->updated_at_s = enrolment->created_at_s;
    enrolment->consent_at_s = submit->consent_at_s;
    enrolment->consent_portrait = submit->consent_portrait;
    enrolment->valid_until_s = submit->valid_until_s;
    enrolment->method = submit->counter ? SID_METHOD_COUNTER : SID_METHOD_FACE;
    enrolment->replaces = submit->counter && submit->replace;
    memcpy(enrolment->client_id, submit->flow.caller.client_id,
           sizeof enrolment->client_id);
    memcpy(enrolment->consent_version, submit->consent_version,
           sizeof enrolment->consent_version);
    enum sid_err err = sid_id_make("enr_", enrolment->id);
    if (err == SID_OK)
        err = judge_number(submit);
    if (err == SID_OK)
        err = sid_holder_secret_make(sid_keyring_holder(app->keys),
                                     enrolment->id, 0, submit->holder_secret,
                                     enrolment->holder_hash);
    if (err == SID_OK)
        err = make_fingerprint(submit);
    if (err == SID_OK)
        err = hide_idempotency_key(submit);
    if (err == SID_OK)
        err = sid_subject_make(app->keys, enrolment->id, &enrolment->key);
    if (err == SID_OK)
        err = seal_holder(submit, enrolment);
    if (err == SID_OK && !submit->counter)
        err = sid_enrol_job_new(app, enrolment->id, &submit->job);
    if (err == SID_OK && !submit->counter)
        err = sid_enrol_job_seal(submit->job, &enrolment->key, submit->photo);
    return err;
}

/* ---- writer thread ------------------------------------------------------- */

/* The first answer again: same enrolment, same holder secret. Once the person
 * was erased there is none, and nobody is enrolled anew by a retry. */
static enum sid_err
replay(struct sid_enrol_submit *submit, struct sid_store *store,
       const struct sid_idempotency *first) {
    struct sid_enrolment row = {0};
    enum sid_err err = sid_store_enrol_get(store, first->enrolment_id, &row);
    if (err != SID_OK)
        return err == SID_E_NOT_FOUND ? SID_E_CONFLICT : err;
    if (!sid_span_eq(
            sid_span_of(first->fingerprint, sizeof first->fingerprint),
            sid_span_of(submit->fingerprint, sizeof submit->fingerprint))) {
        sid_enrolment_fini(&row);
        return SID_E_IDEMPOTENCY_MISMATCH;
    }
    /* The secret of then is dead, and the present one is not the app's. */
    if (row.holder_generation != 0) {
        sid_enrolment_fini(&row);
        return SID_E_CONFLICT;
    }
    submit->replayed = true;
    sid_enrolment_fini(&submit->enrolment);
    submit->enrolment = row;
    uint8_t hash[SID_SHA256_BYTES];
    err = sid_holder_secret_make(sid_keyring_holder(submit->flow.app->keys),
                                 first->enrolment_id, 0, submit->holder_secret,
                                 hash);
    /* The holder's secret is handed out once more. */
    if (err == SID_OK)
        err = sid_app_audit(store, "enrolment_replayed",
                            sid_caller_actor(&submit->flow.caller),
                            first->enrolment_id,
                            sid_enrol_state_name(submit->enrolment.state), "");
    return err;
}

static enum sid_err
reject_at_the_door(struct sid_enrol_submit *submit, struct sid_store *store,
                   enum sid_reason reason) {
    struct sid_verdict verdict = {.state = SID_ENROL_REJECTED,
                                  .actor = "system",
                                  .decided_by = "",
                                  .note = ""};
    sid_reasons_add(&verdict.reasons, reason, SID_PHOTO_NONE);
    return sid_enrol_settle(submit->flow.app, store, &submit->enrolment,
                            &verdict);
}

/* An officer has seen person and card: approved, or the first of two decisions.
 */
static enum sid_err
decide_at_the_counter(struct sid_enrol_submit *submit,
                      struct sid_store *store) {
    struct sid_enrolment *enrolment = &submit->enrolment;
    const char *actor = sid_caller_actor(&submit->flow.caller);
    struct sid_config config;
    sid_app_config(submit->flow.app, &config);
    bool two = strcmp(config.review_two_person, "on") == 0;
    struct sid_verdict verdict = {.state = two ? SID_ENROL_REVIEW
                                               : SID_ENROL_APPROVED,
                                  .actor = actor,
                                  .decided_by = two ? "" : actor,
                                  .note = ""};
    enum sid_err err =
        sid_enrol_settle(submit->flow.app, store, enrolment, &verdict);
    if (err != SID_OK || !two)
        return err;
    enrolment->first_approve = true;
    enrolment->first_at_s = enrolment->decided_at_s;
    err = sid_text_copy(enrolment->first_by, sizeof enrolment->first_by, actor);
    if (err == SID_OK)
        err = sid_store_enrol_first(store, enrolment);
    return err == SID_OK ? sid_app_audit(store, "first_decision", actor,
                                         enrolment->id, "approve", "")
                         : err;
}

/* The person as attempts know it: not by the index of the ID number, which goes
 * when the enrolment is erased. */
static enum sid_err
attempt_of(const struct sid_enrol_submit *submit,
           uint8_t person[SID_SHA256_BYTES]) {
    static const char label[] = "smartidd/attempt/v1";
    const struct sid_span parts[] = {
        sid_span_of(label, sizeof label),
        sid_span_of(submit->enrolment.id_index,
                    sizeof submit->enrolment.id_index)};
    return sid_mac(sid_keyring_blind(submit->flow.app->keys), parts,
                   sizeof parts / sizeof parts[0], person);
}

static enum sid_err
note_attempt(const struct sid_enrol_submit *submit, struct sid_store *store) {
    uint8_t person[SID_SHA256_BYTES];
    enum sid_err err = attempt_of(submit, person);
    return err != SID_OK
               ? err
               : sid_store_attempt_put(store, submit->enrolment.id, person,
                                       submit->enrolment.created_at_s);
}

/* Whether this person has tried often enough within a day. */
static enum sid_err
count_attempts(struct sid_enrol_submit *submit, struct sid_store *store) {
    struct sid_flow *flow = &submit->flow;
    int64_t now_s = submit->enrolment.created_at_s, at_s = 0;
    char id[SID_ID_SIZE];
    struct sid_config config;
    sid_app_config(flow->app, &config);
    if (config.attempts_per_day == 0)
        return SID_OK;
    uint8_t person[SID_SHA256_BYTES];
    enum sid_err err = attempt_of(submit, person);
    if (err == SID_OK)
        err = sid_store_attempt_get(store, person, now_s - SID_ATTEMPT_DAY_S,
                                    (int)config.attempts_per_day, id, &at_s);
    if (err == SID_E_NOT_FOUND)
        return SID_OK;
    if (err != SID_OK)
        return err;
    flow->refusal = SID_E_ATTEMPTS;
    flow->retry_after_s = at_s + SID_ATTEMPT_DAY_S - now_s;
    return sid_app_audit(store, "enrolment_refused",
                         sid_caller_actor(&flow->caller), id,
                         sid_err_code(flow->refusal), "");
}

static enum sid_err
insert(struct sid_enrol_submit *submit, struct sid_store *store) {
    struct sid_enrolment *enrolment = &submit->enrolment;
    bool changed = false;
    /* The key may have been wrapped by a version that is old by now. */
    enum sid_err err = sid_subject_rewrap(submit->flow.app->keys, enrolment->id,
                                          &enrolment->key, &changed);
    if (err == SID_OK)
        err = sid_store_enrol_insert(store, enrolment);
    if (err == SID_OK && !submit->counter)
        err = note_attempt(submit, store);
    if (err == SID_OK && submit->idempotency_key[0] != '\0') {
        struct sid_idempotency row = {.created_at_s = enrolment->created_at_s};
        memcpy(row.client_id, enrolment->client_id, sizeof row.client_id);
        memcpy(row.key, submit->idempotency_key, sizeof row.key);
        memcpy(row.fingerprint, submit->fingerprint, sizeof row.fingerprint);
        memcpy(row.enrolment_id, enrolment->id, sizeof row.enrolment_id);
        err = sid_store_idempotency_put(store, &row);
    }
    if (err == SID_OK)
        err = sid_app_audit(
            store, "enrolment_received", sid_caller_actor(&submit->flow.caller),
            enrolment->id, "received",
            submit->counter ? "method=counter" : submit->challenge_id);
    if (err == SID_OK && submit->wechat_openid[0] != '\0') {
        const struct sid_wechat_who who = {submit->wechat_account,
                                           submit->wechat_openid};
        err = sid_contact_bind(submit->flow.app->keys, store, &who,
                               enrolment->id, enrolment->created_at_s);
    }
    if (err != SID_OK)
        return err;
    if (submit->id_number_bad)
        return reject_at_the_door(submit, store, SID_REASON_ID_NUMBER_INVALID);
    if (enrolment->valid_until_s != 0 &&
        enrolment->created_at_s >= enrolment->valid_until_s)
        return reject_at_the_door(submit, store, SID_REASON_CARD_EXPIRED);
    bool in_use = false;
    err = sid_app_in_use(submit->flow.app, store, enrolment->id_index,
                         SID_TYPE_RESIDENT, &in_use);
    if (err == SID_OK && in_use && !enrolment->replaces)
        return reject_at_the_door(submit, store, SID_REASON_ID_NUMBER_IN_USE);
    if (err == SID_OK && submit->counter)
        return decide_at_the_counter(submit, store);
    if (err == SID_OK)
        err = sid_enrol_job_store(submit->job, store);
    return err;
}

/* What is stored and answered begins as what came in. */
static enum sid_err
begin_afresh(struct sid_enrol_submit *submit) {
    struct sid_enrolment *row = &submit->enrolment;
    const struct sid_buf *sealed = &submit->made.holder_sealed;
    submit->replayed = false;
    sid_enrolment_fini(row);
    *row = submit->made;
    row->holder_sealed = SID_BUF_EMPTY;
    enum sid_err err =
        sid_buf_append(&row->holder_sealed, sealed->ptr, sealed->len);
    if (err == SID_OK)
        err = sid_holder_secret_make(sid_keyring_holder(submit->flow.app->keys),
                                     row->id, 0, submit->holder_secret,
                                     row->holder_hash);
    return err;
}

static enum sid_err
receive_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_submit *submit = (struct sid_enrol_submit *)op;
    enum sid_err err = begin_afresh(submit);
    if (err != SID_OK)
        return err;
    if (submit->idempotency_key[0] != '\0') {
        struct sid_idempotency first;
        err = sid_store_idempotency_get(store, submit->enrolment.client_id,
                                        submit->idempotency_key, &first);
        if (err == SID_OK)
            return replay(submit, store, &first);
        if (err != SID_E_NOT_FOUND)
            return err;
    }
    if (submit->counter)
        return insert(submit, store);
    err = count_attempts(submit, store);
    if (err == SID_OK && submit->flow.refusal == SID_OK)
        err =
            sid_enrol_take_challenge(&submit->flow, store, submit->challenge_id,
                                     submit->job->sealed, &submit->enrolment);
    if (err == SID_OK && submit->flow.refusal == SID_OK)
        err = insert(submit, store);
    return err;
}

static enum sid_err
read_again_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_submit *submit = (struct sid_enrol_submit *)op;
    struct sid_enrolment now = {0};
    enum sid_err err = sid_store_enrol_get(store, submit->enrolment.id, &now);
    if (err == SID_OK) {
        sid_enrolment_fini(&submit->enrolment);
        submit->enrolment = now;
    }
    return err;
}

static void
receive_done(struct sid_op *op) {
    struct sid_enrol_submit *submit = (struct sid_enrol_submit *)op;
    struct sid_flow *flow = &submit->flow;
    /* What is kept of the photos now is counted as held. */
    if (!submit->counter)
        sid_enrol_give_room_back(flow->app, submit->body_bytes);
    struct sid_enrol_job *job = submit->job;
    submit->job = NULL;
    flow->err = sid_flow_result(op);
    bool open = flow->err == SID_OK &&
                !sid_enrol_state_settled(submit->enrolment.state);
    bool work = open && !submit->replayed;
    if (flow->err == SID_OK && !submit->replayed) {
        sid_metric_add(SID_M_ENROL_RECEIVED, 1);
        sid_metric_add(SID_M_ENROL_COUNTER, submit->counter);
        if (!open)
            sid_enrol_count(submit->enrolment.state);
    }
    bool waits = false;
    if (open && submit->wait_until_us > sid_mono_us()) {
        submit->waiter.flow = flow;
        submit->waiter.id = submit->enrolment.id;
        submit->waiter.deadline_us = submit->wait_until_us;
        flow->op = (struct sid_op){
            .run = read_again_run, .done = sid_flow_end, .read_only = true};
        waits = sid_wait_add(flow->app, &submit->waiter);
    }
    /* Of a row that was not made. A commit whose sync failed may have made it:
     * the next start knows. */
    if (!work && submit->in_blob && sid_writer_healthy(flow->app->writer))
        sid_blobs_drop(flow->app->blobs, submit->blob.name);
    if (work) {
        sid_enrol_job_hold(job);
        sid_enrol_job_submit(&job);
    } else {
        sid_enrol_job_free(&job);
    }
    if (!waits)
        flow->done(flow);
}

/* Nothing is stored, and the place is free again. */
static void
end_early(struct sid_enrol_submit *submit, enum sid_err err) {
    struct sid_flow *flow = &submit->flow;
    flow->err = err;
    sid_enrol_job_free(&submit->job);
    if (!submit->counter)
        sid_enrol_release(flow->app, submit->body_bytes);
    flow->done(flow);
}

static void
make_the_row(struct sid_enrol_submit *submit) {
    if (!submit->counter)
        submit->job->has_place = true;
    sid_flow_submit(&submit->flow, receive_run, receive_done);
}

static void
blob_done(struct sid_blob_put *put) {
    struct sid_enrol_submit *submit =
        (struct sid_enrol_submit *)((char *)put -
                                    offsetof(struct sid_enrol_submit, blob));
    submit->in_blob = put->err == SID_OK;
    if (!submit->in_blob) {
        end_early(submit, put->err);
        return;
    }
    memcpy(submit->job->blob, put->name, sizeof put->name);
    make_the_row(submit);
}

void
sid_enrol_submit_start(struct sid_enrol_submit *submit) {
    struct sid_app *app = submit->flow.app;
    struct sid_blob_put *put = &submit->blob;
    bool to_blob = !submit->counter && app->blobs != NULL;
    enum sid_err err = make_row(submit);
    if (err == SID_OK && atomic_load(&app->stopping))
        err = SID_E_STOPPING;
    if (err == SID_OK && to_blob)
        err = sid_id_make("blb_", put->name);
    if (err != SID_OK) {
        end_early(submit, err);
    } else if (!to_blob) {
        make_the_row(submit);
    } else {
        for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
            put->part[kind] = sid_buf_span(&submit->job->sealed[kind]);
        put->done = blob_done;
        sid_blobs_put(app->blobs, put);
    }
}

void
sid_enrol_submit_fini(struct sid_enrol_submit *submit) {
    sid_holder_fini(&submit->holder);
    sid_wipe(submit->id_number_text, sizeof submit->id_number_text);
    sid_wipe(submit->holder_secret, sizeof submit->holder_secret);
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        sid_buf_free(&submit->photo[kind]);
    sid_enrolment_fini(&submit->made);
    sid_enrolment_fini(&submit->enrolment);
    sid_enrol_job_free(&submit->job);
}
