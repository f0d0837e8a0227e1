/* webhook.c: tells the app's backend what happens, from the audit log.
 *
 * A thread of its own reads the log behind the row up to which it has told, and
 * sends the events in it, some at a time, in order. What was taken is noted in
 * the database; what was sent and not noted, because the process died in
 * between, is sent again. While the other side cannot be reached everything
 * waits: nothing but the log grows. An event that it answers and will not take
 * is put aside after some tries, so that the others go on. Owns its thread, its
 * connection and the key of the signature. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/flow_webhook.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/post.h"

/* How often it is looked whether something was committed. Own choice: a second
 * is promised. */
#define LOOK_MS 200
/* Events of one request. Own choice: some 20 KB. */
#define BATCH_MAX 50
/* Rows that one look reads; the writer does nothing else meanwhile. */
#define SCAN_ROWS 500
/* Rows passed over without an event before the place is noted. */
#define NOTE_ROWS 5000
/* Tries of an event that is refused (4xx), and of one that the other side fails
 * at (5xx): with pauses of up to PAUSE_MAX_S three seconds and 16 minutes. */
#define REFUSED_MAX 3
#define FAILED_MAX 20
#define PAUSE_MAX_S 60
#define SECOND_US ((int64_t)1000 * 1000)

struct sid_webhook {
    struct sid_app *app; /* borrowed */
    pthread_t thread;
    atomic_bool stop;
    atomic_bool again; /* refused events may be waiting to be sent once more */
    pthread_mutex_t lock;
    pthread_cond_t wake;            /* under lock: stop or again was set */
    struct sid_webhook_state state; /* under lock */

    /* The thread's alone. */
    struct sid_poster *poster;
    struct sid_mac_key *secret;
    struct sid_config config;
    bool leads; /* the places are known, and nobody else tells */
    struct place {
        bool known;
        int64_t seq;     /* told up to this row */
        int64_t noted;   /* as the database has it */
        int64_t commits; /* when the chain was read to its end */
        int tries;       /* that were answered, of the event behind seq */
    } place[SID_SLOTS_MAX];
    int slot;         /* of the chain at hand */
    int limit;        /* events of the next request */
    int64_t next_us;  /* monotonic: other daemons' chains are looked at */
    int64_t pause_s;  /* the last one */
    int64_t until_us; /* monotonic: no request before */
};

static struct place *
here(struct sid_webhook *hook) {
    return &hook->place[hook->slot];
}

/* ---- reading the log ----------------------------------------------------- */

struct batch {
    struct sid_op op;
    struct sid_webhook *hook;
    int rows, count;
    int64_t seq;                 /* told up to here when this is taken */
    int64_t at_us;               /* of the first event */
    struct sid_dead_event first; /* should it be refused */
    struct sid_buf body;
};

static enum sid_err
append(struct sid_buf *to, const char *text) {
    return sid_buf_append(to, text, strlen(text));
}

static enum sid_err
add_event(struct batch *batch, const struct sid_audit_entry *entry,
          enum sid_event_type type) {
    struct sid_dead_event *first = &batch->first;
    size_t from = batch->body.len + (batch->count > 0 ? 1 : 0);
    enum sid_err err = SID_OK;
    if (batch->count > 0)
        err = append(&batch->body, ",");
    if (err == SID_OK)
        err = sid_event_print(entry, type, &batch->body);
    if (err == SID_OK && batch->count == 0) {
        first->seq = entry->row.seq;
        batch->at_us = entry->row.at_us;
        sid_event_id(entry, first->id);
        (void)snprintf(first->type, sizeof first->type, "%s",
                       sid_event_type_name(type));
        (void)snprintf(first->body, sizeof first->body, "%.*s",
                       (int)(batch->body.len - from),
                       (const char *)batch->body.ptr + from);
    }
    batch->count++;
    return err;
}

