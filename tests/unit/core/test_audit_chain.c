/* test_audit_chain.c: what was done to a log is told by row and by kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "smartid/audit_chain.h"

#define ROWS 12

static struct sid_mac_key *key, *other_key;
static struct sid_audit_entry rows[ROWS + 1]; /* by number; 0 is unused */
static char details[ROWS + 1][16];
static const uint8_t zeros[SID_SHA256_BYTES];

static int
start(void **state) {
    (void)state;
    const uint8_t one[SID_KEY_BYTES] = {1}, two[SID_KEY_BYTES] = {2};
    return sid_crypto_init() == SID_OK &&
                   sid_mac_key_new(one, &key) == SID_OK &&
                   sid_mac_key_new(two, &other_key) == SID_OK
               ? 0
               : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_mac_key_free(&key);
    sid_mac_key_free(&other_key);
    sid_crypto_fini();
    return 0;
}

static void
link_to(struct sid_audit_entry *entry, const uint8_t prev[SID_SHA256_BYTES]) {
    assert_int_equal(sid_audit_link(key, prev, &entry->row, entry->mac),
                     SID_OK);
}

/* A log that nobody has touched. */
static int
fill(void **state) {
    (void)state;
    for (int i = 1; i <= ROWS; i++) {
        (void)snprintf(details[i], sizeof details[i], "n=%d", i);
        rows[i] = (struct sid_audit_entry){.row = {.seq = i,
                                                   .at_us = 1000 + i,
                                                   .event = "verification",
                                                   .actor = "cli_1",
                                                   .subject = "crd_1",
                                                   .outcome = "valid",
                                                   .detail = details[i]},
                                           .intact = true};
        link_to(&rows[i], i == 1 ? zeros : rows[i - 1].mac);
    }
    return 0;
}

static char told[256];

static void
tell(const struct sid_chain_finding *finding, void *ctx) {
    static const char *const words[] = {
        [SID_CHAIN_MISSING] = "missing", [SID_CHAIN_EXTRA] = "extra",
        [SID_CHAIN_CHANGED] = "changed", [SID_CHAIN_MAC] = "mac",
        [SID_CHAIN_DAMAGED] = "damaged", [SID_CHAIN_STRANGE] = "strange"};
    size_t len = strlen(told);
    (void)ctx;
    (void)snprintf(told + len, sizeof told - len, "%s %lld-%lld;",
                   words[finding->fault], (long long)finding->first,
                   (long long)finding->last);
}

/* Walks the rows at the given places, which end with 0. */
static void
walk(const int *order, const char *expected) {
    struct sid_chain chain;
    told[0] = '\0';
    sid_chain_begin(&chain, key, 0, zeros, tell, NULL);
    for (; *order != 0; order++)
        assert_int_equal(sid_chain_row(&chain, &rows[*order]), SID_OK);
    sid_chain_end(&chain);
    assert_string_equal(told, expected);
}

static const int all[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0};

static void
an_untouched_log_has_no_finding(void **state) {
    (void)state;
    struct sid_chain chain;
    walk(all, "");
    walk((const int[]){0}, "");
    sid_chain_begin(&chain, key, 0, zeros, tell, NULL);
    for (int i = 1; i <= ROWS; i++)
        assert_int_equal(sid_chain_row(&chain, &rows[i]), SID_OK);
    sid_chain_end(&chain);
    assert_int_equal(chain.rows, ROWS);
    assert_int_equal(chain.seq, ROWS);
    assert_memory_equal(chain.mac, rows[ROWS].mac, SID_SHA256_BYTES);
}

static void
walk_behind(int64_t seq, const uint8_t mac[SID_SHA256_BYTES], int first,
            const char *expected) {
    struct sid_chain chain;
    told[0] = '\0';
    sid_chain_begin(&chain, key, seq, mac, tell, NULL);
    for (int i = first; i <= ROWS; i++)
        assert_int_equal(sid_chain_row(&chain, &rows[i]), SID_OK);
    sid_chain_end(&chain);
    assert_string_equal(told, expected);
}

static void
a_log_without_its_oldest_rows_is_held_to_where_it_begins(void **state) {
    (void)state;
    walk_behind(4, rows[4].mac, 5, "");
    walk_behind(4, rows[4].mac, 6, "missing 5-5;");
    walk_behind(4, rows[4].mac, 4, "extra 4-4;");
    walk_behind(4, rows[3].mac, 5, "changed 5-5;");
    walk_behind(0, zeros, 5, "missing 1-4;");
}

