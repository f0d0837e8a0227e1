/* main.c: the daemon: start order, signal loop, stop order; and the way into
 * its face processes, which are this binary too.
 *
 * The main thread owns everything that lives long and serves no request. Start:
 * settings, keys, store, writer, app, server, workers. Stop: quiesce, drain,
 * server, app with its workers, writer with its store, keys. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "smartid/app.h"
#include "smartid/clock.h"
#include "smartid/config.h"
#include "smartid/faceproc.h"
#include "smartid/harden.h"
#include "smartid/inherit.h"
#include "smartid/keys.h"
#include "smartid/log.h"
#include "smartid/notify.h"
#include "smartid/purposes_file.h"
#include "smartid/server.h"
#include "smartid/store_photo.h"
#include "smartid/store_slot.h"
#include "smartid/wechat.h"

#define DEFAULT_CONFIG "/etc/smartidd/smartidd.conf"
#define EXIT_USAGE 2
#define EXIT_CONFIG 78 /* Source: sysexits.h EX_CONFIG */
#define TICK_NS 100000000L
/* The same while a reload waits for the writer, which mostly takes as long as
 * a commit. */
#define SOON_NS 2000000L
/* Longest wait for requests in progress at SIGTERM. */
#define DRAIN_LIMIT_US ((int64_t)20 * 1000 * 1000)
/* How often a reload that could not be stored is tried again. Source: own
 * choice: so that purposes are still known everywhere within 5 s. */
#define RELOAD_AGAIN_US ((int64_t)1000 * 1000)
#define PROBLEM_SIZE 1024
/* Heaps of malloc's: with one, the io threads and the writer wait for each
 * other at it. Source: measured on 2 cores with 256 connections, in turns: 4 to
 * 8 % more checks than with one, p99 an eighth less; 8 or 16 gain no more. What
 * the daemon holds at most with 50 enrolments at once is the same with 1, 4 and
 * 8 (317 to 340 MiB); where photos are taken apart in its own threads
 * (face_isolation = thread) each heap keeps those that it once held. */
#define MALLOC_HEAPS 4

struct daemon {
    const char *config_path;
    struct sid_config config;
    struct sid_purposes purposes;
    char control_path[SID_BESIDE_SIZE], head_path[SID_BESIDE_SIZE];
    struct sid_master *master;
    struct sid_keyring *keys;
    struct sid_keyset *keyset;
    struct sid_store *store;
    struct sid_writer *writer;
    struct sid_app_writer more[SID_WRITERS_MAX - 1]; /* to a server */
    int more_count;
    struct sid_blobs *blobs; /* the store's, which the writer has */
    struct sid_app *app;
    struct sid_wechat *wechat;
    struct sid_server *server;
    struct sid_notify notify;
    struct sid_inherited inherited;
    int64_t beat_us; /* when the service manager was last told of our life */
    bool asked;      /* since then: the writer and the io threads */
    struct reload {
        bool waits; /* for the writer */
        bool again; /* another one was asked for meanwhile */
        bool refused;
        int64_t due_us; /* when it is to be tried again; 0: it is not */
        struct sid_config next;
        struct sid_page_set *pages; /* owned */
    } reload;
};

static const char usage_text[] =
    "usage: smartidd [-c FILE] [--check-config | --print-config]\n"
    "       smartidd --print-example-config | --print-routes\n"
    "       smartidd --version | --help\n"
    "\n"
    "  -c, --config FILE       settings (default " DEFAULT_CONFIG ")\n"
    "  --check-config          read the settings, say what is wrong, end\n"
    "  --print-config          print the settings in force, end\n"
    "  --print-example-config  print every setting with its help, end\n"
    "  --print-routes          print who may use which route, end\n"
    "\n"
    "Signals: TERM and INT finish what runs and end with 0; HUP reads the\n"
    "settings again, takes over what can be changed and logs what cannot.\n";

