/* route.h: the one table of what can be asked: method, path, who may, which
 * body, which functions. What is not in it does not exist, and who is not in a
 * row may not. The flows behind the rows enforce what `own` says; a test holds
 * both against each other. Constant; any thread. */
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
    SID_BODY_MULTIPART, /* of an enrolment */
    SID_BODY_APPEAL,    /* multipart, of an appeal */
    SID_BODY_RECOVERY,  /* multipart, of a recovery; of an officer JSON */
    SID_BODY_NUMBER,    /* multipart, of a recovery by ID number */
    SID_BODY_PUSH,      /* of WeChat: XML or JSON, told apart by itself */
    SID_BODY_FACE,      /* multipart, of a look at a face */
};

/* Largest JSON body. Source: reliability B6. */
#define SID_JSON_BODY_MAX_BYTES 16384

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
    /* Frees and wipes what prepare made; called once iff req->flow_bytes > 0.
     */
    void (*fini)(struct sid_request *req);
    /* A failure of the service's is told as "could_not_check". */
    bool is_check;
};

/* In `any`: everybody, without a key as well. */
#define SID_ROUTE_OPEN (~0u)
/* In `any`, beside the bits of enum sid_role: whoever is on this machine and
 * came through the control socket. */
#define SID_ROUTE_CONTROL (1u << 30)
/* The same: who enrols on the page, see session.h. */
#define SID_ROUTE_APPLICANT (1u << 29)

struct sid_route {
    enum sid_method method; /* GET also serves HEAD */
    const char *pattern;    /* {id}, {photo}, {account} stand for one segment,
                               {file} for all the rest */
    unsigned any;           /* bits of enum sid_role: whosever it is */
    unsigned own;           /* bits: only what they have sent or hold; what is
                               somebody else's does not exist for them */
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
    const char *account;
    size_t account_len;
};

/* Finds the route of a path without query. *allow: methods that the path has.
 * Errors: SID_E_NOT_FOUND, SID_E_METHOD. */
SID_FALLIBLE enum sid_err sid_route_find(enum sid_method method,
                                         const char *path,
                                         const struct sid_route **out,
                                         struct sid_path *segments,
                                         unsigned *allow);
bool sid_route_open(const struct sid_route *route);
bool sid_route_serves_head(const struct sid_route *route);
/* True when a caller who is one of these (bits of enum sid_role,
 * SID_ROUTE_CONTROL) may use the route, be it on their own only. */
bool sid_route_allows(const struct sid_route *route, unsigned who);

#endif
