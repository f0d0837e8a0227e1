/* Tests of clients, enrolments, photos and idempotency keys, against the front:
 * any back end must pass them. */
#include "store_fixture.h"

/* ---- clients ----------------------------------------------------------- */

struct clients {
    struct sid_client item[8];
    int n;
    int stop_at;
};

static enum sid_err
collect_client(const struct sid_client *client, void *ctx) {
    struct clients *all = ctx;

    if (all->stop_at != 0 && all->n == all->stop_at)
        return SID_E_STOPPING;
    all->item[all->n++] = *client;
    return SID_OK;
}

static void
clients_are_read_back_as_put_oldest_first(void **state) {
    struct fixture *f = *state;
    struct sid_client second = make_client(2);
    struct sid_client first = make_client(1);
    struct clients all = {.n = 0};

    first.role = SID_ROLE_APP;
    first.per_minute = 7;
    ok(sid_store_begin(f->store));
    ok(sid_store_client_put(f->store, &second));
    ok(sid_store_client_put(f->store, &first));
    ok(sid_store_commit(f->store));
    ok(sid_store_client_each(f->store, collect_client, &all));
    assert_int_equal(all.n, 2);
    assert_string_equal(all.item[0].id, first.id);
    assert_int_equal(all.item[0].role, SID_ROLE_APP);
    assert_int_equal(all.item[0].per_minute, 7);
    assert_int_equal(all.item[1].per_minute, 0);
    assert_string_equal(all.item[1].id, second.id);
    assert_string_equal(all.item[1].key_name, second.key_name);
    assert_memory_equal(all.item[1].key_hash, second.key_hash,
                        sizeof second.key_hash);
    assert_string_equal(all.item[1].name, second.name);
    assert_int_equal(all.item[1].role, SID_ROLE_CLERK);
    assert_string_equal(all.item[1].purpose_names, second.purpose_names);
    assert_string_equal(all.item[1].party, "Bank");
    assert_memory_equal(&all.item[1].networks, &second.networks,
                        sizeof second.networks);
    assert_int_equal(all.item[1].created_at_s, 1002);
    assert_int_equal(all.item[1].expires_at_s, 900000);
    assert_int_equal(all.item[1].revoked_at_s, 0);
}

static void
a_client_walk_ends_with_the_callbacks_error(void **state) {
    struct fixture *f = *state;
    struct clients all = {.stop_at = 1};

    ok(sid_store_begin(f->store));
    for (int i = 1; i <= 3; i++) {
        struct sid_client client = make_client(i);
        ok(sid_store_client_put(f->store, &client));
    }
    assert_int_equal(sid_store_client_each(f->store, collect_client, &all),
                     SID_E_STOPPING);
    assert_int_equal(all.n, 1);
    all = (struct clients){.n = 0};
    ok(sid_store_client_each(f->store, collect_client, &all));
    assert_int_equal(all.n, 3);
    ok(sid_store_commit(f->store));
}

static void
a_clients_id_and_key_name_are_unique(void **state) {
    struct fixture *f = *state;
    struct sid_client a = make_client(1);
    struct sid_client same_id = make_client(2);
    struct sid_client same_key = make_client(3);

    memcpy(same_id.id, a.id, sizeof a.id);
    memcpy(same_key.key_name, a.key_name, sizeof a.key_name);
    ok(sid_store_begin(f->store));
    ok(sid_store_client_put(f->store, &a));
    assert_int_equal(sid_store_client_put(f->store, &same_id), SID_E_EXISTS);
    assert_int_equal(sid_store_client_put(f->store, &same_key), SID_E_EXISTS);
    ok(sid_store_commit(f->store));
}

