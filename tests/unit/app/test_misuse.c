/* test_misuse.c: the report on misuse over a log of some thousand checks: what
 * it looks at, and where it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../src/app/app_internal.h"
#include "fixture.h"
#include "smartid/clock.h"
#include "smartid/flow_misuse.h"

#include <cmocka.h>

#define ROWS 9000
#define DAY_S 86400
/* One row a minute, from here on. */
#define BEGIN_S INT64_C(1795399200)

static void
put_rows(struct sid_store *store) {
    assert_int_equal(sid_store_begin(store), SID_OK);
    for (int64_t i = 0; i < ROWS; i++) {
        char subject[SID_ID_SIZE];
        (void)snprintf(subject, sizeof subject, "crd_%026d", (int)i);
        struct sid_audit_row row = {.at_us = (BEGIN_S + 60 * i) * 1000000,
                                    .event = i % 3 == 0 ? "code_issued"
                                                        : "verification",
                                    .actor = "cli_cccccccccccccccccccccccccc",
                                    .subject = subject,
                                    .outcome = "code_mac",
                                    .detail = "purpose=security_check"};
        assert_int_equal(sid_store_audit(store, &row), SID_OK);
    }
    assert_int_equal(sid_store_commit(store), SID_OK);
}

static int
setup(void **state) {
    struct fixture *f = fixture_new();
    uint8_t secret[SID_KEY_BYTES] = {7};
    struct sid_mac_key *key = NULL;
    struct sid_store *store = NULL;
    /* Beside the store in memory: what is on disk is what is read. */
    (void)snprintf(f->config.database, SID_PATH_SIZE, "%s/smartidd.db",
                   f->folder);
    /* Its threads run already. */
    assert_int_equal(pthread_rwlock_wrlock(&f->app->config_lock), 0);
    f->app->config = f->config;
    assert_int_equal(pthread_rwlock_unlock(&f->app->config_lock), 0);
    assert_int_equal(sid_mac_key_new(secret, &key), SID_OK);
    assert_int_equal(sid_store_open(f->config.database, true, key, &store),
                     SID_OK);
    put_rows(store);
    sid_store_close(&store);
    sid_mac_key_free(&key);
    *state = f;
    return 0;
}

static void
forget(const struct fixture *f) {
    static const char *const ends[] = {"", ".lock", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char path[SID_PATH_SIZE + 8];
        (void)snprintf(path, sizeof path, "%s%s", f->config.database, ends[i]);
        (void)unlink(path);
    }
    char folder[SID_PATH_SIZE + 8];
    (void)snprintf(folder, sizeof folder, "%s.photos", f->config.database);
    (void)rmdir(folder);
}

static int
teardown(void **state) {
    forget(*state);
    fixture_free(*state);
    return 0;
}

static void
start(void *flow) {
    sid_misuse_start(flow);
}

static struct sid_misuse
report(struct fixture *f, int64_t since_s, int64_t until_s, int64_t rows_max,
       size_t held_max) {
    struct sid_misuse misuse = {.since_s = since_s,
                                .until_s = until_s,
                                .rows_max = rows_max,
                                .held_max = held_max};
    fixture_run(f, &misuse.flow, &f->officer, start);
    return misuse;
}

static void
all_of_the_time_and_nothing_else_is_looked_at(void **state) {
    struct fixture *f = *state;
    int64_t since_s = BEGIN_S + INT64_C(60) * 3000;
    struct sid_misuse m = report(f, since_s, since_s + INT64_C(60) * 5000,
                                 SID_MISUSE_ROWS_MAX, SID_MISUSE_HELD_MAX);
    assert_int_equal(m.flow.err, SID_OK);
    assert_true(m.complete);
    assert_int_equal(m.until_s, since_s + INT64_C(60) * 5000);
    assert_int_equal(m.checks, 3333); /* two of three rows */
    /* Every hour had 40 answers that were not valid. */
    assert_int_equal(m.count, 84);
    assert_non_null(
        strstr((const char *)m.found.ptr, "\"rule\":\"not_valid\""));
    sid_misuse_fini(&m);
}

static void
that_it_was_read_is_a_row(void **state) {
    struct fixture *f = *state;
    struct sid_misuse m = report(f, 0, BEGIN_S, SID_MISUSE_ROWS_MAX, 1);
    struct last_audit last = fixture_audit(f);
    assert_int_equal(m.count, 0);
    assert_string_equal(last.event, "misuse_reported");
    assert_string_equal(last.actor, f->officer.client_id);
    assert_string_equal(last.detail, "found=0 since=1970-01-01T00:00:00Z "
                                     "until=2026-11-23T02:00:00Z");
    sid_misuse_fini(&m);
}

static void
too_many_rows_or_counts_end_it_early_and_it_says_when(void **state) {
    struct fixture *f = *state;
    int64_t until_s = BEGIN_S + INT64_C(60) * ROWS;
    struct sid_misuse m =
        report(f, BEGIN_S, until_s, 5000, SID_MISUSE_HELD_MAX);
    assert_int_equal(m.flow.err, SID_OK);
    assert_false(m.complete);
    assert_int_equal(m.until_s, BEGIN_S + INT64_C(60) * (2 * 4096 - 1));
    assert_in_range(m.checks, 5000, 2 * 4096);
    sid_misuse_fini(&m);
    m = report(f, BEGIN_S, until_s, SID_MISUSE_ROWS_MAX, 100);
    assert_int_equal(m.flow.err, SID_OK); /* at once behind the last one */
    assert_false(m.complete);
    assert_int_equal(m.until_s, BEGIN_S + INT64_C(60) * 4095);
    sid_misuse_fini(&m);
    m = report(f, BEGIN_S, until_s, SID_MISUSE_ROWS_MAX, SID_MISUSE_HELD_MAX);
    assert_true(m.complete);
    assert_int_equal(m.checks, 6000);
    sid_misuse_fini(&m);
}

static void
a_database_that_cannot_be_read_is_an_error(void **state) {
    struct fixture *f = *state;
    forget(f);
    struct sid_misuse m = report(f, BEGIN_S, BEGIN_S + DAY_S, 1, 1);
    assert_int_equal(m.flow.err, SID_E_STORE);
    sid_misuse_fini(&m);
}

static void
who_stops_begins_none(void **state) {
    struct fixture *f = *state;
    sid_app_quiesce(f->app);
    struct sid_misuse m = report(f, BEGIN_S, BEGIN_S + DAY_S, 1, 1);
    assert_int_equal(m.flow.err, SID_E_STOPPING);
    sid_misuse_fini(&m);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(all_of_the_time_and_nothing_else_is_looked_at),
        T(that_it_was_read_is_a_row),
        T(too_many_rows_or_counts_end_it_early_and_it_says_when),
        T(a_database_that_cannot_be_read_is_an_error),
        T(who_stops_begins_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
