/* test_tally.c: the table of counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/tally.h"

static void
tallies_keep_every_key_while_they_grow(void **state) {
    (void)state;
    struct sid_tallies tallies = {0};
    char key[32];
    assert_null(sid_tally_find(&tallies, "k"));
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(key, sizeof key, "crd_%d", i);
        struct sid_tally *tally = sid_tally_get(&tallies, key);
        assert_non_null(tally);
        assert_int_equal(tally->place, -1);
        tally->count = i;
    }
    assert_int_equal(tallies.used, 10000);
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(key, sizeof key, "crd_%d", i);
        assert_int_equal(sid_tally_get(&tallies, key)->count, i);
    }
    assert_null(sid_tally_find(&tallies, "crd_10000"));
    sid_tallies_clear(&tallies);
    assert_null(sid_tally_find(&tallies, "crd_5"));
    assert_true(tallies.room > 10000);
    assert_non_null(sid_tally_get(&tallies, "one"));
    sid_tallies_clear(&tallies); /* hardly used: the room is given back */
    assert_int_equal(tallies.room, 0);
    sid_tallies_fini(&tallies);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tallies_keep_every_key_while_they_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
