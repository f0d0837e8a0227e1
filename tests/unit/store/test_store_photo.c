/* Photos that lie in the blobs: when they go, and when they stay. */
#include "store_fixture.h"

#include <pthread.h>

#include "smartid/blobs.h"

struct waited {
    struct sid_blob_put put; /* first */
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
};

static void
put_done(struct sid_blob_put *put) {
    struct waited *me = (struct waited *)put;

    pthread_mutex_lock(&me->lock);
    me->done = true;
    pthread_cond_signal(&me->over);
    pthread_mutex_unlock(&me->lock);
}

static void
make_blob(struct fixture *f, int number, char name[SID_ID_SIZE]) {
    struct waited me = {.put.done = put_done,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .over = PTHREAD_COND_INITIALIZER};

    make_id(name, "blb_", number);
    memcpy(me.put.name, name, sizeof me.put.name);
    me.put.part[SID_PHOTO_ID] = sid_span_str("sealed card");
    me.put.part[SID_PHOTO_SELFIE] = sid_span_str("sealed selfie");
    sid_blobs_put(sid_store_blobs(f->store), &me.put);
    pthread_mutex_lock(&me.lock);
    while (!me.done)
        pthread_cond_wait(&me.over, &me.lock);
    pthread_mutex_unlock(&me.lock);
    ok(me.put.err);
}

/* An enrolment whose photos lie in a blob; in a transaction of the caller. */
static struct sid_enrolment
enrol_in_blob(struct fixture *f, int number) {
    struct sid_enrolment e = make_enrolment(number);
    char name[SID_ID_SIZE];

    make_id(name, "blb_", number);
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_photo_note(f->store, e.id, SID_PHOTO_ID, name));
    ok(sid_store_photo_note(f->store, e.id, SID_PHOTO_SELFIE, name));
    return e;
}

static enum sid_err
count_one(const char *name, void *ctx) {
    int *count = ctx;

    (void)name;
    ++*count;
    return SID_OK;
}

static int
blobs_of(struct fixture *f) {
    int count = 0;

    sid_blobs_settle(sid_store_blobs(f->store));
    ok(sid_blobs_each(sid_store_blobs(f->store), count_one, &count));
    return count;
}

static void
a_photo_in_a_blob_is_read_back_through_its_row(void **state) {
    struct fixture *f = *state;
    struct sid_buf out = SID_BUF_EMPTY;
    char name[SID_ID_SIZE];

    make_blob(f, 1, name);
    ok(sid_store_begin(f->store));
    struct sid_enrolment e = enrol_in_blob(f, 1);
    ok(sid_store_commit(f->store));
    fixture_reopen(f);
    ok(sid_store_photo_get(f->store, e.id, SID_PHOTO_SELFIE, &out));
    assert_true(sid_span_eq(sid_buf_span(&out), sid_span_str("sealed selfie")));
    sid_buf_free(&out);
    assert_int_equal(
        sid_store_photo_get(f->store, e.id, SID_PHOTO_FRAME_1, &out),
        SID_E_NOT_FOUND);
    ok(sid_store_begin(f->store));
    assert_int_equal(sid_store_photo_note(f->store, e.id, SID_PHOTO_ID, name),
                     SID_E_EXISTS);
    sid_store_rollback(f->store);
    assert_int_equal(count_photos(f->store), 2);
    sid_enrolment_fini(&e);
}

static void
a_photo_whose_blob_is_gone_says_so(void **state) {
    struct fixture *f = *state;
    struct sid_buf out = SID_BUF_EMPTY;

    ok(sid_store_begin(f->store));
    struct sid_enrolment e = enrol_in_blob(f, 1);
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_store_photo_get(f->store, e.id, SID_PHOTO_ID, &out),
                     SID_E_SEAL);
    assert_int_equal(out.len, 0);
    sid_enrolment_fini(&e);
}

static void
a_blob_goes_when_the_decision_is_on_disk_and_not_before(void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE];

    make_blob(f, 1, name);
    ok(sid_store_begin(f->store));
    struct sid_enrolment e = enrol_in_blob(f, 1);
    ok(sid_store_commit(f->store));
    e.state = SID_ENROL_REJECTED;
    e.decided_at_s = 8000;
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
    assert_int_equal(blobs_of(f), 1);
    ok(sid_store_commit(f->store));
    assert_int_equal(blobs_of(f), 0);
    assert_int_equal(count_photos(f->store), 0);
    sid_enrolment_fini(&e);
}

