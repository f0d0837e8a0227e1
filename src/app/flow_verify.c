/* flow_verify.c: a clerk asks who a code stands for (see flow_verify.h). Owns
 * nothing beyond the caller's struct sid_verify. */
#include "smartid/flow_verify.h"

#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"
#include "smartid/recent.h"

#define DETAIL_SIZE 256
/* Nearly every holder's sealed attributes; others make the buffer grow. */
#define SEALED_BYTES 256

/* The word for the audit row; the outside sees only expired or not_valid. */
static const char *
outcome_of(const struct sid_verify *verify, bool found,
           enum sid_credential_state state) {
    if (verify->flow.err == SID_E_PURPOSE_FORBIDDEN)
        return sid_err_code(verify->flow.err);
    if (verify->flow.err != SID_OK)
        return "could_not_check";
    if (verify->code_err != SID_OK)
        return sid_err_code(verify->code_err);
    if (!found)
        return verify->credential_id[0] != '\0'
                   ? sid_dead_serial_name(verify->dead)
                   : "unknown_credential";
    if (state != SID_CREDENTIAL_ACTIVE)
        return verify->base_dead ? "base_not_active"
                                 : sid_credential_state_name(state);
    return verify->too_low      ? "assurance_too_low"
           : verify->needs_live ? "live_code_required"
           : verify->used       ? "code_used"
                                : "valid";
}

/* A word that this program does not know counts as the least. */
static bool
too_low(const struct sid_credential *credential,
        const struct sid_purpose *purpose) {
    enum sid_assurance assurance = SID_ASSURANCE_REMOTE;
    if (sid_assurance_parse(credential->assurance, &assurance) != SID_OK)
        assurance = SID_ASSURANCE_REMOTE;
    return assurance < purpose->assurance;
}

/* What finish needs of a credential that is as good as asked for. */
static enum sid_err
take_credential(struct sid_verify *verify, struct sid_credential *credential) {
    memcpy(verify->type, credential->type, sizeof credential->type);
    memcpy(verify->assurance, credential->assurance,
           sizeof credential->assurance);
    memcpy(verify->enrolment_id, credential->enrolment_id,
           sizeof credential->enrolment_id);
    memcpy(verify->id_index, credential->id_index, sizeof credential->id_index);
    verify->key = credential->key;
    sid_buf_move(&credential->details_sealed, &verify->details_sealed);
    return sid_buf_append(&verify->sealed, credential->holder_sealed.ptr,
                          credential->holder_sealed.len);
}

/* The fields of the credential's type, when the purpose tells them. */
static enum sid_err
open_details(struct sid_verify *verify, const struct sid_subject *subject) {
    if ((verify->purpose->attributes & SID_ATTR_DETAILS) == 0)
        return SID_OK;
    return sid_app_open_details(subject, verify->credential_id, verify->type,
                                sid_buf_span(&verify->details_sealed),
                                &verify->with_details, &verify->details);
}

static enum sid_err
open_holder(struct sid_verify *verify) {
    struct sid_subject subject =
        sid_app_subject(verify->flow.app, verify->enrolment_id, &verify->key);
    struct sid_place place = {"credential", "holder", verify->credential_id};
    struct sid_buf blob = SID_BUF_EMPTY;
    enum sid_err err = sid_subject_open(&subject, &place,
                                        sid_buf_span(&verify->sealed), &blob);
    if (err == SID_OK)
        err = sid_holder_unpack(sid_buf_span(&blob), &verify->holder);
    sid_buf_free(&blob);
    if (err == SID_OK)
        err = open_details(verify, &subject);
    if (err == SID_OK)
        err = sid_pseudonym_make(sid_keyring_pseudonym(verify->flow.app->keys),
                                 verify->flow.caller.party, verify->id_index,
                                 verify->pseudonym);
    verify->opened = err == SID_OK;
    return err;
}

/* Whether there is a portrait that this purpose may be told of. */
static enum sid_err
find_portrait(struct sid_verify *verify, struct sid_store *store) {
    verify->portrait = false;
    return (verify->purpose->attributes & SID_ATTR_PORTRAIT) != 0
               ? sid_store_portrait_has(store, verify->enrolment_id,
                                        &verify->portrait)
               : SID_OK;
}

/* A code of today of an active credential: whether it is what the purpose asks
 * for. A live one is used up by being taken, which comes last: one that could
 * not be checked can be shown again. */
