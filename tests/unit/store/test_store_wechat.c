/* Tests of contacts, conversations, pushes and the outbox of WeChat, against
 * the front: any back end must pass them. */
#include "smartid/store_wechat.h"

#include "store_fixture.h"

static struct sid_wechat_contact
make_contact(int number) {
    struct sid_wechat_contact c = {.account = "city", .seen_at_s = 100};
    make_id(c.id, "wcc_", number);
    c.person[0] = (uint8_t)number;
    c.key.data_version = 1;
    c.key.template_version = 1;
    ok(sid_buf_append(&c.openid_sealed, "sealed", 6));
    return c;
}

/* Puts it in a transaction of its own. */
static void
put_contact(struct fixture *f, int number, const char *enrolment_id,
            const char *client_id) {
    struct sid_wechat_contact c = make_contact(number);
    snprintf(c.enrolment_id, sizeof c.enrolment_id, "%s", enrolment_id);
    snprintf(c.client_id, sizeof c.client_id, "%s", client_id);
    ok(sid_store_begin(f->store));
    ok(sid_store_contact_put(f->store, &c));
    ok(sid_store_commit(f->store));
    sid_wechat_contact_fini(&c);
}

static void
put_errand(struct fixture *f, int number, const char *operation,
           enum sid_errand_kind kind, int64_t due_at_s) {
    struct sid_errand e = {
        .account = "city", .kind = kind, .due_at_s = due_at_s};
    snprintf(e.operation, sizeof e.operation, "%s", operation);
    make_id(e.contact_id, "wcc_", number);
    ok(sid_buf_append(&e.content_sealed, "words", 5));
    ok(sid_store_begin(f->store));
    ok(sid_store_errand_put(f->store, &e));
    ok(sid_store_commit(f->store));
    sid_errand_fini(&e);
}

/* The operation that is taken, "" when none is. */
static const char *
take(struct fixture *f, int64_t now_s, int64_t *seq) {
    static char operation[SID_ERRAND_OPERATION_SIZE];
    struct sid_errand e = {.seq = 0};
    ok(sid_store_begin(f->store));
    enum sid_err err = sid_store_errand_take(f->store, "city", now_s, &e);
    ok(sid_store_commit(f->store));
    snprintf(operation, sizeof operation, "%s", e.operation);
    if (err != SID_OK)
        assert_int_equal(err, SID_E_NOT_FOUND);
    else if (seq != NULL)
        *seq = e.seq;
    sid_errand_fini(&e);
    return operation;
}

static bool
known(struct fixture *f, int number) {
    struct sid_wechat_contact c = {.id = ""};
    char id[SID_ID_SIZE];
    make_id(id, "wcc_", number);
    enum sid_err err = sid_store_contact_get(f->store, id, &c);
    sid_wechat_contact_fini(&c);
    if (err != SID_OK)
        assert_int_equal(err, SID_E_NOT_FOUND);
    return err == SID_OK;
}

