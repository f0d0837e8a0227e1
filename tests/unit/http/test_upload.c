/* test_upload.c: the parts of an enrolment, an appeal and a recovery, byte by
 * byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/http/upload.h"

#define CD "Content-Disposition: form-data; name="
#define ID                                                                     \
    "--b\r\n" CD "\"id_photo\"; filename=\"a.jpg\"\r\n"                        \
    "Content-Type: image/jpeg\r\n\r\nIDBYTES\r\n"
#define SELFIE                                                                 \
    "--b\r\n" CD "selfie\r\ncontent-type: image/png; x=y\r\n\r\n"              \
    "\r\n--SELF\r\n--\r\n-\r\r\n\r\n"
#define HOLDER "--b\r\n" CD "\"holder\"\r\n\r\n{}\r\n"
#define END "--b--\r\n"
/* What the selfie of SELFIE is. */
#define SELFIE_BYTES "\r\n--SELF\r\n--\r\n-\r\r\n"

static enum sid_err
feed_as(enum sid_upload_of of, const char *text, size_t len, size_t step,
        struct sid_upload **out, struct sid_field *field) {
    struct sid_upload *upload = NULL;
    field->name[0] = '\0';
    assert_int_equal(sid_upload_new("b", of, 64, len, field, &upload), SID_OK);
    enum sid_err err = SID_OK;
    for (size_t at = 0; at < len && err == SID_OK; at += step)
        err = sid_upload_feed(upload, text + at,
                              step < len - at ? step : len - at);
    if (err == SID_OK)
        err = sid_upload_finish(upload);
    if (out != NULL && err == SID_OK)
        *out = upload;
    else
        sid_upload_free(&upload);
    return err;
}

static enum sid_err
feed(const char *text, size_t len, size_t step, struct sid_upload **out,
     struct sid_field *field) {
    return feed_as(SID_UPLOAD_ENROLMENT, text, len, step, out, field);
}

static void
the_parts_are_the_same_however_the_bytes_arrive(void **state) {
    (void)state;
    static const char text[] = ID SELFIE HOLDER END;
    for (size_t step = 1; step < sizeof text; step++) {
        struct sid_upload *upload = NULL;
        struct sid_field field;
        assert_int_equal(feed(text, sizeof text - 1, step, &upload, &field),
                         SID_OK);
        struct sid_buf photo = SID_BUF_EMPTY;
        sid_upload_take_photo(upload, SID_PHOTO_ID, &photo);
        assert_true(sid_span_eq(sid_buf_span(&photo), sid_span_str("IDBYTES")));
        sid_buf_free(&photo);
        sid_upload_take_photo(upload, SID_PHOTO_SELFIE, &photo);
        assert_true(
            sid_span_eq(sid_buf_span(&photo), sid_span_str(SELFIE_BYTES)));
        sid_buf_free(&photo);
        assert_true(sid_span_eq(sid_upload_text(upload, SID_TEXT_HOLDER),
                                sid_span_str("{}")));
        sid_upload_free(&upload);
        assert_null(upload);
    }
}

static void
any_order_and_no_last_line_break_will_do(void **state) {
    (void)state;
    static const char text[] = HOLDER SELFIE ID "--b--";
    struct sid_field field;
    assert_int_equal(feed(text, sizeof text - 1, 7, NULL, &field), SID_OK);
    static const char more[] = HOLDER SELFIE ID "--b--\r\n\r\n";
    assert_int_equal(feed(more, sizeof more - 1, 7, NULL, &field), SID_OK);
}

static void
an_upload_cut_anywhere_never_becomes_an_enrolment(void **state) {
    (void)state;
    static const char text[] = ID SELFIE HOLDER "--b--";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        struct sid_field field;
        assert_int_equal(feed(text, len, 16, NULL, &field), SID_E_BAD_REQUEST);
    }
}