static void
a_client_is_revoked_once(void **state) {
    struct fixture *f = *state;
    struct sid_client a = make_client(1);
    struct clients all = {.n = 0};

    ok(sid_store_begin(f->store));
    ok(sid_store_client_put(f->store, &a));
    ok(sid_store_client_revoke(f->store, a.id, 1234));
    assert_int_equal(sid_store_client_revoke(f->store, a.id, 9999),
                     SID_E_CONFLICT);
    assert_int_equal(sid_store_client_revoke(f->store, "cli_none", 1),
                     SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    ok(sid_store_client_each(f->store, collect_client, &all));
    assert_int_equal(all.item[0].revoked_at_s, 1234);
}

/* ---- enrolments -------------------------------------------------------- */

static void
an_enrolment_is_read_back_as_inserted(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment in = make_enrolment(1);
    struct sid_enrolment out;

    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &in));
    assert_int_equal(sid_store_enrol_insert(f->store, &in), SID_E_EXISTS);
    ok(sid_store_commit(f->store));
    ok(sid_store_enrol_get(f->store, in.id, &out));
    assert_string_equal(out.id, in.id);
    assert_string_equal(out.client_id, in.client_id);
    assert_int_equal(out.state, SID_ENROL_RECEIVED);
    assert_int_equal(out.created_at_s, 5001);
    assert_int_equal(out.updated_at_s, 5001);
    assert_int_equal(out.decided_at_s, 0);
    assert_int_equal(out.attempts, 0);
    assert_string_equal(out.consent_version, "2026-11");
    assert_int_equal(out.consent_at_s, 4999);
    assert_memory_equal(out.id_index, in.id_index, sizeof in.id_index);
    assert_memory_equal(out.holder_hash, in.holder_hash, sizeof in.holder_hash);
    assert_int_equal(out.holder_sealed.len, 13);
    assert_memory_equal(out.holder_sealed.ptr, "sealed\0holder", 13);
    assert_int_equal(out.reasons.count, 0);
    assert_false(out.has_scores);
    assert_string_equal(out.decided_by, "");
    assert_int_equal(out.note_sealed.len, 0);
    assert_string_equal(out.credential_id, "");
    sid_enrolment_fini(&out);
    sid_enrolment_fini(&in);
}

static void
an_unknown_enrolment_is_not_found_and_leaves_the_output(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment out = {.attempts = 77};

    assert_int_equal(sid_store_enrol_get(f->store, "enr_none", &out),
                     SID_E_NOT_FOUND);
    /* Before, between and behind those there are. */
    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    insert_enrolment(f->store, 3);
    ok(sid_store_commit(f->store));
    char id[SID_ID_SIZE];
    for (int number = 0; number <= 4; number += 2) {
        make_id(id, "enr_", number);
        assert_int_equal(sid_store_enrol_get(f->store, id, &out),
                         SID_E_NOT_FOUND);
    }
    assert_int_equal(out.attempts, 77);
}

static void
an_enrolment_without_consent_is_refused(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);

    e.consent_version[0] = '\0';
    ok(sid_store_begin(f->store));
    assert_int_equal(sid_store_enrol_insert(f->store, &e), SID_E_STORE);
    ok(sid_store_commit(f->store));
    sid_enrolment_fini(&e);
}

static void
beginning_work_counts_attempts_until_it_is_settled(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);
    struct sid_enrolment out;
    int attempts = 0;

    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_enrol_begin_work(f->store, e.id, 6000, &attempts));
    assert_int_equal(attempts, 1);
    ok(sid_store_enrol_begin_work(f->store, e.id, 6001, &attempts));
    assert_int_equal(attempts, 2);
    ok(sid_store_enrol_get(f->store, e.id, &out));
    assert_int_equal(out.state, SID_ENROL_PROCESSING);
    assert_int_equal(out.attempts, 2);
    assert_int_equal(out.updated_at_s, 6001);
    sid_enrolment_fini(&out);
    e.state = SID_ENROL_REJECTED;
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_PROCESSING));
    assert_int_equal(sid_store_enrol_begin_work(f->store, e.id, 1, &attempts),
                     SID_E_CONFLICT);
    assert_int_equal(
        sid_store_enrol_begin_work(f->store, "enr_none", 1, &attempts),
        SID_E_NOT_FOUND);
    assert_int_equal(attempts, 2);
    ok(sid_store_commit(f->store));
    sid_enrolment_fini(&e);
}

