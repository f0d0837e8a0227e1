/* test_audit_check.c: what smartidctl audit verify says about a log, its heads,
 * and what was done to either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audit_fixture.h"
#include "smartid/appendfile.h"
#include "smartid/mac.h"
#include "smartid/secretfile.h"
#include "smartid/text.h"

static char out[AUDIT_OUT_SIZE];

static int
restore(void **state) {
    audit_fixture_restore(*state);
    return 0;
}

static void
expect_found(struct audit_fixture *f, struct sid_audit_check *what,
             const char *words) {
    assert_true(audit_check(f, what, out, sizeof out) > 0);
    if (strstr(out, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, out);
}

static void
expect_good(struct audit_fixture *f, struct sid_audit_check *what,
            const char *words) {
    if (audit_check(f, what, out, sizeof out) != 0)
        fail_msg("not good: %s", out);
    if (strstr(out, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, out);
}

static void
a_log_and_heads_that_nobody_touched_are_good(void **state) {
    struct audit_fixture *f = *state;
    char words[80];
    (void)snprintf(words, sizeof words, "audit log: %lld rows, chain unbroken",
                   (long long)f->rows);
    expect_good(f, NULL, words);
    (void)snprintf(words, sizeof words,
                   "heads: %d, all fit; the last signs "
                   "row %lld, ",
                   f->head_lines, (long long)f->rows);
    expect_good(f, NULL, words);
}

static void
a_log_whose_oldest_rows_were_removed_is_good(void **state) {
    struct audit_fixture *f = *state;
    for (int n = 1; n < f->rows; n++) {
        char words[80];
        audit_fixture_restore(f);
        audit_prune(f, n);
        (void)snprintf(words, sizeof words,
                       "audit log: %lld rows, chain unbroken",
                       (long long)f->rows - n);
        expect_good(f, NULL, words);
    }
    expect_good(f, NULL, "heads of rows that were removed: ");
}

static void
what_is_done_to_a_log_whose_oldest_rows_were_removed_is_found(void **state) {
    struct audit_fixture *f = *state;
    static const struct {
        const char *sql, *words;
    } acts[] = {
        {"DELETE FROM audit WHERE seq = 21", "row 21: missing"},
        {"UPDATE audit_anchor SET seq = 21; DELETE FROM audit WHERE seq = 21",
         "the anchor, which says where the log begins"},
        {"DELETE FROM audit_anchor", "rows 1 to 20: missing"},
        {"DELETE FROM audit WHERE seq > 40", "its tail was cut off"},
        {"DELETE FROM audit", "chain 0: all its rows are missing"},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        audit_fixture_restore(f);
        audit_prune(f, 20);
        audit_sql(f, acts[i].sql);
        expect_found(f, NULL, acts[i].words);
    }
}

/* ---- the log ------------------------------------------------------------- */

static void
what_was_done_to_the_rows_is_named(void **state) {
    struct audit_fixture *f = *state;
    static const struct {
        const char *sql, *words;
    } acts[] = {
        {"UPDATE audit SET outcome = 'x' WHERE seq = 12", "row 12: changed"},
        {"UPDATE audit SET mac = zeroblob(32) WHERE seq = 12",
         "row 12: the MAC was changed"},
        {"DELETE FROM audit WHERE seq = 12", "row 12: missing"},
        {"DELETE FROM audit WHERE seq BETWEEN 12 AND 15",
         "rows 12 to 15: missing"},
        {"UPDATE audit SET seq = -5 WHERE seq = 12",
         "row -5: a number that is there twice or cannot be"},
        {"UPDATE audit SET seq = 1000 WHERE seq = 12; UPDATE audit SET seq = "
         "12 WHERE seq = 13; UPDATE audit SET seq = 13 WHERE seq = 1000",
         "rows 12 to 14: does not fit the chain"},
        {"PRAGMA ignore_check_constraints = 1; UPDATE audit SET mac = x'00' "
         "WHERE seq = 12",
         "row 12: a column has not the form"},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        audit_fixture_restore(f);
        audit_sql(f, acts[i].sql);
        expect_found(f, NULL, acts[i].words);
    }
}