static int
start_failed_of(const char *stage, enum sid_err err, const char *why) {
    sid_log(SID_LOG_ERROR, "start_failed", SID_S("stage", stage),
            SID_S("code", sid_err_code(err)), SID_S("why", why));
    return err == SID_E_CONFIG || err == SID_E_SECRET_MODE ||
                   err == SID_E_SECRET_FORMAT || err == SID_E_WRONG_KEY
               ? EXIT_CONFIG
               : EXIT_FAILURE;
}

static int
start_failed(const char *stage, enum sid_err err) {
    return start_failed_of(stage, err, sid_err_text(err));
}

static int
load_config(struct daemon *daemon) {
    struct sid_config_problem problem = {""};
    if (sid_config_load(daemon->config_path, &daemon->config, &problem) ==
            SID_OK &&
        sid_purposes_load(daemon->config.purposes_file, &daemon->purposes,
                          &problem) == SID_OK)
        return 0;
    (void)fprintf(stderr, "smartidd: %s\n", problem.text);
    return EXIT_CONFIG;
}

static void
apply_log_level(const struct sid_config *config) {
    enum sid_log_level level;
    if (sid_log_level_parse(config->log_level, &level) == SID_OK)
        sid_log_set_level(level);
}

static int
join(const char *database, struct sid_store **out) {
    enum sid_err err = sid_store_join(database, out);
    if (err == SID_OK)
        return 0;
    sid_log(SID_LOG_ERROR, "database", SID_S("file", database));
    const char *why = sid_store_why();
    return start_failed_of("store", err, why != NULL ? why : sid_err_text(err));
}

/* Further connections to a server, see [store] pg_writers. */
static int
start_more_writers(struct daemon *daemon) {
    int status = 0;
    for (int i = 1; status == 0 && i < daemon->config.pg_writers; i++) {
        struct sid_app_writer *made = &daemon->more[daemon->more_count];
        struct sid_store *store = NULL;
        status = join(daemon->config.database, &store);
        if (status != 0)
            break;
        made->slot = sid_store_slot(store);
        sid_store_use_audit_key(store, sid_keyring_audit(daemon->keys));
        enum sid_err err = sid_store_check_key(store);
        if (err == SID_OK)
            err = sid_writer_new(&store, &made->writer);
        sid_store_close(&store);
        daemon->more_count += err == SID_OK;
        if (err != SID_OK)
            status = start_failed("writer", err);
    }
    return status;
}

/* The store and everything on it; the order is the order of need. */
static int
start_storage(struct daemon *daemon) {
    struct sid_config *config = &daemon->config;
    int status = join(config->database, &daemon->store);
    if (status != 0)
        return status;
    enum sid_err err = sid_keys_open(daemon->store, config->master_key_file,
                                     &daemon->master, &daemon->keys);
    if (err == SID_OK)
        err = sid_store_check_key(daemon->store);
    if (err != SID_OK) {
        sid_log(SID_LOG_ERROR, "master_key",
                SID_S("file", config->master_key_file));
        return start_failed("keys", err);
    }
    daemon->blobs = sid_store_blobs(daemon->store);
    bool shared = sid_store_is_shared(daemon->store);
    err = sid_keyset_new(&daemon->keyset);
    if (err != SID_OK)
        return start_failed("keyset", err);
    err = sid_writer_new(&daemon->store, &daemon->writer);
    if (err != SID_OK)
        return start_failed("writer", err);
    /* After the first, which keeps its lease from now on. */
    return shared ? start_more_writers(daemon) : 0;
}

static int
start_workers(struct daemon *daemon) {
    char problem[PROBLEM_SIZE] = "";
    enum sid_err err =
        sid_app_start_workers(daemon->app, problem, sizeof problem);
    if (err == SID_OK)
        return 0;
    if (problem[0] != '\0')
        sid_log(SID_LOG_ERROR, "face_models", SID_S("why", problem));
    return start_failed("workers", err);
}

/* On sockets of its own the daemon answers as soon as it can check codes. In
 * inherited ones clients wait already: they wait until it can do everything. */
