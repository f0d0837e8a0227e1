/* inifile.h: INI files that people write: read whole, within bounds, handed
 * over line by line with the number of each line, so that whoever understands
 * them can say what is wrong where. Main thread only (inih's options are
 * globals); nothing is owned afterwards. */
#ifndef SMARTID_INIFILE_H
#define SMARTID_INIFILE_H

#include "smartid/buf.h"
#include "smartid/err.h"

/* Where and what: filled when something is wrong. */
struct sid_config_problem {
    char text[768]; /* "FILE:LINE: section.name: what; accepted: …" */
};

/* Files larger than this are not ours. */
#define SID_INI_FILE_MAX_BYTES ((size_t)65536)
/* Longest line, newline and NUL included: a path and its name, doubled. */
#define SID_INI_LINE_MAX_BYTES 1100

/* One reading. The handlers return SID_OK to go on, or sid_ini_refuse(). */
struct sid_ini {
    const char *path; /* in: for messages */
    /* in: a [section] line, with or without anything behind it */
    enum sid_err (*section)(struct sid_ini *ini, const char *section);
    /* in: name = value */
    enum sid_err (*pair)(struct sid_ini *ini, const char *section,
                         const char *name, const char *value);
    void *ctx;                          /* in: the handlers' own */
    struct sid_config_problem *problem; /* in: the first thing wrong */
    int line;                           /* out: the present line, from 1 */
    /* private */
    struct sid_span text;
    size_t at;
    enum sid_err err;
};

/* "FILE:LINE: …" goes to the problem, unless there is one already. Returns
 * SID_E_CONFIG. */
enum sid_err sid_ini_refuse(struct sid_ini *ini, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The file of ini->path. *out must be empty. Errors, each with a
 * problem: SID_E_IO, SID_E_NO_MEMORY, SID_E_CONFIG (too large). */
SID_FALLIBLE enum sid_err sid_ini_read(struct sid_ini *ini,
                                       struct sid_buf *out);
/* Calls the handlers. A line that is too long, has a NUL or is nothing that an
 * INI file has is refused. Errors: SID_E_CONFIG, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_ini_parse(struct sid_ini *ini,
                                        struct sid_span text);

#endif
