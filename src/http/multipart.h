/* multipart.h: multipart/form-data (RFC 7578) as it streams in.
 *
 * Our own parser instead of MHD_PostProcessor, which has had memory faults
 * (CVE-2021-3466, CVE-2023-27371), cannot be tested without a connection, and
 * takes much that browsers never send. This one is strict: no preamble, no
 * nested parts, no folded lines, and an end that must be there. Pure: bytes in,
 * calls out; no allocation. One request at a time; the caller owns the struct.
 */
#ifndef SMARTID_HTTP_MULTIPART_H
#define SMARTID_HTTP_MULTIPART_H

#include <stddef.h>
#include <stdint.h>

#include "header.h"
#include "smartid/err.h"

/* Longest head of one part. Browsers send under 300 bytes. */
#define SID_PART_HEAD_BYTES 1024
#define SID_PART_NAME_SIZE 65

struct sid_part {
    char name[SID_PART_NAME_SIZE];
    char content_type[64]; /* without parameters; "" when not given */
};

/* What the owner wants to be told. An error ends the parsing and is returned.
 */
struct sid_multipart_calls {
    enum sid_err (*begin)(void *ctx, const struct sid_part *part);
    enum sid_err (*data)(void *ctx, const uint8_t *ptr, size_t len);
    enum sid_err (*end)(void *ctx);
};

struct sid_multipart {
    const struct sid_multipart_calls *calls;
    void *ctx;
    int state;
    char delimiter[4 + SID_BOUNDARY_SIZE]; /* CR LF - - boundary NUL */
    size_t delimiter_len;
    size_t matched; /* characters of the delimiter seen so far */
    char head[SID_PART_HEAD_BYTES];
    size_t head_len;
};

/* boundary: 1..70 characters. calls and ctx are borrowed until the last feed.
 */
void sid_multipart_init(struct sid_multipart *multipart, const char *boundary,
                        const struct sid_multipart_calls *calls, void *ctx);
/* Takes the next bytes. Errors: SID_E_BAD_REQUEST (malformed; stays so), those
 * of the calls. */
SID_FALLIBLE enum sid_err sid_multipart_feed(struct sid_multipart *multipart,
                                             const uint8_t *ptr, size_t len);
/* Says whether the closing boundary has been seen. Errors: SID_E_BAD_REQUEST.
 */
SID_FALLIBLE enum sid_err
sid_multipart_finish(const struct sid_multipart *multipart);

#endif
