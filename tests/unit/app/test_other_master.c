/* test_other_master.c: what a daemon does that still has the master key of
 * before: it came up while another one, or smartidctl, changed it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "smartid/keys.h"
#include "smartid/secretfile.h"

#define NOW_S 1800000000

struct place {
    char folder[64], path[80];
    struct sid_store *store;
    struct sid_master *before, *after;
    struct sid_keyring *ring;
};

/* A database whose master key has been changed since `before` was read. */
static int
change(void **state) {
    static const uint8_t other[SID_KEY_BYTES] = {7};
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    *state = p;
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/sid-master-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/master.key", p->folder);
    assert_int_equal(sid_crypto_init(), SID_OK);
    assert_int_equal(sid_secretfile_make(p->path, SID_KEY_BYTES), SID_OK);
    assert_int_equal(sid_store_open(":memory:", true, NULL, &p->store), SID_OK);
    assert_int_equal(sid_keys_open(p->store, p->path, &p->before, &p->ring),
                     SID_OK);
    assert_int_equal(sid_master_new(other, &p->after), SID_OK);
    assert_int_equal(sid_store_begin(p->store), SID_OK);
    assert_int_equal(
        sid_master_change_in(p->store, p->before, p->after, "control"), SID_OK);
    assert_int_equal(sid_store_commit(p->store), SID_OK);
    return 0;
}

static int
clear(void **state) {
    struct place *p = *state;
    sid_store_close(&p->store);
    sid_keyring_free(&p->ring);
    sid_master_free(&p->before);
    sid_master_free(&p->after);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(rmdir(p->folder), 0);
    free(p);
    sid_crypto_fini();
    return 0;
}

static void
r_no_key_is_made_that_nobody_could_open(void **state) {
    struct place *p = *state;
    struct sid_new_key made = {.version = 0};
    for (int use = SID_KEY_ROOT + 1; use < SID_KEY_USE_COUNT; use++) {
        assert_int_equal(sid_store_begin(p->store), SID_OK);
        assert_int_equal(sid_keys_rotate_in(p->store, p->before,
                                            (enum sid_key_use)use, "system",
                                            NOW_S, &made),
                         SID_E_WRONG_KEY);
        assert_int_equal(made.version, 0);
        assert_int_equal(sid_keys_rotate_in(p->store, p->after,
                                            (enum sid_key_use)use, "system",
                                            NOW_S, &made),
                         SID_OK);
        made.version = 0;
        sid_store_rollback(p->store);
    }
}

static void
r_it_is_noticed_with_the_next_look(void **state) {
    struct place *p = *state;
    struct sid_key_news news = {.fresh_count = 0};
    assert_int_equal(
        sid_keys_follow_in(p->store, p->before, p->ring, NOW_S, &news),
        SID_E_WRONG_KEY);
    assert_int_equal(
        sid_keys_follow_in(p->store, p->after, p->ring, NOW_S, &news), SID_OK);
    assert_int_equal(news.fresh_count, 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(r_no_key_is_made_that_nobody_could_open,
                                        change, clear),
        cmocka_unit_test_setup_teardown(r_it_is_noticed_with_the_next_look,
                                        change, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
