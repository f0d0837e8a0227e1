/* store_sql.h: what the back ends that speak SQL share.
 *
 * The rows and the statements are the same whatever the engine; an engine
 * (store_sqlite_engine.c, store_pgsql_cursor.c) runs a statement and gives its
 * columns. Over it lies a small cursor that binds and reads columns in order
 * and keeps the first error, so that a query reads as a list. Private to
 * src/store; used by the thread that owns the store. */
#ifndef SID_STORE_SQL_H
#define SID_STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store_back.h"

/* X(symbol): one prepared statement each; the texts are in
 * store_sql_query.c. Of the last ones SQLite has no need. */
#define SID_SQL_MAP(X)                                                         \
    X(BEGIN_WRITE)                                                             \
    X(BEGIN_SHARED)                                                            \
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
    X(SUBJECT_GET)                                                             \
    X(SUBJECT_STALE)                                                           \
    X(SUBJECT_COUNT)                                                           \
    X(SUBJECT_FORGET)                                                          \
    X(CLIENT_PUT)                                                              \
    X(CLIENT_REVOKE)                                                           \
    X(CLIENT_MARK)                                                             \
    X(CLIENT_HAS)                                                              \
    X(CLIENT_EACH)                                                             \
    X(PURPOSES_LAST)                                                           \
    X(PURPOSES_HAD)                                                            \
    X(PURPOSES_PUT)                                                            \
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
    X(ERRAND_COUNT)                                                            \
    X(ENROL_ORPHANS)                                                           \
    X(ENROL_TAKE_OVER)                                                         \
    X(LOOK_AHEAD)                                                              \
    X(GUARD)                                                                   \
    X(GUARD_RELEASE)                                                           \
    X(GUARD_UNDO)                                                              \
    X(NUMBER_NEXT)                                                             \
    X(LEASE_HOLD)                                                              \
    X(LEASE_GET)                                                               \
    X(LEASE_PUT)                                                               \
    X(LEASE_TAKE)                                                              \
    X(LEASE_MOVE)                                                              \
    X(LEASE_EACH)                                                              \
    X(LEASE_FREE)

enum sid_sql_stmt {
#define SID_SQL_ENUM(name) SID_SQL_##name,
    SID_SQL_MAP(SID_SQL_ENUM)
#undef SID_SQL_ENUM
        SID_SQL_COUNT
};

enum sid_sql_dialect { SID_SQL_SQLITE, SID_SQL_PGSQL, SID_SQL_DIALECTS };

/* ---- store_sql_query.c ------------------------------------------------- */

/* The statement; NULL: the engine of this dialect has no need of it. */
const char *sid_sql_text(enum sid_sql_stmt which, enum sid_sql_dialect dialect);
/* Of a statement, for the log. */
const char *sid_sql_name(enum sid_sql_stmt which);

/* ---- the engine -------------------------------------------------------- */

struct sid_sql_engine;

/* What the struct of a back end with an engine begins with. */
struct sid_sql {
    struct sid_back base; /* first: a sid_back is cast back to this */
    const struct sid_sql_engine *engine;
};

static inline struct sid_sql *
sid_sql_of(struct sid_back *back) {
    return (struct sid_sql *)(void *)back;
}

static inline int
sid_sql_slot(const struct sid_sql *sql) {
    return sql->base.ops->slot == NULL ? 0 : sql->base.ops->slot(&sql->base);
}

/* A statement in use: start, bind in order, next or run, read in order, end. */
struct sid_sql_query {
    struct sid_sql *sql;
    enum sid_sql_stmt which;
    enum sid_err err; /* first error of a read */
    int bound;        /* parameters bound so far */
    int read;         /* columns read so far */
    /* The engine's. */
    void *handle;
    int rc; /* first error of a bind */
    int row;
    bool sent;
};

enum sid_sql_kind {
    SID_SQL_NULL,
    SID_SQL_INT,
    SID_SQL_REAL,
    SID_SQL_TEXT,
    SID_SQL_BLOB,
};

