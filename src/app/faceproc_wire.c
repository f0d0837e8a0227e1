/* faceproc_wire.c: one packet at a time between the daemon and its face
 * processes, with descriptors where they are handed over. The daemon's workers
 * and main thread, and the fork server; owns nothing. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "faceproc_internal.h"
#include "smartid/clock.h"

#define FDS_MAX 2

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

enum sid_err
sid_packet_send(int fd, const void *packet, size_t len, const int *fds,
                int count) {
    struct iovec iov = {.iov_base = (void *)(uintptr_t)packet, .iov_len = len};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    union control control = {0};
    if (count > 0) {
        size_t bytes = (size_t)count * sizeof *fds;
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(bytes);
        control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(bytes),
                                        .cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), fds, bytes);
    }
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)len ? SID_OK : SID_E_IO;
}

/* Until there is something to receive, if only the end. */
static enum sid_err
await(int fd, int64_t deadline_us) {
    for (;;) {
        int64_t left_us = deadline_us - sid_mono_us();
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        int ready =
            poll(&poller, 1, left_us > 0 ? (int)(left_us / 1000 + 1) : 0);
        if (ready > 0)
            return SID_OK;
        if (ready == 0 && left_us <= 0)
            return SID_E_TIMEOUT;
        if (ready < 0 && errno != EINTR)
            return SID_E_IO;
    }
}

enum sid_err
sid_packet_receive(int fd, void *packet, size_t len, int64_t deadline_us) {
    enum sid_err err = await(fd, deadline_us);
    if (err != SID_OK)
        return err;
    /* MSG_TRUNC: the packet's own length, also when it is longer. */
    ssize_t got = recv(fd, packet, len, MSG_DONTWAIT | MSG_TRUNC);
    if (got <= 0)
        return SID_E_IO;
    return got == (ssize_t)len ? SID_OK : SID_E_ARGUMENT;
}

enum sid_err
sid_packet_receive_with(int fd, void *packet, size_t len, int *fds, int count) {
    struct iovec iov = {.iov_base = packet, .iov_len = len};
    union control control = {0};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got;
    do {
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_TRUNC);
    } while (got < 0 && errno == EINTR);
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    size_t bytes = (size_t)count * sizeof *fds;
    if (got != (ssize_t)len || (message.msg_flags & MSG_CTRUNC) != 0 ||
        (head == NULL) != (count == 0) ||
        (head != NULL && head->cmsg_len != CMSG_LEN(bytes)))
        return SID_E_IO;
    if (head != NULL)
        memcpy(fds, CMSG_DATA(head), bytes);
    return SID_OK;
}
