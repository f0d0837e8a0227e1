/* deadline.h: the time a connection has for what it is doing.
 *
 * libmicrohttpd's own time-out starts anew with each byte, so a client that
 * sends a byte now and then holds its connection, and the room of its upload,
 * for ever. Here each connection has one absolute time by which its head is
 * complete, its body is, or its answer is taken; one that is late is shut down.
 * Shut down too is one whose client hung up in the middle of a body:
 * libmicrohttpd 0.9.75 with epoll does not notice an end that comes together
 * with the last bytes it reads. */
#ifndef SMARTID_HTTP_DEADLINE_H
#define SMARTID_HTTP_DEADLINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "linger.h"

enum sid_phase {
    SID_PHASE_HEAD,   /* between answers, or a head is arriving */
    SID_PHASE_BODY,   /* a body is arriving */
    SID_PHASE_WORK,   /* ours: no limit here */
    SID_PHASE_ANSWER, /* the answer is being taken */
};

/* One connection. Its io thread writes, the sweep reads. */
struct sid_guest {
    struct sid_guests *guests;
    struct sid_guest *next, **back; /* under the lock of the list */
    int fd;                         /* borrowed from libmicrohttpd */
    _Atomic int phase;              /* enum sid_phase */
    _Atomic int64_t until_us;       /* monotonic */
    _Atomic uint32_t steps;         /* counts what the client has sent */
    _Atomic bool served;            /* an answer was made for it */
    /* Of the sweep alone. */
    uint32_t gone_steps; /* .steps when it was found to have hung up */
    bool gone, shut;
};

/* The connections of one io thread. */
struct sid_guests {
    pthread_mutex_t lock; /* of the links and of the descriptors' lives */
    struct sid_guest *first;
    struct sid_linger *linger; /* borrowed; of the server, for all doors */
};

void sid_guests_init(struct sid_guests *guests, struct sid_linger *linger);
/* Owned by the list until it leaves; NULL: no memory. Until then `fd` is open.
 * io thread, as the next three. */
struct sid_guest *sid_guest_enter(struct sid_guests *guests, int fd,
                                  int64_t until_us);
/* NULL is allowed. */
void sid_guest_leave(struct sid_guests *guests, struct sid_guest *guest);
/* What it is doing from now on, and until when it may. NULL is allowed. */
void sid_guest_phase(struct sid_guest *guest, enum sid_phase phase,
                     int64_t until_us);
/* Bytes have come. NULL is allowed. */
void sid_guest_step(struct sid_guest *guest);

/* Shuts down what is late or has hung up, which its io thread then notices.
 * Called at intervals by one thread: a client that has hung up is found at the
 * second call. Logs and counts each. */
void sid_guests_sweep(struct sid_guests *guests, int64_t now_us);

/* At a stop: whether there are some that are owed an answer which no flow is
 * working on: they are sending, have sent, or have not had their first one. Any
 * thread. */
bool sid_guests_expected(struct sid_guests *guests);
/* Shuts down those that send nothing, between two requests or before the first.
 * Any thread. */
void sid_guests_dismiss(struct sid_guests *guests);

#endif
