/* flow_enrol_query.c: looking at enrolments: one, a list, a photo (see
 * flow_enrol.h). Reads on the writer thread; owns nothing beyond the caller's
 * structs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/store_photo.h"

#define DETAIL_SIZE 64

/* ---- one ----------------------------------------------------------------- */

static bool
may_see(const struct sid_caller *caller,
        const struct sid_enrolment *enrolment) {
    return caller->role == SID_ROLE_OFFICER ||
           sid_caller_owns(caller, enrolment->client_id,
                           enrolment->holder_hash);
}

/* Officers see scores and, in review, name and number: that is written down.
 * Owners see the state of what is theirs. */
static bool
is_recorded(const struct sid_enrol_get *get) {
    return get->flow.caller.role == SID_ROLE_OFFICER;
}

static enum sid_err
audit_look(const struct sid_enrol_get *get, struct sid_store *store,
           const struct sid_enrolment *row) {
    bool holder = row->state == SID_ENROL_REVIEW;
    return sid_app_audit(store, "enrolment_viewed",
                         sid_caller_actor(&get->flow.caller), row->id,
                         sid_enrol_state_name(row->state),
                         holder ? "shown=holder" : "shown=state");
}

/* What an officer decides by, and the row that they have seen it. */
static enum sid_err
show_officer(struct sid_enrol_get *get, struct sid_store *store,
             const struct sid_enrolment *row) {
    enum sid_err err = SID_OK;
    get->earlier_count = 0;
    sid_app_policy(get->flow.app, &get->policy);
    if (row->state == SID_ENROL_REVIEW)
        err = sid_store_enrol_earlier(store, row->id_index, row->id,
                                      SID_EARLIER_MAX, get->earlier,
                                      &get->earlier_count);
    if (err == SID_OK && row->state == SID_ENROL_REVIEW)
        err = sid_store_photo_kinds(store, row->id, &get->photos);
    return err == SID_OK ? audit_look(get, store, row) : err;
}

static void
add_standing(struct sid_enrol_get *get, const struct sid_credential *row) {
    enum sid_credential_state state =
        sid_life_state(&row->life, sid_time_s(get->flow.app));
    if (state == SID_CREDENTIAL_REVOKED || state == SID_CREDENTIAL_REPLACED ||
        get->standing_count == SID_STANDING_MAX)
        return;
    struct sid_standing *to = &get->standing[get->standing_count++];
    memcpy(to->id, row->id, sizeof to->id);
    memcpy(to->type, row->type, sizeof to->type);
    to->state = state;
}

/* So the holder, too, learns of what an officer has added. */
static enum sid_err
list_standing(struct sid_enrol_get *get, struct sid_store *store) {
    uint64_t after = 0;
    get->standing_count = 0;
    for (;;) {
        struct sid_credential row = {0};
        enum sid_err err =
            sid_store_credential_next(store, get->id, after, &row);
        if (err != SID_OK)
            return err == SID_E_NOT_FOUND ? SID_OK : err;
        add_standing(get, &row);
        after = row.serial;
        sid_credential_fini(&row);
    }
}

static enum sid_err
get_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_get *get = (struct sid_enrol_get *)op;
    struct sid_enrolment row = {0};
    enum sid_err err = sid_store_enrol_get(store, get->id, &row);
    if (err != SID_OK)
        return err;
    if (!may_see(&get->flow.caller, &row))
        err = SID_E_NOT_FOUND; /* looks like an unknown id */
    else if (is_recorded(get))
        err = show_officer(get, store, &row);
    if (err == SID_OK)
        err = list_standing(get, store);
    if (err != SID_OK) {
        sid_enrolment_fini(&row);
        return err;
    }
    sid_enrolment_fini(&get->enrolment);
    get->enrolment = row;
    return SID_OK;
}

bool
sid_enrol_wait(struct sid_enrol_get *get) {
    struct sid_flow *flow = &get->flow;
    if (flow->err != SID_OK || get->wait_until_us <= sid_mono_us() ||
        sid_enrol_state_settled(get->enrolment.state))
        return false;
    get->waiter.flow = flow;
    get->waiter.id = get->id;
    get->waiter.deadline_us = get->wait_until_us;
    flow->op = (struct sid_op){.run = get_run,
                               .done = sid_flow_end,
                               .read_only = !is_recorded(get),
                               .single_write = is_recorded(get)};
    return sid_wait_add(flow->app, &get->waiter);
}

static void
get_done(struct sid_op *op) {
    struct sid_enrol_get *get = (struct sid_enrol_get *)op;
    get->flow.err = op->err;
    if (!sid_enrol_wait(get))
        get->flow.done(&get->flow);
}

void
sid_enrol_get_start(struct sid_enrol_get *get) {
    if (!sid_flow_admit(&get->flow))
        return;
    get->flow.op.read_only = !is_recorded(get);
    get->flow.op.single_write = is_recorded(get);
    sid_flow_submit(&get->flow, get_run, get_done);
}

void
sid_enrol_get_fini(struct sid_enrol_get *get) {
    sid_enrolment_fini(&get->enrolment);
}