static void
a_decision_that_is_taken_back_keeps_the_blob(void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE];

    make_blob(f, 1, name);
    make_blob(f, 2, name);
    ok(sid_store_begin(f->store));
    struct sid_enrolment a = enrol_in_blob(f, 1), b = enrol_in_blob(f, 2);
    ok(sid_store_commit(f->store));
    a.state = b.state = SID_ENROL_REJECTED;
    a.decided_at_s = b.decided_at_s = 8000;
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_decide(f->store, &a, SID_ENROL_RECEIVED));
    sid_store_rollback(f->store);
    assert_int_equal(blobs_of(f), 2);
    /* One operation of a batch fails, another does not. */
    ok(sid_store_begin(f->store));
    ok(sid_store_savepoint(f->store));
    ok(sid_store_enrol_decide(f->store, &a, SID_ENROL_RECEIVED));
    sid_store_savepoint_undo(f->store);
    ok(sid_store_savepoint(f->store));
    ok(sid_store_enrol_decide(f->store, &b, SID_ENROL_RECEIVED));
    ok(sid_store_savepoint_release(f->store));
    ok(sid_store_commit(f->store));
    assert_int_equal(blobs_of(f), 1);
    struct sid_buf out = SID_BUF_EMPTY;
    ok(sid_store_photo_get(f->store, a.id, SID_PHOTO_ID, &out));
    sid_buf_free(&out);
    sid_enrolment_fini(&a);
    sid_enrolment_fini(&b);
}

static void
a_blob_stays_in_review_and_goes_with_the_person(void **state) {
    struct fixture *f = *state;
    struct sid_erasure erasure = {.cause = SID_ERASE_MISTAKE};
    char name[SID_ID_SIZE];

    make_blob(f, 1, name);
    ok(sid_store_begin(f->store));
    struct sid_enrolment e = enrol_in_blob(f, 1);
    e.state = SID_ENROL_REVIEW;
    e.decided_at_s = 8000;
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
    ok(sid_store_commit(f->store));
    assert_int_equal(blobs_of(f), 1);
    memcpy(erasure.enrolment_id, e.id, sizeof erasure.enrolment_id);
    ok(sid_store_begin(f->store));
    ok(sid_store_erase(f->store, &erasure));
    ok(sid_store_commit(f->store));
    assert_int_equal(blobs_of(f), 0);
    sid_enrolment_fini(&e);
}

/* As a power cut leaves them: written, and no row made. */
static void
blobs_that_no_row_knows_are_dropped_at_the_start(void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE];

    for (int i = 0; i < 40; i++)
        make_blob(f, i, name);
    ok(sid_store_begin(f->store));
    struct sid_enrolment e = enrol_in_blob(f, 7);
    ok(sid_store_commit(f->store));
    assert_int_equal(blobs_of(f), 40);
    fixture_reopen(f);
    assert_int_equal(blobs_of(f), 1);
    struct sid_buf out = SID_BUF_EMPTY;
    ok(sid_store_photo_get(f->store, e.id, SID_PHOTO_ID, &out));
    sid_buf_free(&out);
    sid_enrolment_fini(&e);
}

/* More than the list of what goes has room for at first. */
static void
a_hundred_decisions_of_one_transaction_drop_a_hundred_blobs(void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE];

    ok(sid_store_begin(f->store));
    for (int i = 0; i < 100; i++) {
        make_blob(f, i, name);
        struct sid_enrolment e = enrol_in_blob(f, i);
        e.state = SID_ENROL_REJECTED;
        e.decided_at_s = 8000;
        ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
        sid_enrolment_fini(&e);
    }
    assert_int_equal(blobs_of(f), 100);
    ok(sid_store_commit(f->store));
    assert_int_equal(blobs_of(f), 0);
}

static void
a_store_in_memory_has_none(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;

    ok(sid_store_open(":memory:", true, f->key, &store));
    assert_null(sid_store_blobs(store));
    sid_store_close(&store);
    ok(sid_store_open_readonly(f->path, &store));
    assert_null(sid_store_blobs(store));
    sid_store_close(&store);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        T(a_photo_in_a_blob_is_read_back_through_its_row),
        T(a_photo_whose_blob_is_gone_says_so),
        T(a_blob_goes_when_the_decision_is_on_disk_and_not_before),
        T(a_decision_that_is_taken_back_keeps_the_blob),
        T(a_blob_stays_in_review_and_goes_with_the_person),
        T(blobs_that_no_row_knows_are_dropped_at_the_start),
        T(a_hundred_decisions_of_one_transaction_drop_a_hundred_blobs),
        T(a_store_in_memory_has_none),
#undef T
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
