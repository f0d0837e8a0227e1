/* store_sqlite.h: what the files of the SQLite back end share.
 *
 * One connection, its statements (prepared once, finalised at close), and a
 * small cursor that binds and reads columns in order and keeps the first error,
 * so that a query reads as a list. Private to src/store; used by the thread
 * that owns the store. */
#ifndef SID_STORE_SQLITE_H
#define SID_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store_back.h"

/* X(symbol): one prepared statement each; the texts are in
 * store_sqlite_query.c. */
#define SID_SQ_MAP(X)                                                          \
    X(BEGIN_WRITE)                                                             \
    X(BEGIN_READ)                                                              \
    X(COMMIT)                                                                  \
    X(ROLLBACK)                                                                \
    X(SAVEPOINT)                                                               \
    X(SAVEPOINT_RELEASE)                                                       \
    X(SAVEPOINT_UNDO)                                                          \
    X(TOUCH)                                                                   \
    X(AUDIT_HEAD)                                                              \
    X(AUDIT_APPEND)                                                            \
    X(AUDIT_SCAN)                                                              \
    X(AUDIT_PRUNE)                                                             \
    X(ANCHOR_GET)                                                              \
    X(ANCHOR_PUT)                                                              \
    X(KEY_PUT)                                                                 \
    X(KEY_EACH)                                                                \
    X(KEY_REWRAP)                                                              \
    X(KEY_RETIRE)                                                              \
    X(SUBJECT_PUT)                                                             \
    X(SUBJECT_REWRAP)                                                          \
    X(SUBJECT_STALE)                                                           \
    X(SUBJECT_COUNT)                                                           \
    X(SUBJECT_FORGET)                                                          \
    X(CLIENT_PUT)                                                              \
    X(CLIENT_REVOKE)                                                           \
    X(CLIENT_HAS)                                                              \
    X(CLIENT_EACH)                                                             \
    X(ENROL_INSERT)                                                            \
    X(ENROL_GET)                                                               \
    X(ENROL_HAS)                                                               \
    X(ENROL_BEGIN_WORK)                                                        \
    X(ENROL_DECIDE)                                                            \
    X(ENROL_FIRST)                                                             \
    X(ENROL_APPEAL)                                                            \
    X(ENROL_RECOVERY)                                                          \
    X(ATTEMPT_PUT)                                                             \
    X(ATTEMPT_GET)                                                             \
    X(ATTEMPT_PURGE)                                                           \
    X(ENROL_LIST)                                                              \
    X(ENROL_UNFINISHED)                                                        \
    X(PHOTO_PUT)                                                               \
    X(PHOTO_GET)                                                               \
    X(PHOTO_DELETE_ALL)                                                        \
    X(PHOTO_COUNT)                                                             \
    X(PHOTO_BLOB)                                                              \
    X(PHOTO_BLOB_COUNT)                                                        \
    X(CHALLENGE_PUT)                                                           \
    X(CHALLENGE_GET)                                                           \
    X(CHALLENGE_HAS)                                                           \
    X(CHALLENGE_USE)                                                           \
    X(CHALLENGE_PURGE)                                                         \
    X(WEBHOOK_PLACE)                                                           \
    X(WEBHOOK_TOLD)                                                            \
    X(WEBHOOK_BURY)                                                            \
    X(WEBHOOK_DEAD)                                                            \
    X(WEBHOOK_DEAD_COUNT)                                                      \
    X(WEBHOOK_AGAIN)                                                           \
    X(WEBHOOK_EXHUME)                                                          \
    X(EXPIRING)                                                                \
    X(TEMPLATE_UPDATE)                                                         \
    X(TEMPLATE_INSERT)                                                         \
    X(TEMPLATE_GET)                                                            \
    X(TEMPLATE_DELETE)                                                         \
    X(TEMPLATE_COUNT)                                                          \
    X(TEMPLATE_TALLY)                                                          \
    X(PORTRAIT_PUT)                                                            \
    X(PORTRAIT_GET)                                                            \
    X(PORTRAIT_HAS)                                                            \
    X(PORTRAIT_DELETE)                                                         \
    X(IDEMPOTENCY_GET)                                                         \
    X(IDEMPOTENCY_PUT)                                                         \
    X(IDEMPOTENCY_PURGE)                                                       \
    X(CREDENTIAL_INSERT)                                                       \
    X(CREDENTIAL_GET)                                                          \
    X(CREDENTIAL_BY_SERIAL)                                                    \
    X(CREDENTIAL_HAS)                                                          \
    X(CREDENTIAL_STANDING)                                                     \
    X(CREDENTIAL_CHANGE)                                                       \
    X(LIVE_USE)                                                                \
    X(LIVE_PURGE)                                                              \
    X(CHECK_LIST)                                                              \
    X(CHECK_FIND)                                                              \
    X(DISPUTE_PUT)                                                             \
    X(DISPUTE_GET)                                                             \
    X(DISPUTE_HAS)                                                             \
    X(DISPUTE_LIST)                                                            \
    X(DISPUTE_SETTLE)                                                          \
    X(DISPUTE_FORGET)                                                          \
    X(CREDENTIAL_NEXT)                                                         \
    X(SERIAL_RETIRED)                                                          \
    X(CREDENTIAL_DELETE)                                                       \
    X(IDEMPOTENCY_FORGET)                                                      \
    X(OLD_SERIALS_ERASED)                                                      \
    X(SERIALS_ERASED)                                                          \
    X(CREDENTIALS_DELETE)                                                      \
    X(ENROL_DELETE)                                                            \
    X(ERASURE_PUT)                                                             \
    X(DEAD_SERIAL_GET)                                                         \
    X(DUE_ENROLMENTS)                                                          \
    X(DUE_CREDENTIALS)                                                         \
    X(COUNT_ENROLMENTS)                                                        \
    X(COUNT_CREDENTIALS)                                                       \
    X(RETENTION_RAN)                                                           \
    X(RETENTION_LAST)                                                          \
    X(OVERVIEW_REVIEW)                                                         \
    X(OVERVIEW_DISPUTES)                                                       \
    X(OVERVIEW_STATE)                                                          \
    X(REASONS_SINCE)                                                           \
    X(ENROL_EARLIER)                                                           \
    X(PHOTO_KINDS)                                                             \
    X(CONTACT_PUT)                                                             \
    X(CONTACT_FIND)                                                            \
    X(CONTACT_GET)                                                             \
    X(CONTACT_CHANGE)                                                          \
    X(CONTACT_OF)                                                              \
    X(CONTACT_DELETE)                                                          \
    X(CONTACT_STALE)                                                           \
    X(CONTACT_UNBIND_CLIENT)                                                   \
    X(CHAT_PUT)                                                                \
    X(CHAT_GET)                                                                \
    X(CHAT_DELETE)                                                             \
    X(CHAT_STALE)                                                              \
    X(CHAT_PHOTO_PUT)                                                          \
    X(CHAT_PHOTO_GET)                                                          \
    X(CHAT_PHOTO_DELETE)                                                       \
    X(PUSH_PUT)                                                                \
    X(PUSH_GET)                                                                \
    X(PUSH_PURGE)                                                              \
    X(ERRAND_PUT)                                                              \
    X(ERRAND_NEXT)                                                             \
    X(ERRAND_TAKE)                                                             \
    X(ERRAND_BACK)                                                             \
    X(ERRAND_END)                                                              \
    X(ERRAND_DELETE_ALL)                                                       \
    X(ERRAND_LOST)                                                             \
    X(ERRAND_RECOVER)                                                          \
    X(ERRAND_COUNT)

