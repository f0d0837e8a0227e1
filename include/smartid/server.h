/* server.h: HTTP: the daemon's face to the world. Only place with
 * <microhttpd.h> and <jansson.h>.
 *
 * Two listeners, one route table: TCP for the API (keys), and a Unix socket
 * (mode 0600) for smartidctl, where being able to connect as this user or root
 * is the authority (role admin, actor "control"). */
#ifndef SMARTID_SERVER_H
#define SMARTID_SERVER_H

#include <stdio.h>

#include "smartid/app.h"
#include "smartid/err.h"
#include "smartid/inherit.h"

struct sid_server;
struct sid_wechat;
struct sid_page_set;

/* Binds both listeners and starts the io threads. control_path: "" for none;
 * an old socket file of a dead daemon is replaced. inherited: the API is served
 * on copies of these instead of the address in the settings; NULL or none: it
 * is not. wechat: its accounts are served, too; borrowed, NULL for none.
 * Errors: SID_E_IO (cannot bind; logged with address and reason),
 * SID_E_CONFIG (inherited is something else than listening TCP sockets, or the
 * pages cannot be had as the settings say; logged), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_server_new(struct sid_app *app, const struct sid_config *config,
               const char *control_path, const struct sid_inherited *inherited,
               struct sid_wechat *wechat, struct sid_server **out);
/* Reads what the pages consist of, as these settings say; from take_pages() on
 * that is what is served. Main thread; what was read is the caller's until it
 * is taken or dropped (NULL-safe). problem: filled on SID_E_CONFIG and
 * SID_E_IO. Errors: SID_E_CONFIG (the folder has what cannot be served, or the
 * client is none of role app), SID_E_IO, SID_E_NO_MEMORY, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_server_read_pages(
    const struct sid_server *server, const struct sid_config *config,
    struct sid_config_problem *problem, struct sid_page_set **out);
void sid_server_take_pages(struct sid_server *server,
                           struct sid_page_set **take);
void sid_server_drop_pages(struct sid_page_set **pages);
/* The port that is listened on (for port 0). */
int sid_server_port(const struct sid_server *server);
/* Shuts down connections that are too slow. Main thread, ten times a second. */
void sid_server_tick(struct sid_server *server);
/* Asks every io thread for a sign of life, unless the last one is still
 * awaited; and whether all have given theirs. Main thread. */
void sid_server_ask(struct sid_server *server);
bool sid_server_answered(struct sid_server *server);
/* Stops accepting connections; those that are open may finish what runs. On
 * inherited sockets newcomers then wait for the next daemon. */
void sid_server_quiesce(struct sid_server *server);
/* After quiesce: waits, 2 s at most, until whoever has connected has sent its
 * request, and all of it has been taken in; then closes connections on which
 * nothing goes on. Main thread. */
void sid_server_settle(struct sid_server *server);
/* After quiesce and sid_app_quiesce(): waits until no request is in a flow, at
 * most `limit_us`; false when some were left. */
bool sid_server_drain(struct sid_server *server, int64_t limit_us);
/* Writes the route table in Markdown, as it stands in README.md. */
void sid_server_print_routes(FILE *to);
/* Stops the io threads, removes the control socket, frees. */
void sid_server_free(struct sid_server **server);

#endif
