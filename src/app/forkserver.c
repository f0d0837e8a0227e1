/* forkserver.c: starts fork servers and talks to them (forkserver.h). The lock
 * is held for a whole exchange, which takes milliseconds. Owns the servers'
 * processes and sockets, and the shared model pack. */
#include "forkserver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faceproc_internal.h"
#include "smartid/clock.h"
#include "smartid/faceproc.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/models.h"
#include "smartid/sandbox.h"

#define SECOND_US ((int64_t)1000 * 1000)
/* Loading takes 0.4 s of CPU time. Source: measured; a busy machine. */
#define LOAD_US (30 * SECOND_US)
/* A fork takes 1 to 15 ms. Source: measured, on a busy machine. */
#define FORK_US (2 * SECOND_US)
/* Between two attempts to start one. */
#define AGAIN_US SECOND_US
/* Broken forks after which a server's memory layout has been used enough.
 * Source: guessing an address takes 2^12 tries and more. */
#define BROKEN_MAX 16

struct process {
    pid_t pid; /* 0: none */
    int fd;
};

struct sid_forkserver {
    int pack_fd; /* sealed memfd */
    pthread_mutex_t lock;
    struct process now;       /* under lock: the one that forks */
    int broken;               /* under lock: forks of `now` */
    struct process next;      /* main thread: the one that loads */
    int64_t next_deadline_us; /* main thread: to have loaded, or to try again */
};

static int64_t
within(int64_t us) {
    return sid_mono_us() + us * sid_sandbox_patience();
}

/* ---- a server's process -------------------------------------------------- */

/* Nothing of the daemon's environment, but a sanitizer's options. */
static void
make_environment(char *out[], size_t out_len) {
    static char opencl[] = "OPENCV_OPENCL_RUNTIME=disabled";
    size_t n = 0;
    out[n++] = opencl;
    for (char **at = environ; !sid_sandbox_is_whole() && *at != NULL; at++)
        if (n + 1 < out_len && strstr(*at, "SAN_OPTIONS=") != NULL)
            out[n++] = *at;
    out[n] = NULL;
}

/* /dev/null, and the socket; nothing else. A sanitizer needs its stderr. */
static int
add_actions(posix_spawn_file_actions_t *actions, int socket) {
    int bad =
        posix_spawn_file_actions_adddup2(actions, socket, SID_FACEPROC_SOCKET);
    int last = sid_sandbox_is_whole() ? STDERR_FILENO : STDOUT_FILENO;
    for (int fd = STDIN_FILENO; bad == 0 && fd <= last; fd++)
        bad = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR,
                                               0);
    if (bad == 0)
        bad = posix_spawn_file_actions_addclosefrom_np(actions,
                                                       SID_FACEPROC_SOCKET + 1);
    return bad;
}

/* The daemon's signals are not for them: they end when it is gone, and systemd
 * sends SIGTERM to all while the daemon still finishes what runs. */
static int
add_attributes(posix_spawnattr_t *attributes) {
    sigset_t mask, plain;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigemptyset(&plain);
    sigaddset(&plain, SIGPIPE);
    int bad = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
                                                       POSIX_SPAWN_SETSIGDEF);
    if (bad == 0)
        bad = posix_spawnattr_setsigmask(attributes, &mask);
    return bad == 0 ? posix_spawnattr_setsigdefault(attributes, &plain) : bad;
}

/* Returns 0 or an error number. */
static int
spawn(int socket, pid_t *pid) {
    static char name[] = "smartidd", argument[] = SID_FACEPROC_ARGUMENT;
    char *argv[] = {name, argument, NULL};
    char *environment[16];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    make_environment(environment, sizeof environment / sizeof *environment);
    int bad = posix_spawn_file_actions_init(&actions);
    if (bad != 0)
        return bad;
    bad = posix_spawnattr_init(&attributes);
    if (bad != 0)
        goto no_attributes;
    bad = add_actions(&actions, socket);
    if (bad == 0)
        bad = add_attributes(&attributes);
    if (bad == 0)
        bad = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, argv,
                          environment);
    (void)posix_spawnattr_destroy(&attributes);
