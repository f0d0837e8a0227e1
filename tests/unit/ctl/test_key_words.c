/* test_key_words.c: smartidctl key: what the daemon may answer, what is done
 * while none runs, and that the database opens whatever call fails in between.
 */
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

#include "copy_fixture.h"
#include "io_fails.h"
#include "smartid/secretfile.h"

static struct copy_fixture *f;

static int
setup(void **state) {
    (void)state;
    f = copy_fixture_new();
    return 0;
}

static int
teardown(void **state) {
    (void)state;
    io_daemon = (struct io_daemon){0};
    copy_fixture_free(f);
    return 0;
}

static void
expect(const char *line, int status, const char *words) {
    copy_expect(f, sid_ctl_key, line, status, words);
}

/* ---- a daemon that answers ----------------------------------------------- */

static void
what_the_daemon_says_of_its_keys_is_shown(void **state) {
    (void)state;
    io_daemon = (struct io_daemon){
        .answer = {"{\"keys\":[{\"use\":\"code\",\"version\":3,\"state\":"
                   "\"current\",\"made_at\":\"2026-01-02T03:04:05Z\"},"
                   "{\"use\":\"data\",\"version\":1,\"state\":\"destroyed\","
                   "\"made_at\":\"x\",\"destroyed_at\":\"2026-02-03\"},"
                   "{\"use\":7}],\"rewrap\":{\"left\":5,\"total\":9}}"},
        .status = 200};
    expect("key list", SID_CTL_OK, "code            3  current    2026-01-02T");
    assert_non_null(
        strstr(f->said, "destroyed  x                     2026-02"));
    assert_non_null(strstr(f->said, "5 of 9 are still wrapped by an older"));
    expect("key status", SID_CTL_OK, "people's keys: 5 of 9 are still wrapped");
    assert_null(strstr(f->said, "code"));
    assert_string_equal(io_daemon.asked, "GET /v1/keys (null)");
}

static void
r_a_daemon_that_refuses_or_says_nothing_sensible_is_told(void **state) {
    static const struct {
        const char *answer;
        long status;
        const char *words;
    } says[] = {
        {"{\"detail\":\"not now\"}", 503, "not now"},
        {"nonsense", 200, "smartidctl: "},
    };
    static const char *const lines[] = {"key list", "key status",
                                        "key rotate code", "key rotate data"};
    (void)state;
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
            io_daemon = (struct io_daemon){.answer = {says[i].answer},
                                           .status = says[i].status};
            expect(lines[k], SID_CTL_FAILED, says[i].words);
        }
    }
    io_daemon =
        (struct io_daemon){.answer = {"{\"detail\":\"no\"}"}, .status = 422};
    expect("key rotate master --new-key-file /x", SID_CTL_FAILED, "no");
    io_daemon.status = 409;
    expect("key rotate master --new-key-file /x", SID_CTL_FAILED,
           "other daemons run on the same database");
}

static void
a_rotation_by_the_daemon_is_waited_for(void **state) {
    (void)state;
    io_daemon = (struct io_daemon){
        .answer = {"{\"version\":4}", "{\"rewrap\":{\"left\":0,\"total\":7}}"},
        .status = 200};
    expect("key rotate template", SID_CTL_OK, "template key: version 4\n");
    assert_non_null(strstr(f->said, "all are wrapped by the current keys"));
    assert_int_equal(io_daemon.times, 2);
    io_daemon.times = 0;
    expect("key rotate template --no-wait", SID_CTL_OK, "version 4");
    assert_int_equal(io_daemon.times, 1);
    assert_string_equal(io_daemon.asked, "POST /v1/keys/rotate {\"use\":"
                                         "\"template\",\"revoke_old\":false}");
    io_daemon.times = 0;
    expect("key rotate code --revoke-old", SID_CTL_OK, "code key: version 4");
    assert_non_null(strstr(io_daemon.asked, "\"revoke_old\":true"));
    /* While it is waited for the daemon may stop making sense. */
    io_daemon =
        (struct io_daemon){.answer = {"{\"version\":4}", "no"}, .status = 200};
    expect("key rotate data", SID_CTL_FAILED, "smartidctl: ");
}

static void
the_file_that_holds_the_new_master_key_is_named(void **state) {
    (void)state;
    io_daemon =
        (struct io_daemon){.answer = {"{\"replaced\":true}"}, .status = 200};
    expect("key rotate master", SID_CTL_OK, "the new master key is in ");
    io_daemon.answer[0] = "{\"replaced\":false}";
    expect("key rotate master --new-key-file /x/y", SID_CTL_OK,
           "the database needs the key in /x/y from now on");
    assert_string_equal(io_daemon.asked,
                        "POST /v1/keys/master {\"new_key_file\":\"/x/y\"}");
    /* None can be made beside a key that is not a file. */
    assert_int_equal(unlink(f->key), 0);
    expect("key rotate master", SID_CTL_FAILED, "not a file here");
}

/* ---- while none runs ----------------------------------------------------- */

static void
r_without_a_daemon_keys_are_changed_and_their_versions_told(void **state) {
    (void)state;
    expect("key list", SID_CTL_OK, "code            1  current");
    expect("key rotate code", SID_CTL_OK, "code key: version 2\n");
    expect("key rotate code --revoke-old", SID_CTL_OK, "code key: version 3\n");
    expect("key list", SID_CTL_OK, "code            2  destroyed");
    expect("key rotate data", SID_CTL_OK, "data key: version 2\n");
    expect("key list", SID_CTL_OK, "data            1  valid");
    expect("key status", SID_CTL_OK, "are still wrapped by an older key");
    expect("key rotate master", SID_CTL_OK, "the new master key is in ");
    expect("key list", SID_CTL_OK, "code            3  current");
    expect("key rotate master --new-key-file /no/such/key", SID_CTL_FAILED,
           "smartidctl: ");
    expect("key list", SID_CTL_OK, "code            3  current");
}

static void
the_database_opens_whatever_call_fails(void **state) {
    static const char *const lines[] = {"key list", "key rotate code",
                                        "key rotate master"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        bool failed = true;
        unsigned n = 1;
        for (; failed; n += 1 + n / 20) {
            int status = copy_run(f, sid_ctl_key, lines[i], n, &failed);
            if (status != SID_CTL_OK && (!failed || strlen(f->said) < 20))
                fail_msg("%s: call %u: %s", lines[i], n, f->said);
            expect("key list", SID_CTL_OK, "  current ");
        }
        assert_true(n > 40);
    }
}

/* ---- words --------------------------------------------------------------- */

static void
usage_is_shown_when_the_words_are_others(void **state) {
    static const char *const lines[] = {
        "key",
        "key list more",
        "key status more",
        "key rotate",
        "key rotate root",
        "key rotate code --no-wait",
        "key rotate data --revoke-old",
        "key rotate data --new-key-file /x",
        "key rotate master --new-key-file",
        "key rotate master --new-key-file x",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect(lines[i], SID_CTL_USAGE, "usage: smartidctl");
    expect("key --help", SID_CTL_OK, "usage: smartidctl");
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_the_daemon_says_of_its_keys_is_shown),
        T(r_a_daemon_that_refuses_or_says_nothing_sensible_is_told),
        T(a_rotation_by_the_daemon_is_waited_for),
        T(the_file_that_holds_the_new_master_key_is_named),
        T(r_without_a_daemon_keys_are_changed_and_their_versions_told),
        T(the_database_opens_whatever_call_fails),
        T(usage_is_shown_when_the_words_are_others),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
