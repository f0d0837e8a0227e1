/* test_appendfile.c: lines at the end of a file, whole or marked as broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/appendfile.h"
#include "smartid/log.h"

static char folder[64];
static char path[96], other[96];

static int
make_folder(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/sid-append-XXXXXX",
                   tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/lines", folder);
    (void)snprintf(other, sizeof other, "%s/other", folder);
    return 0;
}

static int
drop_folder(void **state) {
    (void)state;
    (void)unlink(path);
    (void)unlink(other);
    (void)rmdir(other);
    return rmdir(folder);
}

static void
expect(const char *content) {
    char text[256];
    assert_int_equal(sid_appendfile_tail(path, text, sizeof text), SID_OK);
    assert_string_equal(text, content);
}

static void
put(const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void
lines_stand_one_behind_the_other_in_a_private_file(void **state) {
    (void)state;
    struct stat st;
    mode_t old = umask(0);
    assert_int_equal(sid_appendfile_add(path, "one"), SID_OK);
    (void)umask(old);
    assert_int_equal(sid_appendfile_add(path, "two"), SID_OK);
    expect("one\ntwo\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void
a_line_that_was_not_finished_stays_alone(void **state) {
    (void)state;
    put("broke");
    assert_int_equal(sid_appendfile_add(path, "whole"), SID_OK);
    expect("broke\nwhole\n");
}

static void
a_file_that_was_moved_away_is_begun_again(void **state) {
    (void)state;
    assert_int_equal(sid_appendfile_add(path, "one"), SID_OK);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(sid_appendfile_add(path, "two"), SID_OK);
    expect("two\n");
}

static void
what_is_no_regular_file_is_refused(void **state) {
    (void)state;
    char text[16];
    sid_log_set_level(SID_LOG_ALWAYS);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(sid_appendfile_add(path, "x"), SID_E_IO);
    assert_int_equal(sid_appendfile_tail(path, text, sizeof text), SID_E_IO);
    assert_int_not_equal(access(other, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(sid_appendfile_add(path, "x"), SID_E_IO);
    assert_int_equal(sid_appendfile_tail(path, text, sizeof text), SID_E_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(sid_appendfile_add(other, "x"), SID_E_IO);
    assert_int_equal(sid_appendfile_add("/nowhere/at/all", "x"), SID_E_IO);
    sid_log_set_level(SID_LOG_INFO);
}

/* As when the disk is full: a part of the line is written, then no more. */
static void
a_line_that_does_not_fit_is_an_error_and_the_next_is_whole(void **state) {
    (void)state;
    struct rlimit now, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &now), 0);
    small = now;
    small.rlim_cur = 6;
    (void)signal(SIGXFSZ, SIG_IGN);
    sid_log_set_level(SID_LOG_ALWAYS);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum sid_err err = sid_appendfile_add(path, "0123456789");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    sid_log_set_level(SID_LOG_INFO);
    assert_int_equal(err, SID_E_IO);
    assert_int_equal(sid_appendfile_add(path, "whole"), SID_OK);
    expect("012345\nwhole\n");
}

static void
the_tail_is_the_last_bytes_of_a_file(void **state) {
    (void)state;
    char text[6];
    assert_int_equal(sid_appendfile_tail(path, text, sizeof text),
                     SID_E_NOT_FOUND);
    put("");
    assert_int_equal(sid_appendfile_tail(path, text, sizeof text), SID_OK);
    assert_string_equal(text, "");
    put("abcdefghij");
    assert_int_equal(sid_appendfile_tail(path, text, sizeof text), SID_OK);
    assert_string_equal(text, "fghij");
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        T(lines_stand_one_behind_the_other_in_a_private_file),
        T(a_line_that_was_not_finished_stays_alone),
        T(a_file_that_was_moved_away_is_begun_again),
        T(what_is_no_regular_file_is_refused),
        T(a_line_that_does_not_fit_is_an_error_and_the_next_is_whole),
        T(the_tail_is_the_last_bytes_of_a_file),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
