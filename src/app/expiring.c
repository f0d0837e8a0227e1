/* expiring.c: credentials that will expire soon are named in the audit log,
 * once each, for the app's backend and the chat to be told. Begun by the main
 * thread, done by the writer in small operations. Owns the operations. */
#include <stdio.h>
#include <stdlib.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/flow_wechat.h"

#define DAY_S ((int64_t)86400)
/* Of one operation. Own choice: a millisecond of the writer's time. */
#define EACH_MAX 100

struct expiring {
    struct sid_op op;
    struct sid_app *app;
    int64_t before_s;
    int count;
    struct {
        char id[SID_ID_SIZE];
        int64_t valid_until_s;
    } found[EACH_MAX];
};

static enum sid_err
keep(const char *credential_id, int64_t valid_until_s, void *ctx) {
    struct expiring *work = ctx;
    (void)snprintf(work->found[work->count].id, SID_ID_SIZE, "%s",
                   credential_id);
    work->found[work->count++].valid_until_s = valid_until_s;
    return SID_OK;
}

/* Who is bound to it by WeChat is told there, too. */
static enum sid_err
tell_chat(const struct sid_app *app, struct sid_store *store, const char *id,
          int64_t valid_until_s) {
    struct sid_credential row = {.serial = 0};
    char operation[64], content[40];
    (void)snprintf(operation, sizeof operation, "%s expiring %lld", id,
                   (long long)valid_until_s);
    (void)snprintf(content, sizeof content, "expiring %lld",
                   (long long)valid_until_s);
    enum sid_err err = sid_store_credential_get(store, id, &row);
    if (err == SID_OK)
        err = sid_contact_tell(app->keys, store, row.enrolment_id, operation,
                               content, sid_now_s());
    sid_credential_fini(&row);
    return err;
}

static enum sid_err
expiring_run(struct sid_op *op, struct sid_store *store) {
    struct expiring *work = (struct expiring *)op;
    work->count = 0;
    enum sid_err err =
        sid_store_expiring_each(store, work->before_s, EACH_MAX, keep, work);
    for (int i = 0; err == SID_OK && i < work->count; i++) {
        char time[SID_TIME_TEXT_SIZE], detail[SID_TIME_TEXT_SIZE + 16];
        sid_time_text(work->found[i].valid_until_s, time);
        (void)snprintf(detail, sizeof detail, "valid_until=%s", time);
        err = sid_app_audit(store, "credential_expiring", "system",
                            work->found[i].id, "soon", detail);
        if (err == SID_OK)
            err = tell_chat(work->app, store, work->found[i].id,
                            work->found[i].valid_until_s);
    }
    return err;
}

static void
expiring_done(struct sid_op *op) {
    free(op);
}

void
sid_expiring_tick(struct sid_app *app) {
    struct sid_config config;
    sid_app_config(app, &config);
    bool nobody =
        config.webhook_url[0] == '\0' && config.wechat_accounts[0] == '\0';
    if (nobody || config.webhook_expiry_days == 0)
        return;
    struct expiring *work = calloc(1, sizeof *work);
    if (work == NULL)
        return; /* the next round will do it */
    work->op.run = expiring_run;
    work->op.done = expiring_done;
    work->op.alone = true; /* what meets another daemon's: the next round */
    work->app = app;
    work->before_s = sid_now_s() + config.webhook_expiry_days * DAY_S;
    sid_writer_submit(app->writer, &work->op);
}
