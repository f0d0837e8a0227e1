/* Tests of what waits and what became of enrolments, against the front: any
 * back end must pass them. */
#include "smartid/overview.h"

#include "store_fixture.h"

/* Enrolment number n, sent at 5000 + n, in this state for these reasons. */
static void
put(struct fixture *f, int number, enum sid_enrol_state state,
    const char *reasons) {
    struct sid_enrolment e = make_enrolment(number);
    ok(sid_store_enrol_insert(f->store, &e));
    e.state = state;
    e.decided_at_s = 9000;
    ok(sid_reasons_unpack(reasons, &e.reasons));
    if (state != SID_ENROL_RECEIVED)
        ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
    sid_enrolment_fini(&e);
}

static void
put_first_decision(struct fixture *f, int number) {
    struct sid_enrolment e = make_enrolment(number);
    make_id(e.first_by, "cli_", 7);
    e.first_at_s = 9001;
    ok(sid_store_enrol_first(f->store, &e));
    sid_enrolment_fini(&e);
}

static void
an_empty_store_has_nothing_that_waits(void **state) {
    struct fixture *f = *state;
    struct sid_store_overview found, nothing = {0};
    memset(&found, 0x33, sizeof found);
    ok(sid_store_overview(f->store, 0, &found));
    assert_memory_equal(&found, &nothing, sizeof found);
}

static void
what_waits_is_counted_and_what_was_sent_lately(void **state) {
    struct fixture *f = *state;
    struct sid_store_overview found;
    ok(sid_store_begin(f->store));
    put(f, 1, SID_ENROL_REVIEW, "faces_unclear");
    put(f, 2, SID_ENROL_REVIEW, "faces_unclear");
    put(f, 3, SID_ENROL_REJECTED, "faces_differ");
    put(f, 4, SID_ENROL_RECEIVED, "");
    put_first_decision(f, 2);
    ok(sid_store_commit(f->store));
    ok(sid_store_overview(f->store, 5002, &found));
    assert_int_equal(found.review, 2);
    assert_int_equal(found.review_second, 1);
    assert_int_equal(found.review_oldest_s, 5001);
    assert_int_equal(found.disputes, 0);
    assert_int_equal(found.states[SID_ENROL_REVIEW], 1);
    assert_int_equal(found.states[SID_ENROL_REJECTED], 1);
    assert_int_equal(found.states[SID_ENROL_RECEIVED], 1);
    assert_int_equal(found.states[SID_ENROL_APPROVED], 0);
}

struct seen {
    int count, most;
    enum sid_reason last;
};

static enum sid_err
see(const struct sid_reasons *reasons, void *ctx) {
    struct seen *seen = ctx;
    assert_int_equal(reasons->count, 1);
    seen->last = reasons->item[0].reason;
    seen->count++;
    return seen->count == seen->most ? SID_E_TIMEOUT : SID_OK;
}

static void
reasons_are_told_newest_first_and_only_lately(void **state) {
    struct fixture *f = *state;
    struct seen seen = {0};
    ok(sid_store_begin(f->store));
    put(f, 1, SID_ENROL_REJECTED, "faces_differ");
    put(f, 2, SID_ENROL_REJECTED, "faces_unclear");
    put(f, 3, SID_ENROL_REVIEW, "faces_unclear");
    ok(sid_store_commit(f->store));
    ok(sid_store_reasons_each(f->store, SID_ENROL_REJECTED, 0, 9, see, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.last, SID_REASON_FACES_DIFFER);
    seen = (struct seen){0};
    ok(sid_store_reasons_each(f->store, SID_ENROL_REJECTED, 0, 1, see, &seen));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last, SID_REASON_FACES_UNCLEAR);
    seen = (struct seen){0};
    ok(sid_store_reasons_each(f->store, SID_ENROL_REJECTED, 5002, 9, see,
                              &seen));
    assert_int_equal(seen.count, 1);
    seen = (struct seen){.most = 1};
    assert_int_equal(
        sid_store_reasons_each(f->store, SID_ENROL_REJECTED, 0, 9, see, &seen),
        SID_E_TIMEOUT);
    assert_int_equal(seen.count, 1);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        T(an_empty_store_has_nothing_that_waits),
        T(what_waits_is_counted_and_what_was_sent_lately),
        T(reasons_are_told_newest_first_and_only_lately),
#undef T
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
