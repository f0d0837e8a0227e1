/* test_erase.c: erasing people as flows: who may, what is gone, what of an
 * enrolment that a worker has in hand; and faces that are kept meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/app/app_internal.h"
#include "fixture.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"
#include "smartid/photo.h"
#include "smartid/template.h"

#include <cmocka.h>

static int
setup(void **state) {
    *state = fixture_new();
    return 0;
}

static int
teardown(void **state) {
    fixture_free(*state);
    return 0;
}

static void
erase_start(void *flow) {
    sid_enrol_erase_start(flow);
}

static enum sid_err
erase(struct fixture *f, const char *id, const struct sid_caller *caller) {
    struct sid_enrol_erase erase = {.cause = SID_ERASE_CONSENT};
    memcpy(erase.id, id, sizeof erase.id);
    fixture_run(f, &erase.flow, caller, erase_start);
    return erase.flow.err;
}

static void
get_start(void *flow) {
    sid_enrol_get_start(flow);
}

static enum sid_err
look(struct fixture *f, const char *id) {
    struct sid_enrol_get get = {.wait_until_us = 0};
    memcpy(get.id, id, sizeof get.id);
    fixture_run(f, &get.flow, &f->officer, get_start);
    enum sid_err err = get.flow.err;
    sid_enrol_get_fini(&get);
    return err;
}

static struct sid_caller
holder_of(const struct sid_enrol_submit *submit) {
    struct sid_caller caller = {.role = SID_ROLE_HOLDER,
                                .has_holder_secret = true};
    memcpy(caller.holder_hash, submit->enrolment.holder_hash,
           sizeof caller.holder_hash);
    return caller;
}

/* ---- faces --------------------------------------------------------------- */

struct face_op {
    struct sid_op op;
    const struct fixture *f;
    const char *id;
    float face[SID_EMBEDDING_FLOATS];
    float similarity;
    int64_t faces;
};

static enum sid_err
compare_run(struct sid_op *op, struct sid_store *store) {
    struct face_op *face = (struct face_op *)op;
    struct sid_enrolment row = {0};
    enum sid_err err = sid_store_enrol_get(store, face->id, &row);
    if (err == SID_OK)
        err = sid_template_compare(face->f->keys, store, row.id, &row.key,
                                   face->face, &face->similarity);
    face->faces = sid_store_template_count(store);
    sid_enrolment_fini(&row);
    return err;
}

/* What the fake engine sees in a selfie of this person. */
static void
face_of(int person, int photo, float out[SID_EMBEDDING_FLOATS]) {
    struct sid_face_engine *engine = NULL;
    struct sid_photo_facts facts = {.faces = 0};
    struct sid_buf png = fixture_photo(person, 0, photo);
    assert_int_equal(sid_face_engine_new(NULL, &engine, NULL, 0), SID_OK);
    assert_int_equal(
        sid_photo_examine(engine, sid_buf_span(&png), SID_PHOTO_SELFIE, &facts),
        SID_OK);
    memcpy(out, facts.embedding, sizeof facts.embedding);
    sid_face_engine_free(&engine);
    sid_buf_free(&png);
}

static enum sid_err
compare(struct fixture *f, const char *id, int person, int photo,
        float *similarity) {
    struct face_op face = {
        .op = {.run = compare_run, .read_only = true}, .f = f, .id = id};
    face_of(person, photo, face.face);
    enum sid_err err = sid_writer_run(f->writer, &face.op);
    *similarity = face.similarity;
    return err;
}

static int64_t
faces_stored(struct fixture *f) {
    struct face_op face = {.op = {.run = compare_run, .read_only = true},
                           .f = f,
                           .id = "enr_none"};
    assert_int_equal(sid_writer_run(f->writer, &face.op), SID_E_NOT_FOUND);
    return face.faces;
}

static void
the_selfie_of_an_approved_person_can_be_compared_later(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    float similarity = 0;
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    const char *id = submit.enrolment.id;
    /* The selfie itself, another photo of the person, another person. */
    assert_int_equal(compare(f, id, 5, 200, &similarity), SID_OK);
    assert_float_equal(similarity, 1, 1e-5);
    assert_int_equal(compare(f, id, 5, 77, &similarity), SID_OK);
    assert_float_equal(similarity, 0.9, 0.05);
    assert_int_equal(compare(f, id, 6, 200, &similarity), SID_OK);
    assert_true(similarity < 0.2F);
    assert_int_equal(faces_stored(f), 1);
    assert_int_equal(sid_metric_get(SID_M_FACES_STORED), 1);
    sid_enrol_submit_fini(&submit);
}

static void
decide_start(void *flow) {
    sid_enrol_decide_start(flow);
}

