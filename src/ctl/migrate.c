/* migrate.c: smartidctl migrate: moves a database from a file to a server, or
 * back, and looks at what has come over before a daemon may use it.
 *
 * The work is move.h's, the checks that need the keys are check_copy.c's; here
 * are the command and what it says. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "migrate.h"
#include "smartid/clock.h"
#include "smartid/move.h"
#include "smartid/url.h"

/* How often a line about progress is written. */
#define TELL_US ((int64_t)1000 * 1000)

struct migrate {
    const char *from, *to;
    const char *what; /* is being done */
    bool anew, quiet;
    int64_t began_us, told_us;
    int64_t total; /* rows of tables that are done */
    const char *table;
    int64_t rows; /* of the table that is at work */
};

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] migrate --from PLACE --to PLACE [--anew] "
        "[--quiet]\n"
        "\n"
        "Moves the database of the daemon, which must not run, to another "
        "place. A PLACE\nis what `database =` takes: a path, or the URI of a "
        "PostgreSQL server; sqlite:PATH\nis a path, too. The target is made, "
        "or "
        "is one that init has just made. The source\nstays as it is. The "
        "settings are needed for the master key, which stays the\nsame.\n\n"
        "A move that was broken off goes on where it was when it is started "
        "again; until\nit is done no daemon starts on the target. When the "
        "source has changed meanwhile\nthat is said, and --anew begins again. "
        "At the end all rows of both are compared,\nthe audit log is verified, "
        "and a sample of what is sealed is opened.\n",
        to);
    return status;
}

/* ---- what is told -------------------------------------------------------- */

static void
tell_progress(const char *table, int64_t done, int64_t all, void *ctx) {
    struct migrate *me = ctx;
    int64_t now_us = sid_mono_us();

    if (me->table != table) {
        me->table = table;
        me->total += me->rows;
    }
    me->rows = done;
    if (me->quiet || now_us - me->told_us < TELL_US)
        return;
    me->told_us = now_us;
    int64_t per_s = (me->total + done) * 1000000 / (now_us - me->began_us + 1);
    (void)fprintf(
        stderr, "%s: %s %" PRId64 " of %" PRId64 " rows, %" PRId64 " rows/s\n",
        me->what, table, done, all, per_s);
}

static void
start_stage(struct migrate *me, const char *what) {
    me->what = what;
    me->table = NULL;
    me->total = me->rows = 0;
    me->began_us = me->told_us = sid_mono_us();
}

static void
tell_stage(const struct migrate *me, const char *what, int64_t rows) {
    int64_t took_us = sid_mono_us() - me->began_us + 1;
    if (!me->quiet)
        (void)fprintf(
            stderr, "%s: %" PRId64 " rows in %.1f s, %" PRId64 " rows/s\n",
            what, rows, (double)took_us / 1e6, rows * 1000000 / took_us);
}

static int
failed(const char *what, enum sid_err err) {
    (void)fprintf(stderr, "smartidctl: %s: %s\n", what, sid_err_text(err));
    return SID_CTL_FAILED;
}

static int
open_failed(const struct migrate *me, enum sid_move_side side,
            enum sid_err err) {
    const char *place = side == SID_MOVE_FROM ? "--from" : "--to";
    const char *name = side == SID_MOVE_FROM ? me->from : me->to;
    if (err == SID_E_LOCKED) {
        (void)fprintf(stderr,
                      "smartidctl: %s: a daemon, or another smartidctl, uses "
                      "it: stop that first\n",
                      place);
        return SID_CTL_FAILED;
    }
    /* A URI is not repeated. */
    bool is_file = !sid_url_is_server(name);
    (void)fprintf(stderr, "smartidctl: %s%s%s: %s\n", place, is_file ? " " : "",
                  is_file ? name : "", sid_ctl_why(err));
    return SID_CTL_FAILED;
}

static int
begin_failed(enum sid_err err) {
    if (err == SID_E_EXISTS)
        (void)fputs("smartidctl: --to: there are data in it that no move has "
                    "put there; nothing was changed: name a new file, or an "
                    "empty database\n",
                    stderr);
    else if (err == SID_E_CONFLICT)
        (void)fputs("smartidctl: --from has changed since the move into --to "
                    "began, or is another database: --anew begins again from "
                    "nothing\n",
                    stderr);
    else
        return failed("migrate", err);
    return SID_CTL_FAILED;
}

/* ---- the move ------------------------------------------------------------ */

static int
open_keys(struct sid_move *move, enum sid_move_side side,
          const char *master_path, struct sid_keyring **keys) {
    enum sid_err err =
        sid_keys_open_readonly(sid_move_store(move, side), master_path, keys);
    return err == SID_OK ? 0
                         : failed(side == SID_MOVE_FROM ? "the keys of --from"
                                                        : "the keys of --to",
                                  err);
}