enum sid_sq_stmt {
#define SID_SQ_ENUM(name) SID_SQ_##name,
    SID_SQ_MAP(SID_SQ_ENUM)
#undef SID_SQ_ENUM
        SID_SQ_COUNT
};

#define SID_SQ_TOLD_MAX 8

/* The only page size: what store_sqlite_wipe.c knows its way about in. */
#define SID_SQ_PAGE_BYTES 4096

/* See store_sqlite_wipe.c. */
struct sid_sq_wipe {
    sqlite3_io_methods methods; /* first: what SQLite sees of the file */
    const sqlite3_io_methods *own;
    bool has_maps; /* the database has pointer map pages */
    uint8_t page[SID_SQ_PAGE_BYTES];
};

struct sid_sqlite {
    struct sid_back base; /* first: a sid_back is cast back to this */
    sqlite3 *db;
    sqlite3_stmt *stmt[SID_SQ_COUNT];
    int lock_fd;       /* holds the flock; -1: none (":memory:") */
    bool in_txn;       /* between begin and commit or rollback */
    enum sid_err lost; /* why SQLite dropped the open transaction; SID_OK */
    bool broken;       /* a sync failed or the file is damaged */
    int wal_pages;     /* in the WAL after the last commit */
    /* SQLite results that were logged since the last commit that wrote. */
    int told[SID_SQ_TOLD_MAX];
    int told_count;
    bool log_empty; /* the WAL's file is: nothing deleted is in it */
    struct sid_sq_wipe wipe;
};

