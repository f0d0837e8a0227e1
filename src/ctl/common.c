/* common.c: what the commands share: settings, the database, durations. */
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "smartid/store_slot.h"

int
sid_ctl_load_config(const char *config_path, struct sid_config *out) {
    struct sid_config_problem problem = {""};
    if (sid_config_load(config_path, out, &problem) == SID_OK)
        return 0;
    (void)fprintf(stderr, "smartidctl: %s\n", problem.text);
    return SID_CTL_CONFIG;
}

int
sid_ctl_check_folder(const char *path) {
    char copy[PATH_MAX];
    struct stat st;
    (void)snprintf(copy, sizeof copy, "%s", path);
    const char *folder = dirname(copy);
    if (geteuid() != 0 || stat(folder, &st) != 0 || st.st_uid == 0)
        return 0;
    const struct passwd *owner = getpwuid(st.st_uid);
    (void)fprintf(stderr,
                  "smartidctl: %s: belongs to %s, who could not use what root "
                  "makes there: sudo -u %s smartidctl …; nothing was changed\n",
                  folder, owner == NULL ? "another user" : owner->pw_name,
                  owner == NULL ? "USER" : owner->pw_name);
    return SID_CTL_FAILED;
}

const char *
sid_ctl_why(enum sid_err err) {
    const char *why = sid_store_why();
    return why != NULL ? why : sid_err_text(err);
}

int
sid_ctl_open(const struct sid_config *config, struct sid_ctl_store *out) {
    struct sid_ctl_store made = {0};
    enum sid_err err =
        sid_store_open(config->database, false, NULL, &made.store);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", config->database,
                      err == SID_E_LOCKED
                          ? "a daemon uses it, but does not answer at its "
                            "control socket"
                          : sid_ctl_why(err));
        return SID_CTL_FAILED;
    }
    err = sid_keys_open(made.store, config->master_key_file, &made.master,
                        &made.keys);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", config->master_key_file,
                      sid_err_text(err));
        sid_ctl_close(&made);
        return SID_CTL_CONFIG;
    }
    *out = made;
    return 0;
}

int
sid_ctl_open_readonly(const struct sid_config *config,
                      struct sid_ctl_store *out) {
    struct sid_ctl_store made = {0};
    enum sid_err err = sid_store_open_readonly(config->database, &made.store);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", config->database,
                      err == SID_E_SCHEMA && sid_store_why() == NULL
                          ? "it was made by another version; the daemon of "
                            "this one has not opened it yet"
                          : sid_ctl_why(err));
        return SID_CTL_FAILED;
    }
    err =
        sid_keys_open_readonly(made.store, config->master_key_file, &made.keys);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", config->master_key_file,
                      sid_err_text(err));
        sid_ctl_close(&made);
        return SID_CTL_CONFIG;
    }
    *out = made;
    return 0;
}

void
sid_ctl_close(struct sid_ctl_store *me) {
    sid_store_close(&me->store);
    sid_keyring_free(&me->keys);
    sid_master_free(&me->master);
}

int
sid_ctl_print_error(enum sid_err err) {
    (void)fprintf(stderr, "smartidctl: %s\n", sid_err_text(err));
    return SID_CTL_FAILED;
}

int
sid_ctl_print_problem(const char *answer) {
    json_t *root = json_loads(answer, 0, NULL);
    const char *detail = json_string_value(json_object_get(root, "detail"));
    const char *field = json_string_value(json_object_get(root, "field"));
    (void)fprintf(stderr, "smartidctl: %s%s%s%s\n",
                  detail != NULL ? detail : "the daemon refused",
                  field != NULL ? " (" : "", field != NULL ? field : "",
                  field != NULL ? ")" : "");
    json_decref(root);
    return SID_CTL_FAILED;
}

void
sid_ctl_free_answer(char *answer) {
    if (answer != NULL)
        sid_wipe(answer, strlen(answer));
    free(answer);
}

int
sid_ctl_direct(const struct sid_config *config, sid_ctl_work_fn *work,
               void *ctx) {
    struct sid_ctl_store open = {0};
    int status = sid_ctl_open(config, &open);
    if (status != 0)
        return status;
    enum sid_err err = sid_store_check_key(open.store);
    if (err == SID_OK)
        err = sid_store_begin(open.store);
    if (err == SID_OK) {
        err = work(&open, ctx);
        if (err == SID_OK)
            err = sid_store_commit(open.store);
        else
            sid_store_rollback(open.store);
    }
    sid_ctl_close(&open);
    return err == SID_OK ? SID_CTL_OK : sid_ctl_print_error(err);
}

enum sid_err
sid_ctl_parse_duration(const char *text, int64_t *out_s) {
    char *unit = NULL;
    long long count = strtoll(text, &unit, 10);
    int64_t factor = 0;
    if (unit != text && unit[0] != '\0' && unit[1] == '\0') {
        if (unit[0] == 'd')
            factor = 86400;
        else if (unit[0] == 'h')
            factor = 3600;
        else if (unit[0] == 'm')
            factor = 60;
        else if (unit[0] == 's')
            factor = 1;
    }
    if (factor == 0 || count < 1 || count > 4000000000LL)
        return SID_E_ARGUMENT;
    *out_s = count * factor;
    return SID_OK;
}
