/* api.h: the client's inside, for its two files: api.c (its life, taking calls
 * in) and api_loop.c (its thread). */
#ifndef SID_WECHAT_API_H
#define SID_WECHAT_API_H

#include <curl/curl.h>
#include <pthread.h>

#include "api_policy.h"
#include "smartid/wechat_api.h"

/* Where a call is. */
enum call_state {
    CALL_OUT = 0, /* not the client's */
    CALL_READY,   /* to be tried at due_us */
    CALL_WAITING, /* for a token or ticket */
    CALL_FAILED,  /* what it waited for did: to be given back with err */
    CALL_RUNNING, /* on the wire */
};

/* One account's other end. */
struct remote {
    const struct sid_wechat_account *account; /* borrowed */
    struct wechat_secret token, ticket;
    struct wechat_breaker breaker;
};

struct sid_wechat_api {
    struct sid_wechat_api_config config;
    CURLM *multi;
    pthread_t thread;

    pthread_mutex_t lock;
    struct sid_wechat_call *incoming; /* newest first; under lock */
    size_t held;                      /* calls taken, not done; under lock */
    bool quiet;                       /* no new calls; under lock */
    bool stopping;                    /* the thread is to end; under lock */

    /* the thread's own */
    struct sid_wechat_call *calls; /* all it has, in no order */
    size_t running;                /* of them on the wire */
    struct remote *remotes;        /* one for each account */
};

/* The thread. ctx: the client. */
void *wechat_api_main(void *ctx);

#endif