static int
start_doors(struct daemon *daemon) {
    bool inherited = daemon->inherited.count > 0;
    int status = inherited ? start_workers(daemon) : 0;
    if (status != 0)
        return status;
    enum sid_err err =
        sid_server_new(daemon->app, &daemon->config, daemon->control_path,
                       &daemon->inherited, daemon->wechat, &daemon->server);
    if (err != SID_OK)
        return start_failed("server", err);
    return inherited ? 0 : start_workers(daemon);
}

/* Before the webhook's thread: whoever uses libcurl first says how it takes
 * memory. */
static enum sid_err
start_wechat(struct daemon *daemon) {
    struct sid_config_problem problem = {""};
    const struct sid_wechat_parts parts = {
        .config = &daemon->config,
        .app = daemon->app,
        .writer = daemon->writer,
        .keys = daemon->keys,
    };
    enum sid_err err = sid_wechat_new(&parts, &problem, &daemon->wechat);
    if (err != SID_OK && problem.text[0] != '\0')
        sid_log(SID_LOG_ERROR, "wechat_accounts", SID_S("why", problem.text));
    return err;
}

static int
start_service(struct daemon *daemon) {
    struct sid_config *config = &daemon->config;
    struct sid_app_parts parts = {
        .config = config,
        .keys = daemon->keys,
        .master = &daemon->master,
        .writer = daemon->writer,
        .more = daemon->more,
        .more_count = daemon->more_count,
        .blobs = daemon->blobs,
        .keyset = daemon->keyset,
        .purposes = &daemon->purposes,
        .head_file = daemon->head_path,
    };
    sid_config_beside(config, config->head_file, ".heads", daemon->head_path);
    enum sid_err err = sid_app_new(&parts, &daemon->app);
    if (err != SID_OK)
        return start_failed("app", err);
    err = sid_app_audit_start(daemon->app);
    if (err != SID_OK)
        return start_failed("audit", err);
    sid_config_beside(config, config->control_socket, ".sock",
                      daemon->control_path);
    err = start_wechat(daemon);
    if (err != SID_OK)
        return start_failed("wechat", err);
    return start_doors(daemon);
}

static void
stop(struct daemon *daemon) {
    if (daemon->server != NULL) {
        sid_server_drop_pages(&daemon->reload.pages);
        sid_server_quiesce(daemon->server);
        sid_server_settle(daemon->server);
    }
    if (daemon->app != NULL)
        sid_app_quiesce(daemon->app);
    if (daemon->server != NULL &&
        !sid_server_drain(daemon->server, DRAIN_LIMIT_US)) {
        /* The library cannot stop while a request is suspended. What was
         * acknowledged is on disk; the rest is taken up at the next start. */
        sid_log(SID_LOG_ERROR, "drain_incomplete");
        _exit(EXIT_FAILURE);
    }
    sid_server_free(&daemon->server);
    sid_wechat_free(&daemon->wechat);
    sid_app_free(&daemon->app);
    for (int i = 0; i < daemon->more_count; i++)
        sid_writer_free(&daemon->more[i].writer);
    sid_writer_free(&daemon->writer);
    sid_store_close(&daemon->store);
    sid_keyset_free(&daemon->keyset);
    sid_keyring_free(&daemon->keys);
    sid_master_free(&daemon->master);
    sid_inherited_close(&daemon->inherited);
}

static void
log_change(const char *name, const char *value, bool reloadable, void *ctx) {
    (void)ctx;
    (void)value;
    sid_log(reloadable ? SID_LOG_INFO : SID_LOG_WARN, "config_changed",
            SID_S("name", name),
            SID_S("effect", reloadable ? "now" : "needs_restart"));
}

/* Everything is read before anything is taken over. */
static enum sid_err
read_again(struct daemon *daemon, struct sid_config *next,
           struct sid_page_set **pages, struct sid_config_problem *problem) {
    enum sid_err err = sid_config_load(daemon->config_path, next, problem);
    if (err == SID_OK)
        err =
            sid_purposes_load(next->purposes_file, &daemon->purposes, problem);
    if (err == SID_OK)
        err = sid_server_read_pages(daemon->server, next, problem, pages);
    return err;
}