static void
a_tail_that_was_cut_off_is_found_by_the_heads(void **state) {
    struct audit_fixture *f = *state;
    char sql[80], words[80];
    for (int64_t last = 10; last < f->rows; last += 9) {
        audit_fixture_restore(f);
        (void)snprintf(sql, sizeof sql, "DELETE FROM audit WHERE seq > %lld",
                       (long long)last);
        audit_sql(f, sql);
        (void)snprintf(words, sizeof words, "the log ends with row %lld, but",
                       (long long)last);
        expect_found(f, NULL, words);
    }
    audit_sql(f, "DELETE FROM audit");
    expect_found(f, NULL, "the log ends with row 0");
}

static void
an_older_file_in_its_place_is_found(void **state) {
    struct audit_fixture *f = *state;
    for (int run = 0; run < RUNS - 1; run++) {
        audit_copy(f->old_db[run], f->db);
        expect_found(f, NULL, "or an older file was put in its place");
    }
    audit_copy(f->old_db[RUNS - 1], f->db);
    expect_good(f, NULL, "chain unbroken");
}

/* Somebody with every key takes the log back and lets the daemon go on. */
static void
an_older_file_that_went_on_is_found(void **state) {
    struct audit_fixture *f = *state;
    struct sid_store *store = NULL;
    audit_copy(f->old_db[1], f->db);
    assert_int_equal(
        sid_store_open(f->db, false, sid_keyring_audit(f->keys), &store),
        SID_OK);
    struct sid_audit_row row = {.event = "verification",
                                .actor = "cli_1",
                                .subject = "",
                                .outcome = "valid",
                                .detail = ""};
    while (sid_store_audit_head(store, NULL) < f->rows + 5) {
        assert_int_equal(sid_store_begin(store), SID_OK);
        row.at_us = f->at_us + 1;
        assert_int_equal(sid_store_audit(store, &row), SID_OK);
        assert_int_equal(sid_store_commit(store), SID_OK);
    }
    sid_store_close(&store);
    expect_found(f, NULL, "is not the row that the head of");
}

static void
a_database_that_is_not_the_one_is_told(void **state) {
    struct audit_fixture *f = *state;
    uint8_t key[SID_PUBLIC_KEY_BYTES];
    struct sid_audit_check what = {.own_heads = f->heads, .public_key = key};
    sid_sign_public(sid_keyring_head(f->keys), key);
    expect_good(f, &what, "chain unbroken");
    key[0] ^= 1;
    expect_found(f, &what, "signs with another key");
}

/* ---- heads --------------------------------------------------------------- */

static void
each_line_that_is_taken_away_is_found(void **state) {
    struct audit_fixture *f = *state;
    for (int n = 1; n <= f->head_lines; n++) {
        audit_heads_rewrite(f, n, NULL);
        expect_found(f, NULL,
                     n < f->head_lines
                         ? "that is not there: lines were taken away"
                         : "the daemon's stop has no head");
    }
}

static void
a_line_that_was_cut_short_is_found_but_not_one_that_never_was_whole(
    void **state) {
    struct audit_fixture *f = *state;
    char *line = audit_head_line(f->good_heads, 3);
    line[strlen(line) - 10] = '\0';
    audit_heads_rewrite(f, 3, line);
    expect_found(f, NULL, "lines were taken away");
    /* A power cut leaves the like behind, and nobody names it. */
    audit_copy(f->good_heads, f->heads);
    assert_int_equal(sid_appendfile_add(f->heads, line), SID_OK);
    assert_int_equal(sid_appendfile_add(f->heads, "vers"), SID_OK);
    expect_good(f, NULL, "all fit");
    free(line);
}

static void
lines_that_were_changed_moved_or_put_in_are_found(void **state) {
    struct audit_fixture *f = *state;
    char *third = audit_head_line(f->good_heads, 3);
    char *fourth = audit_head_line(f->good_heads, 4);
    audit_heads_rewrite(f, 3, fourth);
    expect_found(f, NULL, "lines were taken away");
    audit_heads_rewrite(f, 4, third);
    expect_found(f, NULL, "an older log was put in place, or lines were moved");
    audit_heads_rewrite(f, 3, "nonsense");
    expect_found(f, NULL, ":3: is no head");
    third[strlen(third) - 1] = third[strlen(third) - 1] == '0' ? '1' : '0';
    audit_heads_rewrite(f, 3, third);
    expect_found(f, NULL, ":3: is not signed by this key, or was changed");
    free(third);
    free(fourth);
}