static void
missing_repeated_unknown_and_empty_parts_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum sid_err err;
        const char *field;
    } cases[] = {
        {SELFIE HOLDER END, SID_E_FIELD_MISSING, "id_photo"},
        {ID HOLDER END, SID_E_FIELD_MISSING, "selfie"},
        {ID SELFIE END, SID_E_FIELD_MISSING, "holder"},
        {ID ID SELFIE HOLDER END, SID_E_FIELD_INVALID, "id_photo"},
        {HOLDER HOLDER END, SID_E_FIELD_INVALID, "holder"},
        {ID "--b\r\n" CD "\"passport\"\r\n\r\nx\r\n" END, SID_E_FIELD_UNKNOWN,
         "passport"},
        {"--b\r\n" CD
         "\"id_photo\"\r\nContent-Type: image/png\r\n\r\n\r\n" SELFIE HOLDER
             END,
         SID_E_FIELD_INVALID, "id_photo"},
        {"--b\r\n" CD "\"id_photo\"\r\n\r\nx\r\n" END, SID_E_MEDIA_TYPE,
         "id_photo"},
        {"--b\r\n" CD "\"selfie\"\r\nContent-Type: image/gif\r\n\r\nx\r\n" END,
         SID_E_MEDIA_TYPE, "selfie"},
        {"--b\r\n" CD "\"holder\"\r\nContent-Type: image/png\r\n\r\nx\r\n" END,
         SID_E_MEDIA_TYPE, "holder"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sid_field field;
        assert_int_equal(
            feed(cases[i].text, strlen(cases[i].text), 5, NULL, &field),
            cases[i].err);
        assert_string_equal(field.name, cases[i].field);
    }
}

static void
a_part_may_be_as_large_as_allowed_and_no_byte_more(void **state) {
    (void)state;
    for (size_t len = 64; len <= 65; len++) {
        char text[1024] = "--b\r\n" CD "\"id_photo\"\r\n"
                          "Content-Type: image/jpeg\r\n\r\n";
        memset(text + strlen(text), 'x', len);
        strcat(text, "\r\n" SELFIE HOLDER END);
        for (size_t step = 1; step < 200; step += 13) {
            struct sid_field field;
            assert_int_equal(feed(text, strlen(text), step, NULL, &field),
                             len == 64 ? SID_OK : SID_E_BODY_TOO_LARGE);
            assert_string_equal(field.name, len == 64 ? "" : "id_photo");
        }
    }
}

static void
a_holder_over_4_kib_is_refused(void **state) {
    (void)state;
    char *text = calloc(1, 8192);
    assert_non_null(text);
    strcpy(text, "--b\r\n" CD "\"holder\"\r\n\r\n");
    memset(text + strlen(text), ' ', SID_HOLDER_PART_MAX_BYTES + 1);
    strcat(text, "\r\n" END);
    struct sid_field field;
    assert_int_equal(feed(text, strlen(text), 100, NULL, &field),
                     SID_E_BODY_TOO_LARGE);
    assert_string_equal(field.name, "holder");
    free(text);
}

static void
a_body_of_another_form_is_malformed(void **state) {
    (void)state;
    static const char *const bad[] = {
        "preamble\r\n" ID SELFIE HOLDER END,
        "\r\n" ID SELFIE HOLDER END,
        "--c\r\n" ID SELFIE HOLDER END,
        "--b \r\n" CD "holder\r\n\r\n{}\r\n" END,
        "--b\n" CD "holder\n\n{}\n" END,
        "--b\r\n\r\n{}\r\n" END,
        "--b\r\n" CD "\r\n\r\n{}\r\n" END,
        "--b\r\n" CD "\"\"\r\n\r\n{}\r\n" END,
        "--b\r\n" CD "holder; name=selfie\r\n\r\n{}\r\n" END,
        "--b\r\nContent-Disposition: attachment; name=holder\r\n\r\n{}\r\n" END,
        "--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n" END,
        "--b\r\nno colon\r\n\r\n{}\r\n" END,
        "--b\r\n: x\r\n\r\n{}\r\n" END,
        "--b\r\n" CD "holder\r\n folded\r\n\r\n{}\r\n" END,
        "--b\r\n" CD "holder\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\ne30=\r\n" END,
        "--b\r\n" CD "holder\r\nContent-Type: a/b\r\nContent-Type: "
        "a/b\r\n\r\n{}\r\n" END,
        ID SELFIE HOLDER "--b-x",
        ID SELFIE HOLDER "--b--x",
        ID SELFIE HOLDER END "x",
        ID SELFIE HOLDER END " ",
        "--b--\r\n" ID SELFIE HOLDER END,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t step = 1; step < 100; step += 33) {
            struct sid_field field;
            assert_int_equal(feed(bad[i], strlen(bad[i]), step, NULL, &field),
                             SID_E_BAD_REQUEST);
        }
    }
}

