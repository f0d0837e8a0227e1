/* reply.h: answers. The only place that knows HTTP status numbers. io threads;
 * the answer's body is owned by the request and wiped with it. */
#ifndef SMARTID_HTTP_REPLY_H
#define SMARTID_HTTP_REPLY_H

#include <microhttpd.h>
#include <stdbool.h>

#include "smartid/buf.h"
#include "smartid/err.h"

struct sid_page_file;
struct sid_request;

/* A session's cookie with its attributes. */
#define SID_COOKIE_LINE_SIZE 176

/* The longest is WeChat's, with an address of ours in it. */
#define SID_LOCATION_SIZE 1024

enum sid_success {
    SID_SUCCESS_OK,
    SID_SUCCESS_CREATED,
    SID_SUCCESS_ACCEPTED,
    SID_SUCCESS_NO_CONTENT, /* no body, and no type of one */
    SID_SUCCESS_SEE_OTHER,  /* answer.location */
    SID_SUCCESS_NOT_MODIFIED,
    SID_SUCCESS_NOT_READY, /* an answer of /readyz, not a problem */
};

struct sid_answer {
    enum sid_success success;
    struct sid_buf body;
    const char *content_type;          /* NULL: JSON */
    char location[SID_LOCATION_SIZE];  /* "" for none */
    char preference[32];               /* Preference-Applied; "" for none */
    char cookie[SID_COOKIE_LINE_SIZE]; /* Set-Cookie; "" for none */
    int retry_after_s;                 /* 0: none */
    bool replayed;                     /* Idempotent-Replayed */
    bool vary_accept;                  /* Vary */
    bool show_inline;                  /* Content-Disposition */
    /* Sent in place of the body; of the set that the request holds. NULL: none
     */
    const struct sid_page_file *file;
    bool file_gzip; /* its gzipped bytes */
};

/* The status of an error and of a success; every error has one. */
unsigned sid_reply_status(enum sid_err err);
unsigned sid_reply_success(enum sid_success success);
/* What the outside is told: errors that are the service's own affair become
 * SID_E_INTERNAL. */
enum sid_err sid_reply_public(enum sid_err err);

/* Queues the request's answer, or the problem document of err. MHD_NO: the
 * connection must be closed. */
enum MHD_Result sid_reply(struct sid_request *req, enum sid_err err);
/* Wipes the cookie in a response that nobody sends any more, and destroys it.
 * NULL-safe. */
void sid_reply_forget(struct MHD_Response **response);
/* Appends a whole answer, head and problem document, to a request that there is
 * no struct of; after it the connection must be closed. Counted as answered.
 * Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_reply_print(struct sid_buf *to, enum sid_err err,
                                          const char *request_id);

#endif