static inline struct sid_sqlite *
sid_sqlite_of(struct sid_back *back) {
    return (struct sid_sqlite *)(void *)back;
}

/* ---- store_sqlite_query.c ---------------------------------------------- */

/* Prepares every statement. Errors: SID_E_STORE, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_sq_prepare_all(struct sid_sqlite *sq);
void sid_sq_finalize_all(struct sid_sqlite *sq);
/* Of a statement, for the log. */
const char *sid_sq_name(enum sid_sq_stmt which);

/* ---- store_sqlite_cursor.c --------------------------------------------- */

/* What an SQLite result means; logs it unless it is an expected refusal
 * (uniqueness: SID_E_EXISTS, foreign key: SID_E_NOT_FOUND) or has been logged
 * since the last commit that wrote; notes a lost transaction and a broken
 * database. where: a static word for the log. */
enum sid_err sid_sq_error(struct sid_sqlite *sq, int rc, const char *where);

/* A statement in use: start, bind in order, next or run, read in order, end. */
struct sid_sq_query {
    struct sid_sqlite *sq;
    sqlite3_stmt *stmt;
    enum sid_sq_stmt which;
    int rc;           /* first SQLite error of a bind */
    enum sid_err err; /* first error of a read */
    int bound;        /* parameters bound so far */
    int read;         /* columns read so far */
};

struct sid_sq_query sid_sq_start(struct sid_sqlite *sq, enum sid_sq_stmt which);
/* Texts and blobs are borrowed until end. */
void sid_sq_bind_int(struct sid_sq_query *query, int64_t value);
void sid_sq_bind_real(struct sid_sq_query *query, bool present, double value);
void sid_sq_bind_text(struct sid_sq_query *query, const char *text);
void sid_sq_bind_blob(struct sid_sq_query *query, const void *ptr, size_t len);
/* Goes to the next row; *row false at the end. */
SID_FALLIBLE enum sid_err sid_sq_next(struct sid_sq_query *query, bool *row);
/* Errors of a column that has not the form it was written in become
 * query->err = SID_E_STORE, for the caller to look at after the last one. */
int64_t sid_sq_read_int(struct sid_sq_query *query);
double sid_sq_read_real(struct sid_sq_query *query, bool *present);
void sid_sq_read_text(struct sid_sq_query *query, char *out, size_t out_size);
/* The same for a column that may have been spoilt on purpose: *whole becomes
 * false when it has not the type, a text has a NUL inside, a blob is not of
 * this length. Texts are borrowed until the next step. */
int64_t sid_sq_peek_int(struct sid_sq_query *query, bool *whole);
const char *sid_sq_peek_text(struct sid_sq_query *query, bool *whole);
void sid_sq_peek_blob(struct sid_sq_query *query, void *out, size_t len,
                      bool *whole);
void sid_sq_read_blob(struct sid_sq_query *query, void *out, size_t len);
void sid_sq_read_buf(struct sid_sq_query *query, struct sid_buf *out);
/* A version and a wrapped key; of version 0 the key's column may be anything.
 */
void sid_sq_read_wrapped(struct sid_sq_query *query, int *version,
                         uint8_t out[SID_WRAPPED_BYTES]);
/* The four columns of a subject's keys. */
void sid_sq_read_subject(struct sid_sq_query *query,
                         struct sid_subject_key *out);
/* Makes the statement free again. */
void sid_sq_end(struct sid_sq_query *query);
/* Runs a statement that gives no rows, ends it; *changes (may be NULL) is the
 * number of rows it changed. */
