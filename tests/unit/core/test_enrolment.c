/* test_enrolment.c: states, reasons and their messages, the holder's blob. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "smartid/enrolment.h"

static void
states_are_read_by_their_wire_name(void **state) {
    (void)state;
    for (int i = 0; i < SID_ENROL_STATE_COUNT; i++) {
        enum sid_enrol_state read = SID_ENROL_STATE_COUNT;
        const char *name = sid_enrol_state_name((enum sid_enrol_state)i);
        assert_int_equal(sid_enrol_state_parse(name, &read), SID_OK);
        assert_int_equal(read, i);
    }
    enum sid_enrol_state read = SID_ENROL_FAILED;
    assert_int_equal(sid_enrol_state_parse("lost", &read), SID_E_FIELD_INVALID);
    assert_int_equal(sid_enrol_state_parse("", &read), SID_E_FIELD_INVALID);
    assert_int_equal(read, SID_ENROL_FAILED);
}

static void
only_received_and_processing_are_unsettled(void **state) {
    (void)state;
    assert_false(sid_enrol_state_settled(SID_ENROL_RECEIVED));
    assert_false(sid_enrol_state_settled(SID_ENROL_PROCESSING));
    assert_true(sid_enrol_state_settled(SID_ENROL_APPROVED));
    assert_true(sid_enrol_state_settled(SID_ENROL_REVIEW));
    assert_true(sid_enrol_state_settled(SID_ENROL_REJECTED));
    assert_true(sid_enrol_state_settled(SID_ENROL_FAILED));
}

static void
photos_have_the_names_of_their_parts(void **state) {
    (void)state;
    assert_string_equal(sid_photo_kind_name(SID_PHOTO_ID), "id_photo");
    assert_string_equal(sid_photo_kind_name(SID_PHOTO_SELFIE), "selfie");
    assert_string_equal(sid_photo_kind_name(SID_PHOTO_FRAME_1), "frame_1");
    assert_string_equal(sid_photo_kind_name(SID_PHOTO_FRAME_3), "frame_3");
    assert_null(sid_photo_kind_name(SID_PHOTO_NONE));
}

static void
every_message_is_a_whole_text_for_every_photo(void **state) {
    (void)state;
    for (int r = 0; r < SID_REASON_COUNT; r++) {
        for (int p = 0; p <= SID_PHOTO_NONE; p++) {
            char text[256];
            sid_reason_message((enum sid_reason)r, (enum sid_photo_kind)p, text,
                               sizeof text);
            size_t len = strlen(text);
            assert_in_range(len, 20, 254);
            assert_int_equal(text[len - 1], '.');
            assert_null(strchr(text, '{'));
            assert_true(text[0] >= 'A' && text[0] <= 'Z');
        }
    }
}

static void
a_message_names_the_photo_it_is_about(void **state) {
    (void)state;
    char text[256];
    sid_reason_message(SID_REASON_TOO_BLURRED, SID_PHOTO_SELFIE, text,
                       sizeof text);
    assert_string_equal(text, "The selfie is blurred. Hold the phone steady "
                              "and take it again in daylight.");
    sid_reason_message(SID_REASON_NO_FACE, SID_PHOTO_ID, text, sizeof text);
    assert_string_equal(text,
                        "No face was found in the photo of the ID card. Take "
                        "it again with the whole face in view.");
    sid_reason_message(SID_REASON_NOT_TURNED, SID_PHOTO_FRAME_2, text,
                       sizeof text);
    assert_memory_equal(text, "The head in the second frame is not turned", 42);
    sid_reason_message(SID_REASON_TOO_DARK, SID_PHOTO_NONE, text, sizeof text);
    assert_memory_equal(text, "The photo is too dark.", 22);
}

static void
a_message_never_leaves_its_room(void **state) {
    (void)state;
    char whole[256], text[64];
    sid_reason_message(SID_REASON_NO_FACE, SID_PHOTO_ID, whole, sizeof whole);
    for (size_t room = 1; room < sizeof text; room++) {
        memset(text, 0x55, sizeof text);
        sid_reason_message(SID_REASON_NO_FACE, SID_PHOTO_ID, text, room);
        assert_int_equal(strnlen(text, room), room - 1);
        assert_memory_equal(text, whole, room - 1);
        assert_int_equal(text[room], 0x55);
    }
}

static void
only_reasons_a_person_can_mend_are_retryable(void **state) {
    (void)state;
    assert_true(sid_reason_retryable(SID_REASON_TOO_DARK));
    assert_true(sid_reason_retryable(SID_REASON_FACES_DIFFER));
    assert_false(sid_reason_retryable(SID_REASON_FACES_UNCLEAR));
    assert_false(sid_reason_retryable(SID_REASON_ID_NUMBER_IN_USE));
    assert_string_equal(sid_reason_code(SID_REASON_OFFICER),
                        "officer_decision");
}

/* What app and holder are told, packed. */
static const char *
told(enum sid_enrol_state in, bool by_officer,
     const struct sid_reasons *reasons) {
    static char text[SID_REASONS_TEXT_SIZE];
    struct sid_reasons out;
    memset(&out, 0x33, sizeof out);
    sid_reasons_public(reasons, in, by_officer, &out);
    sid_reasons_pack(&out, text);
    return text;
}