static void
decide(struct fixture *f, const char *id, bool approve) {
    struct sid_enrol_decide decide = {.approve = approve, .reason = "seen"};
    memcpy(decide.id, id, sizeof decide.id);
    fixture_run(f, &decide.flow, &f->officer, decide_start);
    assert_int_equal(decide.flow.err, SID_OK);
    sid_enrol_decide_fini(&decide);
}

static void
a_face_in_review_stays_when_approved_and_goes_when_rejected(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit kept, gone, differ = {0};
    float similarity = 0;
    fixture_enrol(f, &kept, NUMBER_A, 0, 9);
    fixture_enrol(f, &gone, NUMBER_B, 0, 9);
    assert_int_equal(kept.enrolment.state, SID_ENROL_REVIEW);
    assert_int_equal(faces_stored(f), 2);
    decide(f, kept.enrolment.id, true);
    decide(f, gone.enrolment.id, false);
    assert_int_equal(faces_stored(f), 1);
    assert_int_equal(compare(f, kept.enrolment.id, 5, 10, &similarity), SID_OK);
    assert_int_equal(compare(f, gone.enrolment.id, 5, 10, &similarity),
                     SID_E_NOT_FOUND);
    /* A rejected one never had one. */
    fixture_fill(&differ, NUMBER_B, 5, 0, 6, 0);
    differ.wait_until_us = sid_mono_us() + 60000000;
    fixture_submit(f, &differ, &f->app_caller);
    assert_int_equal(differ.enrolment.state, SID_ENROL_REJECTED);
    assert_int_equal(faces_stored(f), 1);
    sid_enrol_submit_fini(&kept);
    sid_enrol_submit_fini(&gone);
    sid_enrol_submit_fini(&differ);
}

struct sealed_op {
    struct sid_op op;
    const char *id;
    struct sid_buf sealed;
    struct sid_subject_key key;
};

static enum sid_err
sealed_run(struct sid_op *op, struct sid_store *store) {
    struct sealed_op *sealed = (struct sealed_op *)op;
    struct sid_enrolment row = {0};
    enum sid_err err = sid_store_enrol_get(store, sealed->id, &row);
    sealed->key = row.key;
    sid_enrolment_fini(&row);
    return err == SID_OK
               ? sid_store_template_get(store, sealed->id, &sealed->sealed)
               : err;
}

static struct sealed_op
sealed_of(struct fixture *f, const char *id) {
    struct sealed_op sealed = {.op = {.run = sealed_run, .read_only = true},
                               .id = id};
    assert_int_equal(sid_writer_run(f->writer, &sealed.op), SID_OK);
    return sealed;
}

/* As stored, when opened: still turned. */
static void
open_turned(struct fixture *f, const struct sealed_op *sealed,
            float out[SID_EMBEDDING_FLOATS]) {
    struct sid_subject subject = {f->keys, sealed->id, &sealed->key,
                                  SID_KEY_TEMPLATE};
    struct sid_place place = {"template", "sealed", sealed->id};
    struct sid_buf plain = SID_BUF_EMPTY;
    assert_int_equal(sid_subject_open(&subject, &place,
                                      sid_buf_span(&sealed->sealed), &plain),
                     SID_OK);
    assert_int_equal(sid_template_unpack(sid_buf_span(&plain), out), SID_OK);
    sid_buf_free(&plain);
}

static void
rotate_start(void *flow) {
    sid_key_rotate_start(flow);
}

static void
a_new_template_key_turns_and_seals_every_face_again(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit a, b;
    float was[SID_EMBEDDING_FLOATS], is[SID_EMBEDDING_FLOATS];
    float plain[SID_EMBEDDING_FLOATS], similarity = 0;
    fixture_enrol(f, &a, NUMBER_A, 0, 0);
    fixture_enrol(f, &b, NUMBER_B, 0, 9);
    struct sealed_op before = sealed_of(f, a.enrolment.id);
    open_turned(f, &before, was);
    struct sid_key_rotate rotate = {.use = SID_KEY_TEMPLATE};
    fixture_run(f, &rotate.flow, &f->admin, rotate_start);
    assert_int_equal(rotate.flow.err, SID_OK);
    sid_key_rotate_fini(&rotate);
    while (sid_metric_get(SID_M_REWRAP_LEFT) > 0)
        sid_app_tick(f->app);
    struct sealed_op after = sealed_of(f, a.enrolment.id);
    assert_int_equal(before.key.template_version, 1);
    assert_int_equal(after.key.template_version, 2);
    open_turned(f, &after, is);
    face_of(5, 200, plain);
    /* Neither the old form nor the plain one can be told from it. */
    assert_true(sid_similarity(was, is) < 0.25F);
    assert_true(sid_similarity(plain, is) < 0.25F);
    assert_true(sid_similarity(plain, was) < 0.25F);
    assert_int_equal(compare(f, a.enrolment.id, 5, 200, &similarity), SID_OK);
    assert_float_equal(similarity, 1, 1e-5);
    assert_int_equal(compare(f, b.enrolment.id, 5, 10, &similarity), SID_OK);
    assert_float_equal(similarity, 0.42, 0.02);
    /* What the old key opened, it does not open any more. */
    struct sealed_op mixed = after;
    mixed.key = before.key;
    struct sid_subject subject = {f->keys, mixed.id, &mixed.key,
                                  SID_KEY_TEMPLATE};
    struct sid_place place = {"template", "sealed", mixed.id};
    struct sid_buf none = SID_BUF_EMPTY;
    assert_int_equal(
        sid_subject_open(&subject, &place, sid_buf_span(&mixed.sealed), &none),
        SID_E_SEAL);
    sid_buf_free(&before.sealed);
    sid_buf_free(&after.sealed);
    sid_enrol_submit_fini(&a);
    sid_enrol_submit_fini(&b);
}