SID_FALLIBLE enum sid_err sid_sq_run(struct sid_sq_query *query, int *changes);
/* Runs a query whose one row, or whose first, has one column, and ends it. *out
 * only on success. Errors: SID_E_NOT_FOUND (no row), those of sid_sq_next(). */
SID_FALLIBLE enum sid_err sid_sq_fetch_buf(struct sid_sq_query *query,
                                           struct sid_buf *out);
SID_FALLIBLE enum sid_err sid_sq_fetch_int(struct sid_sq_query *query,
                                           int64_t *out);
/* True in *out when the statement gives a row; ends it. */
SID_FALLIBLE enum sid_err sid_sq_has_row(struct sid_sq_query *query, bool *out);
/* For an update that changed nothing: SID_E_CONFLICT when `has` finds the row
 * id, SID_E_NOT_FOUND when not. */
SID_FALLIBLE enum sid_err sid_sq_why_unchanged(struct sid_sqlite *sq,
                                               enum sid_sq_stmt has,
                                               const char *id);

/* ---- store_sqlite_file.c ----------------------------------------------- */

/* The path with its folder resolved (malloc), so that a symbolic link on the
 * way is taken once and SQLite may refuse links. Errors: SID_E_NOT_FOUND,
 * SID_E_STORE, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_sq_file_resolve(const char *path, char **out);
/* Takes the lock "<path>.lock". Errors: SID_E_LOCKED, SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_sq_file_lock(const char *path, int *out_fd);
/* Makes the file if asked to, checks what it is, sets its mode. Errors:
 * SID_E_NOT_FOUND, SID_E_STORE, SID_E_STORE_FULL. */
SID_FALLIBLE enum sid_err sid_sq_file_prepare(const char *path, bool create);

/* ---- store_sqlite_setup.c ---------------------------------------------- */

/* Settings before the first statement; each answer is checked. Errors:
 * SID_E_STORE, SID_E_STORE_FULL. */
SID_FALLIBLE enum sid_err sid_sq_setup(struct sid_sqlite *sq, bool in_memory);
/* The same for a connection that only reads. Errors: SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_sq_setup_readonly(struct sid_sqlite *sq);
/* Limits on what SQL may do, after the migrations. */
void sid_sq_limit(struct sid_sqlite *sq);

/* The value of a PRAGMA that is a number; 0 when it has none. Errors:
 * SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_sq_ask(struct sid_sqlite *sq, const char *sql,
                                     int64_t *out);

/* ---- store_sqlite_wipe.c ----------------------------------------------- */

/* From now on the unused middle of pages is cleared on the way into the
 * database file. Before any change. Errors: SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_sq_wipe_begin(struct sid_sqlite *sq,
                                            bool has_maps);

/* ---- migrate.c --------------------------------------------------------- */

struct sid_migration {
    int number;
    const char *name;
    const char *sql;
};
/* Brings the schema up to the last of list[n], which is in rising order.
 * Errors: SID_E_SCHEMA, SID_E_STORE, SID_E_STORE_FULL, SID_E_NO_MEMORY,
 * SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_migrate_apply(struct sid_sqlite *sq,
                                            const struct sid_migration *list,
                                            size_t n);
/* The same with the migrations embedded in the program. */
SID_FALLIBLE enum sid_err sid_migrate_all(struct sid_sqlite *sq);
/* Whether exactly those have been applied. Errors: SID_E_SCHEMA (logged),
 * SID_E_STORE, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_migrate_check(struct sid_sqlite *sq);

/* ---- the operations, by subject ---------------------------------------- */

/* store_sqlite_audit.c */
enum sid_err sid_sqlite_audit_head(struct sid_back *back, int64_t *seq,
                                   int64_t *at_us,
                                   uint8_t mac[SID_SHA256_BYTES]);
enum sid_err sid_sqlite_audit_append(struct sid_back *back,
                                     const struct sid_audit_row *row,
                                     const uint8_t mac[SID_SHA256_BYTES]);
enum sid_err sid_sqlite_audit_scan(struct sid_back *back, int64_t after_seq,
                                   int64_t limit, sid_audit_each_fn *each,
                                   void *ctx);
enum sid_err sid_sqlite_audit_prune(struct sid_back *back, int64_t last_seq);
enum sid_err sid_sqlite_anchor_get(struct sid_back *back,
                                   struct sid_back_anchor *out);
