/* ceiling.c: the fastest an answer can be with this HTTP library: bare
 * libmicrohttpd that reads the body of a request and answers a constant. What
 * `make bench` compares the daemon with. Usage: ceiling BYTES THREADS; prints
 * its port, serves until it is killed. Threads: libmicrohttpd's pool; they
 * share one response object, which is never written to. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_BYTES_MAX 65536UL
#define THREADS_MAX 64UL
#define CONNECTIONS_MAX 1024U

static char seen; /* its address marks a request whose headers have come */

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url,
           const char *method, const char *version, const char *upload_data,
           size_t *upload_data_size, void **request) {
    (void)url;
    (void)method;
    (void)version;
    (void)upload_data;
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    if (*upload_data_size > 0) {
        *upload_data_size = 0;
        return MHD_YES;
    }
    struct MHD_Response *answer = context;
    return MHD_queue_response(connection, MHD_HTTP_OK, answer);
}

static int
serve(struct MHD_Response *answer, unsigned threads) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, answer,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT,
        CONNECTIONS_MAX, MHD_OPTION_END);
    if (daemon == NULL)
        return EXIT_FAILURE;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    (void)printf("port=%u\n", info == NULL ? 0U : (unsigned)info->port);
    (void)fflush(stdout);
    sigset_t signals;
    int got;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    (void)sigwait(&signals, &got);
    MHD_stop_daemon(daemon);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv) {
    if (argc != 3)
        return EXIT_FAILURE;
    unsigned long bytes = strtoul(argv[1], NULL, 10);
    unsigned long threads = strtoul(argv[2], NULL, 10);
    if (bytes == 0 || bytes > ANSWER_BYTES_MAX || threads == 0 ||
        threads > THREADS_MAX)
        return EXIT_FAILURE;
    /* Before any thread, so that all of them leave it to sigwait. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    char *body = malloc(bytes);
    if (body == NULL)
        return EXIT_FAILURE;
    memset(body, 'x', bytes);
    struct MHD_Response *answer =
        MHD_create_response_from_buffer(bytes, body, MHD_RESPMEM_MUST_FREE);
    if (answer == NULL) {
        free(body);
        return EXIT_FAILURE;
    }
    int status = MHD_add_response_header(answer, "Content-Type",
                                         "application/json") == MHD_YES
                     ? serve(answer, (unsigned)threads)
                     : EXIT_FAILURE;
    MHD_destroy_response(answer);
    return status;
}
