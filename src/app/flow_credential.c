/* flow_credential.c: looking at a credential, its code, changing its state (see
 * flow_credential.h). Owns nothing beyond the caller's structs. */
#include "smartid/flow_credential.h"

#include <stdio.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/idnumber.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/purpose.h"
#include "smartid/text.h"

/* Reads a credential for those who may see it; for others it does not exist.
 * What *out had before is freed. */
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
    sid_credential_fini(out);
    *out = row;
    return SID_OK;
}

enum sid_err
sid_credential_for(const struct sid_caller *caller, struct sid_store *store,
                   const char *id, struct sid_credential *out) {
    return read_for(caller, false, store, id, out);
}

/* ---- look ---------------------------------------------------------------- */

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
    if (err != SID_OK)
        return err;
    look->state =
        sid_life_state(&look->credential.life, sid_time_s(look->flow.app));
    return is_recorded(look)
               ? sid_app_audit(store, "credential_viewed",
                               sid_caller_actor(&look->flow.caller), look->id,
                               sid_credential_state_name(look->state), "")
               : SID_OK;
}

void
sid_credential_look_start(struct sid_credential_look *look) {
    if (!sid_flow_admit(&look->flow))
        return;
    look->flow.op.read_only = !is_recorded(look);
    look->flow.op.single_write = is_recorded(look);
    sid_flow_submit(&look->flow, look_run, sid_flow_end);
}

enum sid_err
sid_credential_look_finish(struct sid_credential_look *look) {
    const struct sid_credential *row = &look->credential;
    struct sid_subject subject =
        sid_app_subject(look->flow.app, row->enrolment_id, &row->key);
    return sid_app_open_details(&subject, row->id, row->type,
                                sid_buf_span(&row->details_sealed),
                                &look->with_details, &look->details);
}

void
sid_credential_look_fini(struct sid_credential_look *look) {
    sid_credential_fini(&look->credential);
    sid_wipe(&look->details, sizeof look->details);
}

/* ---- code ---------------------------------------------------------------- */

static const char *
kind_name(const struct sid_credential_code *code) {
    if (code->offline != SID_OFFLINE_NONE)
        return "offline";
    return code->kind == SID_TOKEN_LIVE ? "live" : "day";
}

/* What stands on another credential has no code while that has none. */
static enum sid_err
judge_base(struct sid_credential_code *code, struct sid_store *store) {
    struct sid_base base;
    enum sid_err err =
        sid_app_base(code->flow.app, store, &code->credential, &base);
    if (err != SID_OK)
        return err;
    code->base_until_s = base.valid_until_s;
    return sid_credential_state_err(base.state);
}

