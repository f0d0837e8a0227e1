/* test_store_purposes.c: sets of purposes that were in force: the last one is
 * found, and that one was there; against the front. */
#include "smartid/store_purposes.h"

#include "store_fixture.h"

static int64_t
put(struct sid_store *store, const char *said) {
    int64_t seq = 0;

    ok(sid_store_begin(store));
    ok(sid_store_purposes_put(store, said, 5, &seq));
    ok(sid_store_commit(store));
    return seq;
}

/* The number and the text of the last set behind that number; 0: there is none.
 */
static int64_t
last(struct sid_store *store, int64_t after_seq, const char *said) {
    struct sid_buf text = SID_BUF_EMPTY;
    int64_t seq = 0;
    enum sid_err err = sid_store_purposes_last(store, after_seq, &seq, &text);

    assert_int_equal(err, seq == 0 ? SID_E_NOT_FOUND : SID_OK);
    assert_true(sid_span_eq(sid_buf_span(&text), sid_span_str(said)));
    sid_buf_free(&text);
    return seq;
}

static bool
had(struct sid_store *store, const char *said) {
    bool out = false;

    ok(sid_store_purposes_had(store, said, &out));
    return out;
}

static void
the_last_set_is_found_behind_those_that_are_known(void **state) {
    struct fixture *f = *state;

    assert_int_equal(last(f->store, 0, ""), 0);
    assert_int_equal(put(f->store, "[a]\n"), 1);
    assert_int_equal(put(f->store, "[b]\n"), 2);
    assert_int_equal(last(f->store, 0, "[b]\n"), 2);
    assert_int_equal(last(f->store, 1, "[b]\n"), 2);
    assert_int_equal(last(f->store, 2, ""), 0);
}

static void
the_last_set_is_not_put_there_again_but_an_older_one_is(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f->store, "[a]\n"), 1);
    assert_int_equal(put(f->store, "[a]\n"), 1);
    assert_int_equal(put(f->store, "[b]\n"), 2);
    assert_int_equal(put(f->store, "[a]\n"), 3);
    assert_int_equal(last(f->store, 0, "[a]\n"), 3);
}

static void
each_set_that_was_in_force_is_known(void **state) {
    struct fixture *f = *state;
    int64_t seq = 0;

    put(f->store, "[a]\n");
    put(f->store, "[b]\n");
    ok(sid_store_begin(f->store));
    ok(sid_store_purposes_put(f->store, "[c]\n", 5, &seq));
    sid_store_rollback(f->store);
    assert_true(had(f->store, "[a]\n"));
    assert_true(had(f->store, "[b]\n"));
    assert_false(had(f->store, "[c]\n"));
    assert_false(had(f->store, "[a]"));
}

/* 64 purposes with all there is to say have less than 32 KiB. */
static void
a_set_as_large_as_can_be_comes_back_as_it_was(void **state) {
    struct fixture *f = *state;
    static char text[32 * 1024];

    memset(text, 'x', sizeof text - 1);
    memcpy(text + 7, "\xe7\x94\xa8\n", 4);
    put(f->store, text);
    assert_int_equal(last(f->store, 0, text), 1);
    assert_true(had(f->store, text));
}

static void
of_two_that_put_one_there_at_once_the_second_is_begun_anew(void **state) {
    struct fixture *f = *state;
    struct sid_store *store[2] = {NULL, NULL};
    int64_t seq = 0;

    sid_store_close(&f->store);
    for (int i = 0; i < 2; i++) {
        ok(sid_store_join(f->path, &store[i]));
        ok(sid_store_begin(store[i]));
        assert_int_equal(last(store[i], 0, ""), 0);
    }
    ok(sid_store_purposes_put(store[0], "[a]\n", 5, &seq));
    ok(sid_store_commit(store[0]));
    assert_int_equal(sid_store_purposes_put(store[1], "[b]\n", 6, &seq),
                     SID_E_AGAIN);
    sid_store_rollback(store[1]);
    assert_int_equal(put(store[1], "[b]\n"), 2);
    assert_int_equal(last(store[0], 1, "[b]\n"), 2);
    assert_true(had(store[1], "[a]\n"));
    sid_store_close(&store[1]);
    sid_store_close(&store[0]);
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest any[] = {
        T(the_last_set_is_found_behind_those_that_are_known),
        T(the_last_set_is_not_put_there_again_but_an_older_one_is),
        T(each_set_that_was_in_force_is_known),
        T(a_set_as_large_as_can_be_comes_back_as_it_was),
    };
    const struct CMUnitTest server[] = {
        T(of_two_that_put_one_there_at_once_the_second_is_begun_anew),
    };
#undef T
    int failed = FIXTURE_RUN(any);

    if (fixture_is("pgsql"))
        failed += FIXTURE_RUN(server);
    return failed;
}
