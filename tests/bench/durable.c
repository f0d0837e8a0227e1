/* durable.c: the fastest an answer can be with this HTTP library once a line
 * about it must be on disk: bare libmicrohttpd that suspends each request, one
 * thread that writes a line for each of those that have come, syncs once, and
 * hands all back; nothing is read, checked or sealed. It has the daemon's
 * threads and its loop, so the daemon beside it shows what a check itself
 * costs. With "rows" what is written is a row of an audit log in SQLite, after
 * a look-up: the least that a durable check can be (rows.h); no code is read
 * or judged, nobody is let in, nothing is opened.
 * Usage: durable BYTES FILE [rows]; prints its port, serves until SIGTERM. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rows.h"

#define ANSWER_BYTES_MAX 65536UL
#define LOOPS 2 /* as many as the daemon has */
#define CONNECTIONS_MAX 1024U
/* About what a row of the audit log takes. */
#define LINE_BYTES 256
#define LINES_MAX (LOOPS * CONNECTIONS_MAX)

struct request {
    struct MHD_Connection *connection;
    struct loop *loop;
    struct request *next;
    bool done;
};

struct loop {
    struct MHD_Daemon *daemon;
    _Atomic(struct request *) back;
    _Atomic bool asleep;
    int wake_fd; /* an eventfd, as the writer's */
};

static struct {
    struct MHD_Response *answer;
    struct loop loop[LOOPS];
    _Atomic(struct request *) come;
    _Atomic bool asleep;
    int wake_fd;
    int file;
    struct rows *rows; /* NULL: lines */
} all;

static void
wake(int fd) {
    static const uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
}

static void
push(_Atomic(struct request *) *list, struct request *req) {
    req->next = atomic_load(list);
    while (!atomic_compare_exchange_weak(list, &req->next, req))
        ;
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url,
           const char *method, const char *version, const char *upload_data,
           size_t *upload_data_size, void **request) {
    struct request *req = *request;
    (void)url;
    (void)method;
    (void)version;
    (void)upload_data;
    if (req == NULL) {
        req = calloc(1, sizeof *req);
        *request = req;
        if (req != NULL)
            req->loop = context;
        return req == NULL ? MHD_NO : MHD_YES;
    }
    if (*upload_data_size > 0) {
        *upload_data_size = 0;
        return MHD_YES;
    }
    if (req->done)
        return MHD_queue_response(connection, MHD_HTTP_OK, all.answer);
    req->connection = connection;
    MHD_suspend_connection(connection);
    push(&all.come, req);
    if (atomic_exchange(&all.asleep, false))
        wake(all.wake_fd);
    return MHD_YES;
}

static void
on_end(void *context, struct MHD_Connection *connection, void **request,
       enum MHD_RequestTerminationCode code) {
    (void)context;
    (void)connection;
    (void)code;
    free(*request);
    *request = NULL;
}

/* Sleeps until one of n descriptors is ready, unless the list has something. */
static void
sleep_until(_Atomic bool *asleep, _Atomic(struct request *) *list,
            struct pollfd *fds, nfds_t n, int ms) {
    uint64_t count;

    atomic_store(asleep, true);
    if (atomic_load(list) == NULL && poll(fds, n, ms) > 0 &&
        fds[0].revents != 0)
        (void)!read(fds[0].fd, &count, sizeof count);
    atomic_store(asleep, false);
}

/* Writes a line or a row for each of the list and syncs them; false when the
 * disk does not take them. */
static bool
write_down(const struct request *list) {
    static char lines[LINES_MAX * LINE_BYTES];
    size_t n = 0;

    for (; list != NULL && n < LINES_MAX; list = list->next)
        n++;
    if (all.rows != NULL)
        return rows_write(all.rows, n);
    memset(lines, 'x', n * LINE_BYTES);
    return write(all.file, lines, n * LINE_BYTES) ==
               (ssize_t)(n * LINE_BYTES) &&
           fdatasync(all.file) == 0;
}