/* Decides enrolment `number` from received. */
static enum sid_err
decide(struct sid_store *store, int number, enum sid_enrol_state to) {
    struct sid_enrolment e = make_enrolment(number);

    e.state = to;
    e.updated_at_s = 8000;
    e.decided_at_s = 8000;
    enum sid_err err = sid_store_enrol_decide(store, &e, SID_ENROL_RECEIVED);
    sid_enrolment_fini(&e);
    return err;
}

static void
a_decision_is_read_back_with_its_reasons_and_scores(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);
    struct sid_enrolment out;

    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    e.state = SID_ENROL_APPROVED;
    e.updated_at_s = 8000;
    e.decided_at_s = 8001;
    sid_reasons_add(&e.reasons, SID_REASON_TOO_DARK, SID_PHOTO_ID);
    sid_reasons_add(&e.reasons, SID_REASON_FACES_DIFFER, SID_PHOTO_NONE);
    e.has_scores = true;
    e.similarity = 0.625;
    e.liveness = 0.25;
    make_id(e.decided_by, "cli_", 9);
    ok(sid_buf_append(&e.note_sealed, "sealed\0reason", 13));
    make_id(e.credential_id, "crd_", 4);
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
    ok(sid_store_commit(f->store));
    ok(sid_store_enrol_get(f->store, e.id, &out));
    assert_int_equal(out.state, SID_ENROL_APPROVED);
    assert_int_equal(out.updated_at_s, 8000);
    assert_int_equal(out.decided_at_s, 8001);
    assert_int_equal(out.reasons.count, 2);
    assert_int_equal(out.reasons.item[0].reason, SID_REASON_TOO_DARK);
    assert_int_equal(out.reasons.item[0].photo, SID_PHOTO_ID);
    assert_int_equal(out.reasons.item[1].reason, SID_REASON_FACES_DIFFER);
    assert_int_equal(out.reasons.item[1].photo, SID_PHOTO_NONE);
    assert_true(out.has_scores);
    assert_true(out.similarity == 0.625 && out.liveness == 0.25);
    assert_string_equal(out.decided_by, e.decided_by);
    assert_int_equal(out.note_sealed.len, 13);
    assert_memory_equal(out.note_sealed.ptr, "sealed\0reason", 13);
    assert_string_equal(out.credential_id, e.credential_id);
    assert_string_equal(out.consent_version, "2026-11");
    sid_enrolment_fini(&out);
    sid_enrolment_fini(&e);
}

static void
photos_go_with_every_decision_but_review(void **state) {
    struct fixture *f = *state;
    static const struct {
        enum sid_enrol_state to;
        int photos_left;
    } cases[] = {
        {SID_ENROL_APPROVED, 0},
        {SID_ENROL_REJECTED, 0},
        {SID_ENROL_FAILED, 0},
        {SID_ENROL_REVIEW, 2},
    };
    int64_t expected = 0;

    for (int i = 0; i < 4; i++) {
        ok(sid_store_begin(f->store));
        insert_enrolment(f->store, i);
        ok(sid_store_commit(f->store));
        assert_int_equal(count_photos(f->store), expected + 2);
        ok(sid_store_begin(f->store));
        ok(decide(f->store, i, cases[i].to));
        ok(sid_store_commit(f->store));
        expected += cases[i].photos_left;
        assert_int_equal(count_photos(f->store), expected);
    }
}