static enum sid_err
take_code(struct sid_verify *verify, struct sid_store *store,
          struct sid_credential *credential) {
    bool live = verify->token.kind == SID_TOKEN_LIVE;
    verify->too_low = too_low(credential, verify->purpose);
    verify->needs_live = !live && verify->purpose->live_required;
    if (verify->too_low || verify->needs_live)
        return SID_OK;
    enum sid_err err = take_credential(verify, credential);
    if (err == SID_OK)
        err = find_portrait(verify, store);
    if (err == SID_OK && (live || verify->of_batch))
        err = open_holder(verify);
    if (err == SID_OK && live)
        err = sid_store_live_use(store, &verify->token);
    verify->used = err == SID_E_EXISTS;
    return verify->used ? SID_OK : err;
}

static enum sid_err
look_up(struct sid_verify *verify, struct sid_store *store, bool *found,
        enum sid_credential_state *state) {
    *found = false;
    *state = SID_CREDENTIAL_REVOKED;
    enum sid_err code_err = verify->code_err;
    bool readable = code_err == SID_OK || code_err == SID_E_CODE_EXPIRED ||
                    code_err == SID_E_CODE_EARLY;
    if (!readable || verify->flow.err != SID_OK)
        return SID_OK;
    struct sid_credential credential = {0};
    enum sid_err err = sid_store_credential_by_serial(
        store, verify->token.serial, &credential);
    if (err == SID_E_NOT_FOUND) {
        /* For the audit log only: a code of somebody who was erased, or of a
         * phone that was lost. */
        err = sid_store_dead_serial(store, verify->token.serial,
                                    verify->credential_id, &verify->dead);
        return err == SID_E_NOT_FOUND ? SID_OK : err;
    }
    if (err != SID_OK)
        return err;
    *found = true;
    *state = sid_life_state(&credential.life, verify->checked_at_s);
    memcpy(verify->credential_id, credential.id, sizeof credential.id);
    if (*state == SID_CREDENTIAL_ACTIVE) {
        struct sid_base base = {.state = SID_CREDENTIAL_REVOKED};
        err = sid_app_base(verify->flow.app, store, &credential, &base);
        *state = base.state;
        memcpy(credential.assurance, base.assurance, sizeof base.assurance);
        verify->base_dead = base.state != SID_CREDENTIAL_ACTIVE;
    }
    if (err == SID_OK && *state == SID_CREDENTIAL_ACTIVE && code_err == SID_OK)
        err = take_code(verify, store, &credential);
    sid_credential_fini(&credential);
    return err;
}

/* snprintf would be a tenth of the row's work. */
static void
join(const char *const *parts, size_t n, char out[DETAIL_SIZE]) {
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        for (const char *at = parts[i]; *at != '\0' && len < DETAIL_SIZE - 1;)
            out[len++] = *at++;
    }
    out[len] = '\0';
}

/* For what may still be asked about it. */
static void
remember(const struct sid_verify *verify) {
    struct sid_app *app = verify->flow.app;
    struct sid_recent_check check = {.at_s = sid_time_s(app),
                                     .portrait = verify->portrait};
    memcpy(check.id, verify->id, sizeof check.id);
    memcpy(check.client_id, verify->flow.caller.client_id,
           sizeof check.client_id);
    memcpy(check.credential_id, verify->credential_id,
           sizeof check.credential_id);
    sid_recent_put(app->recent, &check);
}

static enum sid_err
write_down(const struct sid_verify *verify, struct sid_store *store,
           const char *outcome) {
    char detail[DETAIL_SIZE];
    char received[SID_TIME_TEXT_SIZE] = "";
    bool late = verify->received_at_s != 0;
    if (late)
        sid_time_text(verify->received_at_s, received);
    /* The counter is the clerk's own text: last, so that it cannot pass for
     * another field. */
    const char *const parts[] = {"id=",
                                 verify->id,
                                 " purpose=",
                                 verify->purpose->name,
                                 late ? " received=" : "",
                                 received,
                                 " counter=",
                                 verify->counter};
    join(parts, sizeof parts / sizeof parts[0], detail);
    return sid_app_audit_at(store, verify->started_us, "verification",
                            sid_caller_actor(&verify->flow.caller),
                            verify->credential_id, outcome, detail);
}

