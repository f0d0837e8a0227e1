/* source.c: where a request comes from, and how: the peer's word, or what a
 * trusted proxy says. io thread of the connection; owns nothing. */
#include "request.h"
#include "server_priv.h"

static enum sid_err
peer_of(const struct sid_request *req, struct sid_address *out) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        req->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL ||
        sid_address_of(info->client_addr, out) != SID_OK)
        return SID_E_INTERNAL;
    return SID_OK;
}

enum sid_err
sid_request_source(const struct sid_request *req, struct sid_address *out) {
    const struct sid_networks *trusted = &req->door->server->trusted_proxies;
    struct sid_address peer;
    enum sid_err err = peer_of(req, &peer);
    if (err != SID_OK)
        return err;
    if (sid_networks_have(trusted, &peer))
        return sid_forwarded_source(&peer, req->head.forwarded,
                                    req->head.forwarded_count, trusted, out);
    *out = peer;
    return SID_OK;
}

bool
sid_request_tls(const struct sid_request *req) {
    struct sid_address peer;
    return req->head.forwarded_tls && peer_of(req, &peer) == SID_OK &&
           sid_networks_have(&req->door->server->trusted_proxies, &peer);
}
