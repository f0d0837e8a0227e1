/* enrol_settle.c: the one way an enrolment is settled, whoever decides: a
 * worker, an officer, or the rules at the door. Runs on the writer thread
 * inside the caller's transaction; owns nothing. */
#include <stdio.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/flow_wechat.h"
#include "smartid/purpose.h"
#include "smartid/text.h"

#define DETAIL_SIZE (SID_REASONS_TEXT_SIZE + 64)

struct sid_place
sid_enrol_photo_place(const char *id, enum sid_photo_kind kind) {
    return (struct sid_place){"photo", sid_photo_kind_name(kind), id};
}

struct sid_place
sid_enrol_holder_place(const char *id) {
    return (struct sid_place){"enrolment", "holder", id};
}

struct sid_place
sid_portrait_place(const char *id) {
    return (struct sid_place){"portrait", "sealed", id};
}

struct sid_place
sid_enrol_words_place(const char *id, enum sid_words words) {
    static const char *const columns[] = {
        [SID_WORDS_STATEMENT] = "statement",
        [SID_WORDS_NOTE] = "note",
        [SID_WORDS_FIRST_NOTE] = "first_note",
    };
    return (struct sid_place){"enrolment", columns[words], id};
}

/* Opens the holder's data where the enrolment keeps it and seals it again for
 * the credential's row. */
static enum sid_err
reseal_holder(struct sid_app *app, const struct sid_enrolment *enrolment,
              struct sid_credential *credential) {
    struct sid_subject subject =
        sid_app_subject(app, enrolment->id, &enrolment->key);
    struct sid_place from = sid_enrol_holder_place(enrolment->id);
    struct sid_place to = {"credential", "holder", credential->id};
    struct sid_buf plain = SID_BUF_EMPTY;
    enum sid_err err = sid_subject_open(
        &subject, &from, sid_buf_span(&enrolment->holder_sealed), &plain);
    if (err == SID_OK)
        err = sid_subject_seal(&subject, &to, sid_buf_span(&plain),
                               &credential->holder_sealed);
    sid_buf_free(&plain);
    return err;
}

static enum sid_err
issue_credential(struct sid_app *app, struct sid_store *store,
                 struct sid_enrolment *enrolment, const char *actor) {
    struct sid_credential credential = {
        .type = SID_TYPE_RESIDENT,
        .life = {.valid_until_s = enrolment->valid_until_s},
        .issued_at_s = enrolment->decided_at_s,
    };
    bool live = enrolment->challenge.outcome == SID_CHALLENGE_PASSED;
    enum sid_assurance assurance = enrolment->method == SID_METHOD_COUNTER
                                       ? SID_ASSURANCE_COUNTER
                                   : live ? SID_ASSURANCE_REMOTE_LIVE
                                          : SID_ASSURANCE_REMOTE;
    enum sid_err err =
        sid_text_copy(credential.assurance, sizeof credential.assurance,
                      sid_assurance_name(assurance));
    if (err == SID_OK)
        err = sid_id_make("crd_", credential.id);
    if (err != SID_OK)
        return err;
    memcpy(credential.enrolment_id, enrolment->id, sizeof enrolment->id);
    memcpy(credential.client_id, enrolment->client_id,
           sizeof enrolment->client_id);
    memcpy(credential.id_index, enrolment->id_index,
           sizeof enrolment->id_index);
    memcpy(credential.holder_hash, enrolment->holder_hash,
           sizeof enrolment->holder_hash);
    err = reseal_holder(app, enrolment, &credential);
    if (err == SID_OK)
        err = sid_app_issue(store, &credential, actor);
    if (err == SID_OK)
        memcpy(enrolment->credential_id, credential.id, sizeof credential.id);
    sid_credential_fini(&credential);
    return err;
}

static enum sid_err
seal_note(const struct sid_app *app, struct sid_enrolment *enrolment,
          const char *note) {
    struct sid_subject subject =
        sid_app_subject(app, enrolment->id, &enrolment->key);
    struct sid_place place =
        sid_enrol_words_place(enrolment->id, SID_WORDS_NOTE);
    return sid_app_seal_words(&subject, &place, note, &enrolment->note_sealed);
}

static enum sid_err
audit_decision(struct sid_store *store, const struct sid_enrolment *enrolment,
               const char *actor) {
    char reasons[SID_REASONS_TEXT_SIZE];
    char detail[DETAIL_SIZE];
    sid_reasons_pack(&enrolment->reasons, reasons);
    (void)snprintf(detail, sizeof detail, "attempts=%d challenge=%s reasons=%s",
                   enrolment->attempts,
                   sid_challenge_outcome_name(enrolment->challenge.outcome),
                   reasons);
    return sid_app_audit(store, "enrolment_decided", actor, enrolment->id,
                         sid_enrol_state_name(enrolment->state), detail);
}

