/* test_pseudonym.c: the name by which one relying party knows a person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/pseudonym.h"

static struct sid_mac_key *key;
static uint8_t person[SID_SHA256_BYTES], other_person[SID_SHA256_BYTES];

static int
start(void **state) {
    (void)state;
    uint8_t raw[SID_KEY_BYTES];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)i;
    memset(person, 7, sizeof person);
    memset(other_person, 8, sizeof other_person);
    return sid_crypto_init() == SID_OK && sid_mac_key_new(raw, &key) == SID_OK
               ? 0
               : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_mac_key_free(&key);
    sid_crypto_fini();
    return 0;
}

static void
it_is_the_same_each_time_and_as_a_second_implementation_has_it(void **state) {
    (void)state;
    char text[SID_PSEUDONYM_SIZE];
    /* Computed with Python's hmac. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            sid_pseudonym_make(key, "Bank of Example", person, text), SID_OK);
        assert_string_equal(text, "psn_yk985w04mvtew410jdpsmf0d98");
    }
    assert_int_equal(sid_pseudonym_make(key, "Hotel", person, text), SID_OK);
    assert_string_equal(text, "psn_nerknry41dprghmaebn5z22f74");
}

static void
parties_people_and_keys_have_nothing_in_common(void **state) {
    (void)state;
    const uint8_t raw[SID_KEY_BYTES] = {1};
    struct sid_mac_key *other_key = NULL;
    char text[5][SID_PSEUDONYM_SIZE];
    assert_int_equal(sid_mac_key_new(raw, &other_key), SID_OK);
    assert_int_equal(sid_pseudonym_make(key, "A", person, text[0]), SID_OK);
    assert_int_equal(sid_pseudonym_make(key, "B", person, text[1]), SID_OK);
    assert_int_equal(sid_pseudonym_make(key, "A", other_person, text[2]),
                     SID_OK);
    assert_int_equal(sid_pseudonym_make(other_key, "A", person, text[3]),
                     SID_OK);
    assert_int_equal(sid_pseudonym_make(key, "", person, text[4]), SID_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(strlen(text[i]), SID_PSEUDONYM_SIZE - 1);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(text[i], text[k]);
    }
    sid_mac_key_free(&other_key);
}

static void
a_party_cannot_end_where_a_number_begins(void **state) {
    (void)state;
    char shorter[SID_PSEUDONYM_SIZE], longer[SID_PSEUDONYM_SIZE];
    assert_int_equal(sid_pseudonym_make(key, "A", person, shorter), SID_OK);
    assert_int_equal(sid_pseudonym_make(key, "A\7", person, longer), SID_OK);
    assert_string_not_equal(shorter, longer);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            it_is_the_same_each_time_and_as_a_second_implementation_has_it),
        cmocka_unit_test(parties_people_and_keys_have_nothing_in_common),
        cmocka_unit_test(a_party_cannot_end_where_a_number_begins),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
