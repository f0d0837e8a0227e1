/* route.h: the one table of what can be asked: method, path, who may, which
 * body, which functions. What is not in it does not exist. Constant; any
 * thread. */
#ifndef SMARTID_HTTP_ROUTE_H
#define SMARTID_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"
#include "smartid/err.h"

enum sid_body_kind {
    SID_BODY_NONE,
    SID_BODY_NOTHING, /* none, or the empty JSON object */
    SID_BODY_JSON,
    SID_BODY_MULTIPART,
};

/* Largest JSON body. Source: reliability B6. */
#define SID_JSON_BODY_MAX_BYTES 16384
/* What a multipart body may have beyond its two photos. */
#define SID_MULTIPART_EXTRA_BYTES 65536

/* How a request is worked on. check, start and fini may be NULL. */
struct sid_handler {
    /* At the head, after key and role: the rest of what can be judged early. */
    enum sid_err (*check)(struct sid_request *req);
    /* The body is complete: reads it and makes the flow. */
    enum sid_err (*prepare)(struct sid_request *req);
    /* Starts the flow; NULL: there is none, finish follows at once. */
    void (*start)(struct sid_request *req);
    /* The flow has ended well: writes req->answer. */
    enum sid_err (*finish)(struct sid_request *req);
    /* Frees and wipes what prepare made; called once iff req->flow_made. */
    void (*fini)(struct sid_request *req);
};

struct sid_route {
    enum sid_method method; /* GET also serves HEAD on open routes */
    const char *pattern;    /* {id} and {photo} stand for one segment */
    unsigned roles;         /* bits of enum sid_role; SID_ROLE_NONE: open */
    enum sid_body_kind body;
    bool query;            /* takes a query */
    const char *id_prefix; /* of {id} */
    const struct sid_handler *handler;
};

extern const struct sid_route sid_routes[];
extern const size_t sid_routes_count;

/* A segment of the path; len 0 when the pattern has none. */
struct sid_path {
    const char *id;
    size_t id_len;
    const char *photo;
    size_t photo_len;
};

/* Finds the route of a path without query. *allow: methods that the path has.
 * Errors: SID_E_NOT_FOUND, SID_E_METHOD. */
SID_FALLIBLE enum sid_err sid_route_find(enum sid_method method,
                                         const char *path,
                                         const struct sid_route **out,
                                         struct sid_path *segments,
                                         unsigned *allow);
/* True when a caller of this role may use the route. */
bool sid_route_allows(const struct sid_route *route, enum sid_role role);

#endif