enum sid_err
sid_enrol_open_holder(struct sid_app *app,
                      const struct sid_enrolment *enrolment,
                      struct sid_holder *out) {
    struct sid_subject subject =
        sid_app_subject(app, enrolment->id, &enrolment->key);
    struct sid_place place = sid_enrol_holder_place(enrolment->id);
    struct sid_buf blob = SID_BUF_EMPTY;
    enum sid_err err = sid_subject_open(
        &subject, &place, sid_buf_span(&enrolment->holder_sealed), &blob);
    if (err == SID_OK)
        err = sid_holder_unpack(sid_buf_span(&blob), out);
    sid_buf_free(&blob);
    return err;
}

enum sid_err
sid_enrol_open_words(struct sid_app *app, const struct sid_enrolment *enrolment,
                     enum sid_words words, struct sid_buf *out) {
    struct sid_subject subject =
        sid_app_subject(app, enrolment->id, &enrolment->key);
    struct sid_place place = sid_enrol_words_place(enrolment->id, words);
    const struct sid_buf *sealed =
        words == SID_WORDS_STATEMENT ? &enrolment->statement_sealed
        : words == SID_WORDS_NOTE    ? &enrolment->note_sealed
                                     : &enrolment->first_note_sealed;
    if (sealed->len == 0)
        return SID_OK;
    return sid_subject_open(&subject, &place, sid_buf_span(sealed), out);
}

/* ---- a list -------------------------------------------------------------- */

static enum sid_err
list_one(const struct sid_enrolment *enrolment, void *ctx) {
    struct sid_enrol_list *list = ctx;
    if (list->count == list->limit) { /* one more than asked for was read */
        list->more = true;
        return SID_OK;
    }
    struct sid_enrolment *row = &list->rows[list->count++];
    *row = *enrolment;
    row->holder_sealed = SID_BUF_EMPTY;
    row->statement_sealed = SID_BUF_EMPTY;
    row->note_sealed = SID_BUF_EMPTY;
    row->first_note_sealed = SID_BUF_EMPTY;
    enum sid_err err =
        sid_buf_append(&row->note_sealed, enrolment->note_sealed.ptr,
                       enrolment->note_sealed.len);
    if (err == SID_OK)
        err = sid_buf_append(&row->first_note_sealed,
                             enrolment->first_note_sealed.ptr,
                             enrolment->first_note_sealed.len);
    return err;
}

static enum sid_err
list_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_list *list = (struct sid_enrol_list *)op;
    char detail[DETAIL_SIZE];
    for (; list->count > 0; list->count--)
        sid_enrolment_fini(&list->rows[list->count - 1]);
    list->more = false;
    enum sid_err err =
        sid_store_enrol_list(store, list->state, list->waiting, list->after,
                             list->limit + 1, list_one, list);
    (void)snprintf(detail, sizeof detail, "shown=%d after=%s", list->count,
                   list->after);
    if (err == SID_OK)
        err = sid_app_audit(store, "enrolments_listed",
                            sid_caller_actor(&list->flow.caller), "",
                            sid_enrol_state_name(list->state), detail);
    return err;
}

void
sid_enrol_list_start(struct sid_enrol_list *list) {
    if (!sid_flow_admit(&list->flow))
        return;
    list->rows = sid_flow_page(&list->flow, list->limit, sizeof *list->rows);
    if (list->rows == NULL)
        return;
    list->flow.op.single_write = true;
    sid_flow_submit(&list->flow, list_run, sid_flow_end);
}

void
sid_enrol_list_fini(struct sid_enrol_list *list) {
    for (int i = 0; i < list->count; i++)
        sid_enrolment_fini(&list->rows[i]);
    free(list->rows);
    list->rows = NULL;
    list->count = 0;
}

/* ---- a photo ------------------------------------------------------------- */

static enum sid_err
photo_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_photo *photo = (struct sid_enrol_photo *)op;
    struct sid_enrolment row = {0};
    enum sid_err err = sid_store_enrol_get(store, photo->id, &row);
    if (err == SID_OK && row.state != SID_ENROL_REVIEW)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        photo->key = row.key;
    sid_enrolment_fini(&row);
    sid_buf_free(&photo->sealed);
    if (err == SID_OK)
        err =
            sid_store_photo_get(store, photo->id, photo->kind, &photo->sealed);
    char detail[DETAIL_SIZE];
    (void)snprintf(detail, sizeof detail, "photo=%s",
                   sid_photo_kind_name(photo->kind));
    if (err == SID_OK)
        err = sid_app_audit(store, "photo_viewed",
                            sid_caller_actor(&photo->flow.caller), photo->id,
                            "shown", detail);
    return err;
}

void
sid_enrol_photo_start(struct sid_enrol_photo *photo) {
    if (!sid_flow_admit(&photo->flow))
        return;
    photo->flow.op.single_write = true;
    sid_flow_submit(&photo->flow, photo_run, sid_flow_end);
}

enum sid_err
sid_enrol_photo_finish(struct sid_enrol_photo *photo) {
    struct sid_subject subject =
        sid_app_subject(photo->flow.app, photo->id, &photo->key);
    struct sid_place place = sid_enrol_photo_place(photo->id, photo->kind);
    return sid_subject_open(&subject, &place, sid_buf_span(&photo->sealed),
                            &photo->photo);
}

void
sid_enrol_photo_fini(struct sid_enrol_photo *photo) {
    sid_buf_free(&photo->photo);
    sid_buf_free(&photo->sealed);
}
