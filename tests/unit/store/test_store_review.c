/* test_store_review.c: challenges, attempts, two-person decisions and appeals,
 * against the front: any back end must pass them. */
#include "store_fixture.h"

static struct sid_challenge
make_challenge(int number) {
    struct sid_challenge c = {.steps = {2, {SID_TURN_LEFT, SID_TURN_UP}},
                              .made_at_s = 1000,
                              .expires_at_s = 1120 + number};

    make_id(c.id, "chl_", number);
    make_id(c.client_id, "cli_", 1);
    return c;
}

static void
a_challenge_is_read_back_and_used_once(void **state) {
    struct fixture *f = *state;
    struct sid_challenge c = make_challenge(1), out;

    ok(sid_store_begin(f->store));
    ok(sid_store_challenge_put(f->store, &c));
    assert_int_equal(sid_store_challenge_put(f->store, &c), SID_E_EXISTS);
    ok(sid_store_challenge_get(f->store, c.id, &out));
    assert_string_equal(out.client_id, c.client_id);
    assert_int_equal(out.steps.count, 2);
    assert_int_equal(out.steps.turn[1], SID_TURN_UP);
    assert_int_equal(out.made_at_s, 1000);
    assert_int_equal(out.expires_at_s, 1121);
    assert_string_equal(out.enrolment_id, "");
    ok(sid_store_challenge_use(f->store, c.id, "enr_1"));
    ok(sid_store_challenge_get(f->store, c.id, &out));
    assert_string_equal(out.enrolment_id, "enr_1");
    assert_int_equal(sid_store_challenge_use(f->store, c.id, "enr_2"),
                     SID_E_CONFLICT);
    assert_int_equal(sid_store_challenge_use(f->store, "chl_none", "enr_2"),
                     SID_E_NOT_FOUND);
    assert_int_equal(sid_store_challenge_get(f->store, "chl_none", &out),
                     SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
}

static void
expired_challenges_are_purged_and_no_others(void **state) {
    struct fixture *f = *state;
    struct sid_challenge out;

    ok(sid_store_begin(f->store));
    for (int i = 1; i <= 3; i++) {
        struct sid_challenge c = make_challenge(i);
        ok(sid_store_challenge_put(f->store, &c));
    }
    ok(sid_store_challenge_purge(f->store, 1122));
    ok(sid_store_commit(f->store));
    for (int i = 1; i <= 3; i++) {
        struct sid_challenge c = make_challenge(i);
        assert_int_equal(sid_store_challenge_get(f->store, c.id, &out),
                         i == 1 ? SID_E_NOT_FOUND : SID_OK);
    }
}

static void
a_decision_keeps_what_was_measured_of_a_challenge(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1), out;

    e.challenge.outcome = SID_CHALLENGE_OPEN;
    e.challenge.steps = (struct sid_steps){2, {SID_TURN_DOWN, SID_TURN_RIGHT}};
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_photo_put(f->store, e.id, SID_PHOTO_FRAME_3,
                           sid_span_str("sealed frame")));
    assert_int_equal(count_photos(f->store), 1);
    ok(sid_store_enrol_get(f->store, e.id, &out));
    assert_int_equal(out.challenge.outcome, SID_CHALLENGE_OPEN);
    assert_int_equal(out.challenge.steps.turn[0], SID_TURN_DOWN);
    sid_enrolment_fini(&out);
    e.state = SID_ENROL_REJECTED;
    e.challenge.outcome = SID_CHALLENGE_FAILED;
    e.challenge.frame[1].turned_deg = 17.5F;
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
    assert_int_equal(count_photos(f->store), 0);
    ok(sid_store_commit(f->store));
    ok(sid_store_enrol_get(f->store, e.id, &out));
    assert_int_equal(out.challenge.outcome, SID_CHALLENGE_FAILED);
    assert_true(out.challenge.frame[1].turned_deg == 17.5F);
    sid_enrolment_fini(&out);
    sid_enrolment_fini(&e);
}

static void
attempts_of_one_person_are_counted_from_the_newest(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE] = "unset";
    int64_t at_s = -1;
    uint8_t person[SID_SHA256_BYTES], other[SID_SHA256_BYTES];

    memset(person, 7, sizeof person);
    memset(other, 8, sizeof other);
    ok(sid_store_begin(f->store));
    for (int i = 1; i <= 4; i++) {
        char made[SID_ID_SIZE];
        make_id(made, "enr_", i);
        ok(sid_store_attempt_put(f->store, made, i == 2 ? other : person,
                                 5000 + i));
    }
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_store_attempt_get(f->store, person, 0, 4, id, &at_s),
                     SID_E_NOT_FOUND);
    assert_string_equal(id, "unset");
    ok(sid_store_attempt_get(f->store, person, 0, 3, id, &at_s));
    assert_int_equal(at_s, 5001);
    ok(sid_store_attempt_get(f->store, person, 0, 1, id, &at_s));
    assert_int_equal(at_s, 5004);
    assert_string_equal(id, "enr_00000000000000000000000004");
    /* 5001 is no longer within. */
    assert_int_equal(
        sid_store_attempt_get(f->store, person, 5001, 3, id, &at_s),
        SID_E_NOT_FOUND);
    ok(sid_store_begin(f->store));
    ok(sid_store_attempt_purge(f->store, 5004, INT64_MAX));
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_store_attempt_get(f->store, person, 0, 2, id, &at_s),
                     SID_E_NOT_FOUND);
    assert_int_equal(sid_store_attempt_get(f->store, other, 0, 1, id, &at_s),
                     SID_E_NOT_FOUND);
    ok(sid_store_attempt_get(f->store, person, 0, 1, id, &at_s));
    /* Made while the clock was ahead. */
    ok(sid_store_begin(f->store));
    ok(sid_store_attempt_purge(f->store, 0, 5003));
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_store_attempt_get(f->store, person, 0, 1, id, &at_s),
                     SID_E_NOT_FOUND);
}