enum sid_err sid_sqlite_anchor_put(struct sid_back *back,
                                   const struct sid_back_anchor *anchor);
/* store_sqlite_key.c */
enum sid_err sid_sqlite_key_put(struct sid_back *back,
                                const struct sid_wrapped_key *key);
enum sid_err sid_sqlite_key_each(
    struct sid_back *back,
    enum sid_err (*each)(const struct sid_wrapped_key *, void *), void *ctx);
enum sid_err sid_sqlite_key_rewrap(struct sid_back *back,
                                   const struct sid_wrapped_key *key);
enum sid_err sid_sqlite_key_retire(struct sid_back *back, enum sid_key_use use,
                                   int version, int64_t now_s);
enum sid_err sid_sqlite_subject_put(struct sid_back *back, const char *subject,
                                    const struct sid_subject_key *key);
enum sid_err sid_sqlite_subject_rewrap(struct sid_back *back,
                                       const char *subject,
                                       const struct sid_subject_key *key);
enum sid_err sid_sqlite_subject_stale(
    struct sid_back *back, int data_version, int template_version, int limit,
    enum sid_err (*each)(const char *, const struct sid_subject_key *, void *),
    void *ctx);
enum sid_err sid_sqlite_subject_count_stale(struct sid_back *back,
                                            int data_version,
                                            int template_version, int64_t *out);
enum sid_err sid_sqlite_subject_forget(struct sid_back *back,
                                       const char *subject);
/* store_sqlite_client.c */
enum sid_err sid_sqlite_client_put(struct sid_back *back,
                                   const struct sid_client *client);
enum sid_err sid_sqlite_client_revoke(struct sid_back *back, const char *id,
                                      int64_t now_s);
enum sid_err
sid_sqlite_client_each(struct sid_back *back,
                       enum sid_err (*each)(const struct sid_client *, void *),
                       void *ctx);
/* store_sqlite_enrol.c */
enum sid_err sid_sqlite_enrol_insert(struct sid_back *back,
                                     const struct sid_enrolment *enrolment);
enum sid_err sid_sqlite_enrol_get(struct sid_back *back, const char *id,
                                  struct sid_enrolment *out);
enum sid_err sid_sqlite_enrol_begin_work(struct sid_back *back, const char *id,
                                         int64_t now_s, int *attempts);
enum sid_err sid_sqlite_enrol_decide(struct sid_back *back,
                                     const struct sid_enrolment *enrolment,
                                     enum sid_enrol_state expected);
enum sid_err sid_sqlite_enrol_first(struct sid_back *back,
                                    const struct sid_enrolment *enrolment);
enum sid_err sid_sqlite_enrol_appeal(struct sid_back *back,
                                     const struct sid_enrolment *enrolment);
enum sid_err sid_sqlite_enrol_recovery(struct sid_back *back,
                                       const struct sid_enrolment *enrolment);
enum sid_err sid_sqlite_enrol_list(
    struct sid_back *back, enum sid_enrol_state state, enum sid_waiting waiting,
    const char *after, int limit,
    enum sid_err (*each)(const struct sid_enrolment *, void *), void *ctx);
enum sid_err sid_sqlite_enrol_unfinished(struct sid_back *back,
                                         enum sid_err (*each)(const char *, int,
                                                              void *),
                                         void *ctx);
/* store_sqlite_photo.c: photos and idempotency keys */
enum sid_err sid_sqlite_photo_put(struct sid_back *back,
                                  const char *enrolment_id,
                                  enum sid_photo_kind kind,
                                  struct sid_span sealed, const char *blob);
enum sid_err sid_sqlite_photo_get(struct sid_back *back,
                                  const char *enrolment_id,
                                  enum sid_photo_kind kind, struct sid_buf *out,
                                  char blob[SID_ID_SIZE]);
enum sid_err sid_sqlite_photo_delete_all(struct sid_back *back,
                                         const char *enrolment_id);
enum sid_err sid_sqlite_photo_count(struct sid_back *back, int64_t *out);
enum sid_err sid_sqlite_photo_blob(struct sid_back *back,
                                   const char *enrolment_id,
                                   char out[SID_ID_SIZE]);
