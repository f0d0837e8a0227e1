/* writers.c: the writers of this daemon. The first does everything; on a server
 * there may be more, each with a connection, a place and an audit chain of its
 * own, which take checks off it while it waits for the server. Owns nothing. */
#include "app_internal.h"
#include "smartid/metrics.h"

void
sid_writers_init(struct sid_app *app, const struct sid_app_parts *parts) {
    SID_ASSERT(parts->more_count < SID_WRITERS_MAX);
    app->writer = parts->writer;
    app->writers[0].writer = parts->writer;
    for (int i = 0; i < parts->more_count; i++)
        app->writers[1 + i] = parts->more[i];
    app->writer_count = 1 + parts->more_count;
}

/* While the first one is free all goes to it, so that batches stay large. */
struct sid_writer *
sid_writers_pick(struct sid_app *app) {
    for (int i = 0; app->writer_count > 1 && i < app->writer_count; i++) {
        if (!sid_writer_busy(app->writers[i].writer))
            return app->writers[i].writer;
    }
    unsigned turn = app->writer_count > 1 ? atomic_fetch_add(&app->turn, 1) : 0;
    return app->writers[turn % (unsigned)app->writer_count].writer;
}

bool
sid_writers_have(const struct sid_app *app, int slot) {
    bool have = slot == app->shared.slot;
    for (int i = 1; i < app->writer_count; i++)
        have = have || slot == app->writers[i].slot;
    return have;
}

static enum sid_err
nothing_run(struct sid_op *op, struct sid_store *store) {
    (void)op;
    (void)store;
    return SID_OK;
}

enum sid_err
sid_writers_finish(struct sid_app *app) {
    enum sid_err err = SID_OK;
    for (int i = 0; i < app->writer_count; i++) {
        struct sid_op fence = {.run = nothing_run, .read_only = true};
        enum sid_err one = sid_writer_run(app->writers[i].writer, &fence);
        err = err == SID_OK ? one : err;
    }
    return err;
}

/* ---- how they are -------------------------------------------------------- */

bool
sid_app_healthy(const struct sid_app *app) {
    bool healthy = true;
    for (int i = 0; i < app->writer_count; i++)
        healthy = healthy && sid_writer_healthy(app->writers[i].writer);
    return healthy;
}

enum sid_err
sid_app_storage(const struct sid_app *app) {
    enum sid_err err = SID_OK;
    for (int i = 0; err == SID_OK && i < app->writer_count; i++)
        err = sid_writer_storage(app->writers[i].writer);
    return err;
}

static void
question_done(struct sid_op *op) {
    atomic_store(&((struct sid_app_question *)op)->open, false);
}

void
sid_app_ask(struct sid_app *app) {
    for (int i = 0; i < app->writer_count; i++) {
        struct sid_app_question *question = &app->question[i];
        if (atomic_exchange(&question->open, true))
            continue;
        question->op = (struct sid_op){
            .run = nothing_run, .done = question_done, .read_only = true};
        sid_writer_submit(app->writers[i].writer, &question->op);
    }
}

bool
sid_app_answered(const struct sid_app *app) {
    bool waits = sid_metric_get(SID_M_STORE_WAITING) > 0;
    for (int i = 0; i < app->writer_count; i++) {
        if (!waits && atomic_load(&app->question[i].open))
            return false;
    }
    return sid_app_healthy(app);
}
