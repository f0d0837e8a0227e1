/* test_store_gather.c: what a transaction appends to the log goes to the kernel
 * in few pieces, and a piece that the disk does not take is told to whom it
 * belongs. */
#include "fault_vfs.h"
#include "store_fixture.h"

/* 256 pages. */
enum { PHOTO_BYTES = 1 << 20 };

static enum sid_err
put_photo(struct fixture *f, int number, const uint8_t *photo) {
    struct sid_enrolment e = make_enrolment(number);

    ok(sid_store_begin(f->store));
    enum sid_err err = sid_store_enrol_insert(f->store, &e);
    if (err == SID_OK)
        err = sid_store_photo_put(f->store, e.id, SID_PHOTO_ID,
                                  sid_span_of(photo, PHOTO_BYTES));
    sid_enrolment_fini(&e);
    if (err == SID_OK)
        return sid_store_commit(f->store);
    sid_store_rollback(f->store);
    return err;
}

static void
expect_photo(struct fixture *f, int number, const uint8_t *photo) {
    struct sid_enrolment e = make_enrolment(number);
    struct sid_buf out = SID_BUF_EMPTY;

    ok(sid_store_photo_get(f->store, e.id, SID_PHOTO_ID, &out));
    assert_int_equal(out.len, PHOTO_BYTES);
    assert_memory_equal(out.ptr, photo, PHOTO_BYTES);
    sid_buf_free(&out);
    sid_enrolment_fini(&e);
}

static uint8_t *
make_photo(void) {
    uint8_t *photo = malloc(PHOTO_BYTES);

    assert_non_null(photo);
    for (size_t i = 0; i < PHOTO_BYTES; i++)
        photo[i] = (uint8_t)(i * 2654435761u >> 13);
    return photo;
}

static void
a_photo_of_256_pages_takes_a_few_writes_and_is_whole(void **state) {
    struct fixture *f = *state;
    uint8_t *photo = make_photo();
    int before = atomic_load(&fault_writes);

    ok(put_photo(f, 1, photo));
    assert_in_range(atomic_load(&fault_writes) - before, 8, 20);
    expect_photo(f, 1, photo);
    fixture_reopen(f);
    expect_photo(f, 1, photo);
    free(photo);
}

static void
a_piece_that_does_not_fit_on_the_disk_fails_its_transaction_alone(
    void **state) {
    struct fixture *f = *state;
    uint8_t *photo = make_photo();

    ok(put_photo(f, 1, photo));
    atomic_store(&fault_write_rc, SQLITE_FULL);
    assert_int_equal(put_photo(f, 2, photo), SID_E_STORE_FULL);
    fault_clear();
    assert_false(sid_store_broken(f->store));
    ok(put_photo(f, 3, photo));
    fixture_reopen(f);
    expect_photo(f, 1, photo);
    expect_photo(f, 3, photo);
    free(photo);
}

int
main(void) {
    fault_install();
    const struct CMUnitTest tests[] = {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        T(a_photo_of_256_pages_takes_a_few_writes_and_is_whole),
        T(a_piece_that_does_not_fit_on_the_disk_fails_its_transaction_alone),
#undef T
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
