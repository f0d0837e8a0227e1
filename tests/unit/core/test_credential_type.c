/* test_credential_type.c: the table of types and the bytes of their fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/credential_type.h"

static const struct sid_credential_type *
licence(void) {
    const struct sid_credential_type *type =
        sid_credential_type_find("drivers_licence");
    assert_non_null(type);
    return type;
}

static void
each_type_is_found_by_its_name_and_what_it_needs_exists(void **state) {
    (void)state;
    const struct sid_credential_type *resident =
        sid_credential_type_find(SID_TYPE_RESIDENT);
    assert_non_null(resident);
    assert_null(resident->needs);
    assert_int_equal(resident->count, 0);
    assert_string_equal(licence()->needs, SID_TYPE_RESIDENT);
    assert_null(sid_credential_type_find(""));
    assert_null(sid_credential_type_find("drivers_licence "));
}

static void
values_have_the_form_of_their_field(void **state) {
    (void)state;
    static const struct {
        int field;
        const char *value;
        bool fits;
    } cases[] = {
        {0, "C1", true},          {0, "A1 C1 D", true},
        {0, "", false},           {0, "C1 ", false},
        {0, " C1", false},        {0, "C1  D", false},
        {0, "c1", false},         {0, "C1,D", false},
        {1, "2020-01-31", true},  {1, "2020-02-30", false},
        {1, "31.01.2020", false}, {1, "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(sid_type_field_fits(&licence()->field[cases[i].field],
                                             cases[i].value),
                         cases[i].fits);
}

static void
fields_are_packed_and_unpacked_and_nothing_else_is(void **state) {
    (void)state;
    const struct sid_details in = {{"C1 D", "2020-01-31"}};
    struct sid_details out = {{"untouched"}};
    struct sid_buf blob = SID_BUF_EMPTY;
    assert_int_equal(sid_details_pack(licence(), &in, &blob), SID_OK);
    assert_int_equal(blob.len, 16);
    for (size_t len = 0; len < blob.len; len++)
        assert_int_equal(
            sid_details_unpack(licence(), sid_span_of(blob.ptr, len), &out),
            SID_E_SEAL);
    assert_string_equal(out.value[0], "untouched");
    assert_int_equal(sid_details_unpack(licence(), sid_buf_span(&blob), &out),
                     SID_OK);
    assert_memory_equal(&out, &in, sizeof in);
    assert_int_equal(sid_buf_append(&blob, "x", 2), SID_OK);
    assert_int_equal(sid_details_unpack(licence(), sid_buf_span(&blob), &out),
                     SID_E_SEAL);
    sid_buf_clear(&blob);
    char text[64] = "";
    memset(text, 'A', SID_TYPE_FIELD_SIZE);
    assert_int_equal(sid_buf_append(&blob, text, strlen(text) + 1), SID_OK);
    assert_int_equal(sid_buf_append(&blob, "2020-01-31", 11), SID_OK);
    assert_int_equal(sid_details_unpack(licence(), sid_buf_span(&blob), &out),
                     SID_E_SEAL);
    sid_buf_free(&blob);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
        T(each_type_is_found_by_its_name_and_what_it_needs_exists),
        T(values_have_the_form_of_their_field),
        T(fields_are_packed_and_unpacked_and_nothing_else_is),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