static enum sid_err
take_row(const struct sid_audit_entry *entry, void *ctx) {
    struct batch *batch = ctx;
    struct sid_webhook *hook = batch->hook;
    enum sid_event_type type;
    bool is_event = sid_event_of(entry, &type) &&
                    (type != SID_EVENT_CHECKED ||
                     strcmp(hook->config.webhook_checks, "on") == 0);
    batch->rows++;
    if (batch->count == hook->limit)
        return SID_OK; /* for the next one */
    batch->seq = entry->row.seq;
    return is_event ? add_event(batch, entry, type) : SID_OK;
}

static enum sid_err
read_run(struct sid_op *op, struct sid_store *store) {
    struct batch *batch = (struct batch *)op;
    const struct sid_webhook *hook = batch->hook;
    batch->seq = hook->place[hook->slot].seq;
    batch->rows = batch->count = 0;
    sid_buf_clear(&batch->body);
    enum sid_err err = append(&batch->body, "{\"events\":[");
    if (err == SID_OK)
        err =
            sid_store_audit_range(store, batch->seq, sid_chain_high(hook->slot),
                                  SCAN_ROWS, take_row, batch);
    if (err == SID_OK)
        err = append(&batch->body, "]}");
    return err;
}

struct begin {
    struct sid_op op;
    struct sid_webhook_places places;
};

static enum sid_err
begin_run(struct sid_op *op, struct sid_store *store) {
    return sid_webhook_find_places(store, &((struct begin *)op)->places);
}

/* ---- noting what was taken ----------------------------------------------- */

struct note {
    struct sid_op op;
    int64_t told;                        /* 0: nothing new */
    int64_t exhume;                      /* seq of one that was taken; 0 */
    const struct sid_dead_event *buried; /* or NULL */
    int64_t dead;
};

static enum sid_err
note_run(struct sid_op *op, struct sid_store *store) {
    struct note *note = (struct note *)op;
    enum sid_err err = SID_OK;
    if (note->told != 0)
        err = sid_store_webhook_told(store, note->told);
    if (err == SID_OK && note->exhume != 0)
        err = sid_store_webhook_exhume(store, note->exhume);
    if (err == SID_OK && note->buried != NULL)
        err = sid_store_webhook_bury(store, note->buried);
    if (err == SID_OK)
        err = sid_store_webhook_dead_count(store, &note->dead);
    return err;
}

/* True when it is on disk. */
static bool
note(struct sid_webhook *hook, struct note *what) {
    what->op.run = note_run;
    enum sid_err err = sid_writer_run(hook->app->writer, &what->op);
    if (err != SID_OK)
        return false;
    sid_metric_set(SID_M_WEBHOOK_DEAD, what->dead);
    if (what->told != 0) {
        struct place *place = here(hook);
        place->seq = place->noted = what->told;
        place->tries = 0;
    }
    return true;
}

/* ---- sending ------------------------------------------------------------- */

/* What came of a request: "" taken; else a word. */
static void
send_body(struct sid_webhook *hook, struct sid_span body, long *status,
          char why[SID_EVENT_WHY_SIZE]) {
    char signature[SID_EVENT_SIGNATURE_SIZE];
    char header[SID_EVENT_SIGNATURE_SIZE + 24];
    *status = 0;
    enum sid_err err =
        sid_event_sign(hook->secret, sid_now_s(), body, signature);
    (void)snprintf(header, sizeof header, "Smartid-Signature: %s", signature);
    const struct sid_post post = {
        .url = hook->config.webhook_url,
        .ca_file = hook->config.webhook_ca_file,
        .header = header,
        .body = body,
        .stop = &hook->stop,
    };
    if (err == SID_OK)
        err = sid_post(hook->poster, &post, status);
    if (err != SID_OK)
        (void)snprintf(why, SID_EVENT_WHY_SIZE, "%s",
                       err == SID_E_IO ? "unreachable" : sid_err_code(err));
    else if (*status / 100 == 2)
        why[0] = '\0';
    else
        (void)snprintf(why, SID_EVENT_WHY_SIZE, "http_%ld", *status);
}

