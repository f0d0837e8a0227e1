/* flow_dispute.c: the checks of a credential for its holder, and disputes about
 * them (see flow_dispute.h). Owns nothing beyond the caller's structs. */
#include "smartid/flow_dispute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"

#define DETAIL_SIZE 128

/* ---- the checks ---------------------------------------------------------- */

static enum sid_err
list_check(const struct sid_check *check, const struct sid_dispute *dispute,
           void *ctx) {
    struct sid_check_list *list = ctx;
    if (list->count == list->limit) { /* one more than asked for was read */
        list->more = true;
        return SID_OK;
    }
    struct sid_shown_check *row = &list->rows[list->count++];
    row->check = *check;
    row->outcome = dispute->outcome;
    row->settled_at_s = dispute->settled_at_s;
    memcpy(row->dispute_id, dispute->id, sizeof row->dispute_id);
    return SID_OK;
}

static enum sid_err
checks_run(struct sid_op *op, struct sid_store *store) {
    struct sid_check_list *list = (struct sid_check_list *)op;
    struct sid_credential row = {0};
    int64_t before_seq = INT64_MAX;
    list->count = 0;
    list->more = false;
    enum sid_err err = sid_credential_for(&list->flow.caller, store,
                                          list->credential_id, &row);
    sid_credential_fini(&row);
    if (err == SID_OK && list->after[0] != '\0')
        err = sid_store_check_find(store, list->credential_id, list->after,
                                   &before_seq);
    if (err == SID_OK)
        err = sid_store_check_list(store, list->credential_id, before_seq,
                                   list->limit + 1, list_check, list);
    return err;
}

void
sid_check_list_start(struct sid_check_list *list) {
    if (!sid_flow_admit(&list->flow))
        return;
    list->rows = sid_flow_page(&list->flow, list->limit, sizeof *list->rows);
    if (list->rows == NULL)
        return;
    list->flow.op.read_only = true;
    sid_flow_submit(&list->flow, checks_run, sid_flow_end);
}

void
sid_check_list_fini(struct sid_check_list *list) {
    free(list->rows);
    list->rows = NULL;
    list->count = 0;
}

/* ---- words --------------------------------------------------------------- */

static struct sid_place
words_place(const struct sid_dispute *dispute, bool officers) {
    return (struct sid_place){"dispute", officers ? "note" : "reason",
                              dispute->id};
}

enum sid_err
sid_dispute_words(struct sid_app *app, const struct sid_dispute *dispute,
                  bool officers, struct sid_buf *out) {
    struct sid_subject subject =
        sid_app_subject(app, dispute->enrolment_id, &dispute->key);
    struct sid_place place = words_place(dispute, officers);
    const struct sid_buf *sealed =
        officers ? &dispute->note_sealed : &dispute->reason_sealed;
    if (sealed->len == 0)
        return SID_OK;
    return sid_subject_open(&subject, &place, sid_buf_span(sealed), out);
}

/* ---- what a holder disputes ---------------------------------------------- */

static enum sid_err
audit_dispute(struct sid_store *store, const char *event,
              const struct sid_caller *caller,
              const struct sid_dispute *dispute) {
    char detail[DETAIL_SIZE];
    (void)snprintf(detail, sizeof detail, "dispute=%s id=%s", dispute->id,
                   dispute->verification_id);
    return sid_app_audit(store, event, sid_caller_actor(caller),
                         dispute->credential_id,
                         sid_dispute_outcome_name(dispute->outcome), detail);
}

/* Of a check that is the caller's. */
static enum sid_err
make_dispute(struct sid_dispute_open *open, struct sid_store *store,
             const struct sid_credential *row) {
    struct sid_dispute *made = &open->dispute;
    memcpy(made->verification_id, open->verification_id,
           sizeof made->verification_id);
    memcpy(made->credential_id, row->id, sizeof made->credential_id);
    memcpy(made->enrolment_id, row->enrolment_id, sizeof made->enrolment_id);
    made->opened_at_s = sid_now_s();
    made->outcome = SID_DISPUTE_OPEN;
    enum sid_err err = sid_store_check_find(
        store, row->id, open->verification_id, &made->check.seq);
    if (err == SID_OK)
        err = sid_id_make("dsp_", made->id);
    if (err != SID_OK)
        return err;
    struct sid_subject subject =
        sid_app_subject(open->flow.app, row->enrolment_id, &row->key);
    struct sid_place place = words_place(made, false);
    return sid_app_seal_words(&subject, &place, open->reason,
                              &made->reason_sealed);
}

