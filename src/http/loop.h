/* loop.h: an io thread: the loop around one of libmicrohttpd's daemons, and the
 * way back to it for requests that a flow has ended.
 *
 * libmicrohttpd would run the thread itself. But then each resumed request
 * costs a call to the kernel to wake it, though it seldom sleeps while there is
 * work; and whether it still turns cannot be seen. */
#ifndef SMARTID_HTTP_LOOP_H
#define SMARTID_HTTP_LOOP_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "smartid/err.h"

struct sid_request;

struct sid_loop {
    struct MHD_Daemon *daemon; /* borrowed; the thread's alone, but for quiesce
                                  and for the stop */
    pthread_t thread;
    bool started;
    int epoll_fd;                       /* borrowed from the daemon */
    int wake_fd;                        /* an eventfd; -1: none */
    _Atomic(struct sid_request *) back; /* resumed next, linked by .next_back */
    _Atomic bool asleep;                /* or about to be */
    _Atomic bool stopping;
    /* Turns so far. What was asked for before one began it has seen. */
    _Atomic uint64_t begun, ended;
    uint64_t
        asked; /* main thread: the turn that answers; 0: nothing is asked */
};

#define SID_LOOP_NONE ((struct sid_loop){.wake_fd = -1})

/* What MHD_start_daemon() must be told for a daemon that a loop turns. */
unsigned sid_loop_flags(void);
/* Starts the thread. Main thread, as all but the last. Errors: SID_E_IO,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_loop_start(struct sid_loop *loop,
                                         struct MHD_Daemon *daemon);
/* The thread takes in what has come, and ends. No request may be in a flow.
 * Safe on one that was not started. */
void sid_loop_stop(struct sid_loop *loop);

/* Asks for a sign of life, unless the last one is still awaited. */
void sid_loop_ask(struct sid_loop *loop);
/* True when none is awaited: the thread has gone round since, and is not stuck
 * in a callback. Waits for it until then; now or earlier: looks only. */
bool sid_loop_answered(struct sid_loop *loop, int64_t until_us);

/* Hands back a suspended request, which may be gone on return. Any thread. */
void sid_loop_give_back(struct sid_loop *loop, struct sid_request *req);

#endif