/* Who enrolled by WeChat is told there. */
static enum sid_err
tell_chat(const struct sid_app *app, struct sid_store *store,
          const struct sid_enrolment *enrolment) {
    char reasons[SID_REASONS_TEXT_SIZE];
    char content[SID_REASONS_TEXT_SIZE + 16], operation[64];
    const char *state = sid_enrol_state_name(enrolment->state);
    struct sid_reasons told;
    sid_reasons_public(&enrolment->reasons, enrolment->state,
                       enrolment->decided_by[0] != '\0', &told);
    sid_reasons_pack(&told, reasons);
    (void)snprintf(content, sizeof content, "%s %s", state, reasons);
    (void)snprintf(operation, sizeof operation, "%s %s %d", enrolment->id,
                   state, enrolment->appealed_at_s != 0);
    return sid_contact_tell(app->keys, store, enrolment->id, operation, content,
                            enrolment->decided_at_s);
}

/* Of who has, or may get, a credential. */
static enum sid_err
keep_face(struct sid_app *app, struct sid_store *store,
          const struct sid_enrolment *enrolment,
          const struct sid_verdict *verdict) {
    if (verdict->face == NULL || (enrolment->state != SID_ENROL_APPROVED &&
                                  enrolment->state != SID_ENROL_REVIEW))
        return SID_OK;
    enum sid_err err = sid_template_keep(app->keys, store, enrolment->id,
                                         &enrolment->key, verdict->face);
    if (err == SID_OK && verdict->portrait.len > 0)
        err = sid_store_portrait_put(store, enrolment->id, verdict->portrait);
    return err;
}

/* Why it cannot be approved any more, whatever it was when it came: the card
 * has expired meanwhile, or the number is in use by now. SID_OK: it can. */
static enum sid_err
find_obstacle(struct sid_app *app, struct sid_store *store,
              const struct sid_enrolment *enrolment, enum sid_err *why) {
    bool in_use = false;
    *why = SID_OK;
    if (enrolment->state != SID_ENROL_APPROVED)
        return SID_OK;
    if (enrolment->valid_until_s != 0 &&
        sid_time_s(app) >= enrolment->valid_until_s) {
        *why = SID_E_EXPIRED;
        return SID_OK;
    }
    enum sid_err err = enrolment->replaces
                           ? SID_OK
                           : sid_app_in_use(app, store, enrolment->id_index,
                                            SID_TYPE_RESIDENT, &in_use);
    if (in_use)
        *why = SID_E_CONFLICT;
    return err;
}

static void
turn_down(struct sid_enrolment *enrolment, enum sid_err why) {
    enrolment->state = SID_ENROL_REJECTED;
    enrolment->reasons.count = 0;
    sid_reasons_add(&enrolment->reasons,
                    why == SID_E_EXPIRED ? SID_REASON_CARD_EXPIRED
                                         : SID_REASON_ID_NUMBER_IN_USE,
                    SID_PHOTO_NONE);
}

enum sid_err
sid_enrol_settle(struct sid_app *app, struct sid_store *store,
                 struct sid_enrolment *enrolment,
                 const struct sid_verdict *verdict) {
    enum sid_enrol_state expected = enrolment->state;
    enrolment->state = verdict->state;
    enrolment->reasons = verdict->reasons;
    enrolment->decided_at_s = sid_now_s();
    enrolment->updated_at_s = enrolment->decided_at_s;
    if (verdict->has_scores) {
        enrolment->has_scores = true;
        enrolment->similarity = verdict->similarity;
        enrolment->liveness = verdict->liveness;
    }
    if (verdict->challenge != NULL)
        enrolment->challenge = *verdict->challenge;
    enum sid_err err =
        sid_text_copy(enrolment->decided_by, sizeof enrolment->decided_by,
                      verdict->decided_by);
    if (err == SID_OK)
        err = seal_note(app, enrolment, verdict->note);
    enum sid_err why = SID_OK;
    if (err == SID_OK)
        err = find_obstacle(app, store, enrolment, &why);
    /* An officer is told; a worker has nobody to tell and decides. */
    if (err == SID_OK && why != SID_OK && verdict->decided_by[0] != '\0')
        err = why;
    if (err == SID_OK && why != SID_OK)
        turn_down(enrolment, why);
    if (err == SID_OK && enrolment->state == SID_ENROL_APPROVED)
        err = issue_credential(app, store, enrolment, verdict->actor);
    if (err == SID_OK)
        err = sid_store_enrol_decide(store, enrolment, expected);
    if (err == SID_OK)
        err = keep_face(app, store, enrolment, verdict);
    if (err == SID_OK && verdict->faces != NULL &&
        enrolment->state == SID_ENROL_REVIEW)
        err = sid_enrol_faces_store(store, enrolment->id, verdict->faces);
    if (err == SID_OK)
        err = audit_decision(store, enrolment, verdict->actor);
    return err == SID_OK ? tell_chat(app, store, enrolment) : err;
}
