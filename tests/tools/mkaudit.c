/* mkaudit.c: a long audit log for tests: appends rows to a database while no
 * daemon runs, chained and with heads, as a busy year would leave them.
 *
 * Usage: mkaudit DATABASE MASTERKEY HEADS ROWS EVERY [STEP_S]
 * A head every EVERY rows. The rows end now; or, with STEP_S seconds from one
 * to the next, they begin now. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/appendfile.h"
#include "smartid/audit_head.h"
#include "smartid/clock.h"
#include "smartid/keys.h"
#include "smartid/log.h"

#define CLIENTS 60
#define PEOPLE 20000
#define STEP_US ((int64_t)1500000)

static enum sid_err
add_row(struct sid_store *store, int64_t n, int64_t at_us) {
    char actor[SID_ID_SIZE], subject[SID_ID_SIZE], detail[128];
    (void)snprintf(actor, sizeof actor, "cli_%026d", (int)(n % CLIENTS));
    (void)snprintf(subject, sizeof subject, "crd_%026d",
                   (int)(n * 7919 % PEOPLE));
    (void)snprintf(detail, sizeof detail,
                   "id=ver_%026" PRId64 " purpose=train_ticket counter=%d", n,
                   (int)(n % CLIENTS));
    struct sid_audit_row row = {.at_us = at_us,
                                .event = "verification",
                                .actor = actor,
                                .subject = subject,
                                .outcome = "valid",
                                .detail = detail};
    return sid_store_audit(store, &row);
}

static enum sid_err
add_head(struct sid_store *store, const struct sid_keyring *keys,
         const char *path, int64_t *after, int64_t at_us) {
    char text[SID_HEAD_TEXT_SIZE];
    struct sid_audit_head head = {.after = *after, .at_s = at_us / 1000000};
    head.seq = sid_store_audit_head(store, head.mac);
    enum sid_err err = sid_head_sign(sid_keyring_head(keys), &head);
    if (err == SID_OK) {
        sid_head_print(&head, text);
        err = sid_appendfile_add(path, text);
    }
    *after = head.seq;
    return err;
}

static enum sid_err
fill(struct sid_store *store, const struct sid_keyring *keys, const char *heads,
     int64_t rows, int64_t every, int64_t step_us) {
    enum sid_err err = SID_OK;
    int64_t after = 0;
    int64_t at_us = sid_now_us() - (step_us > 0 ? 0 : rows * STEP_US);
    if (step_us == 0)
        step_us = STEP_US;
    for (int64_t n = 0; n < rows && err == SID_OK;) {
        err = sid_store_begin(store);
        for (int64_t i = 0; i < every && n < rows && err == SID_OK; i++, n++)
            err = add_row(store, n, at_us += step_us);
        if (err == SID_OK)
            err = sid_store_commit(store);
        if (err == SID_OK)
            err = add_head(store, keys, heads, &after, at_us);
    }
    return err;
}

int
main(int argc, char **argv) {
    struct sid_store *store = NULL;
    struct sid_master *master = NULL;
    struct sid_keyring *keys = NULL;
    if (argc != 6 && argc != 7)
        return 2;
    sid_log_set_level(SID_LOG_ERROR);
    enum sid_err err = sid_crypto_init();
    if (err == SID_OK)
        err = sid_store_open(argv[1], false, NULL, &store);
    if (err == SID_OK)
        err = sid_keys_open(store, argv[2], &master, &keys);
    if (err == SID_OK)
        err = fill(store, keys, argv[3], strtoll(argv[4], NULL, 10),
                   strtoll(argv[5], NULL, 10),
                   argc == 7 ? strtoll(argv[6], NULL, 10) * 1000000 : 0);
    sid_store_close(&store);
    sid_keyring_free(&keys);
    sid_master_free(&master);
    if (err != SID_OK)
        (void)fprintf(stderr, "mkaudit: %s\n", sid_err_text(err));
    return err == SID_OK ? 0 : 1;
}
