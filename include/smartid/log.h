/* log.h: one logfmt line per event, on stderr.
 *
 * Lines are written whole, so that those of several threads do not mix.
 * Values are quoted and escaped where they need it; no value can end a line.
 * Never pass a name, an ID number, a code, a key or a photo. Any thread. */
#ifndef SMARTID_LOG_H
#define SMARTID_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"

enum sid_log_level {
    SID_LOG_DEBUG,
    SID_LOG_INFO,
    SID_LOG_WARN,
    SID_LOG_ERROR,
    SID_LOG_ALWAYS /* shown as info, but never dropped: evidence */
};

/* Lines below this level are dropped. Default SID_LOG_INFO. */
void sid_log_set_level(enum sid_log_level level);
/* "debug|info|warn|error". Errors: SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err sid_log_level_parse(const char *text,
                                              enum sid_log_level *out);

struct sid_log_field {
    const char *key;  /* [a-z_]+ */
    const char *text; /* borrowed; NULL: number is written instead */
    int64_t number;
};

/* Fields for sid_log(). */
#define SID_S(k, v) ((struct sid_log_field){.key = (k), .text = (v)})
#define SID_N(k, v)                                                            \
    ((struct sid_log_field){.key = (k), .text = NULL, .number = (int64_t)(v)})

/* Writes  ts=… level=… event=… k=v …  The event is a static snake_case word.
 * Usage: sid_log(SID_LOG_INFO, "listening", SID_S("address", a), SID_N("port",
 * p)); at most 16 fields. */
#define sid_log(level, event, ...)                                             \
    sid_log_fields((level), (event),                                           \
                   (const struct sid_log_field[]){                             \
                       __VA_ARGS__ __VA_OPT__(, ){.key = NULL}})
void sid_log_fields(enum sid_log_level level, const char *event,
                    const struct sid_log_field *fields);

/* From now on lines of this thread below SID_LOG_WARN wait for each other, a
 * few KiB of them, so that a busy thread writes once for many. It must flush
 * before it sleeps and before it ends; a line that does not wait flushes, too.
 */
void sid_log_hold(void);
/* Writes the lines that wait. */
void sid_log_flush(void);

#endif
