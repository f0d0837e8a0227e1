/* test_audit_chains.c: smartidctl audit on a log of several chains, as several
 * writers on one server leave it: what is not over in one of them, heads of
 * several chains in one file, starts and stops that are another daemon's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../../src/store/store_front.h"
#include "audit_command.h"
#include "smartid/appendfile.h"

#define ok(expression) assert_int_equal((expression), SID_OK)
#define MONTH_S INT64_C(2678400)
#define ARCHIVE "archive --until 2999-01 --to @A"
#define CHAIN 1 /* the second one */

/* Appends a row to another chain than the database's own: as the store of that
 * place did, before the database was moved into a file. Its number. */
static int64_t
add(const char *event, int64_t later_s, const char *detail,
    uint8_t mac[SID_SHA256_BYTES]) {
    struct sid_store *store = NULL;
    const struct sid_audit_row row = {.at_us = f->at_us + later_s * 1000000,
                                      .event = event,
                                      .actor = "system",
                                      .subject = "",
                                      .outcome = "done",
                                      .detail = detail};
    ok(sid_store_open(f->db, false, sid_keyring_audit(f->keys), &store));
    ok(sid_store_begin(store));
    store->slot = CHAIN;
    ok(store->back->ops->audit_head(store->back, CHAIN, &store->head.seq,
                                    &store->head.at_us, store->head.mac));
    ok(sid_store_audit(store, &row));
    ok(sid_store_commit(store));
    int64_t seq = sid_store_audit_head(store, mac);
    sid_store_close(&store);
    return seq;
}

/* A head of a row, behind that of another one, at the end of the file. */
static void
sign(int64_t after, int64_t seq, const uint8_t mac[SID_SHA256_BYTES]) {
    char text[SID_HEAD_TEXT_SIZE];
    struct sid_audit_head head = {
        .after = after, .seq = seq, .at_s = f->at_us / 1000000};
    memcpy(head.mac, mac, sizeof head.mac);
    ok(sid_head_sign(sid_keyring_head(f->keys), &head));
    sid_head_print(&head, text);
    ok(sid_appendfile_add(f->heads, text));
}

/* What verify says: the words, the number of a row, more words. */
static void
expect_row(int status, const char *before, int64_t number, const char *after) {
    char all[160];
    (void)snprintf(all, sizeof all, "%s%lld%s", before, (long long)number,
                   after);
    expect("verify", status, all);
}

/* ---- archive ------------------------------------------------------------- */

static void
a_month_that_is_not_over_in_a_further_chain_stays_in_it(void **state) {
    uint8_t mac[SID_SHA256_BYTES];
    (void)state;
    /* The first chain's last row alone is of the next month. */
    (void)add("daemon_started", -MONTH_S, "head=0", mac);
    expect(ARCHIVE, SID_CTL_OK,
           "2096-10: is not over in chain 1 of the log; it stays\n");
    assert_int_equal(archived(".jsonl", false), 1);
    assert_int_equal(archived(".part", false), 0);
    expect("verify --archive @A", SID_CTL_OK, "2 chains unbroken\n");
    (void)add("daemon_stopped", 0, "", mac);
    expect(ARCHIVE, SID_CTL_OK, "is not over in chain 1 of the log");
    assert_int_equal(archived(".jsonl", false), 2);
    expect("verify --archive @A", SID_CTL_OK, "2 chains unbroken\n");
}

/* No month has a name then. */
static void
rows_from_before_1970_are_no_month_and_stay(void **state) {
    (void)state;
    audit_sql(f, "UPDATE audit SET at_us = -1 WHERE seq = (SELECT min(seq) "
                 "FROM audit)");
    expect(ARCHIVE, SID_CTL_OK, "");
    assert_string_equal(said, "");
    assert_int_equal(archived("", false), 0);
    expect("verify", SID_CTL_FAILED, "changed: the content is not what");
}

/* Somebody has put an old row in the place of all the others. */
static void
a_log_that_ends_before_its_beginning_is_not_archived(void **state) {
    (void)state;
    audit_sql(f, "DELETE FROM audit WHERE seq > (SELECT min(seq) FROM audit); "
                 "UPDATE audit SET seq = 1");
    expect(ARCHIVE, SID_CTL_OK, "");
    assert_int_equal(archived("", false), 0);
    expect("verify", SID_CTL_FAILED, "row 1: a number that is there twice or");
}

/* ---- heads of several chains in one file --------------------------------- */