static void
a_person_has_one_contact_and_is_found_by_the_hash(void **state) {
    struct fixture *f = *state;
    struct sid_wechat_contact c = make_contact(1), out = {.id = ""};
    uint8_t nobody[SID_SHA256_BYTES] = {9};

    ok(sid_store_begin(f->store));
    ok(sid_store_contact_put(f->store, &c));
    make_id(c.id, "wcc_", 2);
    assert_int_equal(sid_store_contact_put(f->store, &c), SID_E_EXISTS);
    ok(sid_store_contact_find(f->store, c.person, &out));
    make_id(c.id, "wcc_", 1);
    assert_string_equal(out.id, c.id);
    assert_string_equal(out.account, "city");
    assert_int_equal(out.key.data_version, 1);
    assert_int_equal(out.openid_sealed.len, 6);
    make_id(out.enrolment_id, "enr_", 7);
    snprintf(out.purpose, sizeof out.purpose, "age");
    ok(sid_store_contact_change(f->store, &out));
    sid_wechat_contact_fini(&out);
    ok(sid_store_contact_get(f->store, c.id, &out));
    assert_string_equal(out.purpose, "age");
    make_id(out.id, "wcc_", 3);
    assert_int_equal(sid_store_contact_change(f->store, &out), SID_E_NOT_FOUND);
    assert_int_equal(sid_store_contact_find(f->store, nobody, &out),
                     SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    sid_wechat_contact_fini(&out);
    sid_wechat_contact_fini(&c);
}

static void
who_is_forgotten_leaves_nothing(void **state) {
    struct fixture *f = *state;
    struct sid_wechat_chat chat = {.step = "name"};
    struct sid_buf photo = SID_BUF_EMPTY;
    int64_t left = -1;

    put_contact(f, 1, "", "");
    put_errand(f, 1, "a", SID_ERRAND_TEXT, 0);
    make_id(chat.contact_id, "wcc_", 1);
    ok(sid_store_begin(f->store));
    ok(sid_store_chat_put(f->store, &chat));
    ok(sid_store_chat_photo_put(f->store, chat.contact_id, SID_PHOTO_ID,
                                sid_span_str("photo")));
    ok(sid_store_contact_forget(f->store, chat.contact_id));
    assert_int_equal(sid_store_contact_forget(f->store, chat.contact_id),
                     SID_E_NOT_FOUND);
    assert_int_equal(sid_store_chat_get(f->store, chat.contact_id, &chat),
                     SID_E_NOT_FOUND);
    assert_int_equal(sid_store_chat_photo_get(f->store, chat.contact_id,
                                              SID_PHOTO_ID, &photo),
                     SID_E_NOT_FOUND);
    assert_int_equal(sid_store_chat_put(f->store, &chat), SID_E_NOT_FOUND);
    assert_int_equal(sid_store_chat_photo_put(f->store, chat.contact_id,
                                              SID_PHOTO_ID, sid_span_str("p")),
                     SID_E_NOT_FOUND);
    ok(sid_store_errand_count(f->store, &left));
    assert_int_equal(left, 0);
    ok(sid_store_subject_count_stale(f->store, 2, 0, &left));
    assert_int_equal(left, 0);
    ok(sid_store_commit(f->store));
    assert_false(known(f, 1));
}

static void
an_erased_person_is_forgotten_but_a_clerk_stays_one(void **state) {
    struct fixture *f = *state;
    struct sid_wechat_contact out = {.id = ""};
    struct sid_enrolment e = make_enrolment(1);
    struct sid_erasure erasure = {.cause = SID_ERASE_REQUEST};
    char id[SID_ID_SIZE];
    int64_t left = -1;

    memcpy(erasure.enrolment_id, e.id, sizeof e.id);
    for (int i = 1; i <= SID_WECHAT_CONTACTS_MAX + 2; i++)
        put_contact(f, i, e.id, "");
    put_contact(f, 40, e.id, "cli_1");
    put_errand(f, 1, "a", SID_ERRAND_TEXT, 0);
    put_errand(f, 40, "b", SID_ERRAND_TEXT, 0);
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_erase(f->store, &erasure));
    make_id(id, "wcc_", 40);
    ok(sid_store_contact_get(f->store, id, &out));
    assert_string_equal(out.enrolment_id, "");
    assert_string_equal(out.client_id, "cli_1");
    ok(sid_store_errand_count(f->store, &left));
    assert_int_equal(left, 0);
    ok(sid_store_commit(f->store));
    for (int i = 1; i <= SID_WECHAT_CONTACTS_MAX + 2; i++)
        assert_false(known(f, i));
    sid_wechat_contact_fini(&out);
    sid_enrolment_fini(&e);
}

static void
a_revoked_clerk_is_bound_no_longer(void **state) {
    struct fixture *f = *state;
    struct sid_wechat_contact out = {.id = ""};
    struct sid_client client = make_client(1);
    char id[SID_ID_SIZE];

    put_contact(f, 1, "", client.id);
    ok(sid_store_begin(f->store));
    ok(sid_store_client_put(f->store, &client));
    ok(sid_store_client_revoke(f->store, client.id, 5));
    make_id(id, "wcc_", 1);
    ok(sid_store_contact_get(f->store, id, &out));
    assert_string_equal(out.client_id, "");
    ok(sid_store_commit(f->store));
    sid_wechat_contact_fini(&out);
}