static void
a_nul_or_an_endless_head_is_malformed(void **state) {
    (void)state;
    static const char nul[] = "--b\r\n" CD "holder\0\r\n\r\n{}\r\n" END;
    struct sid_field field;
    assert_int_equal(feed(nul, sizeof nul - 1, 9, NULL, &field),
                     SID_E_BAD_REQUEST);
    char text[4096] = "--b\r\nX: ";
    memset(text + strlen(text), 'x', 3000);
    assert_int_equal(feed(text, strlen(text), 100, NULL, &field),
                     SID_E_BAD_REQUEST);
}

static void
after_a_refusal_nothing_is_taken_any_more(void **state) {
    (void)state;
    struct sid_upload *upload = NULL;
    struct sid_field field = {""};
    static const char rest[] = ID SELFIE HOLDER END;
    assert_int_equal(
        sid_upload_new("b", SID_UPLOAD_ENROLMENT, 64, 1000, &field, &upload),
        SID_OK);
    assert_int_equal(sid_upload_feed(upload, "x", 1), SID_E_BAD_REQUEST);
    assert_int_equal(sid_upload_feed(upload, rest, sizeof rest - 1),
                     SID_E_BAD_REQUEST);
    assert_int_equal(sid_upload_finish(upload), SID_E_BAD_REQUEST);
    sid_upload_free(&upload);
}

#define FRAME(n)                                                               \
    "--b\r\n" CD "frame_" n "\r\nContent-Type: image/jpeg\r\n\r\nF" n "\r\n"
#define CHALLENGE "--b\r\n" CD "challenge_id\r\n\r\nchl_1\r\n"
#define STATEMENT "--b\r\n" CD "statement\r\n\r\nIt is me.\r\n"

static void
frames_come_from_the_first_on_and_with_a_challenge(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum sid_err err;
        const char *field;
    } cases[] = {
        {CHALLENGE FRAME("1") FRAME("2") END, SID_OK, ""},
        {FRAME("3") FRAME("2") CHALLENGE FRAME("1") END, SID_OK, ""},
        {CHALLENGE END, SID_E_FIELD_MISSING, "frame_1"},
        {CHALLENGE FRAME("2") END, SID_E_FIELD_MISSING, "frame_1"},
        {CHALLENGE FRAME("1") FRAME("3") END, SID_E_FIELD_MISSING, "frame_2"},
        {FRAME("1") FRAME("2") END, SID_E_FIELD_MISSING, "challenge_id"},
        {FRAME("4") END, SID_E_FIELD_UNKNOWN, "frame_4"},
        {FRAME("1") FRAME("1") END, SID_E_FIELD_INVALID, "frame_1"},
        {STATEMENT END, SID_E_FIELD_UNKNOWN, "statement"},
        {"--b\r\n" CD "challenge_id\r\n\r\n"
         "chl_123456789012345678901234567\r\n" END,
         SID_E_BODY_TOO_LARGE, "challenge_id"},
        /* A frame may have a quarter of a photo's 64 bytes. */
        {"--b\r\n" CD "frame_1\r\nContent-Type: image/png\r\n\r\n"
         "12345678901234567\r\n" END,
         SID_E_BODY_TOO_LARGE, "frame_1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sid_field field;
        char text[2048];
        (void)snprintf(text, sizeof text, "%s%s", ID SELFIE HOLDER,
                       cases[i].text);
        assert_int_equal(feed(text, strlen(text), 9, NULL, &field),
                         cases[i].err);
        assert_string_equal(field.name, cases[i].field);
    }
}