static void
no_float_of_a_face_lies_in_the_store_as_it_was(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    float plain[SID_EMBEDDING_FLOATS], turned[SID_EMBEDDING_FLOATS];
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    face_of(5, 200, plain);
    struct sealed_op sealed = sealed_of(f, submit.enrolment.id);
    open_turned(f, &sealed, turned);
    for (size_t i = 0; i + 2 <= SID_EMBEDDING_FLOATS; i += 2) {
        assert_null(memmem(sealed.sealed.ptr, sealed.sealed.len, &plain[i], 8));
        assert_null(
            memmem(sealed.sealed.ptr, sealed.sealed.len, &turned[i], 8));
    }
    sid_buf_free(&sealed.sealed);
    sid_enrol_submit_fini(&submit);
}

/* ---- erasing ------------------------------------------------------------- */

static void
only_officers_and_the_holder_erase_and_others_see_no_such_id(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit a, b;
    fixture_enrol(f, &a, NUMBER_A, 0, 0);
    fixture_enrol(f, &b, NUMBER_B, 0, 0);
    struct sid_caller holder_a = holder_of(&a), holder_b = holder_of(&b);
    const char *id = a.enrolment.id;
    struct sid_caller nobody = {.role = SID_ROLE_HOLDER};
    const struct sid_caller *others[] = {&f->app_caller, &f->other_app,
                                         &f->clerk,      &f->admin,
                                         &holder_b,      &nobody};
    int64_t rows = fixture_audit(f).rows;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(erase(f, id, others[i]), SID_E_NOT_FOUND);
    assert_int_equal(fixture_audit(f).rows, rows);
    assert_int_equal(look(f, id), SID_OK);
    rows = fixture_audit(f).rows;
    assert_int_equal(erase(f, id, &holder_a), SID_OK);
    struct last_audit last = fixture_audit(f);
    assert_int_equal(last.rows, rows + 2);
    assert_string_equal(last.event, "enrolment_erased");
    assert_string_equal(last.actor, "holder");
    assert_string_equal(last.outcome, "consent_withdrawn");
    assert_string_equal(last.detail, a.enrolment.credential_id);
    assert_int_equal(erase(f, id, &holder_a), SID_E_NOT_FOUND);
    assert_int_equal(erase(f, b.enrolment.id, &f->officer), SID_OK);
    assert_int_equal(look(f, id), SID_E_NOT_FOUND);
    assert_int_equal(look(f, b.enrolment.id), SID_E_NOT_FOUND);
    assert_int_equal(faces_stored(f), 0);
    sid_enrol_submit_fini(&a);
    sid_enrol_submit_fini(&b);
}

static void
no_check_of_an_erased_person_passes_and_the_log_says_why(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    fixture_code(f, submit.enrolment.credential_id, code);
    fixture_verify(f, &verify, code, "household_registration");
    assert_true(verify.valid);
    sid_verify_fini(&verify);
    assert_int_equal(erase(f, submit.enrolment.id, &f->officer), SID_OK);
    fixture_verify(f, &verify, code, "household_registration");
    assert_int_equal(verify.flow.err, SID_OK);
    assert_false(verify.valid);
    assert_false(verify.expired);
    assert_string_equal(verify.holder.name, "");
    assert_string_equal(fixture_audit(f).event, "verification");
    assert_string_equal(fixture_audit(f).outcome, "erased");
    sid_verify_fini(&verify);
    sid_enrol_submit_fini(&submit);
}

static void
the_number_of_an_erased_person_can_be_enrolled_again(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit first, second;
    fixture_enrol(f, &first, NUMBER_A, 0, 0);
    assert_int_equal(erase(f, first.enrolment.id, &f->officer), SID_OK);
    fixture_enrol(f, &second, NUMBER_A, 0, 0);
    assert_int_equal(second.enrolment.state, SID_ENROL_APPROVED);
    sid_enrol_submit_fini(&first);
    sid_enrol_submit_fini(&second);
}

