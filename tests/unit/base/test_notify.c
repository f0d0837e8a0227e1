/* test_notify.c: what is said to a service manager, and when nothing is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smartid/log.h"
#include "smartid/notify.h"

static int manager = -1;

/* Listens on a name of this process and puts it into the environment. */
static int
set_up(void **state) {
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char name[64];
    int len =
        snprintf(name, sizeof name, "@smartid-test-notify-%d", (int)getpid());
    memcpy(at.sun_path + 1, name + 1, (size_t)len - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(manager, (struct sockaddr *)&at,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
        0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
    sid_log_set_level(SID_LOG_ERROR + 1); /* refusals are logged */
    return 0;
}

static int
tear_down(void **state) {
    (void)state;
    close(manager);
    return 0;
}

static const char *
heard(void) {
    static char text[256];
    ssize_t n = recv(manager, text, sizeof text - 1, MSG_DONTWAIT);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void
each_state_is_said_in_the_words_of_the_protocol(void **state) {
    (void)state;
    struct sid_notify notify;
    long long us = 0;
    assert_int_equal(sid_notify_open(&notify), SID_OK);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_string_equal(heard(), "");
    sid_notify_ready(&notify);
    assert_string_equal(heard(), "READY=1\nSTATUS=serving");
    sid_notify_reloading(&notify);
    assert_int_equal(
        sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS", &us), 1);
    assert_true(us > 0);
    sid_notify_alive(&notify);
    assert_string_equal(heard(), "WATCHDOG=1");
    sid_notify_stopping(&notify);
    assert_string_equal(heard(), "STOPPING=1\nSTATUS=finishing what runs");
    sid_notify_close(&notify);
    sid_notify_alive(&notify);
    assert_string_equal(heard(), "");
}

static void
without_a_manager_nothing_is_said_and_nothing_fails(void **state) {
    (void)state;
    struct sid_notify notify;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "5000000", 1), 0);
    assert_int_equal(sid_notify_open(&notify), SID_OK);
    assert_true(notify.fd < 0 && notify.watchdog_us == 0);
    sid_notify_ready(&notify);
    sid_notify_close(&notify);
}

static void
a_manager_that_does_not_read_is_not_waited_for(void **state) {
    (void)state;
    struct sid_notify notify;
    assert_int_equal(sid_notify_open(&notify), SID_OK);
    for (int i = 0; i < 5000; i++) /* more than any queue of datagrams */
        sid_notify_alive(&notify);
    close(manager);
    manager = -1;
    sid_notify_alive(&notify);
    sid_notify_close(&notify);
}

static void
the_watchdog_is_for_whom_it_names(void **state) {
    (void)state;
    struct sid_notify notify;
    char name[64], pid[16];
    (void)snprintf(name, sizeof name, "%s", getenv("NOTIFY_SOCKET"));
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    const struct {
        const char *pid;
        int64_t us;
    } cases[] = {{NULL, 15000000}, {pid, 15000000}, {"1", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
        assert_int_equal(setenv("WATCHDOG_USEC", "15000000", 1), 0);
        if (cases[i].pid != NULL)
            assert_int_equal(setenv("WATCHDOG_PID", cases[i].pid, 1), 0);
        assert_int_equal(sid_notify_open(&notify), SID_OK);
        assert_true(notify.watchdog_us == cases[i].us);
        assert_null(getenv("WATCHDOG_USEC"));
        assert_null(getenv("WATCHDOG_PID"));
        sid_notify_close(&notify);
    }
}

static void
what_cannot_be_used_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"",  "x",         "/",
                                        "@", "vsock:2:1", "/nowhere/at/all"};
    static const char *const times[] = {"", "0", "-1", "1s"};
    struct sid_notify notify = {.fd = -7};
    char good[64];
    (void)snprintf(good, sizeof good, "%s", getenv("NOTIFY_SOCKET"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        assert_int_equal(sid_notify_open(&notify), SID_E_CONFIG);
    }
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", good, 1), 0);
        assert_int_equal(setenv("WATCHDOG_USEC", times[i], 1), 0);
        assert_int_equal(sid_notify_open(&notify), SID_E_CONFIG);
    }
    assert_int_equal(notify.fd, -7);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(each_state_is_said_in_the_words_of_the_protocol),
        T(without_a_manager_nothing_is_said_and_nothing_fails),
        T(a_manager_that_does_not_read_is_not_waited_for),
        T(the_watchdog_is_for_whom_it_names),
        T(what_cannot_be_used_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