static void
a_rolled_back_decision_keeps_the_photos(void **state) {
    struct fixture *f = *state;
    struct sid_buf photo = SID_BUF_EMPTY;
    char id[SID_ID_SIZE];

    make_id(id, "enr_", 1);
    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    ok(sid_store_commit(f->store));
    ok(sid_store_begin(f->store));
    ok(decide(f->store, 1, SID_ENROL_REJECTED));
    assert_int_equal(count_photos(f->store), 0);
    sid_store_rollback(f->store);
    ok(sid_store_photo_get(f->store, id, SID_PHOTO_SELFIE, &photo));
    assert_int_equal(photo.len, strlen("sealed selfie"));
    assert_memory_equal(photo.ptr, "sealed selfie", photo.len);
    sid_buf_free(&photo);
}

static void
a_decision_from_another_state_changes_nothing(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);
    struct sid_enrolment out;

    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    e.state = SID_ENROL_REJECTED;
    assert_int_equal(sid_store_enrol_decide(f->store, &e, SID_ENROL_REVIEW),
                     SID_E_CONFLICT);
    make_id(e.id, "enr_", 99);
    assert_int_equal(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED),
                     SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    make_id(e.id, "enr_", 1);
    ok(sid_store_enrol_get(f->store, e.id, &out));
    assert_int_equal(out.state, SID_ENROL_RECEIVED);
    assert_int_equal(count_photos(f->store), 2);
    sid_enrolment_fini(&out);
    sid_enrolment_fini(&e);
}

struct listed {
    char id[16][SID_ID_SIZE];
    int attempts[16];
    int n;
    int stop_at;
};

static enum sid_err
collect_enrolment(const struct sid_enrolment *e, void *ctx) {
    struct listed *list = ctx;

    if (list->stop_at != 0 && list->n == list->stop_at)
        return SID_E_STOPPING;
    assert_int_equal(e->holder_sealed.len, 0);
    memcpy(list->id[list->n++], e->id, SID_ID_SIZE);
    return SID_OK;
}

static void
enrolments_in_a_state_are_listed_page_by_page(void **state) {
    struct fixture *f = *state;
    struct listed list = {.n = 0};
    char expected[SID_ID_SIZE];
    const char *after = "";

    ok(sid_store_begin(f->store));
    for (int i = 9; i >= 0; i--) {
        struct sid_enrolment e = make_enrolment(i);
        e.created_at_s = 5000 + i / 4; /* several of one second */
        ok(sid_store_enrol_insert(f->store, &e));
        sid_enrolment_fini(&e);
    }
    ok(decide(f->store, 5, SID_ENROL_REVIEW));
    ok(sid_store_commit(f->store));
    for (int pages = 0; pages < 3; pages++) {
        ok(sid_store_enrol_list(f->store, SID_ENROL_RECEIVED, SID_WAITING_ANY,
                                after, 3, collect_enrolment, &list));
        assert_int_equal(list.n, 3 * (pages + 1));
        after = list.id[list.n - 1];
    }
    ok(sid_store_enrol_list(f->store, SID_ENROL_RECEIVED, SID_WAITING_ANY,
                            after, 3, collect_enrolment, &list));
    assert_int_equal(list.n, 9);
    for (int i = 0; i < 9; i++) {
        make_id(expected, "enr_", i < 5 ? i : i + 1);
        assert_string_equal(list.id[i], expected);
    }
    list.n = 0;
    make_id(expected, "enr_", 5);
    ok(sid_store_enrol_list(f->store, SID_ENROL_REVIEW, SID_WAITING_ANY, "", 3,
                            collect_enrolment, &list));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.id[0], expected);
    /* A page's last one may have left the state in the meantime. */
    list.n = 0;
    ok(sid_store_enrol_list(f->store, SID_ENROL_RECEIVED, SID_WAITING_ANY,
                            expected, 3, collect_enrolment, &list));
    make_id(expected, "enr_", 6);
    assert_string_equal(list.id[0], expected);
}

