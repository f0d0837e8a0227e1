/* loop.c: see loop.h. The loop runs on the io thread; requests are given back
 * by whatever thread ends their flow. */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "request.h"
#include "smartid/clock.h"
#include "smartid/log.h"

/* How often one who waits for a sign of life looks. */
#define LOOK_NS 1000000
/* Own choice; a sleep that is longer than needed, or shorter, does no harm. */
#define SLEEP_MAX_MS 60000

unsigned
sid_loop_flags(void) {
    /* Suspending without the channel between threads that libmicrohttpd ties to
     * it: suspended and resumed is on the thread that runs the daemon. */
    return (unsigned)MHD_USE_EPOLL |
           ((unsigned)MHD_ALLOW_SUSPEND_RESUME & ~(unsigned)MHD_USE_ITC);
}

static void
wake(struct sid_loop *loop) {
    static const uint64_t one = 1;
    ssize_t n;
    do {
        n = write(loop->wake_fd, &one, sizeof one);
    } while (n < 0 && errno == EINTR);
}

void
sid_loop_give_back(struct sid_loop *loop, struct sid_request *req) {
    struct sid_request *first = atomic_load(&loop->back);
    do {
        req->next_back = first;
    } while (!atomic_compare_exchange_weak(&loop->back, &first, req));
    /* It looks once more after it has said that it sleeps. */
    if (atomic_exchange(&loop->asleep, false))
        wake(loop);
}

static void
resume_all(struct sid_loop *loop) {
    struct sid_request *req = atomic_exchange(&loop->back, NULL);
    while (req != NULL) {
        struct sid_request *next = req->next_back;
        MHD_resume_connection(req->connection);
        req = next;
    }
}

static void
turn(struct sid_loop *loop) {
    atomic_fetch_add(&loop->begun, 1);
    resume_all(loop);
    (void)MHD_run(loop->daemon);
    atomic_fetch_add(&loop->ended, 1);
}

/* Until there is something to do. */
static void
sleep_on(struct sid_loop *loop) {
    MHD_UNSIGNED_LONG_LONG limit_ms = SLEEP_MAX_MS;
    if (MHD_get_timeout(loop->daemon, &limit_ms) == MHD_YES && limit_ms == 0)
        return;
    int ms = limit_ms > SLEEP_MAX_MS ? SLEEP_MAX_MS : (int)limit_ms;
    sid_log_flush();
    atomic_store(&loop->asleep, true);
    if (atomic_load(&loop->back) == NULL) {
        struct pollfd fds[] = {{.fd = loop->epoll_fd, .events = POLLIN},
                               {.fd = loop->wake_fd, .events = POLLIN}};
        uint64_t count;
        if (poll(fds, 2, ms) > 0 && fds[1].revents != 0)
            (void)!read(loop->wake_fd, &count, sizeof count);
    }
    atomic_store(&loop->asleep, false);
}

static void *
loop_main(void *arg) {
    struct sid_loop *loop = arg;
    sid_log_hold();
    while (!atomic_load(&loop->stopping)) {
        turn(loop);
        sleep_on(loop);
    }
    turn(loop);
    sid_log_flush();
    return NULL;
}

enum sid_err
sid_loop_start(struct sid_loop *loop, struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0)
        return SID_E_IO;
    loop->daemon = daemon;
    loop->epoll_fd = info->epoll_fd;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return SID_E_IO;
    if (pthread_create(&loop->thread, NULL, loop_main, loop) != 0)
        return SID_E_NO_MEMORY;
    (void)pthread_setname_np(loop->thread, "io");
    loop->started = true;
    return SID_OK;
}

void
sid_loop_stop(struct sid_loop *loop) {
    if (loop->started) {
        atomic_store(&loop->stopping, true);
        wake(loop);
        (void)pthread_join(loop->thread, NULL);
    }
    loop->started = false;
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    loop->wake_fd = -1;
}

void
sid_loop_ask(struct sid_loop *loop) {
    if (!loop->started || loop->asked != 0)
        return;
    loop->asked = atomic_load(&loop->begun) + 1;
    wake(loop);
}

bool
sid_loop_answered(struct sid_loop *loop, int64_t until_us) {
    while (loop->asked != 0 && atomic_load(&loop->ended) < loop->asked) {
        if (sid_mono_us() >= until_us)
            return false;
        struct timespec nap = {.tv_nsec = LOOK_NS};
        (void)nanosleep(&nap, NULL);
    }
    loop->asked = 0;
    return true;
}