static void
strangers_are_forgotten_who_are_bound_stay(void **state) {
    struct fixture *f = *state;
    struct sid_wechat_chat chat = {.step = "name", .updated_at_s = 100};

    for (int i = 1; i <= 5; i++)
        put_contact(f, i, i == 2 ? "enr_1" : "", i == 3 ? "cli_1" : "");
    put_errand(f, 4, "a", SID_ERRAND_TEXT, 0);
    make_id(chat.contact_id, "wcc_", 5);
    ok(sid_store_begin(f->store));
    ok(sid_store_chat_put(f->store, &chat));
    ok(sid_store_contact_purge(f->store, 100, 10)); /* not before 100 */
    ok(sid_store_commit(f->store));
    assert_true(known(f, 1));
    ok(sid_store_begin(f->store));
    ok(sid_store_contact_purge(f->store, 101, 10));
    ok(sid_store_commit(f->store));
    assert_false(known(f, 1));
    for (int i = 2; i <= 5; i++)
        assert_true(known(f, i));
}

static void
a_conversation_is_replaced_and_dropped_after_silence(void **state) {
    struct fixture *f = *state;
    struct sid_wechat_chat chat = {.step = "name", .updated_at_s = 100},
                           out = {.step = ""};
    struct sid_buf photo = SID_BUF_EMPTY;

    put_contact(f, 1, "", "");
    make_id(chat.contact_id, "wcc_", 1);
    ok(sid_store_begin(f->store));
    ok(sid_store_chat_put(f->store, &chat));
    snprintf(chat.step, sizeof chat.step, "number");
    ok(sid_buf_append(&chat.said_sealed, "said", 4));
    ok(sid_store_chat_put(f->store, &chat));
    ok(sid_store_chat_photo_put(f->store, chat.contact_id, SID_PHOTO_ID,
                                sid_span_str("first")));
    ok(sid_store_chat_photo_put(f->store, chat.contact_id, SID_PHOTO_ID,
                                sid_span_str("second")));
    ok(sid_store_chat_photo_get(f->store, chat.contact_id, SID_PHOTO_ID,
                                &photo));
    assert_int_equal(photo.len, 6);
    assert_int_equal(
        sid_store_chat_photo_put(
            f->store, chat.contact_id, SID_PHOTO_ID,
            (struct sid_span){photo.ptr, SID_SEALED_MAX_BYTES + 1}),
        SID_E_ARGUMENT);
    ok(sid_store_chat_get(f->store, chat.contact_id, &out));
    assert_string_equal(out.step, "number");
    assert_int_equal(out.said_sealed.len, 4);
    ok(sid_store_commit(f->store));
    /* A photo that is still to be fetched holds it. */
    put_errand(f, 1, "photo", SID_ERRAND_FETCH, 0);
    ok(sid_store_begin(f->store));
    ok(sid_store_chat_purge(f->store, 101));
    sid_wechat_chat_fini(&out);
    ok(sid_store_chat_get(f->store, chat.contact_id, &out));
    ok(sid_store_chat_forget(f->store, chat.contact_id));
    ok(sid_store_chat_forget(f->store, chat.contact_id));
    ok(sid_store_chat_put(f->store, &chat));
    ok(sid_store_chat_purge(f->store, 100));
    sid_wechat_chat_fini(&out);
    ok(sid_store_chat_get(f->store, chat.contact_id, &out));
    ok(sid_store_chat_purge(f->store, 101));
    assert_int_equal(sid_store_chat_get(f->store, chat.contact_id, &chat),
                     SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    assert_string_equal(take(f, 1000, NULL), "");
    sid_buf_free(&photo);
    sid_wechat_chat_fini(&out);
    sid_wechat_chat_fini(&chat);
}

static void
a_push_is_known_with_its_answer_for_a_while(void **state) {
    struct fixture *f = *state;
    struct sid_wechat_seen seen = {.run = "run_1", .taken_at_s = 50},
                           out = {.run = ""};
    uint8_t push[SID_SHA256_BYTES] = {1};

    ok(sid_store_begin(f->store));
    assert_int_equal(sid_store_push_get(f->store, push, &out), SID_E_NOT_FOUND);
    ok(sid_store_push_put(f->store, push, &seen));
    seen.answered = true;
    ok(sid_buf_append(&seen.answer_sealed, "answer", 6));
    ok(sid_store_push_put(f->store, push, &seen));
    ok(sid_store_push_purge(f->store, 50));
    ok(sid_store_push_get(f->store, push, &out));
    assert_true(out.answered);
    assert_string_equal(out.run, "run_1");
    assert_int_equal(out.answer_sealed.len, 6);
    ok(sid_store_push_purge(f->store, 51));
    sid_wechat_seen_fini(&out);
    assert_int_equal(sid_store_push_get(f->store, push, &out), SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    sid_wechat_seen_fini(&seen);
}

static void
the_outbox_keeps_the_order_of_each_person_one_at_a_time(void **state) {
    struct fixture *f = *state;
    int64_t first = 0, other = 0, left = 0;

    put_contact(f, 1, "", "");
    put_contact(f, 2, "", "");
    put_errand(f, 1, "first", SID_ERRAND_TEXT, 0);
    put_errand(f, 1, "second", SID_ERRAND_TEXT, 0);
    put_errand(f, 1, "second", SID_ERRAND_TEXT, 0); /* known already */
    put_errand(f, 2, "other", SID_ERRAND_EVENT, 5);
    ok(sid_store_errand_count(f->store, &left));
    assert_int_equal(left, 3);
    assert_string_equal(take(f, 4, &first), "first");
    assert_string_equal(take(f, 4, NULL), ""); /* taken, or not due */
    assert_string_equal(take(f, 5, &other), "other");
    ok(sid_store_begin(f->store));
    ok(sid_store_errand_back(f->store, first, 9));
    ok(sid_store_commit(f->store));
    assert_string_equal(take(f, 8, NULL), ""); /* second waits for first */
    assert_string_equal(take(f, 9, &first), "first");
    ok(sid_store_begin(f->store));
    ok(sid_store_errand_end(f->store, first));
    ok(sid_store_commit(f->store));
    assert_string_equal(take(f, 9, NULL), "second");
}

static void
after_a_start_only_what_nobody_can_have_seen_is_taken_again(void **state) {
    struct fixture *f = *state;
    int64_t lost = 0;

    for (int i = 1; i <= 3; i++)
        put_contact(f, i, "", "");
    put_errand(f, 1, "sent", SID_ERRAND_TEXT, 0);
    put_errand(f, 2, "fetched", SID_ERRAND_FETCH, 0);
    put_errand(f, 3, "later", SID_ERRAND_TEXT, 50);
    assert_string_equal(take(f, 1, NULL), "sent");
    assert_string_equal(take(f, 1, NULL), "fetched");
    fixture_reopen(f);
    ok(sid_store_begin(f->store));
    ok(sid_store_errand_recover(f->store, &lost));
    ok(sid_store_commit(f->store));
    assert_int_equal(lost, 1);
    assert_string_equal(take(f, 1, NULL), "fetched");
    assert_string_equal(take(f, 60, NULL), "later");
    assert_string_equal(take(f, 60, NULL), "");
}

static void
nothing_is_put_for_somebody_unknown(void **state) {
    struct fixture *f = *state;
    struct sid_errand e = {.account = "city", .operation = "x"};
    make_id(e.contact_id, "wcc_", 1);
    ok(sid_store_begin(f->store));
    assert_int_equal(sid_store_errand_put(f->store, &e), SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest any[] = {
        T(a_person_has_one_contact_and_is_found_by_the_hash),
        T(who_is_forgotten_leaves_nothing),
        T(an_erased_person_is_forgotten_but_a_clerk_stays_one),
        T(a_revoked_clerk_is_bound_no_longer),
        T(strangers_are_forgotten_who_are_bound_stay),
        T(a_conversation_is_replaced_and_dropped_after_silence),
        T(a_push_is_known_with_its_answer_for_a_while),
        T(the_outbox_keeps_the_order_of_each_person_one_at_a_time),
        T(nothing_is_put_for_somebody_unknown),
    };
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        T(after_a_start_only_what_nobody_can_have_seen_is_taken_again),
    };
#undef T
    int failed = 0;

    failed += FIXTURE_RUN(any);
    if (!fixture_is("memory"))
        failed += FIXTURE_RUN(kept);
    return failed;
}
