/* flow_enrol_decide.c: an officer decides an enrolment that is in review (see
 * flow_enrol.h). Writer thread; owns nothing beyond the caller's struct. */
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/text.h"

/* Whether this officer had decided what is appealed. */
static bool
is_barred(const struct sid_enrolment *row, const char *actor) {
    size_t len = strlen(actor);
    for (const char *at = row->barred; *at != '\0';) {
        size_t word = strcspn(at, " ");
        if (word == len && memcmp(at, actor, len) == 0)
            return true;
        at += word;
        at += *at == ' ' ? 1 : 0;
    }
    return false;
}

/* Writes the first of two decisions, or with by "" takes it back. */
static enum sid_err
write_first(const struct sid_enrol_decide *decide, struct sid_store *store,
            struct sid_enrolment *row, const char *by, const char *event) {
    const char *outcome =
        (decide->withdraw ? row->first_approve : decide->approve) ? "approve"
                                                                  : "reject";
    const char *note = by[0] == '\0' ? "" : decide->reason;
    struct sid_subject subject =
        sid_app_subject(decide->flow.app, row->id, &row->key);
    struct sid_place place =
        sid_enrol_words_place(row->id, SID_WORDS_FIRST_NOTE);
    row->first_approve = decide->approve;
    row->updated_at_s = sid_now_s();
    row->first_at_s = by[0] == '\0' ? 0 : row->updated_at_s;
    enum sid_err err = sid_text_copy(row->first_by, sizeof row->first_by, by);
    if (err == SID_OK)
        err =
            sid_app_seal_words(&subject, &place, note, &row->first_note_sealed);
    if (err == SID_OK)
        err = sid_store_enrol_first(store, row);
    if (err == SID_OK)
        err =
            sid_app_audit(store, event, sid_caller_actor(&decide->flow.caller),
                          row->id, outcome, "");
    return err;
}

static enum sid_err
settle(const struct sid_enrol_decide *decide, struct sid_store *store,
       struct sid_enrolment *row) {
    const char *actor = sid_caller_actor(&decide->flow.caller);
    struct sid_verdict verdict = {
        .state = decide->approve ? SID_ENROL_APPROVED : SID_ENROL_REJECTED,
        .reasons = row->reasons,
        .actor = actor,
        .decided_by = actor,
        .note = decide->reason,
    };
    if (!decide->approve)
        sid_reasons_add(&verdict.reasons, SID_REASON_OFFICER, SID_PHOTO_NONE);
    else
        verdict.reasons.count = 0;
    return sid_enrol_settle(decide->flow.app, store, row, &verdict);
}

/* Refuses an officer who may not be the one; that is written down. */
static enum sid_err
refuse(struct sid_enrol_decide *decide, struct sid_store *store,
       enum sid_err refusal, const char *why) {
    decide->flow.refusal = refusal;
    return sid_app_audit(store, "decision_refused",
                         sid_caller_actor(&decide->flow.caller), decide->id,
                         sid_err_code(refusal), why);
}

/* A ladder of refusals, then the one step that is due. */
static enum sid_err
apply(struct sid_enrol_decide *decide, struct sid_store *store,
      struct sid_enrolment *row) {
    const char *actor = sid_caller_actor(&decide->flow.caller);
    bool has_first = row->first_by[0] != '\0';
    struct sid_config config;
    sid_app_config(decide->flow.app, &config);
    bool two = strcmp(config.review_two_person, "on") == 0;
    if (row->state != SID_ENROL_REVIEW)
        return refuse(decide, store, SID_E_CONFLICT, "settled");
    if (is_barred(row, actor))
        return refuse(decide, store, SID_E_FORBIDDEN, "barred");
    if (decide->withdraw)
        return has_first
                   ? write_first(decide, store, row, "", "decision_withdrawn")
                   : refuse(decide, store, SID_E_CONFLICT, "no_decision");
    if (two && !has_first)
        return write_first(decide, store, row, actor, "first_decision");
    if (two && strcmp(row->first_by, actor) == 0)
        return refuse(decide, store, SID_E_CONFLICT, "same_officer");
    if (two && row->first_approve != decide->approve)
        return refuse(decide, store, SID_E_CONFLICT, "disagrees");
    return settle(decide, store, row);
}

static enum sid_err
decide_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_decide *decide = (struct sid_enrol_decide *)op;
    struct sid_enrolment row = {0};
    sid_enrolment_fini(&decide->enrolment);
    enum sid_err err = sid_store_enrol_get(store, decide->id, &row);
    if (err == SID_OK)
        err = apply(decide, store, &row);
    if (err == SID_OK && decide->flow.refusal == SID_OK)
        decide->enrolment = row;
    else
        sid_enrolment_fini(&row);
    return err;
}

void
sid_enrol_decide_start(struct sid_enrol_decide *decide) {
    if (sid_flow_admit(&decide->flow))
        sid_flow_submit(&decide->flow, decide_run, sid_flow_end);
}

void
sid_enrol_decide_fini(struct sid_enrol_decide *decide) {
    sid_enrolment_fini(&decide->enrolment);
    sid_wipe(decide->reason, sizeof decide->reason);
}
