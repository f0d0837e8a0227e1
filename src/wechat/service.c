/* service.c: the accounts at work: made at the start, asked by the routes,
 * driven by the tick, ended at the stop (see wechat.h). Main thread, but for
 * what only reads. Owns accounts, secrets, texts, channels and the client. */
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

/* How often the outbox is looked into for what others have put there. */
#define LOOK_EVERY_US ((int64_t)500 * 1000)

/* ---- starting ------------------------------------------------------------ */

static enum sid_err
judge_client(const struct sid_wechat *wechat,
             const struct sid_wechat_account *account,
             struct sid_config_problem *problem) {
    enum sid_role role;
    if (sid_app_client_role(wechat->app, account->client, &role) == SID_OK &&
        role == SID_ROLE_APP)
        return SID_OK;
    (void)snprintf(problem->text, sizeof problem->text,
                   "wechat.%s.client: %s is no client of role app; accepted: "
                   "one of those that smartidctl client list has",
                   account->name, account->client);
    return SID_E_CONFIG;
}

struct purpose_check {
    const struct sid_wechat_account *account;
    struct sid_config_problem *problem;
    bool bad;
};

static void
note_unknown(const char *name, void *ctx) {
    struct purpose_check *check = ctx;
    check->bad = true;
    (void)snprintf(check->problem->text, sizeof check->problem->text,
                   "wechat.%s.purposes: there is no purpose %s; accepted: "
                   "those of the purposes' file",
                   check->account->name, name);
}

static enum sid_err
judge_purposes(const struct sid_wechat *wechat,
               const struct sid_wechat_account *account,
               struct sid_config_problem *problem) {
    struct purpose_check check = {account, problem, false};
    (void)sid_purposes_resolve(sid_app_purposes(wechat->app), account->purposes,
                               note_unknown, &check);
    return check.bad ? SID_E_CONFIG : SID_OK;
}

static enum sid_err
open_lines(struct sid_wechat *wechat, struct sid_config_problem *problem) {
    enum sid_err err = SID_OK;
    for (size_t i = 0; err == SID_OK && i < wechat->accounts.count; i++) {
        const struct sid_wechat_account *account = &wechat->accounts.item[i];
        struct wechat_line *line = &wechat->line[i];
        err = judge_client(wechat, account, problem);
        if (err == SID_OK)
            err = judge_purposes(wechat, account, problem);
        if (err == SID_OK)
            err = sid_wechat_texts_load(account->texts_file, &line->texts,
                                        problem);
        if (err == SID_OK)
            err = sid_wechat_channel_new(account, SID_WECHAT_REPLAY_CAPACITY,
                                         &line->channel);
    }
    return err;
}

static enum sid_err
start_api(struct sid_wechat *wechat, const struct sid_config *config) {
    struct sid_wechat_api_config api;
    sid_wechat_api_config_default(&api);
    api.accounts = &wechat->accounts;
    api.timeout_ms = config->wechat_timeout_s * 1000;
    api.attempts = (int)config->wechat_attempts;
    api.breaker_failures = (int)config->wechat_pause_after;
    api.breaker_ms = config->wechat_pause_s * 1000;
    if (api.breaker_max_ms < api.breaker_ms)
        api.breaker_max_ms = api.breaker_ms;
    api.media_max_bytes = (size_t)config->photo_max_bytes;
    return sid_wechat_api_new(&api, &wechat->api);
}

struct recover {
    struct sid_op op;
    int64_t lost;
};

static enum sid_err
recover_run(struct sid_op *op, struct sid_store *store) {
    return sid_store_errand_recover(store, &((struct recover *)op)->lost);
}

enum sid_err
sid_wechat_new(const struct sid_wechat_parts *parts,
               struct sid_config_problem *problem, struct sid_wechat **out) {
    const struct sid_config *config = parts->config;
    if (config->wechat_accounts[0] == '\0')
        return SID_OK;
    struct sid_wechat *made = calloc(1, sizeof *made);
    struct recover recover = {.op = {.run = recover_run}};
    if (made == NULL)
        return SID_E_NO_MEMORY;
    made->app = parts->app;
    made->writer = parts->writer;
    made->keys = parts->keys;
    SID_ASSERT(pthread_mutex_init(&made->lock, NULL) == 0);
    enum sid_err err = sid_id_make("run_", made->run);
    if (err == SID_OK)
        err = sid_wechat_accounts_load(config->wechat_accounts, &made->accounts,
                                       problem);
    if (err == SID_OK)
        err = open_lines(made, problem);
    if (err == SID_OK)
        err = sid_writer_run(made->writer, &recover.op);
    if (err == SID_OK)
        err = start_api(made, config);
    if (err != SID_OK) {
        sid_wechat_free(&made);
        return err;
    }
    sid_log(SID_LOG_INFO, "wechat_ready",
            SID_N("accounts", (int64_t)made->accounts.count),
            SID_N("lost", recover.lost));
    *out = made;
    return SID_OK;
}

