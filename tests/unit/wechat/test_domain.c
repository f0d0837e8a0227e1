/* test_domain.c: the file by which WeChat knows that a domain is an account's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/wechat_account.h"

#define LONGEST                                                                \
    "MP_verify_12345678901234567890123456789012345678901234567890.txt"

static char folder[64];
static const char *const files[] = {
    "MP_verify_8Qw3.txt",
    LONGEST,
    "MP_verify_8Qw3.htm",
    "MP_.txt",
    "MP_verify_.txt",
    "MP_verify_.8.txt",
    "accounts",
    "secret",
    "token",
};

static void
put_file(const char *name, const char *text) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    assert_int_equal(fchmod(fileno(to), 0600), 0);
    assert_int_equal(fclose(to), 0);
}

static int
make_folder(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/sid-domain-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    put_file("secret", "0123456789abcdef0123456789abcdef\n");
    put_file("token", "pamtest\n");
    return 0;
}

static int
drop_folder(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static enum sid_err
load(const char *name, struct sid_wechat_accounts *out,
     struct sid_config_problem *problem) {
    char text[640], path[160];
    (void)snprintf(text, sizeof text,
                   "[wechat.city]\napp_id = wx1\nmode = plain\n"
                   "client = cli_01hk3w8vqz5m2xr7tb4ndcy9gs\n"
                   "app_secret_file = %s/secret\ntoken_file = %s/token\n"
                   "domain_file = %s/%s\n",
                   folder, folder, folder, name);
    put_file("accounts", text);
    (void)snprintf(path, sizeof path, "%s/accounts", folder);
    return sid_wechat_accounts_load(path, out, problem);
}

static void
its_name_and_its_text_are_kept(void **state) {
    (void)state;
    static const char *const texts[] = {"abcXYZ09", "abcXYZ09\n",
                                        "abcXYZ09\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sid_wechat_accounts accounts = {0};
        struct sid_config_problem problem = {""};
        put_file(files[0], texts[i]);
        if (load(files[0], &accounts, &problem) != SID_OK)
            fail_msg("told: %s", problem.text);
        assert_string_equal(accounts.item[0].domain_name, files[0]);
        assert_string_equal(accounts.item[0].domain_text, "abcXYZ09");
        sid_wechat_accounts_free(&accounts);
    }
}

static void
refused(const char *name, const char *text, const char *what) {
    struct sid_wechat_accounts accounts = {0};
    struct sid_config_problem problem = {""};
    if (text != NULL)
        put_file(name, text);
    assert_int_equal(load(name, &accounts, &problem), SID_E_CONFIG);
    assert_null(accounts.item);
    if (strstr(problem.text, "accounts:7: wechat.city.domain_file: ") == NULL ||
        strstr(problem.text, what) == NULL)
        fail_msg("%s: told: %s", name, problem.text);
}

static void
another_name_than_wechats_is_refused(void **state) {
    (void)state;
    for (size_t i = 1; i < 6; i++)
        refused(files[i], "abc", "not WeChat's file");
}

static void
a_text_that_is_not_of_its_form_is_refused(void **state) {
    (void)state;
    char long_text[80];
    memset(long_text, 'a', sizeof long_text);
    long_text[65] = '\0';
    refused(files[0], "", "cannot be read");
    refused(files[0], "\n", "cannot be read");
    refused(files[0], "<html>", "cannot be read");
    refused(files[0], "two words", "cannot be read");
    refused(files[0], long_text, "cannot be read");
    refused("MP_verify_none.txt", NULL, "cannot be read");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_name_and_its_text_are_kept),
        cmocka_unit_test(another_name_than_wechats_is_refused),
        cmocka_unit_test(a_text_that_is_not_of_its_form_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
