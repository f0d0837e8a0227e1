/* server.c: starting and stopping libmicrohttpd on the two listeners. Main
 * thread; the callbacks at the end run on io threads. Owns the listening
 * sockets, the daemons, their threads and the linger thread. */
#include "smartid/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"
#include "page_files.h"
#include "refusal.h"
#include "request.h"
#include "server_priv.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/text.h"

/* Memory of one connection; a longer head gets 431. libmicrohttpd wipes all of
 * it after each request: at 64 KiB that was 7 % of a verification (perf). It
 * does not when the connection ends first. Up to 32 KiB the memory is malloc's,
 * in which the head of the last request then stayed; above, it is mapped, and
 * goes back to the kernel with all that is in it. */
#define CONNECTION_MEMORY_BYTES ((size_t)36 * 1024)
/* smartidctl opens one connection at a time. */
#define CONTROL_CONNECTIONS 16u
/* How often a stop looks whether the last answers are out. */
#define DRAIN_POLL_US 1000
/* How long a stop waits for answers that are written but not yet taken. */
#define FLUSH_US ((int64_t)1000 * 1000)
/* How long a stop waits for what clients have begun, or have connected for.
 * Source: own choice; 16 MiB from a proxy on this machine take some 20 ms. */
#define SETTLE_US ((int64_t)2000 * 1000)

/* Only the constant part of the message: its arguments may be a client's. */
static void
log_line(void *cls, const char *format, va_list args) {
    (void)cls;
    (void)args;
    char text[256];
    (void)snprintf(text, sizeof text, "%s", format);
    text[strcspn(text, "\n")] = '\0';
    sid_log(SID_LOG_DEBUG, "microhttpd", SID_S("text", text));
}

/* The end is told before the socket is closed. */
static void
connection_changed(void *cls, struct MHD_Connection *connection, void **context,
                   enum MHD_ConnectionNotificationCode code) {
    struct sid_door *door = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        sid_metric_add(SID_M_CONNECTIONS, 1);
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(
            connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info == NULL
                       ? NULL
                       : sid_guest_enter(&door->guests, info->connect_fd,
                                         sid_mono_us() +
                                             door->server->head_timeout_us);
    } else {
        sid_metric_add(SID_M_CONNECTIONS, -1);
        sid_guest_leave(&door->guests, *context);
        *context = NULL;
    }
}

static enum sid_err
start_door(struct sid_door *door, unsigned connections,
           unsigned idle_timeout_s) {
    sid_guests_init(&door->guests, door->server->linger);
    /* STRICT_FOR_CLIENT stays off: head.c judges all that it would, and
     * 0.9.75's own refusal of a missing Host sends its head twice. */
    door->daemon = MHD_start_daemon(
        sid_loop_flags() | (unsigned)MHD_USE_ERROR_LOG, 0, NULL, NULL,
        sid_request_step, door, MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL,
        MHD_OPTION_LISTEN_SOCKET, door->listen_fd,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT,
        idle_timeout_s, MHD_OPTION_URI_LOG_CALLBACK, sid_request_begin, door,
        MHD_OPTION_NOTIFY_COMPLETED, sid_request_end, door,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, door, MHD_OPTION_END);
    if (door->daemon == NULL)
        return SID_E_NO_MEMORY;
    return sid_loop_start(&door->loop, door->daemon);
}

/* A daemon of its own for each io thread, instead of libmicrohttpd's pool: the
 * pool's threads share one socket, and which of them takes a connection is
 * chance (all to one has been seen), which costs up to half the throughput.
 * Source: speed.md. */
static enum sid_err
listen_own(const struct sid_config *config, size_t i, int first_port, int *fd,
           int *port) {
    enum sid_share share = config->io_threads == 1 ? SID_SHARE_NONE
                           : i == 0                ? SID_SHARE_FIRST
                                                   : SID_SHARE_NEXT;
    return sid_listen_tcp(config->listen_address,
                          i == 0 ? config->listen_port : first_port, share, fd,
                          port);
}

