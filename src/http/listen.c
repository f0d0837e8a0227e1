/* listen.c: making the listening sockets of listen.h. Main thread, before the
 * io threads; the descriptors belong to the caller. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "smartid/log.h"

static enum sid_err
failed(int fd, const char *what, const char *address) {
    int reason = errno;
    if (fd >= 0)
        close(fd);
    sid_log(SID_LOG_ERROR, "listen_failed", SID_S("what", what),
            SID_S("address", address), SID_S("reason", strerror(reason)));
    return SID_E_IO;
}

static int
port_of(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {.v6 = {0}};
    socklen_t size = sizeof at;
    if (getsockname(fd, &at.any, &size) != 0)
        return -1;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port
                                              : at.v4.sin_port);
}

static bool
set(int sock, int level, int option) {
    int one = 1;
    return setsockopt(sock, level, option, &one, sizeof one) == 0;
}

static bool
get(int sock, int option, int *out) {
    socklen_t size = sizeof *out;
    return getsockopt(sock, SOL_SOCKET, option, out, &size) == 0;
}

enum sid_err
sid_listen_tcp(const char *address, int64_t port, enum sid_share share, int *fd,
               int *got_port) {
    char service[8];
    char where[96];
    (void)snprintf(service, sizeof service, "%d", (int)port);
    (void)snprintf(where, sizeof where, "%s port %s", address, service);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(address, service, &hints, &found);
    if (rc != 0) {
        sid_log(SID_LOG_ERROR, "listen_failed", SID_S("what", "address"),
                SID_S("address", address), SID_S("reason", gai_strerror(rc)));
        return SID_E_IO;
    }
    int sock = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = sock >= 0 && set(sock, SOL_SOCKET, SO_REUSEADDR);
    /* Accepted sockets inherit it. */
    ok = ok && set(sock, IPPROTO_TCP, TCP_NODELAY);
    if (share == SID_SHARE_NEXT)
        ok = ok && set(sock, SOL_SOCKET, SO_REUSEPORT);
    ok = ok && bind(sock, found->ai_addr, found->ai_addrlen) == 0;
    /* Only after its bind, so that a second daemon on this port is refused
     * instead of sharing the connections of the first one. */
    if (share == SID_SHARE_FIRST)
        ok = ok && set(sock, SOL_SOCKET, SO_REUSEPORT);
    ok = ok && listen(sock, SOMAXCONN) == 0;
    freeaddrinfo(found);
    if (!ok)
        return failed(sock, "bind", where);
    *fd = sock;
    *got_port = port_of(sock);
    return SID_OK;
}

/* Why an inherited descriptor cannot be used; NULL: it can. */
static const char *
unfit(int fd) {
    int domain = 0, type = 0, protocol = 0, listens = 0;
    if (!get(fd, SO_DOMAIN, &domain) || !get(fd, SO_TYPE, &type) ||
        !get(fd, SO_PROTOCOL, &protocol) || !get(fd, SO_ACCEPTCONN, &listens))
        return "not a socket";
    if ((domain != AF_INET && domain != AF_INET6) || type != SOCK_STREAM ||
        protocol != IPPROTO_TCP)
        return "not TCP over IPv4 or IPv6 (ListenStream=address:port)";
    if (listens == 0)
        return "not listening (Accept=no is needed)";
    return NULL;
}

enum sid_err
sid_listen_adopt(int inherited, int *fd, int *got_port) {
    const char *why = unfit(inherited);
    if (why != NULL) {
        sid_log(SID_LOG_ERROR, "listen_failed", SID_S("what", "inherited"),
                SID_N("fd", inherited), SID_S("reason", why));
        return SID_E_CONFIG;
    }
    int copy = fcntl(inherited, F_DUPFD_CLOEXEC, 0);
    /* Not to wait in accept() for what another thread has taken. */
    if (copy < 0 || fcntl(copy, F_SETFL, O_RDWR | O_NONBLOCK) != 0 ||
        !set(copy, IPPROTO_TCP, TCP_NODELAY))
        return failed(copy, "inherited", "from the service manager");
    *fd = copy;
    *got_port = port_of(copy);
    return SID_OK;
}

/* Takes a socket file away that nobody listens on. */
static bool
clear_old(const struct sockaddr_un *at) {
    struct stat st;
    if (lstat(at->sun_path, &st) != 0)
        return errno == ENOENT;
    if (!S_ISSOCK(st.st_mode)) {
        errno = EEXIST;
        return false;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return false;
    int rc = connect(probe, (const struct sockaddr *)at, sizeof *at);
    int reason = errno;
    close(probe);
    if (rc == 0 || reason != ECONNREFUSED) {
        errno = rc == 0 ? EADDRINUSE : reason;
        return false;
    }
    return unlink(at->sun_path) == 0;
}

enum sid_err
sid_listen_unix(const char *path, int *fd) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at.sun_path) {
        errno = ENAMETOOLONG;
        return failed(-1, "bind", path);
    }
    memcpy(at.sun_path, path, strlen(path) + 1);
    if (!clear_old(&at))
        return failed(-1, "replace", path);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Linux gives the file the mode of the socket, so that there is no moment
     * in which others could connect. */
    bool ok = sock >= 0 && fchmod(sock, 0600) == 0 &&
              bind(sock, (const struct sockaddr *)&at, sizeof at) == 0 &&
              listen(sock, SOMAXCONN) == 0;
    if (!ok)
        return failed(sock, "bind", path);
    *fd = sock;
    return SID_OK;
}
