/* flow.c: what every flow does alike: being admitted, going to the writer,
 * coming back, naming its actor in the audit log. Any thread; owns nothing. */
#include <stdlib.h>

#include "app_internal.h"
#include "smartid/clock.h"

bool
sid_flow_admit(struct sid_flow *flow) {
    flow->err = SID_OK;
    if (!atomic_load(&flow->app->stopping))
        return true;
    flow->err = SID_E_STOPPING;
    flow->done(flow);
    return false;
}

void *
sid_flow_page(struct sid_flow *flow, int limit, size_t row_size) {
    SID_ASSERT(limit >= 1 && limit <= SID_PAGE_MAX);
    void *rows = calloc((size_t)limit, row_size);
    if (rows == NULL) {
        flow->err = SID_E_NO_MEMORY;
        flow->done(flow);
    }
    return rows;
}

/* A run before may have been rolled back after it had refused. */
static enum sid_err
flow_run(struct sid_op *op, struct sid_store *store) {
    struct sid_flow *flow = (struct sid_flow *)op;
    flow->refusal = SID_OK;
    flow->field = NULL;
    flow->retry_after_s = 0;
    return flow->run(op, store);
}

static void
submit(struct sid_flow *flow, struct sid_writer *writer, sid_op_run_fn *run,
       sid_op_done_fn *done) {
    flow->run = run;
    flow->op.run = flow_run;
    flow->op.done = done;
    sid_writer_submit(writer, &flow->op);
}

void
sid_flow_submit(struct sid_flow *flow, sid_op_run_fn *run,
                sid_op_done_fn *done) {
    submit(flow, flow->app->writer, run, done);
}

void
sid_flow_submit_any(struct sid_flow *flow, sid_op_run_fn *run,
                    sid_op_done_fn *done) {
    submit(flow, sid_writers_pick(flow->app), run, done);
}

enum sid_err
sid_flow_result(const struct sid_op *op) {
    const struct sid_flow *flow = (const struct sid_flow *)op;
    return op->err == SID_OK ? flow->refusal : op->err;
}

void
sid_flow_end(struct sid_op *op) {
    struct sid_flow *flow = (struct sid_flow *)op;
    flow->err = sid_flow_result(op);
    flow->done(flow);
}

const char *
sid_caller_actor(const struct sid_caller *caller) {
    if (caller->client_id[0] != '\0')
        return caller->client_id;
    if (caller->channel[0] != '\0')
        return caller->channel;
    return caller->role == SID_ROLE_HOLDER ? "holder" : "nobody";
}

enum sid_err
sid_app_audit(struct sid_store *store, const char *event, const char *actor,
              const char *subject, const char *outcome, const char *detail) {
    return sid_app_audit_at(store, sid_now_us(), event, actor, subject, outcome,
                            detail);
}

enum sid_err
sid_app_audit_at(struct sid_store *store, int64_t at_us, const char *event,
                 const char *actor, const char *subject, const char *outcome,
                 const char *detail) {
    struct sid_audit_row row = {
        .at_us = at_us,
        .event = event,
        .actor = actor,
        .subject = subject,
        .outcome = outcome,
        .detail = detail,
    };
    return sid_store_audit(store, &row);
}

struct sid_subject
sid_app_subject(const struct sid_app *app, const char *enrolment_id,
                const struct sid_subject_key *key) {
    return (struct sid_subject){app->keys, enrolment_id, key, SID_KEY_DATA};
}

enum sid_err
sid_app_seal_words(const struct sid_subject *subject,
                   const struct sid_place *place, const char *words,
                   struct sid_buf *out) {
    sid_buf_free(out);
    return words[0] == '\0'
               ? SID_OK
               : sid_subject_seal(subject, place, sid_span_str(words), out);
}

bool
sid_caller_owns(const struct sid_caller *caller, const char *client_id,
                const uint8_t holder_hash[SID_SHA256_BYTES]) {
    if (caller->role == SID_ROLE_APP)
        return sid_span_eq(sid_span_str(caller->client_id),
                           sid_span_str(client_id));
    return caller->role == SID_ROLE_HOLDER && caller->has_holder_secret &&
           sid_equal_ct(caller->holder_hash, holder_hash, SID_SHA256_BYTES);
}