static void
a_file_that_was_emptied_or_removed_is_found(void **state) {
    struct audit_fixture *f = *state;
    assert_int_equal(truncate(f->heads, 0), 0);
    expect_found(f, NULL, "has no head of this log");
    assert_int_equal(unlink(f->heads), 0);
    expect_found(f, NULL, "has no head of this log");
}

static void
heads_of_another_database_do_not_count(void **state) {
    struct audit_fixture *f = *state;
    struct audit_fixture *other = audit_fixture_new();
    char *line = audit_head_line(other->good_heads, 2);
    assert_int_equal(sid_appendfile_add(f->heads, line), SID_OK);
    expect_found(f, NULL, "is not signed by this key, or was changed");
    free(line);
    audit_fixture_free(other);
}

/* Copies the lines of heads first..last, each behind `before`. */
static void
write_lines(const struct audit_fixture *f, const char *path, int first,
            int last, const char *before) {
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    for (int i = first; i <= last; i++) {
        char *line = audit_head_line(f->good_heads, i);
        assert_true(fprintf(to, "%s%s\n", before, line) > 0);
        free(line);
    }
    assert_int_equal(fclose(to), 0);
}

static void
a_head_that_was_kept_elsewhere_finds_what_was_cut_in_both_places(void **state) {
    struct audit_fixture *f = *state;
    char *kept = audit_head_line(f->good_heads, f->head_lines);
    char log_line[SID_HEAD_TEXT_SIZE + 64];
    (void)snprintf(log_line, sizeof log_line,
                   "Nov 25 smartidd[1]: level=info event=audit_head %s", kept);
    const char *lines[] = {log_line};
    struct sid_audit_check with = {
        .own_heads = f->heads, .lines = lines, .line_count = 1};
    expect_good(f, &with, "all fit");
    /* Back to the end of the second run, everywhere. */
    audit_copy(f->old_db[1], f->db);
    write_lines(f, f->heads, 1, f->head_lines / 2, "");
    expect_good(f, NULL, "all fit"); /* nothing here can tell */
    expect_found(f, &with, "its tail was cut off");
    kept[20] = kept[20] == '0' ? '1' : '0';
    lines[0] = kept;
    expect_found(f, &with, "--head: ");
    lines[0] = "nonsense";
    expect_found(f, &with, "--head: is no head: nonsense");
    free(kept);
}

static void
copies_of_heads_may_be_older_than_the_log_and_several(void **state) {
    struct audit_fixture *f = *state;
    char first[160];
    const char *files[] = {first, f->heads};
    struct sid_audit_check what = {.kept_heads = files, .kept_count = 2};
    (void)snprintf(first, sizeof first, "%s/other", f->folder);
    write_lines(f, first, 1, 4, "");
    write_lines(f, f->heads, 5, f->head_lines - 1, ""); /* not the last one */
    expect_good(f, &what, "all fit");
    what.kept_heads = &files[1];
    what.kept_count = 1;
    expect_found(f, &what, "lines were taken away");
    what.kept_heads = &files[0];
    expect_good(f, &what, "heads: 4, all fit");
    files[0] = "/nowhere/at/all";
    assert_int_equal(audit_check(f, &what, out, sizeof out), -1);
}

static void
a_log_may_begin_late_and_have_heads_that_the_file_did_not_take(void **state) {
    struct audit_fixture *f = *state;
    char path[160], text[SID_HEAD_TEXT_SIZE];
    const char *log = "ts=x level=info event=audit_head ";
    const char *files[] = {path};
    struct sid_audit_check what = {.kept_heads = files, .kept_count = 1};
    (void)snprintf(path, sizeof path, "%s/other", f->folder);
    write_lines(f, path, 3, f->head_lines, log);
    expect_good(f, &what, "all fit");
    write_lines(f, path, 3, f->head_lines, ""); /* but not a file of heads */
    expect_found(f, &what, "lines were taken away");
    /* The file could not be written: each head says that it is the first. */
    char *line = audit_head_line(f->good_heads, 3);
    struct sid_audit_head head;
    assert_int_equal(sid_head_parse(line, &head), SID_OK);
    free(line);
    head.after = 0;
    assert_int_equal(sid_head_sign(sid_keyring_head(f->keys), &head), SID_OK);
    sid_head_print(&head, text);
    for (int log_too = 0; log_too <= 1; log_too++) {
        const char *before = log_too == 1 ? log : "";
        char with[2 * SID_HEAD_TEXT_SIZE];
        write_lines(f, path, 1, 2, before);
        (void)snprintf(with, sizeof with, "%s%s", before, text);
        assert_int_equal(sid_appendfile_add(path, with), SID_OK);
        if (log_too == 1)
            expect_good(f, &what, "all fit");
        else
            expect_found(f, &what, "says that it is the first");
    }
}

