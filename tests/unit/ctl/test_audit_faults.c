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
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../fuzz/fuzz.h"
#include "audit_fixture.h"
#include "io_fails.h"
#include "smartid/text.h"

#define MONTH_S 2678400
/* Rows that the log has, under one head, so that there are not too many calls
 * that can fail; the last one alone is not of this month. */
#define KEPT 10
#define SEGMENT "audit-2096-10.jsonl"
#define ARGUMENTS_MAX 12

static struct audit_fixture *f;
static char config[96], archive[96];
static char said[65536]; /* by the command, on stdout and stderr */

static void
write_file(const char *path, const char *text) {
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    assert_int_equal(fclose(to), 0);
}

static int
start(void **state) {
    char text[512];
    (void)state;
    if (sid_crypto_init() != SID_OK)
        return -1;
    /* Where a sync costs nothing. */
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 0);
    f = audit_fixture_new();
    assert_int_equal(unlink(f->good_heads), 0);
    f->last_head = f->head_lines = 0;
    audit_append(f, "daemon_started", MONTH_S, true);
    audit_fixture_restore(f);
    audit_prune(f, (int)f->rows - KEPT);
    audit_copy(f->db, f->good_db);
    (void)snprintf(config, sizeof config, "%s/conf", f->folder);
    (void)snprintf(archive, sizeof archive, "%s/archive", f->folder);
    (void)snprintf(text, sizeof text,
                   "[store]\ndatabase = %s\n[keys]\nmaster_key_file = %s\n",
                   f->db, f->master_key);
    write_file(config, text);
    return mkdir(archive, 0700);
}

/* How many files there are whose names end so; removes them when told to. */
static int
archived(const char *end, bool remove) {
    int count = 0;
    DIR *dir = opendir(archive);
    for (struct dirent *one; dir != NULL && (one = readdir(dir)) != NULL;) {
        size_t len = strlen(one->d_name);
        if (one->d_name[0] == '.' || len < strlen(end) ||
            strcmp(one->d_name + len - strlen(end), end) != 0)
            continue;
        count++;
        if (remove)
            assert_int_equal(unlinkat(dirfd(dir), one->d_name, 0), 0);
    }
    if (dir != NULL)
        assert_int_equal(closedir(dir), 0);
    return count;
}

static int
stop(void **state) {
    (void)state;
    (void)archived("", true);
    assert_int_equal(rmdir(archive), 0);
    assert_int_equal(unlink(config), 0);
    audit_fixture_free(f);
    sid_crypto_fini();
    return 0;
}

static int
restore(void **state) {
    (void)state;
    io_daemon = (struct io_daemon){0};
    audit_fixture_restore(f);
    (void)archived("", true);
    return 0;
}

/* Runs `smartidctl audit …` with the words of the line, of which @A is the
 * folder of segments and @H the file of heads; its nth call that can fail does
 * (0: none). Returns the exit code. */
static int
audit(unsigned nth, bool *failed, const char *line) {
    char words[1024];
    char *argv[ARGUMENTS_MAX + 1] = {(char[]){"audit"}};
    int argc = 1;
    char *rest = NULL;
    (void)snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < ARGUMENTS_MAX);
        argv[argc++] = strcmp(word, "@A") == 0   ? archive
                       : strcmp(word, "@H") == 0 ? f->heads
                                                 : word;
    }
    const int to[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    int file = memfd_create("said", MFD_CLOEXEC);
    assert_true(file >= 0 && to[0] >= 0 && to[1] >= 0);
    assert_int_equal(fflush(stdout), 0);
    assert_true(dup2(file, STDOUT_FILENO) >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    io_output_lost = false;
    if (nth > 0)
        fuzz_fail_nth(nth);
    int status = sid_ctl_audit(config, argc, argv);
    *failed = fuzz_fail_end() && nth > 0;
    if (status == SID_CTL_OK && io_output_lost)
        status = SID_CTL_FAILED;
    (void)fflush(stdout);
    clearerr(stdout);
    assert_true(dup2(to[0], STDOUT_FILENO) >= 0);
    assert_true(dup2(to[1], STDERR_FILENO) >= 0);
    ssize_t len = pread(file, said, sizeof said - 1, 0);
    assert_true(len >= 0);
    said[len] = '\0';
    (void)close(to[0]);
    (void)close(to[1]);
    (void)close(file);
    return status;
}

static void
expect(const char *line, int status, const char *words) {
    bool failed = false;
    int got = audit(0, &failed, line);
    if (got != status || strstr(said, words) == NULL)
        fail_msg("%s: %d, no \"%s\" in: %s", line, got, words, said);
}

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
    each_failure_is_told("verify --archive @A --heads @H", "chain unbroken");
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
}

/* ---- archive ------------------------------------------------------------- */

/* Log and segment together have all rows, in one chain; one tells of the
 * archive, once there is one. */
static void
expect_none_lost(unsigned n) {
    char words[2][80], gone[80];
    bool failed = false;
    for (int i = 0; i < 2; i++)
        (void)snprintf(words[i], sizeof words[i],
                       "audit log: %d rows, chain unbroken", KEPT + i);
    (void)snprintf(gone, sizeof gone, "rows 1 to %lld: removed by age",
                   (long long)f->rows - KEPT);
    int status = audit(0, &failed, "verify --archive @A");
    const char *age = strstr(said, " removed by age");
    if (status != SID_CTL_OK || age == NULL || strstr(said, gone) == NULL ||
        strstr(age + 1, " removed by age") != NULL ||
        (strstr(said, words[0]) == NULL && strstr(said, words[1]) == NULL))
        fail_msg("after call %u: %s", n, said);
}

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
        (void)restore(state);
    }
    assert_true(n > 10 && halfway > 10);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, restore)
    const struct CMUnitTest tests[] = {
        T(a_log_that_could_not_be_read_is_not_called_good),
        T(heads_that_could_not_be_checked_are_not_called_good),
        T(a_key_or_export_or_report_that_is_not_whole_is_told),
        T(each_call_that_fails_while_rows_are_archived_loses_none),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
