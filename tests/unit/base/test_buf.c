/* test_buf.c: owned and borrowed bytes, and the table of errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartid/buf.h"

static void
every_error_has_its_own_code_and_a_sentence(void **state) {
    (void)state;
    for (int i = 0; i < SID_ERR_COUNT; i++) {
        const char *code = sid_err_code((enum sid_err)i);
        const char *text = sid_err_text((enum sid_err)i);
        assert_true(strspn(code, "abcdefghijklmnopqrstuvwxyz_") ==
                    strlen(code));
        assert_true(text[strlen(text) - 1] == '.');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(code, sid_err_code((enum sid_err)j));
    }
}

static void
an_error_outside_the_list_reads_as_internal(void **state) {
    (void)state;
    assert_string_equal(sid_err_code(SID_ERR_COUNT), "internal");
    assert_string_equal(sid_err_code((enum sid_err)4000000), "internal");
    assert_string_equal(sid_err_text((enum sid_err)4000000),
                        sid_err_text(SID_E_INTERNAL));
}

static void
a_broken_invariant_aborts_the_process(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        SID_ASSERT(child != 0);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
appended_bytes_stand_one_behind_the_other(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sid_buf_append(&buf, "abc", 3), SID_OK);
    assert_int_equal(sid_buf_append_str(&buf, "end"), SID_OK);
    assert_int_equal(sid_buf_printf(&buf, "-%d-%s", 42, "x"), SID_OK);
    assert_int_equal(buf.len, 3000 + 3 + 5);
    assert_memory_equal(buf.ptr + 2997, "abcend-42-x", 11);
    assert_int_equal(sid_buf_append(&buf, NULL, 0), SID_OK);
    assert_int_equal(buf.len, 3008);
    sid_buf_free(&buf);
    assert_null(buf.ptr);
    assert_int_equal(buf.cap, 0);
    sid_buf_free(&buf);
}

static void
room_that_cannot_be_had_leaves_the_buffer_as_it_was(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    assert_int_equal(sid_buf_append_str(&buf, "kept"), SID_OK);
    struct sid_buf before = buf;
    /* More than the address space, and a sum that overflows. */
    assert_int_equal(sid_buf_reserve(&buf, SIZE_MAX / 2 + 1), SID_E_NO_MEMORY);
    assert_int_equal(sid_buf_append(&buf, "x", SIZE_MAX - 1), SID_E_NO_MEMORY);
    assert_memory_equal(&buf, &before, sizeof buf);
    assert_memory_equal(buf.ptr, "kept", 4);
    sid_buf_free(&buf);
}

static void
a_moved_buffer_leaves_its_source_empty(void **state) {
    (void)state;
    struct sid_buf a = SID_BUF_EMPTY, b = SID_BUF_EMPTY;
    assert_int_equal(sid_buf_append_str(&a, "photo"), SID_OK);
    const uint8_t *place = a.ptr;
    sid_buf_move(&a, &b);
    assert_null(a.ptr);
    assert_int_equal(a.len + a.cap, 0);
    assert_ptr_equal(b.ptr, place);
    assert_true(sid_span_eq(sid_buf_span(&b), sid_span_str("photo")));
    sid_buf_free(&b);
}

static void
clearing_wipes_and_keeps_the_room(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    assert_int_equal(sid_buf_append_str(&buf, "secret"), SID_OK);
    size_t cap = buf.cap;
    sid_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.cap, cap);
    assert_memory_equal(buf.ptr, "\0\0\0\0\0\0", 6);
    sid_buf_free(&buf);
}

static void
spans_are_equal_only_with_the_same_bytes(void **state) {
    (void)state;
    assert_true(sid_span_eq(sid_span_str("ab"), sid_span_str("ab")));
    assert_false(sid_span_eq(sid_span_str("ab"), sid_span_str("ac")));
    assert_false(sid_span_eq(sid_span_str("ab"), sid_span_str("abc")));
    assert_true(sid_span_eq(sid_span_of(NULL, 0), sid_span_str("")));
}

static void
the_constant_time_compare_sees_a_difference_anywhere(void **state) {
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    assert_true(sid_equal_ct(a, b, sizeof a));
    assert_true(sid_equal_ct(a, b, 0));
    for (size_t i = 0; i < sizeof a; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] = (uint8_t)(1u << bit);
            assert_false(sid_equal_ct(a, b, sizeof a));
        }
        b[i] = 0;
    }
}

static void
wiped_memory_is_zero(void **state) {
    (void)state;
    char text[] = "secret";
    sid_wipe(text, sizeof text);
    for (size_t i = 0; i < sizeof text; i++)
        assert_int_equal(text[i], 0);
    sid_wipe(NULL, 0);
}

static void
memory_of_a_library_grows_and_shrinks_with_its_content(void **state) {
    (void)state;
    char *text = sid_realloc_wiped(NULL, 8);
    assert_non_null(text);
    memcpy(text, "secret!", 8);
    text = sid_realloc_wiped(text, 4000);
    assert_non_null(text);
    assert_string_equal(text, "secret!");
    text = sid_realloc_wiped(text, 3);
    assert_non_null(text);
    assert_memory_equal(text, "sec", 3);
    assert_null(sid_realloc_wiped(text, 0));
    sid_free_wiped(NULL);
}

static void
memory_that_cannot_be_had_leaves_the_old_as_it_was(void **state) {
    (void)state;
    char *text = sid_realloc_wiped(NULL, 4);
    assert_non_null(text);
    memcpy(text, "abc", 4);
    volatile size_t too_much = SIZE_MAX / 2 + 1; /* hidden from the compiler */
    assert_null(sid_realloc_wiped(text, too_much));
    assert_string_equal(text, "abc");
    sid_free_wiped(text);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_own_code_and_a_sentence),
        cmocka_unit_test(an_error_outside_the_list_reads_as_internal),
        cmocka_unit_test(a_broken_invariant_aborts_the_process),
        cmocka_unit_test(appended_bytes_stand_one_behind_the_other),
        cmocka_unit_test(room_that_cannot_be_had_leaves_the_buffer_as_it_was),
        cmocka_unit_test(a_moved_buffer_leaves_its_source_empty),
        cmocka_unit_test(clearing_wipes_and_keeps_the_room),
        cmocka_unit_test(spans_are_equal_only_with_the_same_bytes),
        cmocka_unit_test(the_constant_time_compare_sees_a_difference_anywhere),
        cmocka_unit_test(wiped_memory_is_zero),
        cmocka_unit_test(
            memory_of_a_library_grows_and_shrinks_with_its_content),
        cmocka_unit_test(memory_that_cannot_be_had_leaves_the_old_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