static void
a_file_that_was_put_aside_and_the_one_begun_after_it_are_good(void **state) {
    struct audit_fixture *f = *state;
    char path[160], text[SID_HEAD_TEXT_SIZE];
    const char *files[] = {path, f->heads};
    struct sid_audit_check what = {.kept_heads = files, .kept_count = 2};
    (void)snprintf(path, sizeof path, "%s/other", f->folder);
    write_lines(f, path, 1, 2, "");
    char *line = audit_head_line(f->good_heads, 3);
    struct sid_audit_head head;
    assert_int_equal(sid_head_parse(line, &head), SID_OK);
    free(line);
    head.after = 0;
    assert_int_equal(sid_head_sign(sid_keyring_head(f->keys), &head), SID_OK);
    sid_head_print(&head, text);
    assert_int_equal(truncate(f->heads, 0), 0);
    assert_int_equal(sid_appendfile_add(f->heads, text), SID_OK);
    expect_good(f, &what, "heads: 3, all fit");
}

/* A change of the master key was interrupted: reading finishes nothing. */
static void
a_key_that_waits_for_its_place_is_used_and_left_where_it_is(void **state) {
    struct audit_fixture *f = *state;
    char next[112];
    (void)snprintf(next, sizeof next, "%s.next", f->master_key);
    assert_int_equal(rename(f->master_key, next), 0);
    assert_int_equal(sid_secretfile_make(f->master_key, SID_KEY_BYTES), SID_OK);
    expect_good(f, NULL, "all fit");
    assert_int_equal(access(next, F_OK), 0);
    assert_int_equal(unlink(f->master_key), 0);
    assert_int_equal(audit_check(f, NULL, out, sizeof out), -1);
    assert_int_equal(rename(next, f->master_key), 0);
}

/* ---- when a head is due -------------------------------------------------- */

/* A history of its own, for what is appended. */
static int
own_start(void **state) {
    *state = audit_fixture_new();
    return 0;
}

static int
own_stop(void **state) {
    audit_fixture_free(*state);
    return 0;
}

static void
rows_that_wait_for_their_head_are_good_until_it_is_overdue(void **state) {
    struct audit_fixture *f = *state;
    audit_append(f, "daemon_started", 3600, true);
    audit_append(f, "verification", 5, false);
    audit_append(f, "verification", 2 * HEAD_INTERVAL_S + 60, false);
    audit_fixture_restore(f);
    expect_good(f, NULL, "all fit");
    audit_append(f, "verification", 5, false);
    audit_fixture_restore(f);
    expect_found(f, NULL, "no head covers them, although one was due");
    audit_append(f, "verification", 5, true);
    audit_fixture_restore(f);
    expect_good(f, NULL, "all fit");
}

static void
rows_of_the_tool_while_no_daemon_runs_wait_for_its_start(void **state) {
    struct audit_fixture *f = *state;
    audit_append(f, "client_added", 86400, false);
    audit_append(f, "client_revoked", 86400, false);
    audit_fixture_restore(f);
    expect_good(f, NULL, "all fit");
}

/* What the start says of the last head shows whether the stop had one. */
static void
a_stop_that_never_had_a_head_is_told_until_the_next_start(void **state) {
    struct audit_fixture *f = *state;
    audit_append(f, "daemon_started", 60, true);
    audit_append(f, "daemon_stopped", 5, false); /* its disk was full */
    audit_fixture_restore(f);
    expect_found(f, NULL, "the daemon's stop has no head");
    audit_append(f, "daemon_started", 60, true);
    audit_fixture_restore(f);
    expect_good(f, NULL, "all fit");
    audit_append(f, "daemon_stopped", 5, true);
    char detail[32];
    (void)snprintf(detail, sizeof detail, "head=%lld", (long long)f->rows);
    audit_append_detail(f, "daemon_started", 60, detail);
    audit_fixture_restore(f);
    expect_good(f, NULL, "all fit");
    /* The stop's head goes, and what names it: the rest fits again. */
    audit_heads_rewrite(f, f->head_lines, NULL);
    expect_found(f, NULL, "the daemon's stop has no head");
}