static void
an_erased_person_in_review_leaves_no_photo(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    fixture_enrol(f, &submit, NUMBER_A, 0, 9);
    assert_int_equal(fixture_photos_stored(f), 2);
    assert_int_equal(erase(f, submit.enrolment.id, &f->officer), SID_OK);
    assert_int_equal(fixture_photos_stored(f), 0);
    assert_int_equal(faces_stored(f), 0);
    sid_enrol_submit_fini(&submit);
}

/* Until every place is free: the workers have put their jobs away. */
static void
wait_for_the_workers(struct fixture *f) {
    for (int i = 0; i < 8; i++) {
        while (sid_enrol_reserve(f->app, 1) != SID_OK)
            ;
    }
    for (int i = 0; i < 8; i++)
        sid_enrol_release(f->app, 1);
}

/* Sends one in that keeps a worker busy (300 ms for each photo) and erases it
 * before it can be done. */
static void
an_enrolment_erased_at_work_does_not_come_back(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {0};
    fixture_fill(&submit, NUMBER_A, 5, 11, 5, 11);
    fixture_submit(f, &submit, &f->app_caller);
    assert_int_equal(submit.flow.err, SID_OK);
    assert_false(sid_enrol_state_settled(submit.enrolment.state));
    while (sid_metric_get(SID_M_WORKERS_BUSY) == 0)
        ;
    assert_int_equal(erase(f, submit.enrolment.id, &f->officer), SID_OK);
    wait_for_the_workers(f);
    assert_int_equal(look(f, submit.enrolment.id), SID_E_NOT_FOUND);
    assert_int_equal(fixture_photos_stored(f), 0);
    assert_int_equal(faces_stored(f), 0);
    assert_string_equal(fixture_audit(f).event, "enrolment_erased");
    sid_enrol_submit_fini(&submit);
}

struct waiting {
    struct fixture *f;
    struct sid_enrol_get get;
};

static void *
wait_for_it(void *arg) {
    struct waiting *waiting = arg;
    fixture_run(waiting->f, &waiting->get.flow, &waiting->f->app_caller,
                get_start);
    return NULL;
}

static bool
somebody_waits(struct fixture *f) {
    pthread_mutex_lock(&f->app->lock);
    bool waits = f->app->waiters != NULL;
    pthread_mutex_unlock(&f->app->lock);
    return waits;
}

static void
those_who_wait_for_an_erased_enrolment_are_told_at_once(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {0};
    struct waiting waiting = {.f = f};
    pthread_t thread;
    /* No worker begins before this is unlocked. */
    assert_int_equal(pthread_rwlock_wrlock(&f->app->suspects), 0);
    fixture_fill(&submit, NUMBER_A, 5, 0, 5, 0);
    fixture_submit(f, &submit, &f->app_caller);
    memcpy(waiting.get.id, submit.enrolment.id, sizeof waiting.get.id);
    waiting.get.wait_until_us = sid_mono_us() + (int64_t)60 * 1000000;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &waiting), 0);
    while (!somebody_waits(f))
        ;
    assert_int_equal(erase(f, submit.enrolment.id, &f->officer), SID_OK);
    pthread_join(thread, NULL);
    assert_int_equal(waiting.get.flow.err, SID_E_NOT_FOUND);
    assert_int_equal(pthread_rwlock_unlock(&f->app->suspects), 0);
    wait_for_the_workers(f);
    assert_int_equal(look(f, submit.enrolment.id), SID_E_NOT_FOUND);
    sid_enrol_get_fini(&waiting.get);
    sid_enrol_submit_fini(&submit);
}

static void
after_quiesce_nobody_is_erased(void **state) {
    struct fixture *f = *state;
    sid_app_quiesce(f->app);
    assert_int_equal(erase(f, "enr_aaaaaaaaaaaaaaaaaaaaaaaaaa", &f->officer),
                     SID_E_STOPPING);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_selfie_of_an_approved_person_can_be_compared_later),
        T(a_face_in_review_stays_when_approved_and_goes_when_rejected),
        T(a_new_template_key_turns_and_seals_every_face_again),
        T(no_float_of_a_face_lies_in_the_store_as_it_was),
        T(only_officers_and_the_holder_erase_and_others_see_no_such_id),
        T(no_check_of_an_erased_person_passes_and_the_log_says_why),
        T(the_number_of_an_erased_person_can_be_enrolled_again),
        T(an_erased_person_in_review_leaves_no_photo),
        T(an_enrolment_erased_at_work_does_not_come_back),
        T(those_who_wait_for_an_erased_enrolment_are_told_at_once),
        T(after_quiesce_nobody_is_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