/* Says so when it begins to fail, and when that is over. */
static void
note_state(struct sid_webhook *hook, const char *why) {
    pthread_mutex_lock(&hook->lock);
    struct sid_webhook_state *state = &hook->state;
    bool failed = state->tried_at_s != 0;
    bool news = failed != (why[0] != '\0');
    if (why[0] == '\0') {
        state->ok_at_s = sid_now_s();
        state->tried_at_s = 0;
    } else {
        state->tried_at_s = sid_now_s();
    }
    (void)snprintf(state->why, sizeof state->why, "%s", why);
    pthread_mutex_unlock(&hook->lock);
    if (why[0] == '\0' && news)
        sid_log(SID_LOG_INFO, "webhook_works");
    else if (news)
        sid_log(SID_LOG_WARN, "webhook_fails", SID_S("why", why));
}

static void
take_pause(struct sid_webhook *hook) {
    hook->pause_s = hook->pause_s == 0 ? 1 : hook->pause_s * 2;
    if (hook->pause_s > PAUSE_MAX_S)
        hook->pause_s = PAUSE_MAX_S;
    hook->until_us = sid_mono_us() + hook->pause_s * SECOND_US;
}

static void
end_pause(struct sid_webhook *hook) {
    hook->pause_s = 0;
    hook->until_us = 0;
}

/* Answers that the same request would get again, now and later. */
static bool
is_refusal(long status) {
    return status / 100 == 4 && status != 408 && status != 425 && status != 429;
}

static void
was_taken(struct sid_webhook *hook, const struct batch *batch) {
    if (!note(hook, &(struct note){.told = batch->seq})) {
        take_pause(hook); /* it will be sent again */
        return;
    }
    sid_metric_add(SID_M_WEBHOOK_SENT, batch->count);
    sid_metric_set(SID_M_WEBHOOK_BEHIND, 0);
    hook->limit = hook->limit * 2 > BATCH_MAX ? BATCH_MAX : hook->limit * 2;
    end_pause(hook);
}

/* Answered, but not taken. Alone each is tried some times, then put aside. */
static void
was_refused(struct sid_webhook *hook, struct batch *batch, long status,
            const char *why) {
    struct sid_dead_event *first = &batch->first;
    bool together = batch->count > 1;
    hook->limit = 1;
    if (together && is_refusal(status))
        return; /* at once, to find out which it is */
    int most = is_refusal(status) ? REFUSED_MAX : FAILED_MAX;
    if (together || ++here(hook)->tries < most) {
        take_pause(hook);
        return;
    }
    first->tries = here(hook)->tries;
    first->tried_at_s = sid_now_s();
    (void)snprintf(first->why, sizeof first->why, "%s", why);
    if (!note(hook, &(struct note){.told = first->seq, .buried = first})) {
        take_pause(hook);
        return;
    }
    end_pause(hook); /* the next one is not to blame */
    sid_log(SID_LOG_WARN, "webhook_event_refused", SID_S("id", first->id),
            SID_S("type", first->type), SID_S("why", why));
}

static void
deliver(struct sid_webhook *hook, struct batch *batch) {
    long status;
    char why[SID_EVENT_WHY_SIZE];
    send_body(hook, sid_buf_span(&batch->body), &status, why);
    if (atomic_load(&hook->stop) && why[0] != '\0')
        return;
    if (why[0] == '\0') {
        was_taken(hook, batch);
    } else {
        sid_metric_add(SID_M_WEBHOOK_FAILED, 1);
        sid_metric_set(SID_M_WEBHOOK_BEHIND,
                       (sid_now_us() - batch->at_us) / SECOND_US);
        if (status == 0)
            take_pause(hook);
        else
            was_refused(hook, batch, status, why);
    }
    note_state(hook, why);
}

/* ---- what was refused, once more ----------------------------------------- */

struct graves {
    struct sid_op op;
    bool found;
    struct sid_dead_event event;
};

static enum sid_err
keep_event(const struct sid_dead_event *event, void *ctx) {
    struct graves *graves = ctx;
    graves->event = *event;
    graves->found = true;
    return SID_OK;
}

static enum sid_err
graves_run(struct sid_op *op, struct sid_store *store) {
    ((struct graves *)op)->found = false;
    return sid_store_webhook_dead_each(store, true, 0, 1, keep_event, op);
}

