/* Tests of the checks that holders see and of what they dispute, against the
 * front: any back end must pass them. */
#include "smartid/dispute.h"

#include "store_fixture.h"

/* A row of a check of credential number `of`; its number. */
static int64_t
put_check(struct fixture *f, int of, int number) {
    char subject[SID_ID_SIZE], detail[64], id[SID_ID_SIZE];
    struct sid_audit_row row = {.at_us = number,
                                .event = "verification",
                                .actor = "cli_1",
                                .outcome = "valid"};
    make_id(subject, "crd_", of);
    make_id(id, "ver_", number);
    snprintf(detail, sizeof detail, "id=%s purpose=p counter=", id);
    row.subject = subject;
    row.detail = detail;
    ok(sid_store_audit(f->store, &row));
    return sid_store_audit_head(f->store, NULL);
}

struct seen {
    int count;
    int64_t at_us[8];
    char dispute[8][SID_ID_SIZE];
    enum sid_dispute_outcome outcome[8];
};

static enum sid_err
see(const struct sid_check *check, const struct sid_dispute *dispute,
    void *ctx) {
    struct seen *seen = ctx;
    assert_string_equal(check->outcome, "valid");
    seen->at_us[seen->count] = check->at_us;
    seen->outcome[seen->count] = dispute->outcome;
    memcpy(seen->dispute[seen->count++], dispute->id, sizeof dispute->id);
    return SID_OK;
}

static struct sid_dispute
make_dispute(int number, int64_t seq) {
    struct sid_dispute d = {.opened_at_s = 100 + number,
                            .outcome = SID_DISPUTE_OPEN,
                            .check.seq = seq};
    make_id(d.id, "dsp_", number);
    make_id(d.verification_id, "ver_", number);
    make_id(d.credential_id, "crd_", 1);
    make_id(d.enrolment_id, "enr_", 1);
    ok(sid_buf_append(&d.reason_sealed, "words", 5));
    return d;
}

static void
the_checks_of_one_credential_are_listed_newest_first(void **state) {
    struct fixture *f = *state;
    struct seen seen = {.count = 0};
    char credential[SID_ID_SIZE], id[SID_ID_SIZE];
    int64_t seq = 0, second = 0;

    make_id(credential, "crd_", 1);
    ok(sid_store_begin(f->store));
    for (int i = 1; i <= 6; i++)
        put_check(f, 1 + i % 2, i);
    ok(sid_store_commit(f->store));
    ok(sid_store_check_list(f->store, credential, INT64_MAX, 8, see, &seen));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.at_us[0], 6);
    assert_int_equal(seen.at_us[2], 2);
    assert_string_equal(seen.dispute[0], "");
    make_id(id, "ver_", 4);
    ok(sid_store_check_find(f->store, credential, id, &second));
    seen.count = 0;
    ok(sid_store_check_list(f->store, credential, second, 8, see, &seen));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.at_us[0], 2);
    /* A check of somebody else. */
    make_id(id, "ver_", 1);
    assert_int_equal(sid_store_check_find(f->store, credential, id, &seq),
                     SID_E_NOT_FOUND);
    assert_int_equal(seq, 0);
}

