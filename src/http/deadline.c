/* deadline.c: see deadline.h. The list belongs to one door; its io thread adds
 * and removes, the main thread sweeps. */
#include "deadline.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "smartid/log.h"
#include "smartid/metrics.h"

void
sid_guests_init(struct sid_guests *guests, struct sid_linger *linger) {
    (void)pthread_mutex_init(&guests->lock, NULL);
    guests->first = NULL;
    guests->linger = linger;
}

struct sid_guest *
sid_guest_enter(struct sid_guests *guests, int fd, int64_t until_us) {
    struct sid_guest *guest = calloc(1, sizeof *guest);
    if (guest == NULL)
        return NULL;
    guest->guests = guests;
    guest->fd = fd;
    atomic_init(&guest->phase, SID_PHASE_HEAD);
    atomic_init(&guest->until_us, until_us);
    pthread_mutex_lock(&guests->lock);
    guest->next = guests->first;
    guest->back = &guests->first;
    if (guest->next != NULL)
        guest->next->back = &guest->next;
    guests->first = guest;
    pthread_mutex_unlock(&guests->lock);
    return guest;
}

void
sid_guest_leave(struct sid_guests *guests, struct sid_guest *guest) {
    if (guest == NULL)
        return;
    pthread_mutex_lock(&guests->lock);
    *guest->back = guest->next;
    if (guest->next != NULL)
        guest->next->back = guest->back;
    pthread_mutex_unlock(&guests->lock);
    free(guest);
}

void
sid_guest_phase(struct sid_guest *guest, enum sid_phase phase,
                int64_t until_us) {
    if (guest == NULL)
        return;
    /* The later time first: no moment has a new phase with an old time. */
    if (phase == SID_PHASE_WORK) {
        atomic_store_explicit(&guest->phase, phase, memory_order_release);
        return;
    }
    if (phase == SID_PHASE_ANSWER)
        atomic_store_explicit(&guest->served, true, memory_order_release);
    atomic_store_explicit(&guest->until_us, until_us, memory_order_release);
    atomic_store_explicit(&guest->phase, phase, memory_order_release);
}

void
sid_guest_step(struct sid_guest *guest) {
    if (guest != NULL)
        atomic_fetch_add_explicit(&guest->steps, 1, memory_order_relaxed);
}

/* True when the other side will send no more and all it sent has been read. */
static bool
hung_up(int fd) {
    char byte;
    return recv(fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Twice in a row without a byte between: what has just been read may still be
 * on its way through libmicrohttpd, and may be the end of the body of a client
 * that closed its sending side only. */
static bool
gone_for_good(struct sid_guest *guest) {
    uint32_t steps = atomic_load(&guest->steps);
    bool before = guest->gone && guest->gone_steps == steps;
    guest->gone = hung_up(guest->fd);
    guest->gone_steps = steps;
    return guest->gone && before;
}

static void
cut(struct sid_guest *guest, enum sid_metric metric, const char *why) {
    (void)shutdown(guest->fd, SHUT_RDWR);
    guest->shut = true;
    sid_metric_add(metric, 1);
    sid_log(SID_LOG_INFO, "connection_cut", SID_S("why", why));
}

static void
look_at(struct sid_guest *guest, int64_t now_us) {
    static const enum sid_metric metrics[] = {
        [SID_PHASE_HEAD] = SID_M_CUT_HEAD,
        [SID_PHASE_BODY] = SID_M_CUT_BODY,
        [SID_PHASE_ANSWER] = SID_M_CUT_ANSWER,
    };
    static const char *const names[] = {[SID_PHASE_HEAD] = "head_late",
                                        [SID_PHASE_BODY] = "body_late",
                                        [SID_PHASE_ANSWER] = "answer_late"};
    int phase = atomic_load(&guest->phase);
    if (guest->shut || phase == SID_PHASE_WORK)
        return;
    if (phase == SID_PHASE_BODY && gone_for_good(guest))
        cut(guest, SID_M_CUT_GONE, "client_gone");
    else if (now_us > atomic_load(&guest->until_us))
        cut(guest, metrics[phase], names[phase]);
}

void
sid_guests_sweep(struct sid_guests *guests, int64_t now_us) {
    pthread_mutex_lock(&guests->lock);
    for (struct sid_guest *g = guests->first; g != NULL; g = g->next)
        look_at(g, now_us);
    pthread_mutex_unlock(&guests->lock);
}

static bool
expected(const struct sid_guest *guest) {
    int phase = atomic_load(&guest->phase);
    if (guest->shut || phase == SID_PHASE_WORK)
        return false;
    if (phase != SID_PHASE_HEAD)
        return true;
    char byte;
    ssize_t n = recv(guest->fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
    return n > 0 || (n < 0 && !atomic_load(&guest->served));
}

bool
sid_guests_expected(struct sid_guests *guests) {
    bool found = false;
    pthread_mutex_lock(&guests->lock);
    for (struct sid_guest *g = guests->first; g != NULL && !found; g = g->next)
        found = expected(g);
    pthread_mutex_unlock(&guests->lock);
    return found;
}

void
sid_guests_dismiss(struct sid_guests *guests) {
    pthread_mutex_lock(&guests->lock);
    for (struct sid_guest *g = guests->first; g != NULL; g = g->next) {
        if (g->shut || atomic_load(&g->phase) != SID_PHASE_HEAD)
            continue;
        (void)shutdown(g->fd, SHUT_RDWR);
        g->shut = true;
    }
    pthread_mutex_unlock(&guests->lock);
}