/* ---- two officers ------------------------------------------------------ */

static void
to_review(struct sid_store *store, struct sid_enrolment *e) {
    ok(sid_store_enrol_insert(store, e));
    e->state = SID_ENROL_REVIEW;
    ok(sid_store_enrol_decide(store, e, SID_ENROL_RECEIVED));
}

struct ids {
    int n;
    char last[SID_ID_SIZE];
};

static enum sid_err
collect(const struct sid_enrolment *enrolment, void *ctx) {
    struct ids *ids = ctx;

    ids->n++;
    memcpy(ids->last, enrolment->id, sizeof ids->last);
    return SID_OK;
}

static int
waiting(struct sid_store *store, enum sid_waiting which, struct ids *ids) {
    *ids = (struct ids){.n = 0};
    ok(sid_store_enrol_list(store, SID_ENROL_REVIEW, which, "", 10, collect,
                            ids));
    return ids->n;
}

static void
a_first_decision_is_kept_listed_and_taken_back(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1), other = make_enrolment(2), out;
    struct ids ids;

    ok(sid_store_begin(f->store));
    to_review(f->store, &other);
    assert_int_equal(sid_store_enrol_first(f->store, &e), SID_E_NOT_FOUND);
    to_review(f->store, &e);
    make_id(e.first_by, "cli_", 9);
    e.first_approve = true;
    e.first_at_s = e.updated_at_s = 8000;
    ok(sid_buf_append(&e.first_note_sealed, "sealed reason", 13));
    ok(sid_store_enrol_first(f->store, &e));
    ok(sid_store_enrol_get(f->store, e.id, &out));
    assert_int_equal(out.state, SID_ENROL_REVIEW);
    assert_true(out.first_approve);
    assert_string_equal(out.first_by, e.first_by);
    assert_int_equal(out.first_at_s, 8000);
    assert_true(sid_span_eq(sid_buf_span(&out.first_note_sealed),
                            sid_span_str("sealed reason")));
    sid_enrolment_fini(&out);
    assert_int_equal(waiting(f->store, SID_WAITING_ANY, &ids), 2);
    assert_int_equal(waiting(f->store, SID_WAITING_SECOND, &ids), 1);
    assert_string_equal(ids.last, e.id);
    assert_int_equal(waiting(f->store, SID_WAITING_FIRST, &ids), 1);
    assert_string_equal(ids.last, other.id);
    e.first_by[0] = '\0';
    ok(sid_store_enrol_first(f->store, &e));
    assert_int_equal(waiting(f->store, SID_WAITING_SECOND, &ids), 0);
    e.state = SID_ENROL_REJECTED;
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_REVIEW));
    assert_int_equal(sid_store_enrol_first(f->store, &e), SID_E_CONFLICT);
    ok(sid_store_commit(f->store));
    sid_enrolment_fini(&e);
    sid_enrolment_fini(&other);
}

static void
an_appeal_clears_the_decision_and_is_taken_once(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1), out;
    int attempts = 0;

    e.has_scores = true;
    sid_reasons_add(&e.reasons, SID_REASON_FACES_DIFFER, SID_PHOTO_NONE);
    make_id(e.decided_by, "cli_", 9);
    ok(sid_buf_append(&e.note_sealed, "note", 4));
    ok(sid_buf_append(&e.first_note_sealed, "first", 5));
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_enrol_begin_work(f->store, e.id, 1, &attempts));
    e.state = SID_ENROL_REJECTED;
    e.appealed_at_s = e.updated_at_s = 9000;
    assert_int_equal(sid_store_enrol_appeal(f->store, &e), SID_E_CONFLICT);
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_PROCESSING));
    snprintf(e.barred, sizeof e.barred, "%s", e.decided_by);
    ok(sid_buf_append(&e.statement_sealed, "sealed words", 12));
    ok(sid_store_enrol_appeal(f->store, &e));
    ok(sid_store_enrol_get(f->store, e.id, &out));
    assert_int_equal(out.state, SID_ENROL_RECEIVED);
    assert_int_equal(out.attempts, 0);
    assert_int_equal(out.decided_at_s, 0);
    assert_int_equal(out.reasons.count, 0);
    assert_false(out.has_scores);
    assert_string_equal(out.decided_by, "");
    assert_int_equal(out.note_sealed.len, 0);
    assert_int_equal(out.first_note_sealed.len, 0);
    assert_string_equal(out.barred, e.decided_by);
    assert_int_equal(out.appealed_at_s, 9000);
    assert_true(sid_span_eq(sid_buf_span(&out.statement_sealed),
                            sid_span_str("sealed words")));
    sid_enrolment_fini(&out);
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
    assert_int_equal(sid_store_enrol_appeal(f->store, &e), SID_E_CONFLICT);
    make_id(e.id, "enr_", 99);
    assert_int_equal(sid_store_enrol_appeal(f->store, &e), SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    sid_enrolment_fini(&e);
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(a_challenge_is_read_back_and_used_once),
        T(expired_challenges_are_purged_and_no_others),
        T(a_decision_keeps_what_was_measured_of_a_challenge),
        T(attempts_of_one_person_are_counted_from_the_newest),
        T(a_first_decision_is_kept_listed_and_taken_back),
        T(an_appeal_clears_the_decision_and_is_taken_once),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