static void
every_fraud_is_kept_from_app_and_holder(void **state) {
    (void)state;
    int frauds = 0;
    for (int r = 0; r < SID_REASON_COUNT; r++) {
        enum sid_reason reason = (enum sid_reason)r;
        struct sid_reasons reasons = {0};
        sid_reasons_add(&reasons, reason, SID_PHOTO_NONE);
        bool fraud = sid_reason_class_of(reason) == SID_CLASS_FRAUD;
        frauds += fraud ? 1 : 0;
        /* In review all look alike; rejected, a fraud alone looks like an
         * officer's word. */
        if (sid_reason_class_of(reason) == SID_CLASS_QUALITY)
            continue;
        assert_string_equal(told(SID_ENROL_REVIEW, false, &reasons),
                            "under_review");
        assert_string_equal(told(SID_ENROL_REJECTED, false, &reasons),
                            fraud ? "officer_decision"
                                  : sid_reason_code(reason));
        assert_string_equal(told(SID_ENROL_REJECTED, true, &reasons),
                            "officer_decision");
        assert_string_equal(told(SID_ENROL_FAILED, false, &reasons),
                            fraud ? "" : sid_reason_code(reason));
    }
    assert_int_equal(frauds, 4);
    struct sid_reasons reasons = {0};
    assert_string_equal(told(SID_ENROL_APPROVED, false, &reasons), "");
    assert_string_equal(told(SID_ENROL_RECEIVED, false, &reasons), "");
    sid_reasons_add(&reasons, SID_REASON_FACES_DIFFER, SID_PHOTO_NONE);
    sid_reasons_add(&reasons, SID_REASON_CHALLENGE_FAILED, SID_PHOTO_NONE);
    assert_string_equal(told(SID_ENROL_REJECTED, false, &reasons),
                        "faces_differ");
}

/* Of an appeal: others are rejected for it at once. */
static void
quality_is_told_whatever_becomes_of_it(void **state) {
    (void)state;
    int told_of = 0;
    for (int r = 0; r < SID_REASON_COUNT; r++) {
        enum sid_reason reason = (enum sid_reason)r;
        struct sid_reasons reasons = {0};
        char expected[64];
        if (sid_reason_class_of(reason) != SID_CLASS_QUALITY)
            continue;
        told_of++;
        sid_reasons_add(&reasons, reason, SID_PHOTO_SELFIE);
        sid_reasons_add(&reasons, SID_REASON_APPEAL, SID_PHOTO_NONE);
        (void)snprintf(expected, sizeof expected, "under_review %s:selfie",
                       sid_reason_code(reason));
        assert_string_equal(told(SID_ENROL_REVIEW, false, &reasons), expected);
        (void)snprintf(expected, sizeof expected, "officer_decision %s:selfie",
                       sid_reason_code(reason));
        assert_string_equal(told(SID_ENROL_REJECTED, true, &reasons), expected);
    }
    assert_int_equal(told_of, 13);
}

