/* flow_credential.c: looking at a credential, its code, revoking it (see
 * flow_credential.h). Owns nothing beyond the caller's structs. */
#include "smartid/flow_credential.h"

#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

/* Reads a credential for those who may see it; for others it does not exist.
 */
static enum sid_err
read_for(const struct sid_caller *caller, bool officers,
         struct sid_store *store, const char *id, struct sid_credential *out) {
    struct sid_credential row = {0};
    enum sid_err err = sid_store_credential_get(store, id, &row);
    if (err != SID_OK)
        return err;
    bool may = (officers && caller->role == SID_ROLE_OFFICER) ||
               sid_caller_owns(caller, row.client_id, row.holder_hash);
    if (!may) {
        sid_credential_fini(&row);
        return SID_E_NOT_FOUND;
    }
    *out = row;
    return SID_OK;
}

/* ---- look -----------------------------------------------------------------
 */

/* An officer's look is written down; owners look at what is theirs. */
static bool
is_recorded(const struct sid_credential_look *look) {
    return look->flow.caller.role == SID_ROLE_OFFICER;
}

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct sid_credential_look *look = (struct sid_credential_look *)op;
    enum sid_err err =
        read_for(&look->flow.caller, true, store, look->id, &look->credential);
    if (err == SID_OK && is_recorded(look))
        err = sid_app_audit(
            store, "credential_viewed", sid_caller_actor(&look->flow.caller),
            look->id, sid_credential_state_name(look->credential.state), "");
    return err;
}

void
sid_credential_look_start(struct sid_credential_look *look) {
    if (!sid_flow_admit(&look->flow))
        return;
    look->flow.op.read_only = !is_recorded(look);
    look->flow.op.single_write = is_recorded(look);
    sid_flow_submit(&look->flow, look_run, sid_flow_end);
}

void
sid_credential_look_fini(struct sid_credential_look *look) {
    sid_credential_fini(&look->credential);
}

/* ---- code -----------------------------------------------------------------
 */

static enum sid_err
code_run(struct sid_op *op, struct sid_store *store) {
    struct sid_credential_code *code = (struct sid_credential_code *)op;
    enum sid_err err =
        read_for(&code->flow.caller, false, store, code->id, &code->credential);
    if (err == SID_OK && code->credential.state != SID_CREDENTIAL_ACTIVE)
        err = SID_E_REVOKED;
    if (err == SID_OK)
        err = sid_app_audit(store, "code_issued",
                            sid_caller_actor(&code->flow.caller), code->id,
                            "day", "");
    return err;
}

void
sid_credential_code_start(struct sid_credential_code *code) {
    if (!sid_flow_admit(&code->flow))
        return;
    code->now_s = sid_time_us(code->flow.app) / 1000000;
    code->flow.op.single_write = true;
    sid_flow_submit(&code->flow, code_run, sid_flow_end);
}

enum sid_err
sid_credential_code_finish(struct sid_credential_code *code) {
    struct sid_app *app = code->flow.app;
    struct sid_token_times times;
    sid_app_token_times(app, code->now_s, &times);
    int64_t not_before_s, not_after_s;
    sid_token_window(code->credential.issued_at_s, times.period_s, code->now_s,
                     &not_before_s, &not_after_s);
    struct sid_token token = {
        .serial = code->credential.serial,
        .not_after_s = (uint32_t)not_after_s,
        .kind = SID_TOKEN_DAY,
        /* The whole window one key, so that asking again gives the same. */
        .key_id = (uint8_t)sid_keyring_code_at(app->keys, not_before_s),
    };
    enum sid_err err = sid_token_make(app->keys, &token, code->code);
    if (err != SID_OK)
        return err;
    code->not_before_s = not_before_s;
    code->not_after_s = not_after_s;
    code->refresh_after_s = not_after_s; /* the next window's first second */
    sid_metric_add(SID_M_CODES, 1);
    return SID_OK;
}

void
sid_credential_code_fini(struct sid_credential_code *code) {
    sid_credential_fini(&code->credential);
    sid_wipe(code->code, sizeof code->code);
}

/* ---- revoke ---------------------------------------------------------------
 */

/* A damaged key must not keep a lost code alive: then the reason is let go. */
static enum sid_err
seal_reason(const struct sid_credential_revoke *revoke,
            struct sid_credential *row) {
    struct sid_subject subject =
        sid_app_subject(revoke->flow.app, row->enrolment_id, &row->key);
    struct sid_place place = {"credential", "note", row->id};
    enum sid_err err =
        sid_app_seal_words(&subject, &place, revoke->reason, &row->note_sealed);
    if (err == SID_OK || err == SID_E_NO_MEMORY)
        return err;
    sid_log(SID_LOG_ERROR, "reason_not_kept", SID_S("id", row->id),
            SID_S("code", sid_err_code(err)));
    return SID_OK;
}

static enum sid_err
revoke_run(struct sid_op *op, struct sid_store *store) {
    struct sid_credential_revoke *revoke = (struct sid_credential_revoke *)op;
    const struct sid_caller *caller = &revoke->flow.caller;
    struct sid_credential row = {0};
    enum sid_err err = read_for(caller, true, store, revoke->id, &row);
    if (err == SID_OK && row.state == SID_CREDENTIAL_REVOKED)
        err = SID_E_REVOKED;
    if (err == SID_OK)
        err = seal_reason(revoke, &row);
    if (err == SID_OK)
        err = sid_store_credential_revoke(
            store, revoke->id, sid_buf_span(&row.note_sealed), sid_now_s());
    sid_credential_fini(&row);
    if (err == SID_OK)
        err =
            sid_app_audit(store, "credential_revoked", sid_caller_actor(caller),
                          revoke->id, "revoked", "");
    if (err == SID_OK)
        err = sid_store_credential_get(store, revoke->id, &revoke->credential);
    return err;
}

void
sid_credential_revoke_start(struct sid_credential_revoke *revoke) {
    if (sid_flow_admit(&revoke->flow))
        sid_flow_submit(&revoke->flow, revoke_run, sid_flow_end);
}

void
sid_credential_revoke_fini(struct sid_credential_revoke *revoke) {
    sid_credential_fini(&revoke->credential);
    sid_wipe(revoke->reason, sizeof revoke->reason);
}