static void *
writer_main(void *arg) {
    struct pollfd fds[] = {{.fd = all.wake_fd, .events = POLLIN}};

    (void)arg;
    for (;;) {
        struct request *list = atomic_exchange(&all.come, NULL);
        if (list == NULL) {
            sleep_until(&all.asleep, &all.come, fds, 1, -1);
            continue;
        }
        if (!write_down(list))
            abort();
        while (list != NULL) {
            struct request *next = list->next;
            push(&list->loop->back, list);
            list = next;
        }
        for (int i = 0; i < LOOPS; i++)
            if (atomic_load(&all.loop[i].back) != NULL &&
                atomic_exchange(&all.loop[i].asleep, false))
                wake(all.loop[i].wake_fd);
    }
    return NULL;
}

static void *
loop_main(void *arg) {
    struct loop *loop = arg;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd fds[] = {{.fd = loop->wake_fd, .events = POLLIN},
                           {.fd = info->epoll_fd, .events = POLLIN}};

    for (;;) {
        struct request *list = atomic_exchange(&loop->back, NULL);
        while (list != NULL) {
            struct request *next = list->next;
            list->done = true;
            MHD_resume_connection(list->connection);
            list = next;
        }
        (void)MHD_run(loop->daemon);
        MHD_UNSIGNED_LONG_LONG limit_ms = 1000;
        if (MHD_get_timeout(loop->daemon, &limit_ms) != MHD_YES ||
            limit_ms > 1000)
            limit_ms = 1000;
        if (limit_ms > 0)
            sleep_until(&loop->asleep, &loop->back, fds, 2, (int)limit_ms);
    }
    return NULL;
}

static int
listen_on(struct sockaddr_in *address) {
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)address, size) != 0 ||
        listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &size) != 0)
        return -1;
    return fd;
}

static bool
start(struct loop *loop, int fd) {
    pthread_t thread;

    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->daemon = MHD_start_daemon(
        (unsigned)MHD_USE_EPOLL |
            ((unsigned)MHD_ALLOW_SUSPEND_RESUME & ~(unsigned)MHD_USE_ITC),
        0, NULL, NULL, on_request, loop, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_CONNECTION_LIMIT,
        CONNECTIONS_MAX, MHD_OPTION_END);
    return loop->wake_fd >= 0 && loop->daemon != NULL &&
           pthread_create(&thread, NULL, loop_main, loop) == 0;
}

static int
serve(void) {
    struct sockaddr_in address;
    pthread_t writer;
    sigset_t signals;
    int got;
    int fd = listen_on(&address);

    if (fd < 0 || pthread_create(&writer, NULL, writer_main, NULL) != 0)
        return EXIT_FAILURE;
    for (int i = 0; i < LOOPS; i++)
        if (!start(&all.loop[i], dup(fd)))
            return EXIT_FAILURE;
    (void)printf("port=%u\n", (unsigned)ntohs(address.sin_port));
    (void)fflush(stdout);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    (void)sigwait(&signals, &got);
    /* Its threads end with it. */
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char **argv) {
    sigset_t signals;
    bool rows = argc == 4 && strcmp(argv[3], "rows") == 0;
    unsigned long bytes = argc == 3 || rows ? strtoul(argv[1], NULL, 10) : 0;

    if (bytes == 0 || bytes > ANSWER_BYTES_MAX)
        return EXIT_FAILURE;
    /* Before any thread, so that all of them leave it to sigwait. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (rows)
        all.rows = rows_open(argv[2]);
    else
        all.file =
            open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    all.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    char *body = malloc(bytes);
    if ((rows && all.rows == NULL) || all.file < 0 || all.wake_fd < 0 ||
        body == NULL)
        return EXIT_FAILURE;
    memset(body, 'x', bytes);
    all.answer =
        MHD_create_response_from_buffer(bytes, body, MHD_RESPMEM_MUST_FREE);
    if (all.answer == NULL ||
        MHD_add_response_header(all.answer, "Content-Type",
                                "application/json") != MHD_YES)
        return EXIT_FAILURE;
    return serve();
}
