/* test_purpose.c: the words of purposes, and grants resolved against a set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "smartid/purpose.h"

static struct sid_purposes
two_purposes(void) {
    return (struct sid_purposes){
        .count = 2,
        .item = {{.name = "bank", .attributes = SID_ATTR_NAME},
                 {.name = "hotel", .attributes = SID_ATTR_AGE_OVER_18}}};
}

static void
the_levels_of_assurance_are_in_order(void **state) {
    (void)state;
    static const char *const words[] = {"remote", "remote_live", "counter"};
    assert_int_equal(SID_ASSURANCE_COUNT, 3);
    for (int i = 0; i < SID_ASSURANCE_COUNT; i++) {
        enum sid_assurance got = SID_ASSURANCE_COUNT;
        assert_int_equal(sid_assurance_parse(words[i], &got), SID_OK);
        assert_int_equal(got, i);
        assert_string_equal(sid_assurance_name(got), words[i]);
        assert_true(strlen(words[i]) < SID_ASSURANCE_SIZE);
    }
    enum sid_assurance got = SID_ASSURANCE_COUNTER;
    assert_int_equal(sid_assurance_parse("Remote", &got), SID_E_FIELD_INVALID);
    assert_int_equal(sid_assurance_parse("", &got), SID_E_FIELD_INVALID);
    assert_int_equal(got, SID_ASSURANCE_COUNTER);
}

static void
each_attribute_has_its_word_and_its_bit(void **state) {
    (void)state;
    static const struct {
        const char *word;
        uint32_t bit;
    } words[] = {
        {"name", SID_ATTR_NAME},
        {"name_masked", SID_ATTR_NAME_MASKED},
        {"id_number", SID_ATTR_ID_NUMBER},
        {"id_number_masked", SID_ATTR_ID_NUMBER_MASKED},
        {"birth_date", SID_ATTR_BIRTH_DATE},
        {"age_over_18", SID_ATTR_AGE_OVER_18},
        {"sex", SID_ATTR_SEX},
        {"portrait", SID_ATTR_PORTRAIT},
        {"region", SID_ATTR_REGION},
        {"details", SID_ATTR_DETAILS},
    };
    uint32_t all = 0, got = 0;
    assert_int_equal(sizeof words / sizeof words[0], SID_ATTRIBUTE_COUNT);
    for (size_t i = 0; i < SID_ATTRIBUTE_COUNT; i++) {
        assert_int_equal(sid_attributes_parse(words[i].word, &got), SID_OK);
        assert_int_equal(got, words[i].bit);
        assert_int_equal(all & got, 0);
        all |= got;
    }
}

static void
a_list_of_attributes_has_at_least_one_and_none_twice(void **state) {
    (void)state;
    uint32_t got = 0;
    assert_int_equal(sid_attributes_parse(" name ,sex,\tregion ", &got),
                     SID_OK);
    assert_int_equal(got, SID_ATTR_NAME | SID_ATTR_SEX | SID_ATTR_REGION);
    static const char *const wrong[] = {
        "",         " ",          ",",    "name,",    ",name", "name,,sex",
        "name sex", "name, name", "Name", "name;sex", "phone", "name_"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        got = 77;
        assert_int_equal(sid_attributes_parse(wrong[i], &got),
                         SID_E_FIELD_INVALID);
        assert_int_equal(got, 77);
    }
}

static void
a_name_is_of_small_letters_digits_and_underlines(void **state) {
    (void)state;
    static const char *const good[] = {"a", "bank_account", "b2",
                                       "abcdefghijklmnopqrstuvwxyz_12345"};
    static const char *const wrong[] = {
        "",    "Bank", "2b",       "_a",
        "a b", "a-b",  "\xc3\xa4", "abcdefghijklmnopqrstuvwxyz_123456"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(sid_purpose_name_valid(good[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(sid_purpose_name_valid(wrong[i]));
}

static void
a_set_finds_its_own_and_no_other(void **state) {
    (void)state;
    struct sid_purposes set = two_purposes();
    assert_ptr_equal(sid_purposes_find(&set, "hotel"), &set.item[1]);
    assert_null(sid_purposes_find(&set, "hote"));
    assert_null(sid_purposes_find(&set, ""));
    assert_null(sid_purposes_find(NULL, "hotel"));
    assert_int_equal(sid_purposes_bit(&set, &set.item[1]), 2);
}

static void
a_difference_anywhere_makes_another_set(void **state) {
    (void)state;
    struct sid_purposes a = two_purposes(), b = two_purposes();
    assert_true(sid_purposes_same(&a, &b));
    b.item[1].live_required = true;
    assert_false(sid_purposes_same(&a, &b));
    b.item[1].live_required = false;
    b.item[1].counter_required = true;
    assert_false(sid_purposes_same(&a, &b));
    b = two_purposes();
    b.item[1].face_required = true;
    assert_false(sid_purposes_same(&a, &b));
    b = two_purposes();
    b.item[1].assurance = SID_ASSURANCE_COUNTER;
    assert_false(sid_purposes_same(&a, &b));
    b = two_purposes();
    b.item[0].attributes |= SID_ATTR_SEX;
    assert_false(sid_purposes_same(&a, &b));
    b = two_purposes();
    (void)strcpy(b.item[0].help, "x");
    assert_false(sid_purposes_same(&a, &b));
    b = two_purposes();
    b.item[0].name[0] = 't';
    assert_false(sid_purposes_same(&a, &b));
    b = two_purposes();
    b.count = 1;
    assert_false(sid_purposes_same(&a, &b));
}

static void
names_are_kept_once_each_in_one_text(void **state) {
    (void)state;
    char names[SID_PURPOSE_NAMES_SIZE] = "";
    assert_int_equal(sid_purpose_names_add(names, "bank"), SID_OK);
    assert_int_equal(sid_purpose_names_add(names, "hotel"), SID_OK);
    assert_int_equal(sid_purpose_names_add(names, "bank"), SID_OK);
    assert_int_equal(sid_purpose_names_add(names, "ban"), SID_OK);
    assert_string_equal(names, "bank hotel ban");
    assert_int_equal(sid_purpose_names_add(names, "a b"), SID_E_FIELD_INVALID);
    assert_int_equal(sid_purpose_names_add(names, ""), SID_E_FIELD_INVALID);
    assert_string_equal(names, "bank hotel ban");
    const char *at = names;
    char name[SID_PURPOSE_NAME_SIZE];
    assert_true(sid_purpose_names_next(&at, name));
    assert_true(sid_purpose_names_next(&at, name));
    assert_string_equal(name, "hotel");
    assert_true(sid_purpose_names_next(&at, name));
    assert_false(sid_purpose_names_next(&at, name));
}

static void
sixty_four_of_the_longest_names_have_room_and_no_more(void **state) {
    (void)state;
    char names[SID_PURPOSE_NAMES_SIZE] = "";
    for (int i = 0; i < SID_PURPOSES_MAX; i++) {
        char name[2 * SID_PURPOSE_NAME_SIZE];
        (void)snprintf(name, sizeof name, "abcdefghijklmnopqrstuvwxyz_12%03d",
                       i);
        assert_int_equal(sid_purpose_names_add(names, name), SID_OK);
    }
    assert_int_equal(sid_purpose_names_add(names, "one_more"),
                     SID_E_FIELD_INVALID);
}

static int unknown_count;
static char last_unknown[SID_PURPOSE_NAME_SIZE];

static void
note_unknown(const char *name, void *ctx) {
    assert_ptr_equal(ctx, &unknown_count);
    unknown_count++;
    (void)snprintf(last_unknown, sizeof last_unknown, "%s", name);
}

static void
grants_become_bits_and_unknown_names_are_told(void **state) {
    (void)state;
    struct sid_purposes set = two_purposes();
    unknown_count = 0;
    assert_int_equal(sid_purposes_resolve(&set, "hotel spying bank",
                                          note_unknown, &unknown_count),
                     3);
    assert_int_equal(unknown_count, 1);
    assert_string_equal(last_unknown, "spying");
    assert_int_equal(sid_purposes_resolve(&set, "", NULL, NULL), 0);
    assert_int_equal(sid_purposes_resolve(NULL, "bank", NULL, NULL), 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_levels_of_assurance_are_in_order),
        cmocka_unit_test(each_attribute_has_its_word_and_its_bit),
        cmocka_unit_test(a_list_of_attributes_has_at_least_one_and_none_twice),
        cmocka_unit_test(a_name_is_of_small_letters_digits_and_underlines),
        cmocka_unit_test(a_set_finds_its_own_and_no_other),
        cmocka_unit_test(a_difference_anywhere_makes_another_set),
        cmocka_unit_test(names_are_kept_once_each_in_one_text),
        cmocka_unit_test(sixty_four_of_the_longest_names_have_room_and_no_more),
        cmocka_unit_test(grants_become_bits_and_unknown_names_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
