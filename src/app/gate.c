/* gate.c: who may come in (see app.h): keys are judged, failures of one source
 * limited, refusals recorded. io threads; the record is the writer's. Owns a
 * fixed number of rows that wait to be written; one more is only counted, so
 * that nobody can make the daemon wait or grow by being refused. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"
#include "smartid/ratelimit.h"

/* Rows on their way to the disk at once. Own choice: a commit takes some
 * milliseconds, so that this is thousands in a second. */
#define IN_FLIGHT_MAX 32
#define FAILURE_PERIOD_S 60
#define DETAIL_SIZE 96

struct refusal {
    struct sid_op op; /* first: an op is cast back to its refusal */
    struct sid_gate *gate;
    struct refusal *next; /* free ones */
    char actor[SID_ID_SIZE];
    char detail[DETAIL_SIZE];
    const char *route;
    const char *outcome;
};

struct sid_gate {
    pthread_mutex_t lock;
    struct sid_rate *failures;  /* under lock: nothing was proven */
    struct sid_rate *forbidden; /* under lock: good keys that may not */
    struct refusal *free;       /* under lock */
    struct refusal row[IN_FLIGHT_MAX];
};

enum sid_err
sid_gate_new(struct sid_gate **out) {
    struct sid_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err = sid_rate_new(FAILURE_PERIOD_S, &gate->failures);
    if (err == SID_OK)
        err = sid_rate_new(FAILURE_PERIOD_S, &gate->forbidden);
    if (err == SID_OK && pthread_mutex_init(&gate->lock, NULL) != 0)
        err = SID_E_NO_MEMORY;
    if (err != SID_OK) {
        sid_rate_free(&gate->failures);
        sid_rate_free(&gate->forbidden);
        free(gate);
        return err;
    }
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        gate->row[i].gate = gate;
        gate->row[i].next = gate->free;
        gate->free = &gate->row[i];
    }
    *out = gate;
    return SID_OK;
}

void
sid_gate_free(struct sid_gate **gate) {
    struct sid_gate *me = *gate;
    if (me == NULL)
        return;
    *gate = NULL;
    sid_rate_free(&me->failures);
    sid_rate_free(&me->forbidden);
    pthread_mutex_destroy(&me->lock);
    free(me);
}

/* ---- the record ---------------------------------------------------------- */

static enum sid_err
refusal_run(struct sid_op *op, struct sid_store *store) {
    const struct refusal *refusal = (const struct refusal *)op;
    return sid_app_audit(store, "authorisation_refused", refusal->actor,
                         refusal->route, refusal->outcome, refusal->detail);
}

static void
refusal_done(struct sid_op *op) {
    struct refusal *refusal = (struct refusal *)op;
    struct sid_gate *gate = refusal->gate;
    if (op->err != SID_OK)
        sid_metric_add(SID_M_REFUSALS_UNRECORDED, 1);
    pthread_mutex_lock(&gate->lock);
    refusal->next = gate->free;
    gate->free = refusal;
    pthread_mutex_unlock(&gate->lock);
}

/* What is written down. */
struct note {
    const char *actor;      /* "" : unknown */
    const char *claimed_id; /* "" : none */
    const char *outcome;    /* static */
};

static void
record(struct sid_app *app, const struct sid_attempt *attempt,
       const struct note *note) {
    struct sid_gate *gate = app->gate;
    pthread_mutex_lock(&gate->lock);
    struct refusal *refusal = gate->free;
    if (refusal != NULL)
        gate->free = refusal->next;
    pthread_mutex_unlock(&gate->lock);
    if (refusal == NULL) {
        sid_metric_add(SID_M_REFUSALS_UNRECORDED, 1);
        return;
    }
    bool claims = note->claimed_id[0] != '\0';
    refusal->op = (struct sid_op){
        .run = refusal_run, .done = refusal_done, .single_write = true};
    refusal->route = attempt->route;
    refusal->outcome = note->outcome;
    (void)snprintf(refusal->actor, sizeof refusal->actor, "%s",
                   note->actor[0] != '\0' ? note->actor : "unknown");
    (void)snprintf(refusal->detail, sizeof refusal->detail, "source=%s%s%s",
                   attempt->from == NULL ? "control"
                                         : sid_address_class(attempt->from),
                   claims ? " key_of=" : "", note->claimed_id);
    sid_writer_submit(app->writer, &refusal->op);
}

/* ---- judging ------------------------------------------------------------- */

/* Counts a refusal of this source and records it while it is within the limit;
 * of those beyond, the first. True when it is beyond. */
static bool
refuse(struct sid_app *app, struct sid_rate *rate,
       const struct sid_attempt *attempt, const struct note *note,
       int64_t *retry_s) {
    struct sid_config config;
    sid_app_config(app, &config);
    int64_t limit = config.auth_failures_per_minute;
    if (limit == 0 || attempt->from == NULL) {
        record(app, attempt, note);
        return false;
    }
    pthread_mutex_lock(&app->gate->lock);
    int64_t count =
        sid_rate_count(rate, attempt->from, sid_mono_us() / 1000000, retry_s);
    pthread_mutex_unlock(&app->gate->lock);
    struct note last = *note;
    if (count == limit + 1)
        last.outcome = "too_many_failures";
    if (count <= limit + 1)
        record(app, attempt, &last);
    else
        sid_metric_add(SID_M_REFUSALS_UNRECORDED, 1);
    return count > limit;
}

