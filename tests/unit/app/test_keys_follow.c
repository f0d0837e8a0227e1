/* Tests of how a daemon follows the keys that another one on its database has
 * made and destroyed: keys.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "smartid/keys.h"
#include "smartid/log.h"
#include "smartid/secretfile.h"

#define ok(expression) assert_int_equal((expression), SID_OK)
#define NOW_S 1800000000

struct follower {
    char folder[32], path[64];
    struct sid_store *store;
    struct sid_master *master;
    struct sid_keyring *ring;
};

static int
setup(void **state) {
    struct follower *f = calloc(1, sizeof *f);
    assert_non_null(f);
    sid_log_set_level(SID_LOG_ERROR);
    ok(sid_crypto_init());
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/sid-keys-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/master.key", f->folder);
    ok(sid_secretfile_make(f->path, SID_KEY_BYTES));
    ok(sid_store_open(":memory:", true, NULL, &f->store));
    ok(sid_keys_open(f->store, f->path, &f->master, &f->ring));
    *state = f;
    return 0;
}

static int
teardown(void **state) {
    struct follower *f = *state;
    sid_store_close(&f->store);
    sid_keyring_free(&f->ring);
    sid_master_free(&f->master);
    sid_crypto_fini();
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

/* What another daemon does: the second version, without the first. */
static void
replace(struct follower *f, enum sid_key_use use) {
    struct sid_new_key made;
    ok(sid_store_begin(f->store));
    ok(sid_keys_rotate_in(f->store, f->master, use, "control", NOW_S, &made));
    ok(sid_store_key_retire(f->store, use, 1, NOW_S));
    ok(sid_store_commit(f->store));
    assert_int_equal(made.version, 2);
}

static void
follow(struct follower *f, struct sid_key_news *news) {
    ok(sid_keys_follow_in(f->store, f->master, f->ring, NOW_S + 10, news));
    sid_keys_follow(f->ring, news);
}

static void
a_code_key_that_another_destroyed_is_gone_at_once(void **state) {
    struct follower *f = *state;
    struct sid_key_news news = {.fresh_count = 0};
    replace(f, SID_KEY_CODE);
    follow(f, &news);
    assert_false(sid_keyring_has(f->ring, SID_KEY_CODE, 1));
    assert_int_equal(sid_keyring_current(f->ring, SID_KEY_CODE), 2);
    follow(f, &news);
    assert_int_equal(news.fresh_count + news.gone_count, 0);
}

/* An enrolment whose photos are being looked at has the key it was read with.
 */
static void
r_a_row_that_was_read_before_is_opened_after_its_key_was_destroyed(
    void **state) {
    struct follower *f = *state;
    struct sid_key_news news = {.fresh_count = 0};
    replace(f, SID_KEY_DATA);
    replace(f, SID_KEY_TEMPLATE);
    follow(f, &news);
    assert_true(sid_keyring_has(f->ring, SID_KEY_DATA, 1));
    assert_true(sid_keyring_has(f->ring, SID_KEY_TEMPLATE, 1));
    assert_int_equal(sid_keyring_current(f->ring, SID_KEY_DATA), 2);
    assert_int_equal(sid_keyring_current(f->ring, SID_KEY_TEMPLATE), 2);
    follow(f, &news);
    assert_int_equal(news.fresh_count + news.gone_count, 0);
}

static void
r_a_master_key_that_was_changed_makes_and_follows_nothing(void **state) {
    struct follower *f = *state;
    static const uint8_t other[SID_KEY_BYTES] = {7};
    struct sid_key_news news = {.fresh_count = 0};
    struct sid_new_key made;
    struct sid_master *next = NULL;
    ok(sid_master_new(other, &next));
    ok(sid_store_begin(f->store));
    ok(sid_master_change_in(f->store, f->master, next, "control"));
    assert_int_equal(sid_keys_rotate_in(f->store, f->master, SID_KEY_CODE,
                                        "control", NOW_S, &made),
                     SID_E_WRONG_KEY);
    assert_int_equal(
        sid_keys_follow_in(f->store, f->master, f->ring, NOW_S, &news),
        SID_E_WRONG_KEY);
    ok(sid_keys_rotate_in(f->store, next, SID_KEY_CODE, "control", NOW_S,
                          &made));
    ok(sid_store_commit(f->store));
    sid_master_free(&next);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_code_key_that_another_destroyed_is_gone_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            r_a_row_that_was_read_before_is_opened_after_its_key_was_destroyed,
            setup, teardown),
        cmocka_unit_test_setup_teardown(
            r_a_master_key_that_was_changed_makes_and_follows_nothing, setup,
            teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