static void
a_start_that_names_another_head_says_nothing_of_the_stop(void **state) {
    struct audit_fixture *f = *state;
    audit_append(f, "daemon_started", 60, true);
    audit_append(f, "daemon_stopped", 5, false);
    audit_append_detail(f, "daemon_started", 60, "head=1");
    audit_fixture_restore(f);
    expect_good(f, NULL, "all fit");
}

static void
a_row_about_the_archive_without_numbers_is_of_no_rows(void **state) {
    struct audit_fixture *f = *state;
    audit_append_detail(f, "audit_archived", 5, "");
    audit_fixture_restore(f);
    expect_good(f, &(struct sid_audit_check){.archive = f->folder},
                "archive: 0 of them, in 0 segments");
}

static void
on_a_terminal_it_shows_that_it_goes_on(void **state) {
    char told[256] = "";
    int before = dup(STDERR_FILENO);
    int file = memfd_create("told", MFD_CLOEXEC);
    assert_true(before >= 0 && file >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    struct audit_fixture *f = *state;
    expect_good(
        f, &(struct sid_audit_check){.own_heads = f->heads, .progress = true},
        "all fit");
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    assert_true(pread(file, told, sizeof told - 1, 0) > 0);
    assert_string_equal(told, "\rrow 1 \r\033[K");
    (void)close(before);
    (void)close(file);
}

static void
a_log_from_before_there_were_heads_is_good(void **state) {
    struct audit_fixture *f = *state;
    audit_sql(f, "DELETE FROM audit WHERE seq > 5");
    assert_int_equal(unlink(f->heads), 0);
    expect_good(f, NULL, "heads: none yet");
}

static void
many_findings_are_counted_and_the_first_are_shown(void **state) {
    struct audit_fixture *f = *state;
    audit_sql(f, "DELETE FROM audit WHERE seq % 2 = 1");
    assert_true(audit_check(f, NULL, out, sizeof out) > 25);
    assert_non_null(strstr(out, "… and "));
    int lines = 0;
    for (const char *at = out; *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 22);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, restore)
#define OWN(name) cmocka_unit_test_setup_teardown(name, own_start, own_stop)
    const struct CMUnitTest tests[] = {
        T(a_log_and_heads_that_nobody_touched_are_good),
        T(a_log_whose_oldest_rows_were_removed_is_good),
        T(what_is_done_to_a_log_whose_oldest_rows_were_removed_is_found),
        T(what_was_done_to_the_rows_is_named),
        T(a_tail_that_was_cut_off_is_found_by_the_heads),
        T(an_older_file_in_its_place_is_found),
        T(an_older_file_that_went_on_is_found),
        T(a_database_that_is_not_the_one_is_told),
        T(each_line_that_is_taken_away_is_found),
        T(a_line_that_was_cut_short_is_found_but_not_one_that_never_was_whole),
        T(lines_that_were_changed_moved_or_put_in_are_found),
        T(a_file_that_was_emptied_or_removed_is_found),
        T(heads_of_another_database_do_not_count),
        T(a_head_that_was_kept_elsewhere_finds_what_was_cut_in_both_places),
        T(copies_of_heads_may_be_older_than_the_log_and_several),
        T(a_log_may_begin_late_and_have_heads_that_the_file_did_not_take),
        T(a_file_that_was_put_aside_and_the_one_begun_after_it_are_good),
        T(a_key_that_waits_for_its_place_is_used_and_left_where_it_is),
        OWN(rows_that_wait_for_their_head_are_good_until_it_is_overdue),
        OWN(rows_of_the_tool_while_no_daemon_runs_wait_for_its_start),
        OWN(a_stop_that_never_had_a_head_is_told_until_the_next_start),
        OWN(a_start_that_names_another_head_says_nothing_of_the_stop),
        OWN(a_row_about_the_archive_without_numbers_is_of_no_rows),
        T(on_a_terminal_it_shows_that_it_goes_on),
        OWN(a_log_from_before_there_were_heads_is_good),
        T(many_findings_are_counted_and_the_first_are_shown),
    };
#undef T
#undef OWN
    return cmocka_run_group_tests(tests, audit_fixture_start,
                                  audit_fixture_stop);
}