static void
a_list_ends_with_the_callbacks_error_or_for_an_unknown_start(void **state) {
    struct fixture *f = *state;
    struct listed list = {.stop_at = 2};

    ok(sid_store_begin(f->store));
    for (int i = 0; i < 4; i++)
        insert_enrolment(f->store, i);
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_store_enrol_list(f->store, SID_ENROL_RECEIVED,
                                          SID_WAITING_ANY, "", 10,
                                          collect_enrolment, &list),
                     SID_E_STOPPING);
    assert_int_equal(list.n, 2);
    assert_int_equal(sid_store_enrol_list(f->store, SID_ENROL_RECEIVED,
                                          SID_WAITING_ANY, "enr_none", 10,
                                          collect_enrolment, &list),
                     SID_E_NOT_FOUND);
    ok(sid_store_enrol_list(f->store, SID_ENROL_RECEIVED, SID_WAITING_ANY, "",
                            0, collect_enrolment, &list));
    assert_int_equal(list.n, 2);
}

static enum sid_err
collect_unfinished(const char *id, int attempts, void *ctx) {
    struct listed *list = ctx;

    if (list->stop_at != 0 && list->n == list->stop_at)
        return SID_E_STOPPING;
    memcpy(list->id[list->n], id, SID_ID_SIZE);
    list->attempts[list->n++] = attempts;
    return SID_OK;
}

static void
unfinished_enrolments_are_found_after_a_restart(void **state) {
    struct fixture *f = *state;
    struct listed list = {.n = 0};
    char id[SID_ID_SIZE];
    int attempts = 0;

    ok(sid_store_begin(f->store));
    for (int i = 3; i >= 0; i--)
        insert_enrolment(f->store, i);
    make_id(id, "enr_", 2);
    ok(sid_store_enrol_begin_work(f->store, id, 1, &attempts));
    ok(sid_store_enrol_begin_work(f->store, id, 1, &attempts));
    ok(decide(f->store, 1, SID_ENROL_REVIEW));
    ok(sid_store_commit(f->store));
    fixture_reopen(f);
    ok(sid_store_enrol_unfinished(f->store, collect_unfinished, &list));
    assert_int_equal(list.n, 3);
    make_id(id, "enr_", 0);
    assert_string_equal(list.id[0], id);
    assert_int_equal(list.attempts[0], 0);
    make_id(id, "enr_", 2);
    assert_string_equal(list.id[1], id);
    assert_int_equal(list.attempts[1], 2);
    list = (struct listed){.stop_at = 1};
    assert_int_equal(
        sid_store_enrol_unfinished(f->store, collect_unfinished, &list),
        SID_E_STOPPING);
}

/* ---- photos ------------------------------------------------------------ */

static void
a_sealed_photo_of_32_mib_is_read_back_and_a_larger_one_refused(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);
    size_t len = SID_SEALED_MAX_BYTES;
    uint8_t *photo = malloc(len + 1);
    struct sid_buf out = SID_BUF_EMPTY;

    assert_non_null(photo);
    for (size_t i = 0; i <= len; i++)
        photo[i] = (uint8_t)(i * 2654435761u >> 13);
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    assert_int_equal(sid_store_photo_put(f->store, e.id, SID_PHOTO_ID,
                                         sid_span_of(photo, len + 1)),
                     SID_E_ARGUMENT);
    ok(sid_store_photo_put(f->store, e.id, SID_PHOTO_ID,
                           sid_span_of(photo, len)));
    ok(sid_store_commit(f->store));
    ok(sid_store_photo_get(f->store, e.id, SID_PHOTO_ID, &out));
    assert_int_equal(out.len, len);
    assert_memory_equal(out.ptr, photo, len);
    sid_buf_free(&out);
    free(photo);
    sid_enrolment_fini(&e);
}

