/* source.c: where a request comes from, and how: the peer's word, or what a
 * trusted proxy says. io thread of the connection; owns nothing. */
#include "request.h"
#include "server_priv.h"

/* No other socket than one of TCP is listened on, but for the control socket,
 * see sid_listen_adopt(). */
static void
peer_of(const struct sid_request *req, struct sid_address *out) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        req->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    SID_ASSERT(info != NULL && info->client_addr != NULL);
    SID_ASSERT(sid_address_of(info->client_addr, out) == SID_OK);
}

enum sid_err
sid_request_source(const struct sid_request *req, struct sid_address *out) {
    const struct sid_networks *trusted = &req->door->server->trusted_proxies;
    struct sid_address peer;
    peer_of(req, &peer);
    if (sid_networks_have(trusted, &peer))
        return sid_forwarded_source(&peer, req->head.forwarded,
                                    req->head.forwarded_count, trusted, out);
    *out = peer;
    return SID_OK;
}

bool
sid_request_tls(const struct sid_request *req) {
    struct sid_address peer;
    if (req->door->control || !req->head.forwarded_tls)
        return false;
    peer_of(req, &peer);
    return sid_networks_have(&req->door->server->trusted_proxies, &peer);
}
