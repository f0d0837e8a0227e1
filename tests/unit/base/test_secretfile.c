/* test_secretfile.c: which files are taken as a secret, and which are not. */
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
#include <unistd.h>

#include "smartid/secretfile.h"

static char folder[64];
static char path[96], other[96];

static int
make_folder(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/sid-secret-XXXXXX",
                   tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/key", folder);
    (void)snprintf(other, sizeof other, "%s/other", folder);
    return 0;
}

static int
empty_folder(void **state) {
    (void)state;
    (void)unlink(path);
    (void)unlink(other);
    return 0;
}

static int
drop_folder(void **state) {
    (void)empty_folder(state);
    return rmdir(folder);
}

static void
write_file(const char *to, const char *text, mode_t mode) {
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1E1F"

/* Reads and checks that a refusal leaves nothing but zeros. */
static enum sid_err
read_key(uint8_t out[32]) {
    memset(out, 0x55, 32);
    enum sid_err err = sid_secretfile_read(path, out, 32);
    for (size_t i = 0; i < 32 && err != SID_OK; i++)
        assert_int_equal(out[i], 0);
    return err;
}

static void
a_made_file_is_private_and_reads_back(void **state) {
    (void)state;
    uint8_t a[32], b[32];
    mode_t before = umask(0);
    assert_int_equal(sid_secretfile_make(path, 32), SID_OK);
    (void)umask(before);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 65);
    assert_int_equal(read_key(a), SID_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sid_secretfile_make(path, 32), SID_OK);
    assert_int_equal(read_key(b), SID_OK);
    assert_memory_not_equal(a, b, 32);
}

static void
a_file_that_is_there_is_never_overwritten(void **state) {
    (void)state;
    write_file(path, HEX "\n", 0600);
    assert_int_equal(sid_secretfile_make(path, 32), SID_E_EXISTS);
    uint8_t key[32];
    assert_int_equal(read_key(key), SID_OK);
    assert_int_equal(key[31], 31);
}

static void
a_folder_that_is_not_there_cannot_get_a_file(void **state) {
    (void)state;
    char deep[128];
    (void)snprintf(deep, sizeof deep, "%s/none/key", folder);
    assert_int_equal(sid_secretfile_make(deep, 32), SID_E_IO);
}

static void
hex_with_and_without_a_newline_is_read(void **state) {
    (void)state;
    uint8_t key[32];
    static const char *const forms[] = {HEX, HEX "\n"};
    for (size_t f = 0; f < 2; f++) {
        write_file(path, forms[f], f == 0 ? 0600 : 0400);
        assert_int_equal(read_key(key), SID_OK);
        for (size_t i = 0; i < 32; i++)
            assert_int_equal(key[i], i);
        assert_int_equal(unlink(path), 0);
    }
}

static void
a_missing_file_is_not_found(void **state) {
    (void)state;
    uint8_t key[32];
    assert_int_equal(read_key(key), SID_E_NOT_FOUND);
}

static void
a_path_through_a_file_is_an_io_error(void **state) {
    (void)state;
    write_file(path, HEX, 0600);
    char deep[128];
    (void)snprintf(deep, sizeof deep, "%s/key", path);
    uint8_t key[32];
    assert_int_equal(sid_secretfile_read(deep, key, 32), SID_E_IO);
}

static void
every_mode_but_0600_and_0400_is_refused(void **state) {
    (void)state;
    uint8_t key[32];
    write_file(path, HEX, 0600);
    for (mode_t mode = 0400; mode < 01000; mode++) {
        assert_int_equal(chmod(path, mode), 0);
        bool good = mode == 0600 || mode == 0400;
        enum sid_err err = read_key(key);
        if ((mode & 0400) != 0 || geteuid() == 0)
            assert_int_equal(err, good ? SID_OK : SID_E_SECRET_MODE);
    }
    assert_int_equal(chmod(path, 04600), 0);
    assert_int_equal(read_key(key), SID_E_SECRET_MODE);
}

static void
a_symbolic_link_a_folder_and_a_fifo_are_refused(void **state) {
    (void)state;
    uint8_t key[32];
    write_file(other, HEX, 0600);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(read_key(key), SID_E_SECRET_MODE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0600), 0);
    assert_int_equal(read_key(key), SID_E_SECRET_MODE);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_key(key), SID_E_SECRET_MODE);
}

static void
the_file_of_another_user_is_refused(void **state) {
    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root can give a file away */
        return;
    }
    uint8_t key[32];
    write_file(path, HEX, 0600);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(read_key(key), SID_E_SECRET_MODE);
}

static void
every_other_form_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "\n",
        "00",
        HEX "\n\n",
        HEX " ",
        HEX "\r",
        HEX "0",
        (" " HEX),
        "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    };
    uint8_t key[32];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_file(path, wrong[i], 0600);
        assert_int_equal(read_key(key), SID_E_SECRET_FORMAT);
        assert_int_equal(unlink(path), 0);
    }
}

/* Reads and checks that a refusal leaves nothing but zeros. */
static enum sid_err
read_text(char out[9]) {
    memset(out, 0x55, 9);
    enum sid_err err = sid_secretfile_read_text(path, out, 9);
    for (size_t i = 0; i < 9 && err != SID_OK; i++)
        assert_int_equal(out[i], 0);
    return err;
}

static void
a_secret_that_is_text_is_read_with_and_without_a_newline(void **state) {
    (void)state;
    char text[9];
    static const char *const forms[] = {"Pass=Wd!", "Pass=Wd!\n", "a", "a\n"};
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        write_file(path, forms[f], 0600);
        assert_int_equal(read_text(text), SID_OK);
        assert_memory_equal(text, forms[f], strlen(text));
        assert_int_equal(strlen(text), strcspn(forms[f], "\n"));
    }
}

static void
text_that_is_no_secret_is_refused(void **state) {
    (void)state;
    char text[9];
    assert_int_equal(read_text(text), SID_E_NOT_FOUND);
    static const char *const bad[] = {"",      "\n",       "123456789",
                                      "a b",   "a\n\n",    "\ta",
                                      "a\r\n", "\xc3\xa4", "123456789\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file(path, bad[i], 0600);
        assert_int_equal(read_text(text), SID_E_SECRET_FORMAT);
    }
    write_file(path, "good", 0640);
    assert_int_equal(read_text(text), SID_E_SECRET_MODE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(read_text(text), SID_E_SECRET_MODE);
}

int
main(void) {
#define T(name) cmocka_unit_test_teardown(name, empty_folder)
    const struct CMUnitTest tests[] = {
        T(a_made_file_is_private_and_reads_back),
        T(a_file_that_is_there_is_never_overwritten),
        T(a_folder_that_is_not_there_cannot_get_a_file),
        T(hex_with_and_without_a_newline_is_read),
        T(a_missing_file_is_not_found),
        T(a_path_through_a_file_is_an_io_error),
        T(every_mode_but_0600_and_0400_is_refused),
        T(a_symbolic_link_a_folder_and_a_fifo_are_refused),
        T(the_file_of_another_user_is_refused),
        T(every_other_form_is_refused),
        T(a_secret_that_is_text_is_read_with_and_without_a_newline),
        T(text_that_is_no_secret_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
