/* purposes_shared.c: several daemons on one database have the same purposes:
 * the last set that is in it is in force at all of them.
 *
 * A daemon puts its file's there when somebody has changed the file: when it
 * starts with a set that was never in force, and when a reload finds others
 * than there were at the last reading. A file that is only old turns nothing
 * back. The built-in ones are nobody's wish: a daemon without a file takes what
 * is there, and puts nothing there when it starts. Main thread, but for what
 * the writer thread finds; the app owns everything. */
#include <stdlib.h>

#include "app_internal.h"
#include "smartid/log.h"
#include "smartid/purposes_file.h"
#include "smartid/store_purposes.h"

struct sid_purposes_news {
    int64_t seq, at_us;
    struct sid_buf said;
};

static void
free_news(struct sid_purposes_news *news) {
    if (news != NULL)
        sid_buf_free(&news->said);
    free(news);
}

/* again: also when it was told before. */
static void
tell_difference(struct sid_app *app, bool again) {
    struct sid_purposes_state *state = &app->shared_purposes;
    bool differs =
        state->own && !sid_purposes_same(&state->file, sid_app_purposes(app));
    if (differs && (again || !state->differs))
        sid_log(SID_LOG_WARN, "purposes_differ",
                SID_S("text",
                      "the purposes file of this daemon is not what is in "
                      "force on this database: 'smartidctl purposes' prints "
                      "what is; a change of the file and a reload put the "
                      "file's into force everywhere"));
    state->differs = differs;
}

/* Puts a set of the database into force; one that cannot be read, as of a
 * later version, is passed over. Errors: SID_E_NO_MEMORY (as if it had not
 * been found). */
static enum sid_err
take(struct sid_app *app, int64_t seq, struct sid_span said) {
    struct sid_purposes set;
    struct sid_config_problem problem = {""};
    enum sid_err err = sid_purposes_parse("database", said, &set, &problem);
    if (err == SID_OK)
        err = sid_app_use_purposes(app, &set);
    if (err == SID_E_NO_MEMORY)
        return err;
    app->shared_purposes.seq = seq;
    if (err == SID_OK)
        sid_log(SID_LOG_INFO, "purposes_taken", SID_N("seq", seq));
    else
        sid_log(SID_LOG_ERROR, "purposes_not_read", SID_N("seq", seq),
                SID_S("why", problem.text));
    return SID_OK;
}

/* ---- start --------------------------------------------------------------- */

struct begin {
    struct sid_op op;
    const char *said;    /* of the file's */
    struct sid_buf last; /* owned; empty: there is none */
    int64_t seq;         /* of the last */
    bool had;            /* the file's were in force at some time */
};

static enum sid_err
begin_run(struct sid_op *op, struct sid_store *store) {
    struct begin *begin = (struct begin *)op;
    sid_buf_free(&begin->last);
    enum sid_err err =
        sid_store_purposes_last(store, 0, &begin->seq, &begin->last);
    if (err == SID_E_NOT_FOUND)
        return SID_OK;
    return err == SID_OK
               ? sid_store_purposes_had(store, begin->said, &begin->had)
               : err;
}

/* The file's, or those of the database. */
static enum sid_err
choose(struct sid_app *app, const struct begin *begin, struct sid_buf *said) {
    struct sid_purposes_state *state = &app->shared_purposes;
    struct sid_span last = sid_buf_span(&begin->last);
    enum sid_err err = SID_OK;
    if (last.len == 0 || sid_span_eq(last, sid_span_str(begin->said)))
        state->seq = begin->seq;
    else if (begin->had || !state->own)
        err = take(app, begin->seq, last);
    if (err == SID_OK && atomic_load(&app->purposes) == NULL)
        err = sid_app_use_purposes(app, &state->file);
    if (err == SID_OK && state->own && !begin->had)
        sid_buf_move(said, &state->due);
    return err;
}

enum sid_err
sid_purposes_begin(struct sid_app *app, const struct sid_purposes *file) {
    struct sid_purposes_state *state = &app->shared_purposes;
    if (!app->shared.is)
        return sid_app_use_purposes(app, file);
    state->file = *file;
    state->own = app->config.purposes_file[0] != '\0';
    struct sid_buf said = SID_BUF_EMPTY;
    struct begin begin = {.op = {.run = begin_run, .read_only = true}};
    enum sid_err err = sid_purposes_print(file, &said);
    begin.said = (const char *)said.ptr;
    if (err == SID_OK)
        err = sid_writer_run(app->writer, &begin.op);
    if (err == SID_OK)
        err = choose(app, &begin, &said);
    if (err == SID_OK)
        tell_difference(app, false);
    sid_buf_free(&begin.last);
    sid_buf_free(&said);
    return err;
}

/* ---- reload -------------------------------------------------------------- */

enum sid_err
sid_purposes_reread(struct sid_app *app, const struct sid_purposes *file,
                    bool *kept, struct sid_buf *said) {
    *kept =
        app->shared.is && sid_purposes_same(file, &app->shared_purposes.file);
    return *kept || !app->shared.is ? SID_OK : sid_purposes_print(file, said);
}

enum sid_err
sid_purposes_reread_done(struct sid_app *app, const struct sid_purposes *file,
                         bool kept, bool own, int64_t seq) {
    struct sid_purposes_state *state = &app->shared_purposes;
    enum sid_err err =
        kept || seq < state->seq ? SID_OK : sid_app_use_purposes(app, file);
    if (err != SID_OK || !app->shared.is)
        return err;
    state->file = *file;
    state->own = own;
    if (seq > state->seq)
        state->seq = seq;
    tell_difference(app, true);
    return SID_OK;
}

/* ---- what others have put there ------------------------------------------ */

void
sid_purposes_tell(struct sid_app *app, int64_t seq, struct sid_buf *take,
                  int64_t at_us) {
    struct sid_purposes_news *news = calloc(1, sizeof *news);
    if (news == NULL)
        return;
    news->seq = seq;
    news->at_us = at_us;
    sid_buf_move(take, &news->said);
    free_news(atomic_exchange(&app->shared_purposes.news, news));
}

void
sid_purposes_tick(struct sid_app *app) {
    struct sid_purposes_state *state = &app->shared_purposes;
    struct sid_purposes_news *news = atomic_exchange(&state->news, NULL);
    if (news == NULL)
        return;
    /* One of its own may have come after what was found. */
    enum sid_err err = SID_OK;
    if (news->seq > state->seq)
        err = take(app, news->seq, sid_buf_span(&news->said));
    if (err == SID_OK) {
        tell_difference(app, false);
        sid_shared_known(app, news->at_us);
    }
    free_news(news);
}

void
sid_purposes_end(struct sid_app *app) {
    free_news(atomic_exchange(&app->shared_purposes.news, NULL));
    sid_buf_free(&app->shared_purposes.due);
}
