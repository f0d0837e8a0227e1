/* io_fails.h: files fail as fuzz_fail_nth() says, and a daemon answers as a
 * test says. */
#ifndef SID_IO_FAILS_H
#define SID_IO_FAILS_H

#include <stdbool.h>

#include "../../../src/ctl/ctl.h"

/* Something for stdout failed: smartidctl's main() makes that a failure. */
extern bool io_output_lost;

/* Whether these fail, too, which are many: reads, writes, folders, and SQLite's
 * own functions. */
extern bool io_deep;

/* What is answered at the control socket, first and then (NULL: the same); no
 * first one: it is really asked. */
struct io_daemon {
    const char *answer[2];
    long status;
    int times;       /* it was asked */
    char asked[512]; /* "POST /v1/... {...}", the last time */
};
extern struct io_daemon io_daemon;

#endif
