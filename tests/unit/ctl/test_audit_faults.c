/* test_audit_faults.c: whatever call inside smartidctl audit says no - memory,
 * OpenSSL, a file, the store - it is told, no log is called good that was not
 * read to its end, and while rows are archived none is lost. Each such call
 * fails in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../fuzz/fuzz.h"
#include "audit_command.h"
#include "io_fails.h"
#include "smartid/text.h"

/* Each call fails in turn: then the command does, and says why; `good` is said
 * only in the end, when none is left to fail. */
static void
each_failure_is_told(const char *line, const char *good) {
    bool failed = true;
    unsigned n = 0;
    while (failed) {
        int status = audit(++n, &failed, line);
        if (failed &&
            (status == SID_CTL_OK || (strlen(said) < 20 && !io_output_lost)))
            fail_msg("%s: call %u: %d: %s", line, n, status, said);
        if (!failed && (status != SID_CTL_OK || strstr(said, good) == NULL))
            fail_msg("%s: %d: %s", line, status, said);
    }
    assert_true(n > 5); /* something could fail */
}

static void
a_log_that_could_not_be_read_is_not_called_good(void **state) {
    (void)state;
    each_failure_is_told("verify", "chain unbroken");
    expect("archive --until 2999-01 --to @A", SID_CTL_OK, SEGMENT);
    each_failure_is_told("verify --archive @A --heads @H --heads /dev/null",
                         "chain unbroken");
}

static void
a_log_of_which_a_chain_could_not_be_read_is_not_called_good(void **state) {
    (void)state;
    fuzz_fail_chains = true;
    each_failure_is_told("verify", "chain unbroken");
    fuzz_fail_chains = false;
}

static void
a_head_that_was_given_and_could_not_be_checked_is_not_passed_over(
    void **state) {
    static char out[AUDIT_OUT_SIZE];
    char *line = audit_head_line(f->good_heads, f->head_lines);
    const char *lines[] = {line};
    bool failed = true;
    (void)state;
    for (unsigned n = 1; failed; n++) {
        struct sid_audit_check what = {.lines = lines, .line_count = 1};
        fuzz_fail_nth(n);
        int64_t findings = audit_check(f, &what, out, sizeof out);
        failed = fuzz_fail_end();
        /* Called good only when it was held against its row. */
        assert_true(findings == 0 ? strstr(out, "heads: 1, all fit") != NULL
                                  : failed && findings == -1);
    }
    free(line);
}

static void
heads_that_could_not_be_checked_are_not_called_good(void **state) {
    char line[160], key[2 * SID_PUBLIC_KEY_BYTES + 1];
    (void)state;
    expect("public-key", SID_CTL_OK, "");
    assert_int_equal(sid_text_copy(key, sizeof key, strtok(said, "\n")),
                     SID_OK);
    (void)snprintf(line, sizeof line, "check-heads @H --public-key %s", key);
    each_failure_is_told(line, "all signed by this key");
}

static void
a_key_or_export_or_report_that_is_not_whole_is_told(void **state) {
    (void)state;
    each_failure_is_told("public-key", "");
    each_failure_is_told("export", "daemon_stopped");
    each_failure_is_told("report", " found\n");
    each_failure_is_told("report --json --often 1", "often");
    /* Two suspicions at once: behind a failed one no other is told. */
    each_failure_is_told("report --often 1 --often-all 1", "often_all");
    each_failure_is_told("report --counters @C --night 15-16", "two_places");
}

/* ---- archive ------------------------------------------------------------- */

/* Neither in the folder nor in the database. */
static bool
nothing_was_done(void) {
    struct stat now, wal;
    char path[112];
    (void)snprintf(path, sizeof path, "%s-wal", f->db);
    assert_int_equal(stat(f->db, &now), 0);
    return archived("", false) == 0 && now.st_mtim.tv_sec == 0 &&
           (stat(path, &wal) != 0 || wal.st_size == 0);
}

static void
each_call_that_fails_while_rows_are_archived_loses_none(void **state) {
    static const struct timespec never[2] = {{0, 0}, {0, 0}};
    static const char order[] = "archive --until 2999-01 --to @A";
    bool failed = true;
    unsigned n = 0, halfway = 0;
    while (failed) {
        assert_int_equal(utimensat(AT_FDCWD, f->db, never, 0), 0);
        int status = audit(++n, &failed, order);
        if (failed && (status == SID_CTL_OK || strlen(said) < 20))
            fail_msg("call %u: %s", n, said);
        if (!failed && (status != SID_CTL_OK || strstr(said, SEGMENT) == NULL))
            fail_msg("%d: %s", status, said);
        if (nothing_was_done())
            continue;
        halfway++;
        expect_none_lost(n);
        expect(order, SID_CTL_OK, "");
        expect("verify --archive @A", SID_CTL_OK, "in 1 segment\n");
        assert_int_equal(archived(".part", false), 0);
        (void)audit_command_restore(state);
    }
    assert_true(n > 10 && halfway > 10);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, audit_command_restore)
    const struct CMUnitTest tests[] = {
        T(a_log_that_could_not_be_read_is_not_called_good),
        T(a_log_of_which_a_chain_could_not_be_read_is_not_called_good),
        T(a_head_that_was_given_and_could_not_be_checked_is_not_passed_over),
        T(heads_that_could_not_be_checked_are_not_called_good),
        T(a_key_or_export_or_report_that_is_not_whole_is_told),
        T(each_call_that_fails_while_rows_are_archived_loses_none),
    };
    return cmocka_run_group_tests(tests, audit_command_start,
                                  audit_command_stop);
}