static void
a_photo_needs_its_enrolment_and_a_free_place(void **state) {
    struct fixture *f = *state;
    struct sid_buf out = SID_BUF_EMPTY;
    char id[SID_ID_SIZE];

    make_id(id, "enr_", 1);
    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    assert_int_equal(
        sid_store_photo_put(f->store, id, SID_PHOTO_ID, sid_span_str("x")),
        SID_E_EXISTS);
    assert_int_equal(sid_store_photo_put(f->store, "enr_none", SID_PHOTO_ID,
                                         sid_span_str("x")),
                     SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    assert_int_equal(
        sid_store_photo_get(f->store, "enr_none", SID_PHOTO_ID, &out),
        SID_E_NOT_FOUND);
    assert_int_equal(out.len, 0);
    assert_int_equal(count_photos(f->store), 2);
}

/* ---- idempotency ------------------------------------------------------- */

static void
an_idempotency_key_is_kept_once_per_client_until_purged(void **state) {
    struct fixture *f = *state;
    struct sid_idempotency row = {.client_id = "cli_1",
                                  .key = "retry 1",
                                  .fingerprint = {4, 5, 6},
                                  .enrolment_id = "enr_1",
                                  .created_at_s = 500};
    struct sid_idempotency other = row;
    struct sid_idempotency out = {.created_at_s = 77};

    snprintf(other.client_id, sizeof other.client_id, "cli_2");
    other.created_at_s = 600;
    ok(sid_store_begin(f->store));
    assert_int_equal(
        sid_store_idempotency_get(f->store, "cli_1", "retry 1", &out),
        SID_E_NOT_FOUND);
    assert_int_equal(out.created_at_s, 77);
    ok(sid_store_idempotency_put(f->store, &row));
    assert_int_equal(sid_store_idempotency_put(f->store, &row), SID_E_EXISTS);
    ok(sid_store_idempotency_put(f->store, &other));
    ok(sid_store_idempotency_get(f->store, "cli_1", "retry 1", &out));
    assert_string_equal(out.client_id, "cli_1");
    assert_string_equal(out.key, "retry 1");
    assert_memory_equal(out.fingerprint, row.fingerprint,
                        sizeof row.fingerprint);
    assert_string_equal(out.enrolment_id, "enr_1");
    assert_int_equal(out.created_at_s, 500);
    ok(sid_store_idempotency_purge(f->store, 600));
    assert_int_equal(
        sid_store_idempotency_get(f->store, "cli_1", "retry 1", &out),
        SID_E_NOT_FOUND);
    ok(sid_store_idempotency_get(f->store, "cli_2", "retry 1", &out));
    ok(sid_store_commit(f->store));
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest any[] = {
        T(clients_are_read_back_as_put_oldest_first),
        T(a_client_walk_ends_with_the_callbacks_error),
        T(a_clients_id_and_key_name_are_unique),
        T(a_client_is_revoked_once),
        T(an_enrolment_is_read_back_as_inserted),
        T(an_unknown_enrolment_is_not_found_and_leaves_the_output),
        T(an_enrolment_without_consent_is_refused),
        T(beginning_work_counts_attempts_until_it_is_settled),
        T(a_decision_is_read_back_with_its_reasons_and_scores),
        T(photos_go_with_every_decision_but_review),
        T(a_rolled_back_decision_keeps_the_photos),
        T(a_decision_from_another_state_changes_nothing),
        T(enrolments_in_a_state_are_listed_page_by_page),
        T(a_list_ends_with_the_callbacks_error_or_for_an_unknown_start),
        T(a_sealed_photo_of_32_mib_is_read_back_and_a_larger_one_refused),
        T(a_photo_needs_its_enrolment_and_a_free_place),
        T(an_idempotency_key_is_kept_once_per_client_until_purged),
    };
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        T(unfinished_enrolments_are_found_after_a_restart),
    };
#undef T
    int failed = 0;

    failed += FIXTURE_RUN(any);
    if (!fixture_is("memory"))
        failed += FIXTURE_RUN(kept);
    return failed;
}