no_attributes:
    (void)posix_spawn_file_actions_destroy(&actions);
    return bad;
}

/* Returns 0 or an error number. */
static int
process_start(struct process *out) {
    int pair[2];
    if (!sid_faceproc_possible())
        return ENOTSUP;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    pid_t pid = 0;
    int bad = spawn(pair[1], &pid);
    (void)close(pair[1]);
    if (bad != 0) {
        (void)close(pair[0]);
        return bad;
    }
    *out = (struct process){.pid = pid, .fd = pair[0]};
    sid_metric_add(SID_M_FACE_SERVERS, 1);
    return 0;
}

static void
process_end(struct process *process) {
    if (process->pid == 0)
        return;
    (void)kill(process->pid, SIGKILL);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    (void)close(process->fd);
    *process = (struct process){.pid = 0};
}

static enum sid_err
order_load(const struct process *process, int pack_fd) {
    struct sid_faceproc_order order = {.what = SID_FACEPROC_LOAD};
    return sid_packet_send(process->fd, &order, sizeof order, &pack_fd, 1);
}

/* What the server says after it has loaded. Errors: SID_E_MODEL. */
static enum sid_err
hear_loaded(const struct process *process, int64_t deadline_us, char *problem,
            size_t problem_size) {
    struct sid_faceproc_report report;
    enum sid_err err =
        sid_packet_receive(process->fd, &report, sizeof report, deadline_us);
    if (err == SID_OK && report.err == SID_OK)
        return SID_OK;
    const char *why = err == SID_OK ? report.problem : sid_err_text(err);
    (void)snprintf(problem, problem_size, "the face process: %.*s",
                   SID_FACEPROC_PROBLEM_SIZE - 1, why);
    return SID_E_MODEL;
}

/* ---- life ---------------------------------------------------------------- */

static enum sid_err
share_models(const char *model_dir, int *fd, char *problem,
             size_t problem_size) {
    struct sid_models *models = NULL;
    enum sid_err err =
        sid_models_load(model_dir, &models, problem, problem_size);
    if (err == SID_OK)
        err = sid_pack_share(sid_models_pack(models), fd);
    sid_models_free(&models);
    return err == SID_E_IO ? SID_E_NO_MEMORY : err;
}

enum sid_err
sid_forkserver_new(const char *model_dir, struct sid_forkserver **out,
                   char *problem, size_t problem_size) {
    struct sid_forkserver *server = calloc(1, sizeof *server);
    if (server == NULL)
        return SID_E_NO_MEMORY;
    server->pack_fd = -1;
    SID_ASSERT(pthread_mutex_init(&server->lock, NULL) == 0);
    enum sid_err err = SID_E_MODEL;
    /* First, so that the one starts while the other reads the files. */
    int bad = process_start(&server->now);
    if (bad != 0)
        (void)snprintf(problem, problem_size,
                       "the face process cannot be started: error %d", bad);
    else
        err = share_models(model_dir, &server->pack_fd, problem, problem_size);
    if (err == SID_OK) {
        /* When nobody is there any more, hear_loaded() finds out why. */
        if (order_load(&server->now, server->pack_fd) != SID_OK)
            sid_log(SID_LOG_DEBUG, "face_server_deaf");
        err = hear_loaded(&server->now, within(LOAD_US), problem, problem_size);
    }
    if (err == SID_OK && !sid_sandbox_is_whole())
        sid_log(SID_LOG_WARN, "face_process_unconfined",
                SID_S("note", "a build with a sanitizer has no system-call "
                              "filter and no limit on memory"));
    if (err != SID_OK) {
        sid_forkserver_free(&server);
        return err;
    }
    sid_metric_set(SID_M_FACE_SERVER_UP, 1);
    *out = server;
    return SID_OK;
}

void
sid_forkserver_free(struct sid_forkserver **server) {
    struct sid_forkserver *me = *server;
    if (me == NULL)
        return;
    *server = NULL;
    process_end(&me->now);
    process_end(&me->next);
    if (me->pack_fd >= 0)
        (void)close(me->pack_fd);
    (void)pthread_mutex_destroy(&me->lock);
    free(me);
}

/* ---- forks --------------------------------------------------------------- */