/* ---- running and stopping ------------------------------------------------ */

void
sid_wechat_tick(struct sid_wechat *wechat) {
    if (wechat == NULL)
        return;
    int64_t now_us = sid_mono_us();
    bool look = now_us >= wechat->next_look_us;
    if (look) {
        wechat->next_look_us = now_us + LOOK_EVERY_US;
        wechat_mail_unpark(wechat);
    }
    for (size_t i = 0; i < wechat->accounts.count; i++) {
        if (look)
            wechat_mail_look(wechat, i);
        else if (!atomic_load(&wechat->line[i].idle))
            wechat_mail_next(wechat, i);
    }
}

static enum sid_err
nothing_run(struct sid_op *op, struct sid_store *store) {
    (void)op;
    (void)store;
    return SID_OK;
}

/* What is under way on the writer's thread is over; so it is when the store
 * fails, too. */
static void
fence(struct sid_wechat *wechat) {
    struct sid_op op = {.run = nothing_run, .read_only = true};
    (void)!sid_writer_run(wechat->writer, &op);
}

static bool
busy(const struct sid_wechat *wechat) {
    int under_way = 0;
    for (size_t i = 0; i < wechat->accounts.count; i++)
        under_way += atomic_load(&wechat->line[i].under_way);
    return under_way > 0;
}

void
sid_wechat_free(struct sid_wechat **wechat) {
    struct sid_wechat *me = *wechat;
    if (me == NULL)
        return;
    *wechat = NULL;
    atomic_store(&me->stopping, true);
    fence(me); /* whoever calls from now on sees that we stop */
    sid_wechat_api_free(&me->api); /* every call has come back */
    /* Errands go to the writer and, for an enrolment, the app and back. The
     * last fence is for who has counted itself out and is still on the way. */
    for (bool over = false; !over;) {
        over = !busy(me);
        wechat_mail_unpark(me);
        fence(me);
    }
    for (size_t i = 0; i < me->accounts.count; i++) {
        sid_wechat_channel_free(&me->line[i].channel);
        sid_wechat_texts_free(&me->line[i].texts);
    }
    sid_wechat_accounts_free(&me->accounts);
    pthread_mutex_destroy(&me->lock);
    sid_free_wiped(me);
}

/* ---- for the routes ------------------------------------------------------ */

bool
sid_wechat_find(const struct sid_wechat *wechat, const char *name,
                size_t name_len, size_t *account) {
    for (size_t i = 0; wechat != NULL && i < wechat->accounts.count; i++) {
        const char *has = wechat->accounts.item[i].name;
        if (strlen(has) == name_len && memcmp(has, name, name_len) == 0) {
            *account = i;
            return true;
        }
    }
    return false;
}

const struct sid_wechat_account *
sid_wechat_account(const struct sid_wechat *wechat, size_t account) {
    return &wechat->accounts.item[account];
}

const struct sid_wechat_account *
sid_wechat_domain(const struct sid_wechat *wechat, const char *name) {
    for (size_t i = 0; wechat != NULL && i < wechat->accounts.count; i++) {
        const struct sid_wechat_account *account = &wechat->accounts.item[i];
        if (account->domain_name[0] != '\0' &&
            strcmp(account->domain_name, name) == 0)
            return account;
    }
    return NULL;
}

const struct sid_wechat_texts *
sid_wechat_texts(const struct sid_wechat *wechat, size_t account) {
    return wechat->line[account].texts;
}

struct sid_wechat_api *
sid_wechat_api(const struct sid_wechat *wechat) {
    return wechat->api;
}

static void
log_refused(const struct sid_wechat *wechat, size_t account, enum sid_err err) {
    sid_metric_add(SID_M_WECHAT_PUSH_REFUSED, 1);
    sid_log(SID_LOG_WARN, "wechat_push_refused",
            SID_S("account", wechat->accounts.item[account].name),
            SID_S("code", sid_err_code(err)));
}

enum sid_err
sid_wechat_verify_url(const struct sid_wechat *wechat, size_t account,
                      const struct sid_wechat_query *query) {
    enum sid_err err = sid_wechat_channel_verify_url(
        wechat->line[account].channel, query, sid_now_s());
    if (err != SID_OK)
        log_refused(wechat, account, err);
    return err;
}

enum sid_err
sid_wechat_take(struct sid_wechat *wechat, size_t account,
                const struct sid_wechat_query *query, struct sid_span body,
                struct sid_wechat_taken *out) {
    enum sid_err err = sid_wechat_channel_take(wechat->line[account].channel,
                                               query, body, sid_now_s(), out);
    if (err != SID_OK)
        log_refused(wechat, account, err);
    return err;
}