enum sid_err sid_sqlite_photo_blob_count(struct sid_back *back,
                                         const char *blob, int64_t *out);
enum sid_err sid_sqlite_idempotency_get(struct sid_back *back,
                                        const char *client_id, const char *key,
                                        struct sid_idempotency *out);
enum sid_err sid_sqlite_idempotency_put(struct sid_back *back,
                                        const struct sid_idempotency *row);
enum sid_err sid_sqlite_idempotency_purge(struct sid_back *back,
                                          int64_t before_s);
/* store_sqlite_attempt.c */
enum sid_err sid_sqlite_attempt_put(struct sid_back *back,
                                    const char *enrolment_id,
                                    const uint8_t person[SID_SHA256_BYTES],
                                    int64_t made_at_s);
enum sid_err sid_sqlite_attempt_get(struct sid_back *back,
                                    const uint8_t person[SID_SHA256_BYTES],
                                    int64_t after_s, int nth,
                                    char id[SID_ID_SIZE], int64_t *made_at_s);
enum sid_err sid_sqlite_attempt_purge(struct sid_back *back, int64_t before_s,
                                      int64_t after_s);
/* store_sqlite_challenge.c */
enum sid_err sid_sqlite_challenge_put(struct sid_back *back,
                                      const struct sid_challenge *challenge);
enum sid_err sid_sqlite_challenge_get(struct sid_back *back, const char *id,
                                      struct sid_challenge *out);
enum sid_err sid_sqlite_challenge_use(struct sid_back *back, const char *id,
                                      const char *enrolment_id);
enum sid_err sid_sqlite_challenge_purge(struct sid_back *back,
                                        int64_t before_s);
/* store_sqlite_webhook.c */
enum sid_err sid_sqlite_webhook_place(struct sid_back *back, int64_t *seq);
enum sid_err sid_sqlite_webhook_told(struct sid_back *back, int64_t seq);
enum sid_err sid_sqlite_webhook_bury(struct sid_back *back,
                                     const struct sid_dead_event *event);
enum sid_err sid_sqlite_webhook_dead_each(
    struct sid_back *back, bool again, int64_t after_seq, int limit,
    enum sid_err (*each)(const struct sid_dead_event *, void *), void *ctx);
enum sid_err sid_sqlite_webhook_dead_count(struct sid_back *back, int64_t *out);
enum sid_err sid_sqlite_webhook_again(struct sid_back *back, int64_t seq);
enum sid_err sid_sqlite_webhook_exhume(struct sid_back *back, int64_t seq);
enum sid_err
sid_sqlite_expiring_each(struct sid_back *back, int64_t before_s, int limit,
                         enum sid_err (*each)(const char *, int64_t, void *),
                         void *ctx);
/* store_sqlite_template.c */
enum sid_err sid_sqlite_template_put(struct sid_back *back,
                                     const char *enrolment_id,
                                     struct sid_span sealed, int *change);
enum sid_err sid_sqlite_template_get(struct sid_back *back,
                                     const char *enrolment_id,
                                     struct sid_buf *out);
enum sid_err sid_sqlite_template_delete(struct sid_back *back,
                                        const char *enrolment_id, int *change);
enum sid_err sid_sqlite_template_count(struct sid_back *back, int64_t *out);
enum sid_err sid_sqlite_template_tally(struct sid_back *back, int64_t count);
/* store_sqlite_portrait.c */
enum sid_err sid_sqlite_portrait_put(struct sid_back *back,
                                     const char *enrolment_id,
                                     struct sid_span sealed);
enum sid_err sid_sqlite_portrait_get(struct sid_back *back,
                                     const char *enrolment_id,
                                     struct sid_buf *out);
enum sid_err sid_sqlite_portrait_has(struct sid_back *back,
                                     const char *enrolment_id, bool *out);
enum sid_err sid_sqlite_portrait_delete(struct sid_back *back,
                                        const char *enrolment_id);
/* store_sqlite_erase.c */
enum sid_err sid_sqlite_live_use(struct sid_back *back,
                                 const struct sid_token *token, bool *used);
enum sid_err sid_sqlite_live_purge(struct sid_back *back, int64_t before_s);
enum sid_err sid_sqlite_check_list(struct sid_back *back,
                                   const char *credential_id,
                                   int64_t before_seq, int limit,
                                   sid_check_each_fn *each, void *ctx);
