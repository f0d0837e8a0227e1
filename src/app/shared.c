/* shared.c: several daemons on one database: what one of them keeps in memory
 * follows what another has changed.
 *
 * Each second the main thread has the writer look: at clients, keys and
 * purposes that are not what is in memory, at daemons that have died with
 * enrolments in hand, at who is there. What was found is taken over on the
 * writer thread, but for purposes, which are the main thread's. One that is the
 * lowest of those that live does what only one need do. Nothing is asked where
 * there can be no other. */
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/keys.h"
#include "smartid/log.h"
#include "smartid/store_purposes.h"

/* Source: issue 8, letter C: a change is known everywhere within 5 s. */
#define LOOK_EVERY_US ((int64_t)1000 * 1000)
#define KNOWN_WITHIN_US ((int64_t)5 * 1000 * 1000)

struct look {
    struct sid_op op;
    struct sid_app *app;
    struct sid_client_mark mark;
    struct sid_client *clients; /* owned; when the mark is another one */
    size_t count;
    struct sid_key_news news;
    enum sid_err keys_err; /* of the news */
    int64_t purposes_known, purposes_seq;
    struct sid_buf said; /* owned; of newer purposes */
    enum sid_err purposes_err;
    int lowest;    /* of the slots that live */
    int64_t at_us; /* monotonic: what was done before it, it has seen */
    bool orphans;
};

/* ---- looking ------------------------------------------------------------- */

static enum sid_err
keep_client(const struct sid_client *client, void *ctx) {
    struct look *look = ctx;
    if ((look->count & (look->count - 1)) == 0) { /* full at powers of two */
        size_t room = look->count == 0 ? 1 : look->count * 2;
        struct sid_client *more =
            reallocarray(look->clients, room, sizeof *more);
        if (more == NULL)
            return SID_E_NO_MEMORY;
        look->clients = more;
    }
    look->clients[look->count++] = *client;
    return SID_OK;
}

static enum sid_err
look_at_clients(struct look *look, struct sid_store *store) {
    const struct sid_client_mark *old = &look->app->shared.mark;
    enum sid_err err = sid_store_client_mark(store, &look->mark);
    if (err != SID_OK ||
        (look->mark.count == old->count && look->mark.revoked == old->revoked))
        return err;
    return sid_store_client_each(store, keep_client, look);
}

static enum sid_err
look_at_slot(int slot, void *ctx) {
    struct look *look = ctx;
    if (look->lowest < 0)
        look->lowest = slot;
    return SID_OK;
}

/* People's keys are wrapped again once everybody makes new ones under the new
 * version. */
static enum sid_err
look_at_settled(struct look *look, struct sid_store *store) {
    const int *now = look->news.settled, *then = look->app->shared.settled;
    return now[SID_KEY_DATA] == then[SID_KEY_DATA] &&
                   now[SID_KEY_TEMPLATE] == then[SID_KEY_TEMPLATE]
               ? SID_OK
               : sid_keys_rewrap_begin(look->app, store);
}

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct look *look = (struct look *)op;
    struct sid_app *app = look->app;
    look->count = 0;
    look->lowest = -1;
    look->orphans = false;
    sid_buf_free(&look->said);
    look->at_us = sid_mono_us();
    enum sid_err err = look_at_clients(look, store);
    look->keys_err = SID_E_NOT_FOUND;
    if (err == SID_OK && app->master != NULL)
        look->keys_err = sid_keys_follow_in(store, *app->master, app->keys,
                                            sid_now_s(), &look->news);
    if (err == SID_OK && look->keys_err == SID_OK)
        err = look_at_settled(look, store);
    if (err == SID_OK)
        look->purposes_err = sid_store_purposes_last(
            store, look->purposes_known, &look->purposes_seq, &look->said);
    if (err == SID_OK)
        err = sid_store_slot_each(store, sid_now_us() - SID_DEAD_AFTER_US,
                                  look_at_slot, look);
    if (err == SID_OK)
        err = sid_enrol_orphaned(store, &look->orphans);
    return err == SID_OK ? sid_store_recount(store) : err;
}

/* ---- taking over what was found ------------------------------------------ */

/* Whether all are known as they were when the look began. */
static bool
follow_clients(struct look *look) {
    struct sid_app *app = look->app;
    enum sid_err err = SID_OK;
    for (size_t i = 0; err == SID_OK && i < look->count; i++)
        err = sid_keyset_follow(app->keyset, &look->clients[i]);
    if (err != SID_OK)
        return false; /* with the next look */
    app->shared.mark = look->mark;
    return true;
}