static void
a_check_is_disputed_once_and_settled_once(void **state) {
    struct fixture *f = *state;
    struct seen seen = {.count = 0};
    struct sid_dispute out = {.id = ""};

    ok(sid_store_begin(f->store));
    struct sid_dispute d = make_dispute(1, put_check(f, 1, 1));
    ok(sid_store_dispute_put(f->store, &d));
    make_id(d.id, "dsp_", 2);
    assert_int_equal(sid_store_dispute_put(f->store, &d), SID_E_EXISTS);
    assert_int_equal(sid_store_dispute_get(f->store, d.id, &out),
                     SID_E_NOT_FOUND);
    make_id(d.id, "dsp_", 1);
    ok(sid_store_dispute_get(f->store, d.id, &out));
    assert_int_equal(out.outcome, SID_DISPUTE_OPEN);
    assert_int_equal(out.check.at_us, 1);
    assert_int_equal(out.reason_sealed.len, 5);
    sid_dispute_fini(&out);
    d.outcome = SID_DISPUTE_UPHELD;
    d.settled_at_s = 900;
    ok(sid_store_dispute_settle(f->store, &d));
    assert_int_equal(sid_store_dispute_settle(f->store, &d), SID_E_CONFLICT);
    ok(sid_store_check_list(f->store, d.credential_id, INT64_MAX, 8, see,
                            &seen));
    assert_string_equal(seen.dispute[0], d.id);
    assert_int_equal(seen.outcome[0], SID_DISPUTE_UPHELD);
    make_id(d.id, "dsp_", 9);
    assert_int_equal(sid_store_dispute_settle(f->store, &d), SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    sid_dispute_fini(&d);
}

struct queue {
    int count;
    char id[8][SID_ID_SIZE];
};

static enum sid_err
queue_one(struct sid_dispute *take, void *ctx) {
    struct queue *queue = ctx;
    memcpy(queue->id[queue->count++], take->id, sizeof take->id);
    return SID_OK;
}

static void
the_queue_has_the_oldest_first_and_goes_on_where_it_ended(void **state) {
    struct fixture *f = *state;
    struct queue queue = {.count = 0};
    char id[SID_ID_SIZE];

    ok(sid_store_begin(f->store));
    for (int i = 3; i >= 1; i--) {
        struct sid_dispute d = make_dispute(i, put_check(f, 1, i));
        ok(sid_store_dispute_put(f->store, &d));
        sid_dispute_fini(&d);
    }
    ok(sid_store_commit(f->store));
    ok(sid_store_dispute_list(f->store, SID_DISPUTE_OPEN, "", 2, queue_one,
                              &queue));
    assert_int_equal(queue.count, 2);
    ok(sid_store_dispute_list(f->store, SID_DISPUTE_OPEN, queue.id[1], 2,
                              queue_one, &queue));
    assert_int_equal(queue.count, 3);
    for (int i = 1; i <= 3; i++) {
        make_id(id, "dsp_", i);
        assert_string_equal(queue.id[i - 1], id);
    }
    make_id(id, "dsp_", 7);
    assert_int_equal(sid_store_dispute_list(f->store, SID_DISPUTE_OPEN, id, 2,
                                            queue_one, &queue),
                     SID_E_NOT_FOUND);
    ok(sid_store_dispute_list(f->store, SID_DISPUTE_UPHELD, "", 2, queue_one,
                              &queue));
    assert_int_equal(queue.count, 3);
}

static void
a_dispute_goes_with_its_person(void **state) {
    struct fixture *f = *state;
    struct sid_erasure erasure = {.cause = SID_ERASE_REQUEST};
    struct sid_dispute out = {.id = ""};

    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    struct sid_dispute d = make_dispute(1, put_check(f, 1, 1));
    ok(sid_store_dispute_put(f->store, &d));
    make_id(erasure.enrolment_id, "enr_", 1);
    ok(sid_store_erase(f->store, &erasure));
    assert_int_equal(sid_store_dispute_get(f->store, d.id, &out),
                     SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    sid_dispute_fini(&d);
}

static void
each_outcome_has_its_word(void **state) {
    (void)state;
    enum sid_dispute_outcome out = SID_DISPUTE_OPEN;
    for (int i = 0; i < SID_DISPUTE_OUTCOMES; i++) {
        enum sid_dispute_outcome in = (enum sid_dispute_outcome)i;
        ok(sid_dispute_outcome_parse(sid_dispute_outcome_name(in), &out));
        assert_int_equal(out, in);
    }
    assert_int_equal(sid_dispute_outcome_parse("settled", &out),
                     SID_E_FIELD_INVALID);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        T(the_checks_of_one_credential_are_listed_newest_first),
        T(a_check_is_disputed_once_and_settled_once),
        T(the_queue_has_the_oldest_first_and_goes_on_where_it_ended),
        T(a_dispute_goes_with_its_person),
#undef T
        cmocka_unit_test(each_outcome_has_its_word),
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