static void
take_over(struct daemon *daemon) {
    const struct sid_config *next = &daemon->reload.next;
    sid_server_take_pages(daemon->server, &daemon->reload.pages);
    sid_config_diff(&daemon->config, next, log_change, NULL);
    sid_config_take_reloadable(&daemon->config, next);
    apply_log_level(&daemon->config);
    sid_log(SID_LOG_INFO, "reloaded");
}

/* err: whether it was written down. */
static void
end_reload(struct daemon *daemon, enum sid_err err) {
    if (daemon->reload.refused && err != SID_OK) {
        sid_log(SID_LOG_ERROR, "reload_not_recorded");
    } else if (err != SID_OK) {
        sid_log(SID_LOG_ERROR, "reload_refused",
                SID_S("why", sid_err_text(err)));
        sid_server_drop_pages(&daemon->reload.pages);
        daemon->reload.due_us = sid_mono_us() + RELOAD_AGAIN_US;
    } else if (!daemon->reload.refused) {
        take_over(daemon);
    }
    sid_notify_ready(&daemon->notify);
}

/* Nothing waits here for the database: a server may be silent for long. */
static void
reload(struct daemon *daemon) {
    struct sid_config_problem problem = {""};
    daemon->reload.again = false;
    daemon->reload.due_us = 0;
    sid_notify_reloading(&daemon->notify);
    enum sid_err err = read_again(daemon, &daemon->reload.next,
                                  &daemon->reload.pages, &problem);
    daemon->reload.refused = err != SID_OK;
    if (err != SID_OK)
        sid_log(SID_LOG_ERROR, "reload_refused", SID_S("why", problem.text));
    err = daemon->reload.refused
              ? sid_app_reload(daemon->app, NULL, NULL)
              : sid_app_reload(daemon->app, &daemon->reload.next,
                               &daemon->purposes);
    if (err != SID_OK)
        end_reload(daemon, err);
    else
        daemon->reload.waits = true;
}

/* What could not be stored, once something can be. */
static bool
reload_is_due(const struct daemon *daemon) {
    return daemon->reload.due_us != 0 &&
           sid_mono_us() >= daemon->reload.due_us &&
           sid_app_storage(daemon->app) == SID_OK;
}

static void
tick_reload(struct daemon *daemon, bool asked) {
    enum sid_err err = SID_OK;
    daemon->reload.again =
        daemon->reload.again || asked || reload_is_due(daemon);
    if (daemon->reload.waits && sid_app_reloaded(daemon->app, &err)) {
        daemon->reload.waits = false;
        end_reload(daemon, err);
    }
    if (daemon->reload.again && !daemon->reload.waits)
        reload(daemon);
}

/* Says that the daemon lives, a third of the time before its silence is taken
 * for a hang; but only when the writer and every io thread have said so since
 * the last time. */
static void
beat(struct daemon *daemon) {
    int64_t now_us = sid_mono_us();
    if (daemon->notify.watchdog_us == 0 ||
        now_us < daemon->beat_us + daemon->notify.watchdog_us / 3)
        return;
    if (!daemon->asked) {
        sid_app_ask(daemon->app);
        sid_server_ask(daemon->server);
        daemon->asked = true;
    }
    if (!sid_app_answered(daemon->app) || !sid_server_answered(daemon->server))
        return;
    sid_notify_alive(&daemon->notify);
    daemon->beat_us = now_us;
    daemon->asked = false;
}

/* Returns the exit status. */
static int
signal_loop(struct daemon *daemon, const sigset_t *signals) {
    for (;;) {
        struct timespec tick = {.tv_nsec =
                                    daemon->reload.waits ? SOON_NS : TICK_NS};
        int got = sigtimedwait(signals, NULL, &tick);
        if (got == SIGTERM || got == SIGINT) {
            sid_log(SID_LOG_INFO, "stopping",
                    SID_S("signal", got == SIGTERM ? "TERM" : "INT"));
            return EXIT_SUCCESS;
        }
        /* What memory and disk hold is not the same any more, and only opening
         * the database again tells what is on disk. */
        if (!sid_app_healthy(daemon->app)) {
            sid_log(SID_LOG_ERROR, "stopping",
                    SID_S("why", "the database cannot be trusted until it is "
                                 "opened again, see writer_stopped"));
            return EXIT_FAILURE;
        }
        tick_reload(daemon, got == SIGHUP);
        sid_app_tick(daemon->app);
        sid_wechat_tick(daemon->wechat);
        sid_server_tick(daemon->server);
        beat(daemon);
    }
}

