/* audit_command.c: see audit_command.h. */
#include "audit_command.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../fuzz/fuzz.h"
#include "io_fails.h"

#define MONTH_S 2678400
#define ARGUMENTS_MAX 12

struct audit_fixture *f;
char archive[96], said[65536];
static char config[96], counters[96];

void
audit_write_file(const char *path, const char *text) {
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    assert_int_equal(fclose(to), 0);
}

int
audit_command_start(void **state) {
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
    audit_write_file(config, text);
    /* More than the table of places has room for at first. */
    (void)snprintf(counters, sizeof counters, "%s/counters", f->folder);
    FILE *to = fopen(counters, "we");
    assert_non_null(to);
    assert_true(fputs("counter,latitude,longitude\n", to) >= 0);
    for (int i = 0; i < 70; i++)
        assert_true(fprintf(to, "%d,30.%d,120.0\n", i, i) > 0);
    assert_int_equal(fclose(to), 0);
    return mkdir(archive, 0700);
}

int
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

int
audit_command_stop(void **state) {
    (void)state;
    (void)archived("", true);
    assert_int_equal(rmdir(archive), 0);
    assert_int_equal(unlink(config), 0);
    assert_int_equal(unlink(counters), 0);
    audit_fixture_free(f);
    sid_crypto_fini();
    return 0;
}

int
audit_command_restore(void **state) {
    (void)state;
    io_daemon = (struct io_daemon){0};
    audit_fixture_restore(f);
    (void)archived("", true);
    return 0;
}

int
audit(unsigned nth, bool *failed, const char *line) {
    char words[8192];
    char *argv[ARGUMENTS_MAX + 1] = {(char[]){"audit"}};
    int argc = 1;
    char *rest = NULL;
    (void)snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < ARGUMENTS_MAX);
        argv[argc++] = strcmp(word, "@A") == 0   ? archive
                       : strcmp(word, "@H") == 0 ? f->heads
                       : strcmp(word, "@C") == 0 ? counters
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

void
expect(const char *line, int status, const char *words) {
    bool failed = false;
    int got = audit(0, &failed, line);
    if (got != status || strstr(said, words) == NULL)
        fail_msg("%s: %d, no \"%s\" in: %s", line, got, words, said);
}

void
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
