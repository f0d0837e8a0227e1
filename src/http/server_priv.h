/* server_priv.h: what requests need to know of the server. Private to this
 * folder. */
#ifndef SMARTID_HTTP_SERVER_PRIV_H
#define SMARTID_HTTP_SERVER_PRIV_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "deadline.h"
#include "linger.h"
#include "loop.h"
#include "smartid/network.h"
#include "smartid/server.h"
#include "smartid/wechat.h"

/* One listening socket and the daemon with its one io thread behind it. */
struct sid_door {
    struct sid_server *server;
    struct MHD_Daemon *daemon;
    int listen_fd;
    struct sid_guests guests;
    struct sid_loop loop;
    struct sid_request *spare; /* the io thread's: ended ones, for the next */
    size_t spares;
    bool control; /* the Unix socket */
};

struct sid_server {
    struct sid_app *app;       /* borrowed */
    struct sid_wechat *wechat; /* borrowed; NULL: no accounts */
    struct sid_door *tcp;      /* one for each io thread, all on one port */
    size_t tcp_count;
    bool inherited; /* the service manager listens on with our sockets */
    struct sid_door control;
    char control_path[SID_PATH_SIZE]; /* "" for none */
    int port;
    int64_t idle_timeout_us, head_timeout_us, body_timeout_us;
    struct sid_networks trusted_proxies;
    struct sid_linger *linger;
    pthread_mutex_t pages_lock;
    struct sid_sessions *sessions;
    struct sid_sessions *visits; /* of those on the way to WeChat and back */
    struct sid_page_set *pages;  /* under pages_lock; those in force */
    _Atomic bool quiesced;
    /* Requests that a flow owns now, and those that a flow has owned and whose
     * answer is not yet on its way. Counted without a lock, because a flow may
     * not touch the server after the first of the two has gone down. */
    _Atomic int64_t in_flow;
    _Atomic int64_t unanswered;
};

#endif