static enum sid_err
code_run(struct sid_op *op, struct sid_store *store) {
    struct sid_credential_code *code = (struct sid_credential_code *)op;
    enum sid_err err =
        read_for(&code->flow.caller, false, store, code->id, &code->credential);
    if (err == SID_OK)
        err = sid_credential_state_err(
            sid_life_state(&code->credential.life, code->now_s));
    if (err == SID_OK)
        err = judge_base(code, store);
    if (err == SID_OK)
        err = sid_app_audit(
            store, "code_issued", sid_caller_actor(&code->flow.caller),
            code->id, kind_name(code), sid_offline_kind_name(code->offline));
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

/* When a live code should give way to the next one on the screen: nobody should
 * scan one that dies meanwhile. Own choice. */
#define LIVE_FRESH_S 45

static enum sid_err
make_live(struct sid_credential_code *code) {
    struct sid_app *app = code->flow.app;
    int64_t not_after_s = code->now_s + SID_TOKEN_LIVE_S;
    struct sid_token token = {
        .serial = code->credential.serial,
        .not_after_s = (uint32_t)not_after_s,
        .kind = SID_TOKEN_LIVE,
        .key_id = (uint8_t)sid_keyring_code_at(app->keys, code->now_s),
    };
    enum sid_err err = sid_rand_bytes(&token.draw, sizeof token.draw);
    token.draw &= SID_TOKEN_DRAW_MAX;
    if (err == SID_OK)
        err = sid_token_make(app->keys, &token, code->code);
    if (err != SID_OK)
        return err;
    code->not_before_s = code->now_s;
    code->not_after_s = not_after_s;
    code->refresh_after_s = code->now_s + LIVE_FRESH_S;
    sid_metric_add(SID_M_CODES_LIVE, 1);
    return SID_OK;
}

static enum sid_err
make_day(struct sid_credential_code *code) {
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

/* ---- codes for counters without a network -------------------------------- */

bool
sid_app_offline_key(const struct sid_app *app, int kid,
                    uint8_t out[SID_PUBLIC_KEY_BYTES]) {
    const struct sid_sign_key *key = sid_keyring_offline(app->keys, kid);
    if (key != NULL)
        sid_sign_public(key, out);
    return key != NULL;
}

/* No more than what was asked for is signed. */
static enum sid_err
tell_offline(const struct sid_credential_code *code, struct sid_offline *out) {
    const struct sid_credential *row = &code->credential;
    struct sid_subject subject =
        sid_app_subject(code->flow.app, row->enrolment_id, &row->key);
    struct sid_place place = {"credential", "holder", row->id};
    struct sid_buf blob = SID_BUF_EMPTY;
    struct sid_holder holder = {.name = ""};
    enum sid_err err = sid_subject_open(
        &subject, &place, sid_buf_span(&row->holder_sealed), &blob);
    if (err == SID_OK)
        err = sid_holder_unpack(sid_buf_span(&blob), &holder);
    if (err == SID_OK && code->offline == SID_OFFLINE_AGE) {
        out->age_over_18 =
            sid_idnumber_age(holder.id_number, code->now_s) >= 18;
    } else if (err == SID_OK) {
        memcpy(out->name, holder.name, sizeof out->name);
        memcpy(out->id_number, holder.id_number, sizeof out->id_number);
    }
    sid_buf_free(&blob);
    sid_holder_fini(&holder);
    return err;
}

/* It dies with the card, and with the one that this stands on. */
static int64_t
offline_end_s(const struct sid_credential_code *code) {
    const int64_t cards_s[] = {code->credential.life.valid_until_s,
                               code->base_until_s};
    int64_t end_s = code->now_s + SID_OFFLINE_LIFE_MAX_S;
    for (int i = 0; i < 2; i++)
        if (cards_s[i] != 0 && cards_s[i] < end_s)
            end_s = cards_s[i];
    return end_s;
}

static enum sid_err
make_offline(struct sid_credential_code *code) {
    const struct sid_keyring *keys = code->flow.app->keys;
    int64_t not_after_s = offline_end_s(code);
    /* Counters fetch the keys once a day: not one that they may not know. */
    int kid = sid_keyring_code_at(keys, code->now_s - SID_OFFLINE_FETCH_S);
    const struct sid_sign_key *key = sid_keyring_offline(keys, kid);
    struct sid_offline told = {.key_id = (uint8_t)kid,
                               .kind = code->offline,
                               .issued_at_s = (uint32_t)code->now_s,
                               .not_after_s = (uint32_t)not_after_s};
    enum sid_err err = key == NULL ? SID_E_CODE_KEY : tell_offline(code, &told);
    if (err == SID_OK)
        err = sid_offline_make(key, &told, code->code);
    sid_offline_fini(&told);
    if (err != SID_OK)
        return err;
    code->not_before_s = code->now_s;
    code->not_after_s = not_after_s;
    code->refresh_after_s = code->now_s + (not_after_s - code->now_s) / 2;
    sid_metric_add(SID_M_CODES_OFFLINE, 1);
    return SID_OK;
}

enum sid_err
sid_credential_code_finish(struct sid_credential_code *code) {
    if (code->offline != SID_OFFLINE_NONE)
        return make_offline(code);
    return code->kind == SID_TOKEN_LIVE ? make_live(code) : make_day(code);
}

void
sid_credential_code_fini(struct sid_credential_code *code) {
    sid_credential_fini(&code->credential);
    sid_wipe(code->code, sizeof code->code);
}

/* ---- change -------------------------------------------------------------- */

static const struct {
    const char *name;  /* as the route has it */
    const char *event; /* of the audit log */
    enum sid_metric metric;
} changes[] = {
    [SID_CHANGE_SUSPEND] = {"suspend", "credential_suspended",
                            SID_M_CREDENTIAL_SUSPENDED},
    [SID_CHANGE_RESUME] = {"resume", "credential_resumed",
                           SID_M_CREDENTIAL_RESUMED},
    [SID_CHANGE_REVOKE] = {"revoke", "credential_revoked",
                           SID_M_CREDENTIAL_REVOKED},
    [SID_CHANGE_UPGRADE] = {"upgrade", "credential_upgraded",
                            SID_M_CREDENTIAL_UPGRADED},
};

/* A damaged key must not keep a lost code alive: then the note is let go. */
static enum sid_err
seal_note(const struct sid_credential_change *change,
          struct sid_credential *row) {
    struct sid_subject subject =
        sid_app_subject(change->look.flow.app, row->enrolment_id, &row->key);
    struct sid_place place = {"credential", "note", row->id};
    enum sid_err err =
        sid_app_seal_words(&subject, &place, change->note, &row->note_sealed);
    if (err == SID_OK || err == SID_E_NO_MEMORY)
        return err;
    sid_log(SID_LOG_ERROR, "note_not_kept", SID_S("id", row->id),
            SID_S("code", sid_err_code(err)));
    return SID_OK;
}

static enum sid_err
upgrade(struct sid_credential *row, int64_t now_s) {
    const char *word = sid_assurance_name(SID_ASSURANCE_COUNTER);
    enum sid_credential_state state = sid_life_state(&row->life, now_s);
    if (state != SID_CREDENTIAL_ACTIVE)
        return sid_credential_state_err(state);
    const struct sid_credential_type *type =
        sid_credential_type_find(row->type);
    /* One that stands on another is worth what that is. */
    if (strcmp(row->assurance, word) == 0 || type == NULL ||
        type->needs != NULL)
        return SID_E_CONFLICT;
    return sid_text_copy(row->assurance, sizeof row->assurance, word);
}

static enum sid_err
apply_change(const struct sid_credential_change *change,
             struct sid_credential *row) {
    enum sid_role by = change->look.flow.caller.role;
    int64_t now_s = sid_time_s(change->look.flow.app);
    switch (change->change) {
    case SID_CHANGE_SUSPEND:
        return sid_life_suspend(&row->life, by, now_s);
    case SID_CHANGE_RESUME:
        return sid_life_resume(&row->life, by, now_s);
    case SID_CHANGE_UPGRADE:
        return upgrade(row, now_s);
    case SID_CHANGE_REVOKE:
        break;
    }
    enum sid_err err = sid_life_revoke(&row->life, by, change->reason, now_s);
    return err == SID_OK ? seal_note(change, row) : err;
}

/* What has come of it, for the audit log. */
static enum sid_err
audit_change(const struct sid_credential_change *change,
             struct sid_store *store, const struct sid_credential *row) {
    bool revoked = change->change == SID_CHANGE_REVOKE;
    bool upgraded = change->change == SID_CHANGE_UPGRADE;
    const char *by = sid_role_name(change->look.flow.caller.role);
    char detail[64];
    if (revoked)
        (void)snprintf(detail, sizeof detail, "reason=%s by=%s",
                       sid_revoke_reason_name(row->life.reason), by);
    else
        (void)snprintf(detail, sizeof detail, "by=%s", by);
    return sid_app_audit(store, changes[change->change].event,
                         sid_caller_actor(&change->look.flow.caller), row->id,
                         upgraded ? row->assurance
                                  : sid_credential_state_name(row->life.state),
                         detail);
}

static enum sid_err
change_run(struct sid_op *op, struct sid_store *store) {
    struct sid_credential_change *change = (struct sid_credential_change *)op;
    struct sid_flow *flow = &change->look.flow;
    struct sid_credential *row = &change->look.credential;
    enum sid_err err =
        read_for(&flow->caller, true, store, change->look.id, row);
    if (err == SID_OK)
        err = apply_change(change, row);
    if (err == SID_E_FORBIDDEN) {
        flow->refusal = err;
        return sid_app_audit(store, "credential_change_refused",
                             sid_caller_actor(&flow->caller), row->id,
                             sid_err_code(err), changes[change->change].name);
    }
    if (err == SID_E_FIELD_INVALID)
        flow->field = "reason";
    if (err == SID_OK)
        err = sid_store_credential_change(store, row);
    if (err == SID_OK)
        err = audit_change(change, store, row);
    change->look.state = sid_life_state(&row->life, sid_time_s(flow->app));
    return err;
}

static void
change_done(struct sid_op *op) {
    struct sid_credential_change *change = (struct sid_credential_change *)op;
    if (sid_flow_result(op) == SID_OK)
        sid_metric_add(changes[change->change].metric, 1);
    sid_flow_end(op);
}

void
sid_credential_change_start(struct sid_credential_change *change) {
    if (sid_flow_admit(&change->look.flow))
        sid_flow_submit(&change->look.flow, change_run, change_done);
}

void
sid_credential_change_fini(struct sid_credential_change *change) {
    sid_credential_look_fini(&change->look);
    sid_wipe(change->note, sizeof change->note);
}