static void
an_appeal_has_a_statement_and_no_holder(void **state) {
    (void)state;
    static const char text[] =
        SELFIE STATEMENT ID CHALLENGE FRAME("1") FRAME("2") END;
    struct sid_upload *upload = NULL;
    struct sid_field field;
    assert_int_equal(
        feed_as(SID_UPLOAD_APPEAL, text, sizeof text - 1, 11, &upload, &field),
        SID_OK);
    assert_true(sid_span_eq(sid_upload_text(upload, SID_TEXT_STATEMENT),
                            sid_span_str("It is me.")));
    assert_true(sid_span_eq(sid_upload_text(upload, SID_TEXT_CHALLENGE),
                            sid_span_str("chl_1")));
    struct sid_buf photo = SID_BUF_EMPTY;
    sid_upload_take_photo(upload, SID_PHOTO_FRAME_2, &photo);
    assert_true(sid_span_eq(sid_buf_span(&photo), sid_span_str("F2")));
    sid_buf_free(&photo);
    sid_upload_take_photo(upload, SID_PHOTO_FRAME_3, &photo);
    assert_int_equal(photo.len, 0);
    sid_upload_free(&upload);
    static const char plain[] = SELFIE ID END;
    assert_int_equal(
        feed_as(SID_UPLOAD_APPEAL, plain, sizeof plain - 1, 11, NULL, &field),
        SID_OK);
    static const char holder[] = SELFIE ID HOLDER END;
    assert_int_equal(
        feed_as(SID_UPLOAD_APPEAL, holder, sizeof holder - 1, 11, NULL, &field),
        SID_E_FIELD_UNKNOWN);
    assert_string_equal(field.name, "holder");
}

static void
a_recovery_has_a_selfie_and_perhaps_frames_and_no_card(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum sid_err err;
        const char *field;
    } cases[] = {
        {SELFIE END, SID_OK, ""},
        {SELFIE CHALLENGE FRAME("1") END, SID_OK, ""},
        {END, SID_E_FIELD_MISSING, "selfie"},
        {SELFIE CHALLENGE END, SID_E_FIELD_MISSING, "frame_1"},
        {ID SELFIE END, SID_E_FIELD_UNKNOWN, "id_photo"},
        {SELFIE HOLDER END, SID_E_FIELD_UNKNOWN, "holder"},
        {SELFIE STATEMENT END, SID_E_FIELD_UNKNOWN, "statement"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sid_field field;
        assert_int_equal(feed_as(SID_UPLOAD_RECOVERY, cases[i].text,
                                 strlen(cases[i].text), 7, NULL, &field),
                         cases[i].err);
        assert_string_equal(field.name, cases[i].field);
    }
}

static void
a_look_at_a_face_is_one_photo_of_that_name(void **state) {
    (void)state;
    static const char photo[] =
        "--b\r\nContent-Disposition: form-data; name=\"photo\"\r\n"
        "Content-Type: image/png\r\n\r\nPIXELS\r\n";
    char whole[sizeof photo + sizeof END], twice[2 * sizeof photo + sizeof END];
    (void)snprintf(whole, sizeof whole, "%s%s", photo, END);
    (void)snprintf(twice, sizeof twice, "%s%s%s", photo, photo, END);
    const struct {
        const char *text;
        enum sid_err err;
        const char *field;
    } cases[] = {
        {whole, SID_OK, ""},
        {END, SID_E_FIELD_MISSING, "photo"},
        {twice, SID_E_FIELD_INVALID, "photo"},
        {SELFIE END, SID_E_FIELD_UNKNOWN, "selfie"},
        {CHALLENGE END, SID_E_FIELD_UNKNOWN, "challenge_id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sid_field field;
        assert_int_equal(feed_as(SID_UPLOAD_FACE, cases[i].text,
                                 strlen(cases[i].text), 7, NULL, &field),
                         cases[i].err);
        assert_string_equal(field.name, cases[i].field);
    }
    assert_int_equal(sid_upload_part_max("photo", 1000), 1000);
    assert_string_equal(sid_upload_part_types("photo"),
                        "image/jpeg or image/png");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_are_the_same_however_the_bytes_arrive),
        cmocka_unit_test(any_order_and_no_last_line_break_will_do),
        cmocka_unit_test(an_upload_cut_anywhere_never_becomes_an_enrolment),
        cmocka_unit_test(missing_repeated_unknown_and_empty_parts_are_named),
        cmocka_unit_test(a_part_may_be_as_large_as_allowed_and_no_byte_more),
        cmocka_unit_test(a_look_at_a_face_is_one_photo_of_that_name),
        cmocka_unit_test(a_holder_over_4_kib_is_refused),
        cmocka_unit_test(a_body_of_another_form_is_malformed),
        cmocka_unit_test(a_nul_or_an_endless_head_is_malformed),
        cmocka_unit_test(after_a_refusal_nothing_is_taken_any_more),
        cmocka_unit_test(frames_come_from_the_first_on_and_with_a_challenge),
        cmocka_unit_test(an_appeal_has_a_statement_and_no_holder),
        cmocka_unit_test(
            a_recovery_has_a_selfie_and_perhaps_frames_and_no_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