/* What a run before this one has found, which was rolled back. */
void
sid_verify_forget(struct sid_verify *verify) {
    verify->valid = verify->expired = false;
    verify->too_low = verify->needs_live = verify->used = false;
    verify->base_dead = verify->opened = verify->portrait = false;
    verify->credential_id[0] = '\0';
    verify->with_details = NULL;
    sid_buf_clear(&verify->sealed);
    sid_buf_free(&verify->details_sealed);
    sid_holder_fini(&verify->holder);
}

enum sid_err
sid_verify_judge(struct sid_verify *verify, struct sid_store *store) {
    bool found;
    enum sid_credential_state state;
    enum sid_err err = look_up(verify, store, &found, &state);
    if (err != SID_OK)
        return err;
    verify->valid = verify->flow.err == SID_OK && verify->code_err == SID_OK &&
                    found && state == SID_CREDENTIAL_ACTIVE &&
                    !verify->too_low && !verify->needs_live && !verify->used;
    verify->expired = verify->code_err == SID_E_CODE_EXPIRED;
    return write_down(verify, store, outcome_of(verify, found, state));
}

static enum sid_err
verify_run(struct sid_op *op, struct sid_store *store) {
    sid_verify_forget((struct sid_verify *)op);
    return sid_verify_judge((struct sid_verify *)op, store);
}

static void
verify_done(struct sid_op *op) {
    struct sid_verify *verify = (struct sid_verify *)op;
    /* A refused purpose was recorded; the refusal stays the answer. */
    if (op->err != SID_OK)
        verify->flow.err = op->err;
    verify->flow.done(&verify->flow);
}

enum sid_err
sid_verify_open(struct sid_verify *verify) {
    struct sid_flow *flow = &verify->flow;
    verify->started_us = sid_time_us(flow->app);
    verify->checked_at_s = verify->started_us / 1000000;
    enum sid_err err = sid_id_make("ver_", verify->id);
    /* Memory that one thread takes and another gives back is slow for both. */
    if (err == SID_OK)
        err = sid_buf_reserve(&verify->sealed, SEALED_BYTES);
    if (err != SID_OK)
        return err;
    uint64_t asked =
        sid_purposes_bit(flow->caller.purpose_set, verify->purpose);
    if ((flow->caller.purposes & asked) == 0)
        flow->err = SID_E_PURPOSE_FORBIDDEN;
    struct sid_token_times times;
    sid_app_token_times(flow->app, verify->checked_at_s, &times);
    verify->code_err = sid_token_open(flow->app->keys, verify->code,
                                      verify->code_len, &times, &verify->token);
    /* What is not the code's fault must not become an answer about it. */
    return sid_token_judged(verify->code_err) ? SID_OK : verify->code_err;
}

void
sid_verify_start(struct sid_verify *verify) {
    struct sid_flow *flow = &verify->flow;
    if (!sid_flow_admit(flow))
        return;
    enum sid_err err = sid_verify_open(verify);
    if (err != SID_OK) {
        flow->err = err;
        flow->done(flow);
        return;
    }
    /* A live code is written down as used, too. */
    flow->op.single_write = verify->token.kind == SID_TOKEN_DAY;
    flow->op.serials = &verify->token.serial;
    flow->op.serial_count = verify->code_err == SID_OK ? 1 : 0;
    sid_flow_submit_any(flow, verify_run, verify_done);
}

static void
count(const struct sid_verify *verify) {
    sid_metric_add(verify->valid        ? SID_M_VERIFY_VALID
                   : verify->expired    ? SID_M_VERIFY_EXPIRED
                   : verify->too_low    ? SID_M_VERIFY_TOO_LOW
                   : verify->needs_live ? SID_M_VERIFY_NOT_LIVE
                   : verify->used       ? SID_M_VERIFY_USED
                                        : SID_M_VERIFY_NOT_VALID,
                   1);
}

enum sid_err
sid_verify_finish(struct sid_verify *verify) {
    enum sid_err err =
        verify->valid && !verify->opened ? open_holder(verify) : SID_OK;
    if (err != SID_OK)
        return err;
    if (verify->valid)
        remember(verify);
    count(verify);
    return SID_OK;
}

void
sid_verify_fini(struct sid_verify *verify) {
    sid_holder_fini(&verify->holder);
    sid_wipe(verify->code, sizeof verify->code);
    sid_wipe(verify->id_index, sizeof verify->id_index);
    sid_buf_free(&verify->sealed);
    sid_buf_free(&verify->details_sealed);
    sid_wipe(&verify->details, sizeof verify->details);
}