static enum sid_err
order_fork(const struct process *process, const int fds[2], pid_t *pid) {
    struct sid_faceproc_order order = {.what = SID_FACEPROC_FORK};
    struct sid_faceproc_report report;
    enum sid_err err =
        sid_packet_send(process->fd, &order, sizeof order, fds, 2);
    if (err == SID_OK)
        err = sid_packet_receive(process->fd, &report, sizeof report,
                                 within(FORK_US));
    if (err == SID_OK)
        err = report.err;
    if (err == SID_OK)
        *pid = report.pid;
    return err;
}

static void
lose(struct sid_forkserver *server) {
    sid_log(SID_LOG_ERROR, "face_server_lost", SID_N("pid", server->now.pid));
    process_end(&server->now);
    sid_metric_set(SID_M_FACE_SERVER_UP, 0);
}

enum sid_err
sid_forkserver_fork(struct sid_forkserver *server, const int fds[2],
                    pid_t *pid) {
    enum sid_err err = SID_E_IO;
    pthread_mutex_lock(&server->lock);
    if (server->now.pid != 0) {
        err = order_fork(&server->now, fds, pid);
        /* Without memory it could not fork, but it is there. */
        if (err != SID_OK && err != SID_E_NO_MEMORY)
            lose(server);
    }
    pthread_mutex_unlock(&server->lock);
    return err == SID_OK ? SID_OK : SID_E_IO;
}

void
sid_forkserver_broken(struct sid_forkserver *server) {
    pthread_mutex_lock(&server->lock);
    server->broken++;
    pthread_mutex_unlock(&server->lock);
}

/* ---- main's tick --------------------------------------------------------- */

/* Whether another server is wanted; one that has died is noticed. */
static bool
look_after(struct sid_forkserver *server) {
    pthread_mutex_lock(&server->lock);
    if (server->now.pid != 0) {
        /* It speaks when it is asked only: anything now is its end. */
        struct pollfd poller = {.fd = server->now.fd, .events = POLLIN};
        if (poll(&poller, 1, 0) > 0)
            lose(server);
    }
    bool wanted = server->now.pid == 0 || server->broken >= BROKEN_MAX;
    pthread_mutex_unlock(&server->lock);
    return wanted;
}

static void
replace(struct sid_forkserver *server) {
    pthread_mutex_lock(&server->lock);
    struct process old = server->now;
    sid_log(SID_LOG_INFO, "face_server_replaced",
            SID_N("pid", server->next.pid), SID_N("broken", server->broken));
    server->now = server->next;
    server->next = (struct process){.pid = 0};
    server->broken = 0;
    sid_metric_set(SID_M_FACE_SERVER_UP, 1);
    pthread_mutex_unlock(&server->lock);
    process_end(&old);
}

static void
start_next(struct sid_forkserver *server) {
    int64_t now_us = sid_mono_us();
    if (now_us < server->next_deadline_us)
        return;
    server->next_deadline_us = now_us + AGAIN_US;
    int bad = process_start(&server->next);
    if (bad != 0) {
        sid_log(SID_LOG_ERROR, "face_server_not_started", SID_N("errno", bad));
        return;
    }
    if (order_load(&server->next, server->pack_fd) == SID_OK)
        server->next_deadline_us = within(LOAD_US);
    else
        process_end(&server->next);
}

void
sid_forkserver_tick(struct sid_forkserver *server) {
    bool wanted = look_after(server);
    if (server->next.pid == 0) {
        if (wanted)
            start_next(server);
        return;
    }
    struct pollfd poller = {.fd = server->next.fd, .events = POLLIN};
    int64_t now_us = sid_mono_us();
    if (poll(&poller, 1, 0) <= 0 && now_us < server->next_deadline_us)
        return;
    char problem[SID_FACEPROC_PROBLEM_SIZE + 32] = "";
    if (hear_loaded(&server->next, now_us, problem, sizeof problem) == SID_OK) {
        replace(server);
        server->next_deadline_us = 0;
        return;
    }
    sid_log(SID_LOG_ERROR, "face_server_not_started", SID_S("why", problem));
    process_end(&server->next);
    server->next_deadline_us = now_us + AGAIN_US;
}