static const char *
why_not_followed(enum sid_err err) {
    return err == SID_E_WRONG_KEY
               ? "another daemon on this database has changed the master key: "
                 "nothing is answered until the new key's file is in place "
                 "here and this one is restarted"
               : "nothing is answered until the keys can be read";
}

/* False: what was destroyed may still be here. */
static bool
follow_keys(struct look *look) {
    struct sid_app *app = look->app;
    if (app->master == NULL)
        return true;
    bool followed = look->keys_err == SID_OK;
    if (followed) {
        sid_keys_follow(app->keys, &look->news);
        memcpy(app->shared.settled, look->news.settled,
               sizeof app->shared.settled);
    } else if (++app->shared.keys_failed == 2) {
        /* Once may be a look in the batch that changes the master key here. */
        sid_log(SID_LOG_ERROR, "keys_not_followed",
                SID_S("code", sid_err_code(look->keys_err)),
                SID_S("text", why_not_followed(look->keys_err)));
    }
    if (followed)
        app->shared.keys_failed = 0;
    return followed;
}

static void
lead(struct sid_app *app, bool now) {
    if (atomic_exchange(&app->shared.leads, now) != now)
        sid_log(SID_LOG_INFO, now ? "leads" : "follows",
                SID_N("slot", app->shared.slot));
}

/* Newer ones are known when the main thread has put them into force. rest: all
 * else is known. */
static void
follow_purposes(struct look *look, bool rest) {
    struct sid_shared_state *shared = &look->app->shared;
    bool failed =
        look->purposes_err != SID_OK && look->purposes_err != SID_E_NOT_FOUND;
    if (look->purposes_err == SID_OK)
        sid_purposes_tell(look->app, look->purposes_seq, &look->said,
                          rest ? look->at_us : 0);
    else if (rest)
        sid_shared_known(look->app, look->at_us);
    if (failed && !shared->purposes_failed)
        sid_log(SID_LOG_ERROR, "purposes_not_followed",
                SID_S("code", sid_err_code(look->purposes_err)));
    shared->purposes_failed = failed;
}

static void
look_done(struct sid_op *op) {
    struct look *look = (struct look *)op;
    struct sid_app *app = look->app;
    if (op->err == SID_OK) {
        bool clients = follow_clients(look);
        bool keys = follow_keys(look);
        lead(app, sid_writers_have(app, look->lowest));
        follow_purposes(look, clients && keys);
        if (look->orphans)
            sid_enrol_take_over(app);
    }
    sid_wipe(&look->news, sizeof look->news);
    free(look->clients);
    sid_buf_free(&look->said);
    free(look);
    atomic_store(&app->shared.looking, false);
}

static void
look_now(struct sid_app *app) {
    if (atomic_exchange(&app->shared.looking, true))
        return;
    struct look *look = calloc(1, sizeof *look);
    if (look == NULL) {
        atomic_store(&app->shared.looking, false);
        return; /* the next one */
    }
    look->op =
        (struct sid_op){.run = look_run, .done = look_done, .read_only = true};
    look->app = app;
    look->purposes_known = app->shared_purposes.seq;
    sid_writer_submit(app->writer, &look->op);
}

/* ---- begin, tick --------------------------------------------------------- */

enum sid_err
sid_shared_begin(struct sid_app *app, struct sid_store *store) {
    app->shared.is = sid_store_is_shared(store);
    app->shared.slot = sid_store_slot(store);
    atomic_store(&app->shared.known_us, sid_mono_us());
    atomic_store(&app->shared.leads, !app->shared.is);
    for (int use = 0; use < SID_KEY_USE_COUNT; use++)
        app->shared.settled[use] =
            sid_keyring_current(app->keys, (enum sid_key_use)use);
    return sid_store_client_mark(store, &app->shared.mark);
}

void
sid_shared_known(struct sid_app *app, int64_t at_us) {
    /* Two at once may leave the older one: the next look comes soon. */
    if (at_us > atomic_load(&app->shared.known_us))
        atomic_store(&app->shared.known_us, at_us);
}

bool
sid_app_leads(const struct sid_app *app) {
    return atomic_load(&app->shared.leads);
}

bool
sid_app_knows_clients(const struct sid_app *app) {
    return !app->shared.is ||
           sid_mono_us() - atomic_load(&app->shared.known_us) < KNOWN_WITHIN_US;
}

void
sid_shared_tick(struct sid_app *app, int64_t now_us) {
    sid_purposes_tick(app);
    if (!app->shared.is || now_us < app->shared.next_us ||
        atomic_load(&app->stopping))
        return;
    app->shared.next_us = now_us + LOOK_EVERY_US;
    look_now(app);
    sid_wait_look(app);
}
