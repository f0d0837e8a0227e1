/* Which addresses may be sent to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smartid/url.h"

static void
tls_goes_anywhere(void **state) {
    (void)state;
    static const char *const good[] = {
        "https://app.example/hooks",
        "https://app.example",
        "https://app.example:8443/a/b?c=d&e=%20f",
        "https://192.0.2.7/",
        "https://[2001:db8::7]:8443/hooks",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(sid_url_target(good[i]));
}

static void
without_tls_only_to_this_machine(void **state) {
    (void)state;
    assert_true(sid_url_target("http://127.0.0.1:8080/hooks"));
    assert_true(sid_url_target("http://[::1]:8080/hooks"));
    assert_true(sid_url_target("http://localhost/hooks"));
    assert_false(sid_url_target("http://app.example/hooks"));
    assert_false(sid_url_target("http://127.0.0.1.app.example/hooks"));
    assert_false(sid_url_target("http://localhost.app.example/hooks"));
    assert_false(sid_url_target("http://127.0.0.2/hooks"));
    assert_false(sid_url_target("http://[::2]/hooks"));
}

static void
what_has_two_readings_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "https://",
        "https:///hooks",
        "HTTPS://app.example/",
        "ftp://app.example/",
        "file:///etc/passwd",
        "https://user@app.example/",
        "http://127.0.0.1@app.example/",
        "http://127.0.0.1:80@app.example/",
        "https://app.example\\@other.example/",
        "https://app.example/#part",
        "https://app.example/a b",
        "https://app.example/\r\nHost: x",
        "https://app.example:/",
        "https://app.example:123456/",
        "https://app.example:80x/",
        "https://app_example/",
        "https://[2001:db8::7/",
        "https://[app.example]/",
        "https://[]/",
        "https://\xe4\xb8\xad.example/",
        "https://app.example?c",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sid_url_target(bad[i]));
}

static void
one_that_is_too_long_is_refused(void **state) {
    (void)state;
    char url[SID_URL_SIZE + 1];
    memset(url, 'a', sizeof url);
    memcpy(url, "https://a/", 10);
    url[SID_URL_SIZE] = '\0';
    assert_false(sid_url_target(url));
    url[SID_URL_SIZE - 1] = '\0';
    assert_true(sid_url_target(url));
}

static void
a_server_of_postgresql_is_known_by_its_scheme(void **state) {
    (void)state;
    assert_true(sid_url_is_server("postgresql:///d?host=/run/postgresql"));
    assert_true(sid_url_is_server("postgres://h/d"));
    assert_false(sid_url_is_server("/var/lib/postgresql://h"));
    assert_false(sid_url_is_server("postgresql:"));
    assert_false(sid_url_is_server(":memory:"));
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_goes_anywhere),
        cmocka_unit_test(without_tls_only_to_this_machine),
        cmocka_unit_test(what_has_two_readings_is_refused),
        cmocka_unit_test(one_that_is_too_long_is_refused),
        cmocka_unit_test(a_server_of_postgresql_is_known_by_its_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
