/* notify.c: the datagrams of notify.h. Main thread; owns one socket. */
#include "smartid/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/text.h"

static bool
reach(const char *name, int *out) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 ||
        len >= sizeof at.sun_path)
        return false;
    memcpy(at.sun_path, name, len);
    if (name[0] == '@')
        at.sun_path[0] = '\0'; /* abstract: no file, and no final zero */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    size_t size = offsetof(struct sockaddr_un, sun_path) + len;
    if (connect(fd, (struct sockaddr *)&at, (socklen_t)size) != 0) {
        close(fd);
        return false;
    }
    *out = fd;
    return true;
}

/* WATCHDOG_PID says for whom it is, when it is given. */
static bool
read_watchdog(int64_t *out_us) {
    const char *time = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t us = 0, whose = 0;
    if (time == NULL)
        return true;
    if (sid_text_number(time, 1, INT64_MAX, &us) != SID_OK ||
        (pid != NULL && sid_text_number(pid, 1, INT32_MAX, &whose) != SID_OK))
        return false;
    if (pid == NULL || whose == getpid())
        *out_us = us;
    return true;
}

enum sid_err
sid_notify_open(struct sid_notify *out) {
    struct sid_notify notify = {.fd = -1};
    const char *name = getenv("NOTIFY_SOCKET");
    const char *wrong = NULL;
    if (!read_watchdog(&notify.watchdog_us))
        wrong = "WATCHDOG_USEC";
    else if (name != NULL && !reach(name, &notify.fd))
        wrong = "NOTIFY_SOCKET";
    if (name == NULL)
        notify.watchdog_us = 0;
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    if (wrong != NULL) {
        sid_log(SID_LOG_ERROR, "service_manager", SID_S("variable", wrong),
                SID_S("why", "it cannot be used"));
        return SID_E_CONFIG;
    }
    *out = notify;
    return SID_OK;
}

static void
say(const struct sid_notify *notify, const char *lines) {
    if (notify->fd < 0)
        return;
    /* Nobody waits for a manager that does not read. */
    ssize_t n =
        send(notify->fd, lines, strlen(lines), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        sid_log(SID_LOG_WARN, "notify_failed", SID_N("errno", errno));
}

void
sid_notify_ready(const struct sid_notify *notify) {
    say(notify, "READY=1\nSTATUS=serving");
}

void
sid_notify_reloading(const struct sid_notify *notify) {
    char lines[96];
    (void)snprintf(lines, sizeof lines,
                   "RELOADING=1\nMONOTONIC_USEC=%" PRId64
                   "\nSTATUS=reading the settings again",
                   sid_mono_us());
    say(notify, lines);
}

void
sid_notify_stopping(const struct sid_notify *notify) {
    say(notify, "STOPPING=1\nSTATUS=finishing what runs");
}

void
sid_notify_alive(const struct sid_notify *notify) {
    say(notify, "WATCHDOG=1");
}

void
sid_notify_close(struct sid_notify *notify) {
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}