static enum sid_err
open_tcp(struct sid_server *server, const struct sid_config *config,
         const struct sid_inherited *inherited) {
    size_t threads = (size_t)config->io_threads;
    size_t given = inherited == NULL ? 0 : (size_t)inherited->count;
    /* Each inherited socket needs a thread, and each thread a socket. */
    if (threads < given)
        threads = given;
    server->inherited = given > 0;
    server->tcp = calloc(threads, sizeof *server->tcp);
    if (server->tcp == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err = SID_OK;
    for (size_t i = 0; i < threads && err == SID_OK; i++) {
        struct sid_door *door = &server->tcp[i];
        *door = (struct sid_door){
            .server = server, .listen_fd = -1, .loop = SID_LOOP_NONE};
        server->tcp_count = i + 1;
        int port = 0;
        err = given == 0
                  ? listen_own(config, i, server->port, &door->listen_fd, &port)
                  : sid_listen_adopt(inherited->fd[i % given], &door->listen_fd,
                                     &port);
        if (i == 0)
            server->port = port;
    }
    size_t connections =
        ((size_t)config->max_connections + threads - 1) / threads;
    for (size_t i = 0; i < threads && err == SID_OK; i++)
        err = start_door(&server->tcp[i], (unsigned)connections,
                         (unsigned)config->idle_timeout_s);
    return err;
}

static enum sid_err
open_control(struct sid_server *server, const struct sid_config *config) {
    if (server->control_path[0] == '\0')
        return SID_OK;
    enum sid_err err =
        sid_listen_unix(server->control_path, &server->control.listen_fd);
    if (err != SID_OK) {
        server->control_path[0] = '\0'; /* not ours to remove */
        return err;
    }
    return start_door(&server->control, CONTROL_CONNECTIONS,
                      (unsigned)config->idle_timeout_s);
}

/* Whose enrolments those of the page are must be known: a wrong id would only
 * be noticed by the first person. A key that is revoked or has expired is no
 * reason not to start: the checks at the counters need none of it. */
static enum sid_err
judge_page_client(const struct sid_server *server,
                  const struct sid_page_set *pages,
                  struct sid_config_problem *problem) {
    const char *client = sid_page_client(pages);
    if (!sid_page_on(pages, SID_PAGE_ENROLL))
        return SID_OK;
    enum sid_role role;
    if (sid_app_client_role(server->app, client, &role) == SID_OK &&
        role == SID_ROLE_APP)
        return SID_OK;
    (void)snprintf(problem->text, sizeof problem->text,
                   "pages.client: %s is no client of role app; accepted: one "
                   "of those that smartidctl client list has",
                   client);
    return SID_E_CONFIG;
}

enum sid_err
sid_server_read_pages(const struct sid_server *server,
                      const struct sid_config *config,
                      struct sid_config_problem *problem,
                      struct sid_page_set **out) {
    struct sid_page_set *pages = NULL;
    enum sid_err err = sid_page_set_new(config, problem, &pages);
    if (err == SID_OK)
        err = judge_page_client(server, pages, problem);
    if (err == SID_OK)
        *out = pages;
    else
        sid_page_set_drop(&pages);
    return err;
}

void
sid_server_take_pages(struct sid_server *server, struct sid_page_set **take) {
    pthread_mutex_lock(&server->pages_lock);
    struct sid_page_set *old = server->pages;
    server->pages = *take;
    pthread_mutex_unlock(&server->pages_lock);
    *take = NULL;
    sid_page_set_drop(&old);
}

void
sid_server_drop_pages(struct sid_page_set **pages) {
    sid_page_set_drop(pages);
}

static enum sid_err
open_pages(struct sid_server *server, const struct sid_config *config) {
    struct sid_config_problem problem = {""};
    enum sid_err err =
        sid_server_read_pages(server, config, &problem, &server->pages);
    if (err != SID_OK)
        sid_log(SID_LOG_ERROR, "pages", SID_S("why", problem.text));
    return err;
}

enum sid_err
sid_server_new(struct sid_app *app, const struct sid_config *config,
               const char *control_path, const struct sid_inherited *inherited,
               struct sid_wechat *wechat, struct sid_server **out) {
    enum sid_err err = sid_json_setup();
    if (err == SID_OK)
        err = sid_refusal_setup();
    if (err != SID_OK)
        return err;
    struct sid_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return SID_E_NO_MEMORY;
    if (pthread_mutex_init(&server->pages_lock, NULL) != 0) {
        free(server);
        return SID_E_NO_MEMORY;
    }
    server->app = app;
    server->wechat = wechat;
    server->control = (struct sid_door){.server = server,
                                        .listen_fd = -1,
                                        .loop = SID_LOOP_NONE,
                                        .control = true};
    server->idle_timeout_us = config->idle_timeout_s * 1000000;
    server->head_timeout_us = config->head_timeout_s * 1000000;
    server->body_timeout_us = config->body_timeout_s * 1000000;
    /* The settings were judged when they were read. */
    SID_ASSERT(sid_networks_parse(config->trusted_proxies,
                                  &server->trusted_proxies) == SID_OK);
    err = sid_text_copy(server->control_path, sizeof server->control_path,
                        control_path);
    if (err == SID_OK)
        err = sid_sessions_new(&server->sessions);
    if (err == SID_OK)
        err = sid_sessions_new(&server->visits);
    if (err == SID_OK)
        err = open_pages(server, config);
    if (err == SID_OK)
        err = sid_linger_new(&server->linger);
    if (err == SID_OK)
        err = open_tcp(server, config, inherited);
    if (err == SID_OK)
        err = open_control(server, config);
    else
        server->control_path[0] = '\0';
    if (err != SID_OK) {
        sid_server_free(&server);
        return err == SID_E_ARGUMENT ? SID_E_IO : err;
    }
    *out = server;
    return SID_OK;
}

int
sid_server_port(const struct sid_server *server) {
    return server->port;
}

void
sid_server_tick(struct sid_server *server) {
    int64_t now_us = sid_mono_us();
    for (size_t i = 0; i < server->tcp_count; i++)
        sid_guests_sweep(&server->tcp[i].guests, now_us);
    sid_guests_sweep(&server->control.guests, now_us);
}

void
sid_server_ask(struct sid_server *server) {
    for (size_t i = 0; i < server->tcp_count; i++)
        sid_loop_ask(&server->tcp[i].loop);
    sid_loop_ask(&server->control.loop);
}

static bool
answered_until(struct sid_server *server, int64_t until_us) {
    bool all = sid_loop_answered(&server->control.loop, until_us);
    for (size_t i = 0; i < server->tcp_count; i++)
        all = sid_loop_answered(&server->tcp[i].loop, until_us) && all;
    return all;
}

bool
sid_server_answered(struct sid_server *server) {
    return answered_until(server, 0);
}

static void
quiesce_door(struct sid_door *door) {
    if (door->daemon == NULL)
        return;
    /* The descriptor comes back to us; it is closed when no io thread can use
     * it any more. Until then the kernel refuses newcomers; but not when they
     * can wait in it for the next daemon. */
    int fd = MHD_quiesce_daemon(door->daemon);
    if (fd >= 0 && !(door->server->inherited && !door->control))
        (void)shutdown(fd, SHUT_RDWR);
}

void
sid_server_quiesce(struct sid_server *server) {
    if (atomic_exchange(&server->quiesced, true))
        return;
    for (size_t i = 0; i < server->tcp_count; i++)
        quiesce_door(&server->tcp[i]);
    quiesce_door(&server->control);
}

static bool
expects(struct sid_server *server) {
    bool any = sid_guests_expected(&server->control.guests);
    for (size_t i = 0; i < server->tcp_count; i++)
        any = sid_guests_expected(&server->tcp[i].guests) || any;
    return any;
}

void
sid_server_settle(struct sid_server *server) {
    int64_t until_us = sid_mono_us() + SETTLE_US;
    /* Nobody twice, and between it each io thread has come round: what it had
     * just accepted or read when we looked has been taken in. */
    for (int empty = 0; empty < 2 && sid_mono_us() < until_us;) {
        (void)answered_until(server, until_us);
        sid_server_ask(server);
        (void)answered_until(server, until_us);
        empty = expects(server) ? 0 : empty + 1;
        struct timespec nap = {.tv_nsec = DRAIN_POLL_US * 1000};
        (void)nanosleep(&nap, NULL);
    }
    for (size_t i = 0; i < server->tcp_count; i++)
        sid_guests_dismiss(&server->tcp[i].guests);
    sid_guests_dismiss(&server->control.guests);
}

/* Looks now and then, because the counts are kept without a lock. */
static bool
wait_zero(_Atomic int64_t *count, int64_t until_us) {
    while (atomic_load(count) > 0) {
        if (sid_mono_us() >= until_us)
            return false;
        struct timespec nap = {.tv_nsec = DRAIN_POLL_US * 1000};
        (void)nanosleep(&nap, NULL);
    }
    return true;
}

bool
sid_server_drain(struct sid_server *server, int64_t limit_us) {
    int64_t until_us = sid_mono_us() + limit_us;
    if (!wait_zero(&server->in_flow, until_us))
        return false;
    /* A client that does not take its answer is not waited for long. */
    int64_t flush_us = sid_mono_us() + FLUSH_US;
    (void)wait_zero(&server->unanswered,
                    flush_us < until_us ? flush_us : until_us);
    return true;
}

static void
stop_door(struct sid_door *door) {
    sid_loop_stop(&door->loop);
    if (door->daemon != NULL)
        MHD_stop_daemon(door->daemon);
    door->daemon = NULL;
    if (door->listen_fd >= 0)
        close(door->listen_fd);
    door->listen_fd = -1;
    sid_request_free_spares(door);
}

void
sid_server_free(struct sid_server **server) {
    struct sid_server *me = *server;
    if (me == NULL)
        return;
    *server = NULL;
    sid_server_quiesce(me);
    /* libmicrohttpd cannot stop while a connection is suspended. */
    SID_ASSERT(atomic_load(&me->in_flow) == 0);
    for (size_t i = 0; i < me->tcp_count; i++)
        stop_door(&me->tcp[i]);
    free(me->tcp);
    stop_door(&me->control);
    if (me->control_path[0] != '\0')
        (void)unlink(me->control_path);
    sid_linger_free(&me->linger);
    sid_page_set_drop(&me->pages);
    sid_sessions_free(&me->sessions);
    sid_sessions_free(&me->visits);
    (void)pthread_mutex_destroy(&me->pages_lock);
    free(me);
}
