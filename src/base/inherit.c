/* inherit.c: see inherit.h. What kind of sockets they are is judged by whoever
 * listens on them. Main thread; owns nothing. */
#include "smartid/inherit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "smartid/log.h"
#include "smartid/text.h"

/* Source: sd_listen_fds(3), SD_LISTEN_FDS_START. */
#define FIRST_FD 3

static const char *
take(struct sid_inherited *out) {
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int64_t whose = 0, n = 0;
    if (pid == NULL || count == NULL)
        return NULL;
    if (sid_text_number(pid, 1, INT32_MAX, &whose) != SID_OK)
        return "LISTEN_PID is no process";
    if (whose != getpid())
        return NULL;
    if (sid_text_number(count, 0, SID_INHERITED_MAX, &n) != SID_OK)
        return "LISTEN_FDS is no number of 0 to 16 sockets";
    for (int i = 0; i < (int)n; i++) {
        if (fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC) != 0)
            return "LISTEN_FDS counts a descriptor that is not open";
        out->fd[i] = FIRST_FD + i;
    }
    out->count = (int)n;
    return NULL;
}

enum sid_err
sid_inherit(struct sid_inherited *out) {
    struct sid_inherited got = {.count = 0};
    const char *wrong = take(&got);
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (wrong != NULL) {
        sid_log(SID_LOG_ERROR, "service_manager", SID_S("why", wrong));
        return SID_E_CONFIG;
    }
    *out = got;
    return SID_OK;
}

void
sid_inherited_close(struct sid_inherited *inherited) {
    for (int i = 0; i < inherited->count; i++)
        (void)close(inherited->fd[i]);
    inherited->count = 0;
}