struct sid_sql_engine {
    void (*start)(struct sid_sql_query *query);
    void (*bind_int)(struct sid_sql_query *query, int64_t value);
    void (*bind_real)(struct sid_sql_query *query, bool present, double value);
    void (*bind_text)(struct sid_sql_query *query, const char *text);
    void (*bind_blob)(struct sid_sql_query *query, const void *ptr, size_t len);
    enum sid_err (*next)(struct sid_sql_query *query, bool *row);
    /* Of the statement that has just run. */
    int (*changes)(const struct sid_sql_query *query);
    void (*end)(struct sid_sql_query *query);
    enum sid_sql_kind (*kind)(const struct sid_sql_query *query, int column);
    int64_t (*column_int)(const struct sid_sql_query *query, int column);
    double (*column_real)(const struct sid_sql_query *query, int column);
    /* NULL for none; the text has a NUL behind it. */
    const char *(*column_text)(const struct sid_sql_query *query, int column,
                               size_t *len);
    /* May be NULL when it is empty. */
    const void *(*column_blob)(const struct sid_sql_query *query, int column,
                               size_t *len);
    /* Why a column cannot be read: SID_E_NO_MEMORY or SID_E_STORE. */
    enum sid_err (*column_error)(const struct sid_sql_query *query);
    /* The next number of a row of this sort, never given before; 0: the engine
     * numbers the row itself, and given() tells. */
    enum sid_err (*number)(struct sid_sql *sql, const char *sort, int64_t *out);
    int64_t (*given)(const struct sid_sql *sql);
};

/* ---- store_sql_cursor.c ------------------------------------------------ */

struct sid_sql_query sid_sql_start(struct sid_sql *sql,
                                   enum sid_sql_stmt which);
/* Texts and blobs are borrowed until end. */
void sid_sql_bind_int(struct sid_sql_query *query, int64_t value);
void sid_sql_bind_real(struct sid_sql_query *query, bool present, double value);
void sid_sql_bind_text(struct sid_sql_query *query, const char *text);
void sid_sql_bind_blob(struct sid_sql_query *query, const void *ptr,
                       size_t len);
/* Goes to the next row; *row false at the end. */
SID_FALLIBLE enum sid_err sid_sql_next(struct sid_sql_query *query, bool *row);
/* Errors of a column that has not the form it was written in become
 * query->err = SID_E_STORE, for the caller to look at after the last one. */
int64_t sid_sql_read_int(struct sid_sql_query *query);
double sid_sql_read_real(struct sid_sql_query *query, bool *present);
void sid_sql_read_text(struct sid_sql_query *query, char *out, size_t out_size);
/* The same for a column that may have been spoilt on purpose: *whole becomes
 * false when it has not the type, a text has a NUL inside, a blob is not of
 * this length. Texts are borrowed until the next step. */
int64_t sid_sql_peek_int(struct sid_sql_query *query, bool *whole);
const char *sid_sql_peek_text(struct sid_sql_query *query, bool *whole);
void sid_sql_peek_blob(struct sid_sql_query *query, void *out, size_t len,
                       bool *whole);
void sid_sql_read_blob(struct sid_sql_query *query, void *out, size_t len);
void sid_sql_read_buf(struct sid_sql_query *query, struct sid_buf *out);
/* A version and a wrapped key; of version 0 the key's column may be anything.
 */
void sid_sql_read_wrapped(struct sid_sql_query *query, int *version,
                          uint8_t out[SID_WRAPPED_BYTES]);
/* The four columns of a subject's keys. */
void sid_sql_read_subject(struct sid_sql_query *query,
                          struct sid_subject_key *out);
/* Makes the statement free again. */
void sid_sql_end(struct sid_sql_query *query);
/* Runs a statement that gives no rows, ends it; *changes (may be NULL) is the
 * number of rows it changed. */
SID_FALLIBLE enum sid_err sid_sql_run(struct sid_sql_query *query,
                                      int *changes);
/* Runs a query whose one row, or whose first, has one column, and ends it. *out
 * only on success. Errors: SID_E_NOT_FOUND (no row), those of sid_sql_next().
 */
SID_FALLIBLE enum sid_err sid_sql_fetch_buf(struct sid_sql_query *query,
                                            struct sid_buf *out);
SID_FALLIBLE enum sid_err sid_sql_fetch_int(struct sid_sql_query *query,
                                            int64_t *out);
/* True in *out when the statement gives a row; ends it. */
SID_FALLIBLE enum sid_err sid_sql_has_row(struct sid_sql_query *query,
                                          bool *out);
/* For an update that changed nothing: SID_E_CONFLICT when `has` finds the row
 * id, SID_E_NOT_FOUND when not. */
SID_FALLIBLE enum sid_err sid_sql_why_unchanged(struct sid_sql *sql,
                                                enum sid_sql_stmt has,
                                                const char *id);
/* Binds a number that sid_sql_number() gave; 0 becomes NULL. */
void sid_sql_bind_number(struct sid_sql_query *query, int64_t number);

#endif
