/* common.c: what the commands share: settings, the database, durations. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"

int
sid_ctl_load_config(const char *config_path, struct sid_config *out) {
    struct sid_config_problem problem = {""};
    if (sid_config_load(config_path, out, &problem) == SID_OK)
        return 0;
    (void)fprintf(stderr, "smartidctl: %s\n", problem.text);
    return SID_CTL_CONFIG;
}

int
sid_ctl_open(const struct sid_config *config, struct sid_ctl_store *out) {
    struct sid_ctl_store made = {0};
    enum sid_err err = sid_keyring_load(config->master_key_file, &made.keys);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", config->master_key_file,
                      sid_err_text(err));
        return SID_CTL_CONFIG;
    }
    err = sid_store_open(config->database, false, sid_keyring_audit(made.keys),
                         &made.store);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", config->database,
                      err == SID_E_LOCKED
                          ? "a daemon uses it, but does not answer at its "
                            "control socket"
                          : sid_err_text(err));
        sid_ctl_close(&made);
        return SID_CTL_FAILED;
    }
    *out = made;
    return 0;
}

void
sid_ctl_close(struct sid_ctl_store *me) {
    sid_store_close(&me->store);
    sid_keyring_free(&me->keys);
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
