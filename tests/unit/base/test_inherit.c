/* test_inherit.c: which sockets are taken over from a service manager. That
 * they are descriptors 3 and on is tested end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "smartid/inherit.h"
#include "smartid/log.h"

static void
announce(const char *pid, const char *count) {
    assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
    assert_int_equal(setenv("LISTEN_FDS", count, 1), 0);
    assert_int_equal(setenv("LISTEN_FDNAMES", "x", 1), 0);
}

static const char *
own_pid(void) {
    static char text[16];
    (void)snprintf(text, sizeof text, "%d", (int)getpid());
    return text;
}

/* Makes sure that descriptor 3 is open. */
static int
set_up(void **state) {
    (void)state;
    sid_log_set_level(SID_LOG_ERROR + 1); /* refusals are logged */
    if (fcntl(3, F_GETFD) < 0)
        assert_int_equal(dup2(STDERR_FILENO, 3), 3);
    assert_int_equal(fcntl(3, F_SETFD, 0), 0);
    return 0;
}

static void
what_is_announced_is_taken_and_the_announcement_removed(void **state) {
    (void)state;
    struct sid_inherited got;
    announce(own_pid(), "1");
    assert_int_equal(sid_inherit(&got), SID_OK);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.fd[0], 3);
    assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
    sid_inherited_close(&got);
    assert_int_equal(fcntl(3, F_GETFD), -1);
    sid_inherited_close(&got);
}

static void
without_an_announcement_nothing_is_taken(void **state) {
    (void)state;
    struct sid_inherited got = {.count = -7};
    assert_int_equal(sid_inherit(&got), SID_OK);
    assert_int_equal(got.count, 0);
    announce("1", "1");
    assert_int_equal(sid_inherit(&got), SID_OK);
    assert_int_equal(got.count, 0);
    assert_int_equal(fcntl(3, F_GETFD), 0);
    announce(own_pid(), "0");
    assert_int_equal(sid_inherit(&got), SID_OK);
    assert_int_equal(got.count, 0);
}

static void
an_announcement_that_makes_no_sense_is_refused(void **state) {
    (void)state;
    struct sid_inherited got = {.count = -7};
    static const char *const counts[] = {"", "x", "-1", "17", "1 "};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        announce(own_pid(), counts[i]);
        assert_int_equal(sid_inherit(&got), SID_E_CONFIG);
    }
    announce("x", "1");
    assert_int_equal(sid_inherit(&got), SID_E_CONFIG);
    assert_int_equal(close(3), 0);
    announce(own_pid(), "1");
    assert_int_equal(sid_inherit(&got), SID_E_CONFIG);
    assert_int_equal(got.count, -7);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        T(what_is_announced_is_taken_and_the_announcement_removed),
        T(without_an_announcement_nothing_is_taken),
        T(an_announcement_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