static void
classes_have_names(void **state) {
    (void)state;
    assert_string_equal(sid_reason_class_name(SID_CLASS_QUALITY), "quality");
    assert_string_equal(sid_reason_class_name(SID_CLASS_FRAUD), "fraud");
    assert_string_equal(sid_reason_class_name(SID_CLASS_OTHER), "other");
}

static void
reasons_survive_being_stored(void **state) {
    (void)state;
    char text[SID_REASONS_TEXT_SIZE];
    struct sid_reasons in = {0}, out;
    sid_reasons_pack(&in, text);
    assert_string_equal(text, "");
    memset(&out, 0x33, sizeof out);
    assert_int_equal(sid_reasons_unpack("", &out), SID_OK);
    assert_int_equal(out.count, 0);
    sid_reasons_add(&in, SID_REASON_NO_FACE, SID_PHOTO_SELFIE);
    sid_reasons_add(&in, SID_REASON_TOO_DARK, SID_PHOTO_ID);
    sid_reasons_add(&in, SID_REASON_FACES_DIFFER, SID_PHOTO_NONE);
    sid_reasons_add(&in, SID_REASON_NOT_TURNED, SID_PHOTO_FRAME_3);
    sid_reasons_pack(&in, text);
    assert_string_equal(text, "no_face:selfie too_dark:id_photo faces_differ "
                              "not_turned:frame_3");
    assert_int_equal(sid_reasons_unpack(text, &out), SID_OK);
    assert_int_equal(out.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(out.item[i].reason, in.item[i].reason);
        assert_int_equal(out.item[i].photo, in.item[i].photo);
    }
}

static void
eight_of_the_longest_reasons_fit_and_a_ninth_is_dropped(void **state) {
    (void)state;
    char text[SID_REASONS_TEXT_SIZE];
    struct sid_reasons in = {0}, out = {0};
    for (int i = 0; i < 9; i++)
        sid_reasons_add(&in, SID_REASON_SELFIE_IS_ID_PHOTO, SID_PHOTO_ID);
    assert_int_equal(in.count, SID_REASONS_MAX);
    sid_reasons_pack(&in, text);
    assert_int_equal(strlen(text),
                     8 * strlen("selfie_is_id_photo:id_photo") + 7);
    assert_int_equal(sid_reasons_unpack(text, &out), SID_OK);
    assert_int_equal(out.count, 8);
}

static void
a_stored_text_of_another_form_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        " ",
        "no_face ",
        " no_face",
        "no_face  too_dark",
        "no_fac",
        "no_face:",
        "no_face:passport",
        "no_face:selfie:selfie",
        ":selfie",
        "no_face,too_dark",
        ("no_face no_face no_face no_face no_face no_face no_face no_face "
         "no_face"),
        "no_face:frame_0",
        "no_face:frame_4",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sid_reasons out = {.count = 77};
        assert_int_equal(sid_reasons_unpack(wrong[i], &out),
                         SID_E_FIELD_INVALID);
        assert_int_equal(out.count, 77);
    }
}

static void
a_holder_survives_being_packed(void **state) {
    (void)state;
    struct sid_holder in = {.name = "Test Person",
                            .id_number = "11010519491231002X",
                            .phone = "+86 10 0000"};
    struct sid_holder out;
    struct sid_buf blob = SID_BUF_EMPTY;
    for (int without_phone = 0; without_phone < 2; without_phone++) {
        if (without_phone == 1)
            in.phone[0] = '\0';
        memset(&out, 0x33, sizeof out);
        assert_int_equal(sid_holder_pack(&in, &blob), SID_OK);
        assert_int_equal(sid_holder_unpack(sid_buf_span(&blob), &out), SID_OK);
        assert_string_equal(out.name, in.name);
        assert_string_equal(out.id_number, in.id_number);
        assert_string_equal(out.phone, in.phone);
        sid_buf_free(&blob);
    }
    sid_holder_fini(&out);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(((const char *)&out)[i], 0);
}

