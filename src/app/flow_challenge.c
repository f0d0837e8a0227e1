/* flow_challenge.c: making a challenge (see flow_challenge.h), and taking it
 * when it is answered. io thread draws, writer stores; owns nothing. */
#include "smartid/flow_challenge.h"

#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"

static enum sid_err
make_run(struct sid_op *op, struct sid_store *store) {
    struct sid_challenge_make *make = (struct sid_challenge_make *)op;
    char steps[SID_STEPS_TEXT_SIZE];
    sid_steps_pack(&make->challenge.steps, steps);
    enum sid_err err = sid_store_challenge_put(store, &make->challenge);
    if (err == SID_OK)
        err = sid_app_audit(store, "challenge_made",
                            sid_caller_actor(&make->flow.caller),
                            make->challenge.id, "made", steps);
    return err;
}

void
sid_challenge_make_start(struct sid_challenge_make *make) {
    struct sid_flow *flow = &make->flow;
    struct sid_challenge *challenge = &make->challenge;
    if (!sid_flow_admit(flow))
        return;
    struct sid_config config;
    sid_app_config(flow->app, &config);
    memcpy(challenge->client_id, flow->caller.client_id,
           sizeof challenge->client_id);
    challenge->made_at_s = sid_now_s();
    challenge->expires_at_s = challenge->made_at_s + config.life_s;
    flow->err = sid_steps_make(make->steps, &challenge->steps);
    if (flow->err == SID_OK)
        flow->err = sid_id_make("chl_", challenge->id);
    if (flow->err == SID_OK)
        sid_flow_submit(flow, make_run, sid_flow_end);
    else
        flow->done(flow);
}

/* ---- taking the answer --------------------------------------------------- */

/* The first frame that is missing or too many, SID_PHOTO_NONE when they are as
 * many as the steps. */
static enum sid_photo_kind
wrong_frame(const struct sid_steps *steps,
            const struct sid_buf sealed[SID_PHOTO_KINDS], bool *missing) {
    for (int i = 0; i < SID_STEPS_MAX; i++) {
        enum sid_photo_kind kind = (enum sid_photo_kind)(SID_PHOTO_FRAME_1 + i);
        bool there = sealed[kind].len > 0, asked = i < steps->count;
        *missing = asked;
        if (there != asked)
            return kind;
    }
    return SID_PHOTO_NONE;
}

static enum sid_err
refuse(struct sid_flow *flow, struct sid_store *store, const char *id,
       const char *why, enum sid_err refusal, const char *field) {
    flow->refusal = refusal;
    flow->field = field;
    return sid_app_audit(store, "challenge_refused",
                         sid_caller_actor(&flow->caller), id,
                         sid_err_code(refusal), why);
}

enum sid_err
sid_enrol_take_challenge(struct sid_flow *flow, struct sid_store *store,
                         const char *id,
                         const struct sid_buf sealed[SID_PHOTO_KINDS],
                         struct sid_enrolment *enrolment) {
    static const char field[] = "challenge_id";
    struct sid_challenge challenge;
    enrolment->challenge =
        (struct sid_challenge_report){.outcome = SID_CHALLENGE_NONE};
    if (id[0] == '\0')
        return SID_OK;
    enum sid_err err = sid_store_challenge_get(store, id, &challenge);
    if (err == SID_E_NOT_FOUND)
        return refuse(flow, store, id, "unknown", SID_E_FIELD_INVALID, field);
    if (err != SID_OK)
        return err;
    const char *why =
        sid_challenge_refused(&challenge, enrolment->client_id, sid_now_s());
    if (why != NULL)
        return refuse(flow, store, id, why, SID_E_FIELD_INVALID, field);
    bool missing = false;
    enum sid_photo_kind wrong = wrong_frame(&challenge.steps, sealed, &missing);
    if (wrong != SID_PHOTO_NONE)
        return refuse(flow, store, id, "frames",
                      missing ? SID_E_FIELD_MISSING : SID_E_FIELD_INVALID,
                      sid_photo_kind_name(wrong));
    enrolment->challenge.outcome = SID_CHALLENGE_OPEN;
    enrolment->challenge.steps = challenge.steps;
    return sid_store_challenge_use(store, id, enrolment->id);
}