static int
check_with_keys(struct sid_move *move, const char *master_path) {
    struct sid_keyring *keys = NULL;
    int status = open_keys(move, SID_MOVE_TO, master_path, &keys);
    if (status == 0)
        status =
            sid_check_copy(sid_move_store(move, SID_MOVE_TO),
                           sid_move_store(move, SID_MOVE_FROM), keys, NULL);
    sid_keyring_free(&keys);
    return status;
}

static int
copy(struct migrate *me, struct sid_move *move) {
    int64_t rows = 0, lost = 0;
    start_stage(me, "copying");
    enum sid_err err = sid_move_copy(move, tell_progress, me, &rows, &lost);
    if (err != SID_OK) {
        (void)failed("copying", err);
        (void)fputs("The same command goes on where it was.\n", stderr);
        return SID_CTL_FAILED;
    }
    tell_stage(me, "copied", rows);
    if (lost > 0)
        (void)printf(
            "photos whose files are gone from the source: %" PRId64 "\n", lost);
    return 0;
}

static int
compare(struct migrate *me, struct sid_move *move) {
    const char *differs = NULL;
    int64_t rows = 0;
    start_stage(me, "comparing");
    enum sid_err err =
        sid_move_compare(move, tell_progress, me, &rows, &differs);
    if (err != SID_OK)
        return failed("comparing", err);
    if (differs != NULL) {
        (void)fprintf(stderr,
                      "smartidctl: the table %s is not the same in both: "
                      "--anew begins again\n",
                      differs);
        return SID_CTL_FAILED;
    }
    tell_stage(me, "compared", rows);
    (void)printf("rows in both, the same in count and SHA-256: %" PRId64 "\n",
                 rows);
    return 0;
}

static int
run(struct migrate *me, struct sid_move *move, const char *master_path) {
    bool resumed = false;
    enum sid_err err = sid_move_begin(move, me->anew, &resumed);
    if (err != SID_OK)
        return begin_failed(err);
    if (resumed && !me->quiet)
        (void)fputs("going on with the move that was begun\n", stderr);
    int status = copy(me, move);
    if (status == 0)
        status = compare(me, move);
    if (status == 0)
        status = check_with_keys(move, master_path);
    if (status != 0)
        return status;
    err = sid_move_finish(move);
    if (err == SID_E_CONFLICT)
        return begin_failed(err);
    if (err != SID_OK)
        return failed("migrate", err);
    (void)puts("moved. Now name the new place in the settings (database =) "
               "before the daemon\nstarts; the old one is as it was, and must "
               "not be used any more.");
    return SID_CTL_OK;
}

static const char *
place_of(const char *text) {
    static const char prefix[] = "sqlite:";
    size_t len = sizeof prefix - 1;
    return strncmp(text, prefix, len) == 0 ? text + len : text;
}

static bool
parse(int argc, char **argv, struct migrate *me) {
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--anew") == 0)
            me->anew = true;
        else if (strcmp(argv[i], "--quiet") == 0)
            me->quiet = true;
        else if (strcmp(argv[i], "--from") == 0)
            me->from = place_of(argv[++i] == NULL ? "" : value);
        else if (strcmp(argv[i], "--to") == 0)
            me->to = place_of(argv[++i] == NULL ? "" : value);
        else
            return false;
    }
    return me->from != NULL && me->to != NULL && me->from[0] != '\0' &&
           me->to[0] != '\0';
}

int
sid_ctl_migrate(const char *config_path, int argc, char **argv) {
    struct migrate me = {0};
    struct sid_config config;
    struct sid_move *move = NULL;
    enum sid_move_side side = SID_MOVE_FROM;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    if (!parse(argc, argv, &me))
        return usage(stderr, SID_CTL_USAGE);
    int status = sid_ctl_load_config(config_path, &config);
    if (status != 0)
        return status;
    if (!sid_url_is_server(me.to) && sid_ctl_check_folder(me.to) != 0)
        return SID_CTL_FAILED;
    enum sid_err err = sid_move_open(me.from, me.to, &side, &move);
    if (err != SID_OK)
        return open_failed(&me, side, err);
    /* A wrong one shall not come to light after hours. */
    struct sid_keyring *keys = NULL;
    status = open_keys(move, SID_MOVE_FROM, config.master_key_file, &keys);
    if (status == 0)
        status = run(&me, move, config.master_key_file);
    sid_move_close(&move);
    sid_keyring_free(&keys);
    return status;
}