static void
a_blob_of_another_form_is_refused(void **state) {
    (void)state;
    struct sid_holder out = {.name = "untouched"};
    static const char good[] = "N\0"
                               "11010519491231002X\0"
                               "1";
    assert_int_equal(sid_holder_unpack(sid_span_of(good, sizeof good), &out),
                     SID_OK);
    memcpy(out.name, "untouched", 10);
    for (size_t len = 0; len < sizeof good; len++)
        assert_int_equal(sid_holder_unpack(sid_span_of(good, len), &out),
                         SID_E_SEAL);
    static const char more[] = "N\0"
                               "11010519491231002X\0"
                               "1\0";
    assert_int_equal(sid_holder_unpack(sid_span_of(more, sizeof more), &out),
                     SID_E_SEAL);
    static const char number[] = "N\0"
                                 "11010519491231002X0\0"
                                 "1";
    assert_int_equal(
        sid_holder_unpack(sid_span_of(number, sizeof number), &out),
        SID_E_SEAL);
    char name[200];
    memset(name, 'n', sizeof name);
    memcpy(name + 129, "\0x\0y", 5);
    assert_int_equal(sid_holder_unpack(sid_span_of(name, 134), &out),
                     SID_E_SEAL);
    assert_string_equal(out.name, "untouched");
}

static void
a_masked_name_shows_the_first_character_of_each_word(void **state) {
    (void)state;
    static const struct {
        const char *name, *masked;
    } names[] = {
        {"张三", "张*"},
        {"张三丰", "张**"},
        {"John Smith", "J*** S****"},
        {"买买提·吐尔逊", "买**·吐**"},
        {"Émile Ångström", "É**** Å*******"},
        {"𠮷野", "𠮷*"},
        {"A", "A"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char out[SID_NAME_SIZE];
        sid_name_mask(names[i].name, out);
        assert_string_equal(out, names[i].masked);
    }
    char longest[SID_NAME_SIZE], out[SID_NAME_SIZE];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    sid_name_mask(longest, out);
    assert_int_equal(strlen(out), SID_NAME_SIZE - 1);
    assert_int_equal(out[0], 'n');
    assert_int_equal(out[1], '*');
    char longer[2 * SID_NAME_SIZE];
    memset(longer, 'n', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    sid_name_mask(longer, out);
    assert_int_equal(strlen(out), SID_NAME_SIZE - 1);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_read_by_their_wire_name),
        cmocka_unit_test(only_received_and_processing_are_unsettled),
        cmocka_unit_test(photos_have_the_names_of_their_parts),
        cmocka_unit_test(every_message_is_a_whole_text_for_every_photo),
        cmocka_unit_test(a_message_names_the_photo_it_is_about),
        cmocka_unit_test(a_message_never_leaves_its_room),
        cmocka_unit_test(only_reasons_a_person_can_mend_are_retryable),
        cmocka_unit_test(every_fraud_is_kept_from_app_and_holder),
        cmocka_unit_test(quality_is_told_whatever_becomes_of_it),
        cmocka_unit_test(classes_have_names),
        cmocka_unit_test(reasons_survive_being_stored),
        cmocka_unit_test(
            eight_of_the_longest_reasons_fit_and_a_ninth_is_dropped),
        cmocka_unit_test(a_stored_text_of_another_form_is_refused),
        cmocka_unit_test(a_holder_survives_being_packed),
        cmocka_unit_test(a_blob_of_another_form_is_refused),
        cmocka_unit_test(a_masked_name_shows_the_first_character_of_each_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
