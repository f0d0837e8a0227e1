/* audit_fixture.h: a database with a history of several runs of the daemon and
 * the heads it signed, as files that a test may spoil. */
#ifndef SID_AUDIT_FIXTURE_H
#define SID_AUDIT_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../src/ctl/audit.h"

/* Runs of the daemon, rows of each, rows from one head to the next. */
#define RUNS 4
#define RUN_ROWS 14
#define HEAD_EVERY 4
#define ROW_STEP_S 10
#define HEAD_INTERVAL_S 60

struct audit_fixture {
    char folder[64];
    char master_key[96];
    char db[96], heads[96]; /* what the checks look at */
    char good_db[96], good_heads[96];
    char old_db[RUNS][96];    /* as it was after each run */
    int64_t rows;             /* in good_db */
    int head_lines;           /* in good_heads */
    struct sid_keyring *keys; /* of the log */
    int64_t at_us;            /* of the last row */
    int64_t last_head;        /* row of the last head */
};

struct audit_fixture *audit_fixture_new(void);
void audit_fixture_free(struct audit_fixture *f);
/* What cmocka runs before and after a group, which gets one as its state. */
int audit_fixture_start(void **state);
int audit_fixture_stop(void **state);

/* Puts the good files back in place. */
void audit_fixture_restore(struct audit_fixture *f);
void audit_copy(const char *from, const char *to);

/* Changes the database behind the store's back; several statements. The number
 * of rows that were changed must not be 0. */
void audit_sql(struct audit_fixture *f, const char *sql);

/* The n-th line of the file of heads (from 1), without newline; freed by the
 * caller. */
char *audit_head_line(const char *path, int n);
/* Writes the file anew: line n (0: none) is left out or becomes `text`. */
void audit_heads_rewrite(struct audit_fixture *f, int n, const char *text);

/* Appends one row to the database, as the daemon would, `step_s` after the last
 * one; signs it when told to. */
void audit_append(struct audit_fixture *f, const char *event, int64_t step_s,
                  bool sign);

/* The same without a head, with another detail. */
void audit_append_detail(struct audit_fixture *f, const char *event,
                         int64_t step_s, const char *detail);

/* Removes the n oldest rows, as retention does. */
void audit_prune(struct audit_fixture *f, int n);

/* Runs the check with the own file of heads. what may be prepared in part;
 * out: what was printed. Returns the findings, or -1 when it could not be
 * read. */
int64_t audit_check(struct audit_fixture *f, struct sid_audit_check *what,
                    char *out, size_t out_size);
#define AUDIT_OUT_SIZE 16384

#endif
