/* test_config_server.c: a database that is a server, in the settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartid/config.h"

#define SERVER "[store]\ndatabase = postgresql://u@h1,h2/d?passfile=/p\n"

static struct sid_config config;
static struct sid_config_problem problem;

static enum sid_err
load(const char *text) {
    char path[] = "/tmp/sid-config-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    enum sid_err err = sid_config_load(path, &config, &problem);
    assert_int_equal(unlink(path), 0);
    return err;
}

static void
refused(const char *text, const char *why) {
    assert_int_equal(load(text), SID_E_CONFIG);
    assert_non_null(strstr(problem.text, why));
    assert_non_null(strstr(problem.text, ":2: "));
}

/* Nothing lies beside a server. */
static void
a_server_needs_a_place_for_socket_and_heads(void **state) {
    (void)state;
    refused(SERVER, "without store.control_socket");
    refused(SERVER "control_socket = /s\n", "without store.control_socket");
    refused(SERVER "[audit]\nhead_file = /h\n", "without store.control_socket");
    assert_int_equal(
        load(SERVER "control_socket = /s\n[audit]\nhead_file = /h\n"), SID_OK);
    assert_string_equal(config.database, "postgresql://u@h1,h2/d?passfile=/p");
}

static void
a_password_in_the_settings_is_refused_and_not_repeated(void **state) {
    static const char *const places[] = {"postgresql://u:hidden@h/d",
                                         "postgres://h/d?password=hidden",
                                         "postgres://h/d?sslpassword=hidden"};
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        (void)snprintf(text, sizeof text, "[store]\ndatabase = %s\n",
                       places[i]);
        refused(text, "without password");
        assert_non_null(strstr(problem.text, "passfile="));
        assert_null(strstr(problem.text, "hidden"));
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_needs_a_place_for_socket_and_heads),
        cmocka_unit_test(
            a_password_in_the_settings_is_refused_and_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