/* True when there may be another one. */
static bool
replay_one(struct sid_webhook *hook) {
    struct graves graves = {.op = {.run = graves_run, .read_only = true}};
    struct sid_buf body = SID_BUF_EMPTY;
    long status;
    char why[SID_EVENT_WHY_SIZE];
    /* Before the look, so that what is asked for after it is not forgotten. */
    atomic_store(&hook->again, false);
    enum sid_err err = sid_writer_run(hook->app->writer, &graves.op);
    if (err == SID_OK && !graves.found)
        return false;
    atomic_store(&hook->again, true);
    if (err == SID_OK)
        err = append(&body, "{\"events\":[");
    if (err == SID_OK)
        err = append(&body, graves.event.body);
    if (err == SID_OK)
        err = append(&body, "]}");
    bool noted = false;
    if (err == SID_OK) {
        send_body(hook, sid_buf_span(&body), &status, why);
        struct note what = {.exhume = graves.event.seq};
        if (why[0] != '\0') {
            graves.event.tries++;
            graves.event.tried_at_s = sid_now_s();
            (void)snprintf(graves.event.why, sizeof graves.event.why, "%s",
                           why);
            what = (struct note){.buried = &graves.event};
        }
        if (!atomic_load(&hook->stop) || why[0] == '\0')
            noted = note(hook, &what);
        if (noted && why[0] == '\0') {
            sid_metric_add(SID_M_WEBHOOK_SENT, 1);
            end_pause(hook);
        }
    }
    if (!noted)
        take_pause(hook);
    sid_buf_free(&body);
    return noted;
}

/* ---- the thread ---------------------------------------------------------- */

/* Where several daemons are on the database the first of them tells of all
 * chains; its place is taken by another one when it has gone. */
static bool
find_places_due(struct sid_webhook *hook) {
    int64_t now_us = sid_mono_us();
    bool leads = sid_app_leads(hook->app);
    if (!leads || !hook->leads)
        memset(hook->place, 0, sizeof hook->place);
    if (!leads) {
        hook->leads = false;
        return false;
    }
    if (hook->leads && (!hook->app->shared.is || now_us < hook->next_us))
        return true;
    struct begin begin = {.op = {.run = begin_run}};
    if (sid_writer_run(hook->app->writer, &begin.op) != SID_OK)
        return hook->leads;
    for (int slot = 0; slot < SID_SLOTS_MAX; slot++) {
        struct place *place = &hook->place[slot];
        if (begin.places.known[slot] && !place->known)
            *place = (struct place){.known = true,
                                    .seq = begin.places.seq[slot],
                                    .noted = begin.places.seq[slot]};
        place->commits = -1;
    }
    if (hook->app->shared.is) /* whichever of them was asked for it */
        atomic_store(&hook->again, true);
    hook->leads = true;
    hook->next_us = now_us + SECOND_US;
    return true;
}

/* True when there may be more. */
static bool
tell_some(struct sid_webhook *hook) {
    int64_t commits = sid_metric_get(SID_M_COMMITS);
    struct place *place = here(hook);
    if (!place->known || commits == place->commits)
        return false;
    struct batch batch = {.op = {.run = read_run, .read_only = true},
                          .hook = hook,
                          .body = SID_BUF_EMPTY};
    bool more = false;
    if (sid_writer_run(hook->app->writer, &batch.op) != SID_OK) {
        take_pause(hook);
    } else if (batch.count > 0) {
        deliver(hook, &batch);
        more = true;
    } else {
        place->seq = batch.seq;
        more = batch.rows == SCAN_ROWS;
        if (!more)
            place->commits = commits;
        if (place->seq - place->noted >= NOTE_ROWS)
            (void)note(hook, &(struct note){.told = place->seq});
    }
    sid_buf_free(&batch.body);
    return more;
}

/* What was refused goes first. True when there may be more. */
static bool
tell_next(struct sid_webhook *hook) {
    if (atomic_load(&hook->again) && replay_one(hook))
        return true;
    return sid_mono_us() >= hook->until_us && tell_some(hook);
}

