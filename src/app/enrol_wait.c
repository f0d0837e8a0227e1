/* enrol_wait.c: requests that wait until an enrolment is settled.
 *
 * A list under app->lock; its entries are embedded in the waiting requests.
 * Registering happens on the writer thread (after a read showed that the
 * enrolment is open), waking on the writer thread (settled), the main thread
 * (deadline, stop). A woken request reads its enrolment again: its flow's
 * operation is submitted as its owner prepared it. */
#include "app_internal.h"

bool
sid_wait_add(struct sid_app *app, struct sid_waiter *waiter) {
    pthread_mutex_lock(&app->lock);
    bool take = !atomic_load(&app->stopping);
    if (take) {
        waiter->next = app->waiters;
        app->waiters = waiter;
    }
    pthread_mutex_unlock(&app->lock);
    return take;
}

/* Unlinks every waiter for which id matches (NULL: any) and whose deadline is
 * not after now_us (INT64_MAX: any), and returns them as a list. */
static struct sid_waiter *
take_waiters(struct sid_app *app, const char *id, int64_t now_us) {
    struct sid_waiter *taken = NULL;
    pthread_mutex_lock(&app->lock);
    struct sid_waiter **link = &app->waiters;
    while (*link != NULL) {
        struct sid_waiter *waiter = *link;
        bool match = id == NULL ||
                     sid_span_eq(sid_span_str(id), sid_span_str(waiter->id));
        if (match && waiter->deadline_us <= now_us) {
            *link = waiter->next;
            waiter->next = taken;
            taken = waiter;
        } else {
            link = &waiter->next;
        }
    }
    pthread_mutex_unlock(&app->lock);
    return taken;
}

static void
wake(struct sid_app *app, struct sid_waiter *list) {
    while (list != NULL) {
        struct sid_waiter *waiter = list;
        list = waiter->next;
        sid_writer_submit(app->writer, &waiter->flow->op);
    }
}

void
sid_wait_settled(struct sid_app *app, const char *id) {
    wake(app, take_waiters(app, id, INT64_MAX));
}

void
sid_wait_look(struct sid_app *app) {
    struct sid_waiter *list = NULL;
    pthread_mutex_lock(&app->lock);
    struct sid_waiter **link = &app->waiters;
    while (*link != NULL) {
        struct sid_waiter *waiter = *link;
        if (waiter->look == NULL) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->next = list;
        list = waiter;
        waiter->flow->op.done = waiter->look;
    }
    pthread_mutex_unlock(&app->lock);
    wake(app, list);
}

void
sid_wait_expire(struct sid_app *app, int64_t now_us) {
    wake(app, take_waiters(app, NULL, now_us));
}
