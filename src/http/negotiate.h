/* negotiate.h: what a client prefers: Accept, Prefer, Idempotency-Key. Pure.
 * Any thread. */
#ifndef SMARTID_HTTP_NEGOTIATE_H
#define SMARTID_HTTP_NEGOTIATE_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/store.h"

/* X(symbol, media type): in the order that wins between equals. */
#define SID_MEDIA_MAP(X)                                                       \
    X(SID_MEDIA_JSON, "application/json")                                      \
    X(SID_MEDIA_PNG, "image/png")                                              \
    X(SID_MEDIA_SVG, "image/svg+xml")
enum sid_media {
#define SID_MEDIA_ENUM(sym, name) sym,
    SID_MEDIA_MAP(SID_MEDIA_ENUM)
#undef SID_MEDIA_ENUM
        SID_MEDIA_COUNT
};
const char *sid_media_name(enum sid_media media);

/* Collects the Accept lines of a request (RFC 9110 12.5.1). */
struct sid_accept {
    bool given;
    struct {
        int q;        /* thousandths */
        int specific; /* 0 none matched, 1 all, 2 type/all, 3 exact */
    } of[SID_MEDIA_COUNT];
};
/* Adds one line. Elements that are not well-formed are passed over. */
void sid_accept_add(struct sid_accept *accept, const char *value);
/* The best medium. Errors: SID_E_NOT_ACCEPTABLE. */
SID_FALLIBLE enum sid_err sid_accept_choose(const struct sid_accept *accept,
                                            enum sid_media *out);

/* Collects the Accept-Encoding lines (RFC 9110 12.5.3), as far as gzip is
 * concerned. */
struct sid_encoding {
    bool gzip_given, any_given;
    bool gzip, any; /* accepted */
};
void sid_encoding_add(struct sid_encoding *encoding, const char *value);
/* Whether gzip may be sent. */
bool sid_encoding_gzip(const struct sid_encoding *encoding);

/* Whether one of the tags of an If-None-Match line is this one, quotes
 * included; weakly compared (RFC 9110 13.1.2). */
bool sid_etag_in(const char *line, const char *etag);

/* Collects the Prefer lines of a request (RFC 7240). */
struct sid_prefer {
    bool has_wait;
    bool respond_async;
    int64_t wait_s; /* as asked for, not yet capped */
};
/* Adds one line; what is unknown or malformed is passed over, as the RFC wants;
 * of a repeated preference the first counts. */
void sid_prefer_add(struct sid_prefer *prefer, const char *value);

/* A key of 1..128 printable ASCII characters, bare or as a quoted string; both
 * give the same key. Errors: SID_E_BAD_REQUEST. */
SID_FALLIBLE enum sid_err sid_idempotency_parse(const char *value,
                                                char out[SID_IDEMPOTENCY_SIZE]);

#endif