/* One chain after the other. */
static void
tell(struct sid_webhook *hook) {
    sid_app_config(hook->app, &hook->config);
    if (hook->config.webhook_url[0] == '\0' || !find_places_due(hook))
        return;
    for (hook->slot = 0; hook->slot < SID_SLOTS_MAX; hook->slot++) {
        bool more = true;
        while (more && !atomic_load(&hook->stop) &&
               sid_mono_us() >= hook->until_us)
            more = tell_next(hook);
    }
}

/* False when it is time to stop. */
static bool
wait_turn(struct sid_webhook *hook) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    int rc = 0;
    pthread_mutex_lock(&hook->lock);
    while (!atomic_load(&hook->stop) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&hook->wake, &hook->lock, &until);
    pthread_mutex_unlock(&hook->lock);
    return !atomic_load(&hook->stop);
}

static void *
webhook_main(void *arg) {
    struct sid_webhook *hook = arg;
    while (wait_turn(hook))
        tell(hook);
    return NULL;
}

/* ---- life ---------------------------------------------------------------- */

static enum sid_err
make_secret(struct sid_webhook *hook) {
    char text[SID_EVENT_SECRET_SIZE];
    enum sid_err err =
        sid_event_secret(sid_keyring_webhook(hook->app->keys), text);
    if (err == SID_OK)
        err = sid_mac_key_new((const uint8_t *)text, &hook->secret);
    sid_wipe(text, sizeof text);
    return err;
}

static void
init_locks(struct sid_webhook *hook) {
    pthread_condattr_t attr;
    SID_ASSERT(pthread_condattr_init(&attr) == 0);
    SID_ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    SID_ASSERT(pthread_cond_init(&hook->wake, &attr) == 0);
    SID_ASSERT(pthread_mutex_init(&hook->lock, NULL) == 0);
    pthread_condattr_destroy(&attr);
}

static void
free_parts(struct sid_webhook *hook) {
    sid_poster_free(&hook->poster);
    sid_mac_key_free(&hook->secret);
    pthread_cond_destroy(&hook->wake);
    pthread_mutex_destroy(&hook->lock);
    free(hook);
}

enum sid_err
sid_webhook_start(struct sid_app *app) {
    struct sid_webhook *hook = calloc(1, sizeof *hook);
    if (hook == NULL)
        return SID_E_NO_MEMORY;
    hook->app = app;
    hook->limit = BATCH_MAX;
    atomic_init(&hook->again, true);
    init_locks(hook);
    enum sid_err err = make_secret(hook);
    if (err == SID_OK)
        err = sid_poster_new(&hook->poster);
    /* Before anything can happen that is to be told. */
    sid_app_config(app, &hook->config);
    if (err == SID_OK && hook->config.webhook_url[0] != '\0')
        (void)find_places_due(hook);
    if (err == SID_OK &&
        pthread_create(&hook->thread, NULL, webhook_main, hook) != 0)
        err = SID_E_INTERNAL;
    if (err != SID_OK) {
        free_parts(hook);
        return err;
    }
    pthread_setname_np(hook->thread, "sid-webhook");
    app->webhook = hook;
    return SID_OK;
}

void
sid_webhook_stop(struct sid_app *app) {
    struct sid_webhook *hook = app->webhook;
    if (hook == NULL)
        return;
    app->webhook = NULL;
    pthread_mutex_lock(&hook->lock);
    atomic_store(&hook->stop, true);
    pthread_cond_signal(&hook->wake);
    pthread_mutex_unlock(&hook->lock);
    pthread_join(hook->thread, NULL);
    free_parts(hook);
}

void
sid_webhook_state(struct sid_app *app, struct sid_webhook_state *out) {
    struct sid_webhook *hook = app->webhook;
    *out = (struct sid_webhook_state){.ok_at_s = 0};
    if (hook == NULL)
        return;
    pthread_mutex_lock(&hook->lock);
    *out = hook->state;
    pthread_mutex_unlock(&hook->lock);
}

void
sid_webhook_replay(struct sid_app *app) {
    if (app->webhook != NULL)
        atomic_store(&app->webhook->again, true);
}
