/* linger.c: the thread of linger.h. It alone reads and closes the duplicates;
 * other threads hand them over through a pipe. */
#include "linger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartid/buf.h"
#include "smartid/clock.h"
#include "smartid/log.h"

/* Sockets that linger at once; each costs one descriptor. */
#define PLACES 128
/* How long one lingers. Source: nginx lingering_timeout (5 s). */
#define LINGER_US ((int64_t)5 * 1000 * 1000)
/* Read and dropped from one socket in one go, so that none starves others. */
#define ROUND_BYTES ((size_t)1 << 20)

struct sid_linger {
    pthread_t thread;
    int pipe_fd[2]; /* descriptors as int; -1 ends the thread */
    int count;
    struct pollfd fd[PLACES + 1]; /* the last one is the pipe */
    int64_t until_us[PLACES];
};

static void
drop(struct sid_linger *linger, int at) {
    close(linger->fd[at].fd);
    linger->count--;
    linger->fd[at] = linger->fd[linger->count];
    linger->until_us[at] = linger->until_us[linger->count];
}

/* True while the client may send more. */
static bool
read_away(int fd) {
    static char waste[1 << 16]; /* written by this thread only */
    for (size_t sum = 0; sum < ROUND_BYTES;) {
        ssize_t n = recv(fd, waste, sizeof waste, MSG_DONTWAIT);
        if (n > 0)
            sid_wipe(waste, (size_t)n); /* may be a part of a photo or a name */
        if (n == 0)
            return false;
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        sum += (size_t)n;
    }
    return true;
}

/* Takes over what other threads have sent; false when it is time to end. */
static bool
take_new(struct sid_linger *linger) {
    int fd;
    while (read(linger->pipe_fd[0], &fd, sizeof fd) == (ssize_t)sizeof fd) {
        if (fd < 0)
            return false;
        if (linger->count == PLACES) {
            close(fd);
            continue;
        }
        linger->fd[linger->count] = (struct pollfd){.fd = fd, .events = POLLIN};
        linger->until_us[linger->count] = sid_mono_us() + LINGER_US;
        linger->count++;
    }
    return true;
}

static int
wait_ms(const struct sid_linger *linger) {
    if (linger->count == 0)
        return -1;
    int64_t first_us = INT64_MAX;
    for (int i = 0; i < linger->count; i++) {
        if (linger->until_us[i] < first_us)
            first_us = linger->until_us[i];
    }
    int64_t left_us = first_us - sid_mono_us();
    return left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
}

static void *
linger_main(void *ctx) {
    struct sid_linger *linger = ctx;
    bool run = true;
    while (run) {
        linger->fd[linger->count] =
            (struct pollfd){.fd = linger->pipe_fd[0], .events = POLLIN};
        int n = poll(linger->fd, (nfds_t)linger->count + 1, wait_ms(linger));
        bool more = n > 0 && linger->fd[linger->count].revents != 0;
        int64_t now_us = sid_mono_us();
        for (int i = linger->count - 1; i >= 0; i--) {
            bool ready = n > 0 && linger->fd[i].revents != 0;
            if (now_us >= linger->until_us[i] ||
                (ready && !read_away(linger->fd[i].fd)))
                drop(linger, i);
        }
        if (more)
            run = take_new(linger);
    }
    while (linger->count > 0)
        drop(linger, linger->count - 1);
    return NULL;
}

enum sid_err
sid_linger_new(struct sid_linger **out) {
    struct sid_linger *linger = calloc(1, sizeof *linger);
    if (linger == NULL)
        return SID_E_NO_MEMORY;
    if (pipe2(linger->pipe_fd, O_CLOEXEC | O_NONBLOCK) != 0) {
        free(linger);
        return SID_E_IO;
    }
    if (pthread_create(&linger->thread, NULL, linger_main, linger) != 0) {
        close(linger->pipe_fd[0]);
        close(linger->pipe_fd[1]);
        free(linger);
        return SID_E_NO_MEMORY;
    }
    (void)pthread_setname_np(linger->thread, "linger");
    *out = linger;
    return SID_OK;
}

void
sid_linger_add(struct sid_linger *linger, int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return;
    /* A full pipe is as good as no free place. */
    if (write(linger->pipe_fd[1], &copy, sizeof copy) != (ssize_t)sizeof copy)
        close(copy);
}

void
sid_linger_free(struct sid_linger **linger) {
    struct sid_linger *me = *linger;
    if (me == NULL)
        return;
    *linger = NULL;
    int end = -1;
    struct pollfd room = {.fd = me->pipe_fd[1], .events = POLLOUT};
    while (write(me->pipe_fd[1], &end, sizeof end) != (ssize_t)sizeof end)
        (void)poll(&room, 1, -1);
    (void)pthread_join(me->thread, NULL);
    int fd; /* what came after the end */
    while (read(me->pipe_fd[0], &fd, sizeof fd) == (ssize_t)sizeof fd)
        close(fd);
    close(me->pipe_fd[0]);
    close(me->pipe_fd[1]);
    free(me);
}
