/* test_inherited.c: a server on sockets that were opened for it, signs of life,
 * and what a stop still answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "smartid/clock.h"
#include "smartid/log.h"

static struct fixture *f;

static int
set_up(void **state) {
    (void)state;
    f = fixture_new();
    return 0;
}

static int
tear_down(void **state) {
    (void)state;
    fixture_free(f);
    return 0;
}

/* A socket on a free port of the loopback. */
static int
make_socket(int family, int type, bool listens) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {.v6 = {0}};
    socklen_t size = sizeof at.v4;
    at.any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) {
        at.v6.sin6_addr = in6addr_loopback;
        size = sizeof at.v6;
    }
    if (family == AF_UNIX)
        size = sizeof(sa_family_t); /* any abstract name */
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &at.any, size), 0);
    if (listens)
        assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* Connects to where a listening socket listens and asks for the version. */
static int
ask_for_version(int listening) {
    static const char request[] = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_storage at;
    socklen_t size = sizeof at;
    assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &size), 0);
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, size), 0);
    fixture_send(fd, request, sizeof request - 1);
    return fd;
}

static void
read_200(int fd) {
    struct answer answer;
    fixture_read(fd, &answer, NULL);
    assert_int_equal(answer.status, 200);
    close(fd);
}

static void
inherited_sockets_are_served_and_outlive_the_server(void **state) {
    (void)state;
    struct sid_server *second = NULL;
    struct sid_inherited got = {
        .fd = {make_socket(AF_INET, SOCK_STREAM, true),
               make_socket(AF_INET6, SOCK_STREAM, true)},
        .count = 2};
    struct sid_config config = f->config;
    for (config.io_threads = 1; config.io_threads <= 3; config.io_threads++) {
        /* As many wait already as there can be threads that miss them. */
        int early = ask_for_version(got.fd[0]);
        assert_int_equal(
            sid_server_new(f->app, &config, "", &got, NULL, &second), SID_OK);
        assert_int_not_equal(sid_server_port(second),
                             sid_server_port(f->server));
        read_200(early);
        read_200(ask_for_version(got.fd[1]));
        sid_server_quiesce(second);
        int late = ask_for_version(got.fd[1]);
        sid_server_settle(second);
        sid_server_free(&second);
        assert_int_equal(
            sid_server_new(f->app, &config, "", &got, NULL, &second), SID_OK);
        read_200(late);
        sid_server_free(&second);
    }
    sid_inherited_close(&got);
}

static void
what_is_no_listening_tcp_socket_is_refused(void **state) {
    (void)state;
    struct sid_server *second = NULL;
    const int wrong[] = {make_socket(AF_INET, SOCK_STREAM, false),
                         make_socket(AF_INET, SOCK_DGRAM, false),
                         make_socket(AF_UNIX, SOCK_STREAM, true),
                         STDERR_FILENO};
    sid_log_set_level(SID_LOG_ERROR + 1); /* the refusal is logged */
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sid_inherited got = {.fd = {wrong[i]}, .count = 1};
        assert_int_equal(
            sid_server_new(f->app, &f->config, "", &got, NULL, &second),
            SID_E_CONFIG);
        assert_null(second);
        if (wrong[i] != STDERR_FILENO)
            sid_inherited_close(&got);
    }
}

static bool
answered_in_time(void) {
    int64_t until_us = sid_mono_us() + (int64_t)20 * 1000 * 1000;
    while (!sid_server_answered(f->server)) {
        if (sid_mono_us() > until_us)
            return false;
        usleep(200);
    }
    return true;
}

static void
io_threads_and_writer_give_signs_of_life(void **state) {
    (void)state;
    int64_t until_us = sid_mono_us() + (int64_t)20 * 1000 * 1000;
    for (int i = 0; i < 50; i++) {
        assert_true(sid_server_answered(f->server));
        sid_server_ask(f->server);
        sid_server_ask(f->server);
        assert_true(answered_in_time());
    }
    sid_app_ask(f->app);
    sid_app_ask(f->app);
    while (!sid_app_answered(f->app))
        assert_true(sid_mono_us() < until_us);
}

static void *
finish_request(void *ctx) {
    usleep(50000); /* the stop has begun, or the test proves less */
    fixture_send(*(int *)ctx, "x\r\n\r\n", 5);
    return NULL;
}

static void
a_stop_answers_what_was_begun_and_drops_what_is_idle(void **state) {
    (void)state;
    static const char whole[] = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char half[] = "GET /version HTTP/1.1\r\nHost: ";
    struct answer answer;
    int idle = fixture_connect(f, false), busy = fixture_connect(f, false);
    fixture_send(idle, whole, sizeof whole - 1);
    fixture_read(idle, &answer, NULL);
    assert_int_equal(answer.status, 200);
    fixture_send(busy, half, sizeof half - 1);
    /* Until its bytes have been read. */
    sid_server_ask(f->server);
    assert_true(answered_in_time());
    sid_server_ask(f->server);
    assert_true(answered_in_time());
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, finish_request, &busy), 0);
    int64_t began_us = sid_mono_us();
    sid_server_quiesce(f->server);
    sid_server_settle(f->server);
    assert_true(sid_mono_us() - began_us < 1900 * 1000);
    fixture_read(busy, &answer, NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.head, "Connection: close"));
    assert_true(fixture_closed(idle));
    close(idle);
    close(busy);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
a_stop_does_not_wait_for_ever_for_who_sends_nothing(void **state) {
    (void)state;
    int silent = fixture_connect(f, false);
    sid_server_ask(f->server);
    assert_true(answered_in_time());
    int64_t began_us = sid_mono_us();
    sid_server_quiesce(f->server);
    sid_server_settle(f->server);
    assert_true(sid_mono_us() - began_us < (int64_t)20 * 1000 * 1000);
    assert_true(fixture_closed(silent));
    close(silent);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(inherited_sockets_are_served_and_outlive_the_server),
        T(what_is_no_listening_tcp_socket_is_refused),
        T(io_threads_and_writer_give_signs_of_life),
        T(a_stop_answers_what_was_begun_and_drops_what_is_idle),
        T(a_stop_does_not_wait_for_ever_for_who_sends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