static int
serve(struct daemon *daemon) {
    sigset_t signals;
    int64_t start_us = sid_mono_us();
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    /* Before any thread: they all inherit it, so that only the loop below sees
     * these signals. */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(0077);
    apply_log_level(&daemon->config);
    sid_harden();
    enum sid_err err = sid_crypto_init();
    if (err != SID_OK)
        return start_failed("crypto", err);
    err = sid_notify_open(&daemon->notify);
    if (err == SID_OK)
        err = sid_inherit(&daemon->inherited);
    if (err != SID_OK)
        return start_failed("service_manager", err);
    if (sid_clock_is_test())
        sid_log(SID_LOG_WARN, "test_clock",
                SID_S("note", "this build's clock can be shifted: never use it "
                              "for real"));
    int status = start_storage(daemon);
    if (status == 0)
        status = start_service(daemon);
    if (status == 0) {
        sid_log(SID_LOG_INFO, "ready", SID_S("version", SID_VERSION),
                SID_S("address", daemon->inherited.count > 0
                                     ? "inherited"
                                     : daemon->config.listen_address),
                SID_N("port", sid_server_port(daemon->server)),
                SID_N("start_ms", (sid_mono_us() - start_us) / 1000));
        sid_notify_ready(&daemon->notify);
        status = signal_loop(daemon, &signals);
        /* In this order: who is told may rely on it that no answer from now on
         * keeps its connection. */
        sid_server_quiesce(daemon->server);
        sid_notify_stopping(&daemon->notify);
    }
    stop(daemon);
    sid_notify_close(&daemon->notify);
    sid_log(SID_LOG_INFO, "stopped");
    sid_crypto_fini();
    return status;
}

enum action { SERVE, CHECK, PRINT };

static int
parse_arguments(int argc, char **argv, struct daemon *daemon,
                enum action *action) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'k'},
        {"print-config", no_argument, NULL, 'p'},
        {"print-example-config", no_argument, NULL, 'e'},
        {"print-routes", no_argument, NULL, 'r'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c') {
            daemon->config_path = optarg;
        } else if (option == 'k') {
            *action = CHECK;
        } else if (option == 'p') {
            *action = PRINT;
        } else if (option == 'e') {
            sid_config_print_example(stdout);
            exit(EXIT_SUCCESS);
        } else if (option == 'r') {
            sid_server_print_routes(stdout);
            exit(EXIT_SUCCESS);
        } else if (option == 'v') {
            (void)printf("smartidd %s%s\n", SID_VERSION,
                         sid_clock_is_test() ? " (test clock)" : "");
            exit(EXIT_SUCCESS);
        } else if (option == 'h') {
            (void)fputs(usage_text, stdout);
            exit(EXIT_SUCCESS);
        } else {
            (void)fputs(usage_text, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "smartidd: what is '%s'?\n%s", argv[optind],
                      usage_text);
        return EXIT_USAGE;
    }
    return 0;
}

int
main(int argc, char **argv) {
    static struct daemon daemon = {.config_path = DEFAULT_CONFIG};
    enum action action = SERVE;
    int status = EXIT_SUCCESS;
    if (sid_faceproc_was(argc, argv, &status))
        return status;
    (void)mallopt(M_ARENA_MAX, MALLOC_HEAPS);
    status = parse_arguments(argc, argv, &daemon, &action);
    if (status == 0)
        status = load_config(&daemon);
    if (status != 0)
        return status;
    if (action == CHECK) {
        (void)printf("%s: settings are valid\n", daemon.config_path);
        return EXIT_SUCCESS;
    }
    if (action == PRINT) {
        sid_config_print(&daemon.config, stdout);
        return EXIT_SUCCESS;
    }
    return serve(&daemon);
}