static void
a_damaged_row_behind_a_strange_one_is_told_by_itself(void **state) {
    (void)state;
    rows[5].row.outcome = "expired";
    rows[5].mac[0] ^= 1;
    rows[6].intact = false;
    walk(all, "strange 5-5;damaged 6-6;");
}

static void
a_changed_row_is_named(void **state) {
    (void)state;
    rows[5].row.outcome = "expired";
    walk(all, "changed 5-5;");
    rows[9].row.at_us++;
    walk(all, "changed 5-5;changed 9-9;");
    rows[1].row.actor = "";
    walk(all, "changed 1-1;changed 5-5;changed 9-9;");
    rows[6].row.actor = "x";
    walk(all, "changed 1-1;strange 5-6;changed 9-9;");
}

static void
a_change_of_the_last_row_is_found(void **state) {
    (void)state;
    rows[ROWS].row.outcome = "expired";
    walk(all, "strange 12-12;");
}

static void
a_changed_mac_is_named(void **state) {
    (void)state;
    rows[5].mac[31] ^= 1;
    walk(all, "mac 5-5;");
    rows[1].mac[0] ^= 1;
    walk(all, "mac 1-1;mac 5-5;");
}

static void
missing_rows_are_named_but_not_those_at_the_end(void **state) {
    (void)state;
    walk((const int[]){1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 0}, "missing 4-4;");
    walk((const int[]){1, 2, 3, 7, 8, 12, 0}, "missing 4-6;missing 9-11;");
    walk((const int[]){3, 4, 0}, "missing 1-2;");
    walk((const int[]){1, 2, 3, 0}, ""); /* heads tell that */
}

static void
swapped_rows_are_one_finding(void **state) {
    (void)state;
    struct sid_audit_entry seven = rows[7];
    rows[7] = rows[8];
    rows[8] = seven;
    rows[7].row.seq = 7;
    rows[8].row.seq = 8;
    walk(all, "strange 7-9;");
}

static void
a_row_put_in_is_found_with_those_it_pushed(void **state) {
    (void)state;
    for (int i = ROWS; i > 6; i--) {
        rows[i] = rows[i - 1];
        rows[i].row.seq = i;
    }
    rows[6].row.detail = "forged";
    memset(rows[6].mac, 7, sizeof rows[6].mac);
    walk(all, "strange 6-12;");
}

static void
a_row_put_in_at_the_end_is_found(void **state) {
    (void)state;
    rows[ROWS].row.detail = rows[3].row.detail;
    memcpy(rows[ROWS].mac, rows[3].mac, SID_SHA256_BYTES);
    walk(all, "strange 12-12;");
}

static void
numbers_that_cannot_be_are_extra(void **state) {
    (void)state;
    rows[4].row.seq = 0;
    walk((const int[]){4, 1, 2, 3, 5, 6, 0}, "extra 0-0;missing 4-4;");
    rows[4].row.seq = 3;
    walk((const int[]){1, 2, 3, 4, 5, 6, 0}, "extra 3-3;missing 4-4;");
    rows[12].row.seq = INT64_MAX;
    walk((const int[]){1, 2, 3, 12, 0}, "missing 4-9223372036854775806;");
    rows[12].row.seq = INT64_MIN;
    walk((const int[]){12, 1, 2, 3, 0},
         "extra -9223372036854775808--9223372036854775808;");
}

static void
a_column_of_another_form_is_damage(void **state) {
    (void)state;
    rows[5].intact = false;
    memset(rows[5].mac, 0, sizeof rows[5].mac);
    walk(all, "damaged 5-5;");
}

static void
another_key_fits_no_row(void **state) {
    (void)state;
    struct sid_mac_key *mine = key;
    key = other_key;
    walk(all, "strange 1-12;");
    key = mine;
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, fill)
    const struct CMUnitTest tests[] = {
        T(an_untouched_log_has_no_finding),
        T(a_log_without_its_oldest_rows_is_held_to_where_it_begins),
        T(a_damaged_row_behind_a_strange_one_is_told_by_itself),
        T(a_changed_row_is_named),
        T(a_change_of_the_last_row_is_found),
        T(a_changed_mac_is_named),
        T(missing_rows_are_named_but_not_those_at_the_end),
        T(swapped_rows_are_one_finding),
        T(a_row_put_in_is_found_with_those_it_pushed),
        T(a_row_put_in_at_the_end_is_found),
        T(numbers_that_cannot_be_are_extra),
        T(a_column_of_another_form_is_damage),
        T(another_key_fits_no_row),
    };
#undef T
    return cmocka_run_group_tests(tests, start, stop);
}