static void
heads_of_several_chains_stand_in_one_file(void **state) {
    uint8_t mac[SID_SHA256_BYTES];
    (void)state;
    int64_t seq = add("daemon_started", 0, "head=0", mac);
    sign(f->last_head, seq, mac);
    expect("verify", SID_CTL_OK, "2 chains unbroken\n");
    assert_non_null(strstr(said, "chain 1: 1 rows, unbroken\n"));
    expect_row(SID_CTL_OK, "the last signs row ", seq, ", ");
    int64_t next = add("verification", 1, "", mac);
    sign(seq, next, mac);
    expect("verify", SID_CTL_OK, "2 chains unbroken\n");
}

static void
a_head_of_another_chain_that_was_taken_away_is_missed(void **state) {
    uint8_t mac[SID_SHA256_BYTES];
    (void)state;
    int64_t seq = add("daemon_started", 0, "head=0", mac);
    /* That of seq itself is left out. */
    int64_t next = add("verification", 1, "", mac);
    sign(seq, next, mac);
    expect_row(SID_CTL_FAILED, "follows a head of row ", seq,
               " that is not there: lines were taken away");
}

/* ---- whose stop it is ---------------------------------------------------- */

static void
a_stop_without_head_is_told_of_the_daemon_whose_file_it_is(void **state) {
    uint8_t mac[SID_SHA256_BYTES];
    char detail[64];
    (void)state;
    (void)snprintf(detail, sizeof detail, "head=%lld", (long long)f->last_head);
    int64_t start = add("daemon_started", 0, detail, mac);
    sign(f->last_head, start, mac);
    int64_t stop = add("daemon_stopped", 1, "", mac);
    expect_row(SID_CTL_FAILED, "row ", stop, ": the daemon's stop has no head");
    sign(start, stop, mac);
    expect("verify", SID_CTL_OK, "2 chains unbroken\n");
}

static void
a_stop_without_head_is_another_daemons_when_its_start_names_another(
    void **state) {
    uint8_t mac[SID_SHA256_BYTES];
    (void)state;
    (void)add("daemon_started", 0, "version=1", mac);
    (void)add("daemon_stopped", 1, "", mac);
    expect("verify", SID_CTL_OK, "2 chains unbroken\n");
    (void)add("daemon_started", 2, "head=999999", mac);
    (void)add("daemon_stopped", 3, "", mac);
    expect("verify", SID_CTL_OK, "2 chains unbroken\n");
}

/* ---- chains that are not there ------------------------------------------- */

static void
a_log_that_nothing_was_written_to_is_one_chain_without_rows(void **state) {
    (void)state;
    audit_sql(f, "DELETE FROM audit; DELETE FROM audit_anchor");
    expect("verify --heads /dev/null", SID_CTL_OK,
           "audit log: 0 rows, chain unbroken\nheads: none yet\n");
}

static void
a_log_whose_only_chain_is_a_further_one_is_one_chain(void **state) {
    uint8_t mac[SID_SHA256_BYTES];
    (void)state;
    (void)add("daemon_started", 0, "head=0", mac);
    audit_sql(f, "DELETE FROM audit WHERE seq < (SELECT max(seq) FROM audit); "
                 "DELETE FROM audit_anchor");
    expect("verify --heads /dev/null", SID_CTL_OK,
           "audit log: 1 rows, chain unbroken\n");
    /* The heads of the other one tell. */
    expect("verify", SID_CTL_FAILED, "its tail was cut off");
}

static void
a_chain_that_a_start_has_seen_and_that_is_gone_is_missed(void **state) {
    uint8_t mac[SID_SHA256_BYTES];
    (void)state;
    (void)add("daemon_started", 0, "head=0 chains=7", mac);
    expect("verify", SID_CTL_FAILED,
           "chain 2: is missing, and another chain says that it was there");
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, audit_command_restore)
    const struct CMUnitTest tests[] = {
        T(a_month_that_is_not_over_in_a_further_chain_stays_in_it),
        T(rows_from_before_1970_are_no_month_and_stay),
        T(a_log_that_ends_before_its_beginning_is_not_archived),
        T(a_chain_that_a_start_has_seen_and_that_is_gone_is_missed),
        T(heads_of_several_chains_stand_in_one_file),
        T(a_head_of_another_chain_that_was_taken_away_is_missed),
        T(a_stop_without_head_is_told_of_the_daemon_whose_file_it_is),
        T(a_stop_without_head_is_another_daemons_when_its_start_names_another),
        T(a_log_that_nothing_was_written_to_is_one_chain_without_rows),
        T(a_log_whose_only_chain_is_a_further_one_is_one_chain),
    };
#undef T
    return cmocka_run_group_tests(tests, audit_command_start,
                                  audit_command_stop);
}