/* A key that was not taken. */
static enum sid_err
refuse_key(struct sid_app *app, const struct sid_attempt *attempt,
           const struct sid_refused_key *refused, int64_t *retry_s) {
    const struct note note = {refused->client_id, refused->claimed_id,
                              sid_key_refusal_name(refused->why)};
    if (!refuse(app, app->gate->failures, attempt, &note, retry_s))
        return SID_E_UNAUTHENTICATED;
    sid_metric_add(SID_M_AUTH_LIMITED, 1);
    return SID_E_RATE;
}

enum sid_err
sid_app_authenticate(struct sid_app *app, const struct sid_attempt *attempt,
                     struct sid_caller *out, int64_t *retry_s) {
    struct sid_refused_key refused = {.why = SID_KEY_MALFORMED};
    enum sid_err err = SID_E_UNAUTHENTICATED;
    if (attempt->key != NULL) {
        const struct sid_shown_key shown = {attempt->key, attempt->key_len,
                                            attempt->from};
        err = sid_keyset_check(app->keyset, &shown, sid_now_s(), out, &refused);
    }
    return err == SID_E_UNAUTHENTICATED
               ? refuse_key(app, attempt, &refused, retry_s)
               : err;
}

enum sid_err
sid_app_resume(struct sid_app *app, const struct sid_attempt *attempt,
               const char *client_id, bool anywhere, struct sid_caller *out,
               int64_t *retry_s) {
    struct sid_refused_key refused;
    const struct sid_stand_in one = {client_id, attempt->from, anywhere};
    enum sid_err err =
        sid_keyset_stand_in(app->keyset, &one, sid_now_s(), out, &refused);
    return err == SID_E_UNAUTHENTICATED
               ? refuse_key(app, attempt, &refused, retry_s)
               : err;
}

enum sid_err
sid_app_forbid(struct sid_app *app, const struct sid_attempt *attempt,
               const struct sid_caller *caller, int64_t *retry_s) {
    /* Anybody can write down something of the form of a holder's secret. */
    bool proven = caller->client_id[0] != '\0';
    const struct note note = {
        caller->role == SID_ROLE_NONE ? "" : sid_caller_actor(caller), "",
        caller->role == SID_ROLE_NONE ? "wrong_user" : "wrong_role"};
    struct sid_rate *rate = proven ? app->gate->forbidden : app->gate->failures;
    if (!refuse(app, rate, attempt, &note, retry_s) || proven)
        return SID_E_FORBIDDEN;
    sid_metric_add(SID_M_AUTH_LIMITED, 1);
    return SID_E_RATE;
}

enum sid_err
sid_app_client_role(const struct sid_app *app, const char *client_id,
                    enum sid_role *out) {
    return sid_keyset_role(app->keyset, client_id, out);
}

/* 0: as often as it likes. */
static int64_t
quota_of(struct sid_app *app, const struct sid_caller *caller) {
    if (caller->key == NULL)
        return 0;
    return caller->per_minute == 0 && caller->role == SID_ROLE_CLERK
               ? sid_app_clerk_per_minute(app)
               : caller->per_minute;
}

static enum sid_err
take(const struct sid_caller *caller, int64_t rate, int64_t count,
     int64_t *retry_s) {
    if (count == 0 || sid_quota_take(&caller->key->bucket, rate, count,
                                     sid_mono_us(), retry_s))
        return SID_OK;
    sid_metric_add(SID_M_OVER_QUOTA, 1);
    return SID_E_RATE;
}

enum sid_err
sid_app_within_quota(struct sid_app *app, const struct sid_caller *caller,
                     int64_t *retry_s) {
    int64_t rate = quota_of(app, caller);
    return rate == 0 ? SID_OK : take(caller, rate, 1, retry_s);
}

enum sid_err
sid_app_rest_within_quota(struct sid_app *app, const struct sid_caller *caller,
                          int64_t rest, int64_t *retry_s) {
    int64_t rate = quota_of(app, caller);
    return rate == 0
               ? SID_OK
               : take(caller, rate, rest < rate ? rest : rate - 1, retry_s);
}

bool
sid_app_holds(const struct sid_app *app, const struct sid_caller *caller,
              const char *enrolment_id) {
    char secret[SID_HOLDER_SECRET_SIZE];
    uint8_t hash[SID_SHA256_BYTES] = {0};
    bool same =
        enrolment_id[0] != '\0' && caller->has_holder_secret &&
        sid_holder_secret_make(sid_keyring_holder(app->keys), enrolment_id, 0,
                               secret, hash) == SID_OK &&
        sid_equal_ct(hash, caller->holder_hash, sizeof hash);
    sid_wipe(secret, sizeof secret);
    return same;
}
