/* ctl.h: the commands of smartidctl, one function each, and what they share.
 *
 * Each command gets its own arguments (argv[0] is the command's name), writes
 * results to stdout, messages to stderr, and returns the exit code: 0 done, 1
 * failed, 2 wrong usage, 78 settings not valid. Single threaded unless a
 * command says otherwise. */
#ifndef SMARTID_CTL_H
#define SMARTID_CTL_H

#include <stddef.h>

#include "smartid/config.h"
#include "smartid/keys.h"
#include "smartid/purpose.h"
#include "smartid/store_slot.h"

#define SID_CTL_OK 0
#define SID_CTL_FAILED 1
#define SID_CTL_USAGE 2
#define SID_CTL_CONFIG 78 /* Source: sysexits.h EX_CONFIG */

#define SID_CTL_DEFAULT_CONFIG "/etc/smartidd/smartidd.conf"

/* Needs no settings. */
int sid_ctl_init(int argc, char **argv);
int sid_ctl_qr(int argc, char **argv);
int sid_ctl_wechat(int argc, char **argv);
int sid_ctl_verify(int argc, char **argv);
int sid_ctl_calibrate(int argc, char **argv);
int sid_ctl_models(int argc, char **argv);

/* Works without settings, too. config_path: the file that -c names, NULL when
 * there is no -c. */
int sid_ctl_compare(const char *config_path, int argc, char **argv);

/* Need the settings; config_path is the file that -c names, or the usual one.
 */
int sid_ctl_client(const char *config_path, int argc, char **argv);
int sid_ctl_audit(const char *config_path, int argc, char **argv);
int sid_ctl_key(const char *config_path, int argc, char **argv);
int sid_ctl_retention(const char *config_path, int argc, char **argv);
int sid_ctl_webhook(const char *config_path, int argc, char **argv);
int sid_ctl_purposes(const char *config_path, int argc, char **argv);
int sid_ctl_migrate(const char *config_path, int argc, char **argv);
int sid_ctl_backup(const char *config_path, int argc, char **argv);
int sid_ctl_restore(const char *config_path, int argc, char **argv);

/* Settings, or a message on stderr and SID_CTL_CONFIG. 0 when read. */
int sid_ctl_load_config(const char *config_path, struct sid_config *out);

/* The purposes in force, or a message on stderr and the exit code; 0 when read.
 * *differ: this machine's file has others. SID_CTL_FAILED: the database cannot
 * be asked, and *out is the file's. */
int sid_ctl_load_purposes(const struct sid_config *config,
                          struct sid_purposes *out, bool *differ);

/* The database of the settings while no daemon runs: keys and store. Both are
 * freed by sid_ctl_close(). On failure a message was written. 0 when open. */
struct sid_ctl_store {
    struct sid_master *master;
    struct sid_keyring *keys;
    struct sid_store *store;
};
int sid_ctl_open(const struct sid_config *config, struct sid_ctl_store *out);
/* The same for reading, also while a daemon runs; without the master key, which
 * is forgotten again. */
int sid_ctl_open_readonly(const struct sid_config *config,
                          struct sid_ctl_store *out);
void sid_ctl_close(struct sid_ctl_store *me);

/* Opens the database, runs work in one transaction, commits, closes; for what
 * is done without a daemon. Returns the exit code; what was wrong was told. */
typedef enum sid_err sid_ctl_work_fn(struct sid_ctl_store *open, void *ctx);
int sid_ctl_direct(const struct sid_config *config, sid_ctl_work_fn *work,
                   void *ctx);
/* Whether what is made in the folder of this path will be the daemon's, whose
 * the folder is: what root makes in it is root's. 0, or SID_CTL_FAILED (told).
 */
int sid_ctl_check_folder(const char *path);
/* What is wrong with a database that could not be opened; static. */
const char *sid_ctl_why(enum sid_err err);
/* Tell what is wrong: an error, or the daemon's problem document. Return
 * SID_CTL_FAILED. */
int sid_ctl_print_error(enum sid_err err);
int sid_ctl_print_problem(const char *answer);

/* One request to the running daemon through its control socket. method "GET" or
 * "POST"; body NULL or JSON text. *answer: malloc'd JSON text, the caller's to
 * wipe and free; *status the HTTP status. Errors: SID_E_NOT_FOUND (no daemon is
 * listening there), SID_E_IO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_ctl_control(const struct sid_config *config,
                                          const char *method, const char *path,
                                          const char *body, char **answer,
                                          long *status);

/* Wipes and frees an answer; NULL is fine. */
void sid_ctl_free_answer(char *answer);

/* "90d", "12h", "30m", "45s" into seconds. Errors: SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err sid_ctl_parse_duration(const char *text,
                                                 int64_t *out_s);

#endif