static enum sid_err
open_run(struct sid_op *op, struct sid_store *store) {
    struct sid_dispute_open *open = (struct sid_dispute_open *)op;
    struct sid_credential row = {0};
    enum sid_err err = sid_credential_for(&open->flow.caller, store,
                                          open->credential_id, &row);
    if (err == SID_OK)
        err = make_dispute(open, store, &row);
    sid_credential_fini(&row);
    if (err == SID_OK)
        err = sid_store_dispute_put(store, &open->dispute);
    if (err == SID_OK)
        err = audit_dispute(store, "check_disputed", &open->flow.caller,
                            &open->dispute);
    return err;
}

static void
open_done(struct sid_op *op) {
    if (op->err == SID_OK)
        sid_metric_add(SID_M_DISPUTES_OPENED, 1);
    sid_flow_end(op);
}

void
sid_dispute_open_start(struct sid_dispute_open *open) {
    if (sid_flow_admit(&open->flow))
        sid_flow_submit(&open->flow, open_run, open_done);
}

void
sid_dispute_open_fini(struct sid_dispute_open *open) {
    sid_dispute_fini(&open->dispute);
    sid_wipe(open->reason, sizeof open->reason);
}

/* ---- what officers settle ------------------------------------------------ */

static enum sid_err
list_dispute(struct sid_dispute *take, void *ctx) {
    struct sid_dispute_list *list = ctx;
    if (list->count == list->limit) {
        list->more = true;
        return SID_OK;
    }
    list->rows[list->count++] = *take;
    *take = (struct sid_dispute){.id = ""};
    return SID_OK;
}

static enum sid_err
disputes_run(struct sid_op *op, struct sid_store *store) {
    struct sid_dispute_list *list = (struct sid_dispute_list *)op;
    char detail[DETAIL_SIZE];
    for (; list->count > 0; list->count--)
        sid_dispute_fini(&list->rows[list->count - 1]);
    list->more = false;
    enum sid_err err = sid_store_dispute_list(
        store, list->outcome, list->after, list->limit + 1, list_dispute, list);
    (void)snprintf(detail, sizeof detail, "shown=%d after=%s", list->count,
                   list->after);
    if (err == SID_OK)
        err = sid_app_audit(store, "disputes_listed",
                            sid_caller_actor(&list->flow.caller), "",
                            sid_dispute_outcome_name(list->outcome), detail);
    return err;
}

void
sid_dispute_list_start(struct sid_dispute_list *list) {
    if (!sid_flow_admit(&list->flow))
        return;
    list->rows = sid_flow_page(&list->flow, list->limit, sizeof *list->rows);
    if (list->rows == NULL)
        return;
    list->flow.op.single_write = true;
    sid_flow_submit(&list->flow, disputes_run, sid_flow_end);
}

void
sid_dispute_list_fini(struct sid_dispute_list *list) {
    for (int i = 0; i < list->count; i++)
        sid_dispute_fini(&list->rows[i]);
    free(list->rows);
    list->rows = NULL;
    list->count = 0;
}

static enum sid_err
settle_run(struct sid_op *op, struct sid_store *store) {
    struct sid_dispute_settle *settle = (struct sid_dispute_settle *)op;
    struct sid_dispute *row = &settle->dispute;
    const struct sid_caller *caller = &settle->flow.caller;
    sid_dispute_fini(row);
    enum sid_err err = sid_store_dispute_get(store, settle->id, row);
    if (err == SID_OK && row->outcome != SID_DISPUTE_OPEN)
        err = SID_E_CONFLICT;
    if (err != SID_OK)
        return err;
    struct sid_subject subject =
        sid_app_subject(settle->flow.app, row->enrolment_id, &row->key);
    struct sid_place place = words_place(row, true);
    err = sid_app_seal_words(&subject, &place, settle->note, &row->note_sealed);
    row->outcome = settle->outcome;
    row->settled_at_s = sid_now_s();
    memcpy(row->settled_by, caller->client_id, sizeof row->settled_by);
    if (err == SID_OK)
        err = sid_store_dispute_settle(store, row);
    if (err == SID_OK)
        err = audit_dispute(store, "dispute_settled", caller, row);
    return err;
}

static void
settle_done(struct sid_op *op) {
    const struct sid_dispute_settle *settle = (struct sid_dispute_settle *)op;
    if (op->err == SID_OK)
        sid_metric_add(settle->outcome == SID_DISPUTE_UPHELD
                           ? SID_M_DISPUTES_UPHELD
                           : SID_M_DISPUTES_DISMISSED,
                       1);
    sid_flow_end(op);
}

void
sid_dispute_settle_start(struct sid_dispute_settle *settle) {
    if (sid_flow_admit(&settle->flow))
        sid_flow_submit(&settle->flow, settle_run, settle_done);
}

void
sid_dispute_settle_fini(struct sid_dispute_settle *settle) {
    sid_dispute_fini(&settle->dispute);
    sid_wipe(settle->note, sizeof settle->note);
}