enum sid_err sid_sqlite_check_find(struct sid_back *back,
                                   const char *credential_id,
                                   const char *verification_id, int64_t *seq);
enum sid_err sid_sqlite_dispute_put(struct sid_back *back,
                                    const struct sid_dispute *d);
enum sid_err sid_sqlite_dispute_get(struct sid_back *back, const char *id,
                                    struct sid_dispute *out);
enum sid_err sid_sqlite_dispute_list(
    struct sid_back *back, enum sid_dispute_outcome outcome, const char *after,
    int limit, enum sid_err (*each)(struct sid_dispute *take, void *ctx),
    void *ctx);
enum sid_err sid_sqlite_dispute_settle(struct sid_back *back,
                                       const struct sid_dispute *d);
enum sid_err sid_sqlite_dispute_forget(struct sid_back *back,
                                       const char *enrolment_id);
enum sid_err sid_sqlite_idempotency_forget(struct sid_back *back,
                                           const char *enrolment_id);
enum sid_err sid_sqlite_credentials_erase(struct sid_back *back,
                                          const char *enrolment_id,
                                          bool *deleted);
enum sid_err sid_sqlite_enrol_delete(struct sid_back *back, const char *id,
                                     bool *deleted);
enum sid_err sid_sqlite_erasure_put(struct sid_back *back,
                                    const struct sid_erasure *erasure);
enum sid_err sid_sqlite_retention_each(
    struct sid_back *back, enum sid_retention_rule rule, int64_t before_s,
    int limit, enum sid_err (*each)(const char *, const char *, void *),
    void *ctx);
enum sid_err sid_sqlite_retention_count(struct sid_back *back,
                                        enum sid_retention_rule rule,
                                        int64_t before_s, int64_t *due,
                                        int64_t *oldest_s);
enum sid_err sid_sqlite_retention_ran(struct sid_back *back,
                                      enum sid_retention_rule rule,
                                      int64_t now_s);
enum sid_err sid_sqlite_retention_last(struct sid_back *back,
                                       enum sid_retention_rule rule,
                                       int64_t *ran_at_s);
/* store_sqlite_credential.c */
enum sid_err
sid_sqlite_credential_insert(struct sid_back *back,
                             const struct sid_credential *credential,
                             uint64_t *serial);
enum sid_err sid_sqlite_credential_get(struct sid_back *back, const char *id,
                                       struct sid_credential *out);
enum sid_err sid_sqlite_credential_by_serial(struct sid_back *back,
                                             uint64_t serial,
                                             struct sid_credential *out);
enum sid_err
sid_sqlite_credential_standing(struct sid_back *back,
                               const uint8_t id_index[SID_SHA256_BYTES],
                               const char *type, struct sid_credential *out);
enum sid_err
sid_sqlite_credential_change(struct sid_back *back,
                             const struct sid_credential *credential);
enum sid_err sid_sqlite_credential_next(struct sid_back *back,
                                        const char *enrolment_id,
                                        uint64_t after_serial,
                                        struct sid_credential *out);
enum sid_err sid_sqlite_serial_retire(struct sid_back *back, uint64_t serial);
enum sid_err sid_sqlite_dead_serial(struct sid_back *back, uint64_t serial,
                                    char credential_id[SID_ID_SIZE],
                                    enum sid_dead_serial *why);

/* ---- store_sqlite_overview.c --------------------------------------------- */
SID_FALLIBLE enum sid_err sid_sqlite_overview(struct sid_back *back,
                                              int64_t since_s,
                                              struct sid_store_overview *out);
SID_FALLIBLE enum sid_err sid_sqlite_photo_kinds(struct sid_back *back,
                                                 const char *enrolment_id,
                                                 unsigned *out);
SID_FALLIBLE enum sid_err sid_sqlite_enrol_earlier(
    struct sid_back *back, const uint8_t id_index[SID_SHA256_BYTES],
    const char *id, int limit, struct sid_earlier *out, int *count);
SID_FALLIBLE enum sid_err sid_sqlite_reasons_each(
    struct sid_back *back, enum sid_enrol_state state, int64_t since_s,
    int limit, enum sid_err (*each)(const struct sid_reasons *, void *),
    void *ctx);

#endif
