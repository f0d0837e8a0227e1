/* json_out.h: an append-only JSON writer over a sid_buf, for answers and for
 * lines of a log.
 *
 * What it writes has no line end of any kind inside a string, so that one
 * object is one line for every reader. Any thread; a writer has one owner. */
#ifndef SMARTID_JSON_OUT_H
#define SMARTID_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* The first failure (memory) sticks in err; later calls do nothing. */
struct sid_json {
    struct sid_buf *buf; /* borrowed */
    enum sid_err err;
    bool comma; /* a member or element stands before the next one */
};
void sid_json_init(struct sid_json *json, struct sid_buf *buf);
/* name: of the member, or NULL for an element of an array and for the top. */
void sid_json_open(struct sid_json *json, const char *name, char bracket);
void sid_json_close(struct sid_json *json, char bracket);
/* text: UTF-8; a byte that is not becomes U+FFFD. NULL writes null. */
void sid_json_string(struct sid_json *json, const char *name, const char *text);
void sid_json_int(struct sid_json *json, const char *name, int64_t value);
/* Four decimals. */
void sid_json_real(struct sid_json *json, const char *name, double value);
void sid_json_bool(struct sid_json *json, const char *name, bool value);
/* RFC 3339 UTC. */
void sid_json_time(struct sid_json *json, const char *name, int64_t at_s);

#endif
