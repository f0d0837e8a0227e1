/* flow_webhook.h: how the app's backend is being told, for admins; and telling
 * it once more what it would not take. */
#ifndef SMARTID_FLOW_WEBHOOK_H
#define SMARTID_FLOW_WEBHOOK_H

#include "smartid/app.h"
#include "smartid/store.h"

/* As many refused events as one answer lists. Own choice. */
#define SID_WEBHOOK_DEAD_MAX 100

struct sid_webhook_state {
    int64_t ok_at_s;              /* last success since the start; 0: none */
    int64_t tried_at_s;           /* last failure since then; 0: none */
    char why[SID_EVENT_WHY_SIZE]; /* of that failure */
};

struct sid_webhook_look {
    struct sid_flow flow;
    char url[SID_URL_SIZE];         /* out; "": none is set */
    struct sid_webhook_state state; /* out */
    int64_t behind_s;               /* out: age of the event that waits; 0 */
    int64_t dead;                   /* out: refused events, all */
    struct sid_dead_event *rows;    /* out: the first of them; owned */
    int count;                      /* out */
};
void sid_webhook_look_start(struct sid_webhook_look *look);
void sid_webhook_look_fini(struct sid_webhook_look *look);

struct sid_webhook_replay {
    struct sid_flow flow;
    int64_t seq; /* in: of the event; 0: all */
};
/* Errors: SID_E_NOT_FOUND (no such refused event). */
void sid_webhook_replay_start(struct sid_webhook_replay *replay);

#endif
