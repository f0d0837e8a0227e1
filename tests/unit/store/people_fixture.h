/* people_fixture.h: what the tests of cuts and faults do to a store, and how
 * they read what is left of it: enrolments with photos, decisions with
 * credentials, checks, each with its row in the audit log, and operations that
 * fail after they have written. */
#ifndef SID_PEOPLE_FIXTURE_H
#define SID_PEOPLE_FIXTURE_H

#include <sqlite3.h>

#include "writer_fixture.h"

enum { PEOPLE_MAX = 256 };

enum people_kind { ENROL, DECIDE, CHECK, FAIL };

struct people_op {
    struct test_op op; /* first */
    enum people_kind kind;
    int subject; /* number of the enrolment; of the check, its own */
};

/* ---- what is done ------------------------------------------------------ */

static inline enum sid_err
note_row(struct sid_store *store, const char *event, int number) {
    char subject[SID_ID_SIZE];
    struct sid_audit_row row = audit_row(number);

    make_id(subject, "enr_", number);
    row.event = event;
    row.subject = subject;
    return sid_store_audit(store, &row);
}

static inline enum sid_err
enrol(struct sid_store *store, int number) {
    static const uint8_t photo[9000] = {7};
    struct sid_enrolment e = make_enrolment(number);
    enum sid_err err = sid_store_enrol_insert(store, &e);

    for (int kind = SID_PHOTO_ID; err == SID_OK && kind <= SID_PHOTO_SELFIE;
         kind++)
        err = sid_store_photo_put(
            store, e.id, (enum sid_photo_kind)kind,
            sid_span_of(photo, 700 + (size_t)(number * 1301 % 8000)));
    sid_enrolment_fini(&e);
    return err == SID_OK ? note_row(store, "received", number) : err;
}

static inline enum sid_err
decide(struct sid_store *store, int number) {
    struct sid_enrolment e = make_enrolment(number);
    uint64_t serial = 0;

    e.state = SID_ENROL_APPROVED;
    e.decided_at_s = 8000;
    make_id(e.credential_id, "crd_", number);
    enum sid_err err = insert_credential(store, number, number, &serial);
    if (err == SID_OK)
        err = sid_store_enrol_decide(store, &e, SID_ENROL_RECEIVED);
    sid_enrolment_fini(&e);
    return err == SID_OK ? note_row(store, "decided", number) : err;
}

static inline enum sid_err
people_run(struct sid_op *op, struct sid_store *store) {
    struct people_op *p = (struct people_op *)(void *)op;
    enum sid_err err = SID_OK;

    switch (p->kind) {
    case ENROL:
        return enrol(store, p->subject);
    case DECIDE:
        return decide(store, p->subject);
    case CHECK:
        return note_row(store, "check", p->subject);
    case FAIL:
    default:
        err = enrol(store, p->subject);
        return err == SID_OK ? SID_E_CONFLICT : err;
    }
}

static inline struct people_op
people_op(struct writer_fixture *w, int number, enum people_kind kind,
          int subject) {
    struct people_op p = {
        .op = make_op(w, number, 0), .kind = kind, .subject = subject};

    p.op.op.run = people_run;
    return p;
}

/* ---- what is left ------------------------------------------------------ */

/* half: something is there in part, or belongs to nothing. */
struct people_left {
    bool enrolled[PEOPLE_MAX], decided[PEOPLE_MAX], checked[PEOPLE_MAX];
    bool half;
};

static inline void
note_any(const struct sid_chain_finding *finding, void *ctx) {
    (void)finding;
    *(bool *)ctx = true;
}

/* Opens the store as the daemon does, walks its audit log and writes a row. */
static inline bool
people_open_and_go_on(struct fixture *f) {
    struct sid_chain chain;
    bool bad = false;
    const uint8_t start[SID_SHA256_BYTES] = {0};

    if (sid_store_open(f->path, true, f->key, &f->store) != SID_OK)
        return false;
    sid_chain_begin(&chain, f->key, 0, start, note_any, &bad);
    enum sid_err err = sid_store_audit_each(f->store, INT64_MIN, INT64_MAX,
                                            feed_chain, &chain);
    sid_chain_end(&chain);
    if (err == SID_OK)
        err = sid_store_begin(f->store);
    if (err == SID_OK)
        err = note_row(f->store, "afterwards", 0);
    if (err == SID_OK)
        err = sid_store_commit(f->store);
    sid_store_close(&f->store);
    return err == SID_OK && !bad;
}

/* id, state, photos, credentials, rows of the audit log about it. */
static const char enrolments_sql[] =
    "SELECT id, state = 'approved', "
    "(SELECT count(*) FROM photo p WHERE p.enrolment_id = e.id), "
    "(SELECT count(*) FROM credential c WHERE c.enrolment_id = e.id), "
    "(SELECT count(*) FROM audit a WHERE a.subject = e.id AND "
    "a.event = 'received'), "
    "(SELECT count(*) FROM audit a WHERE a.subject = e.id AND "
    "a.event = 'decided') FROM enrolment e";
/* What belongs to no enrolment. */
static const char orphans_sql[] =
    "SELECT (SELECT count(*) FROM audit WHERE event IN ('received', "
    "'decided') AND subject NOT IN (SELECT id FROM enrolment)) + "
    "(SELECT count(*) FROM photo WHERE enrolment_id NOT IN "
    "(SELECT id FROM enrolment)) + (SELECT count(*) FROM credential "
    "WHERE enrolment_id NOT IN (SELECT id FROM enrolment))";

static inline int
number_of(sqlite3_stmt *stmt) {
    const char *id = (const char *)sqlite3_column_text(stmt, 0);
    int number = id == NULL || strlen(id) < 5 ? -1 : atoi(id + 4);

    return number < 0 || number >= PEOPLE_MAX ? -1 : number;
}

static inline void
read_enrolment(sqlite3_stmt *stmt, struct people_left *out) {
    int number = number_of(stmt);
    int approved = sqlite3_column_int(stmt, 1);

    if (number < 0 || sqlite3_column_int(stmt, 2) != (approved ? 0 : 2) ||
        sqlite3_column_int(stmt, 3) != approved ||
        sqlite3_column_int(stmt, 4) != 1 ||
        sqlite3_column_int(stmt, 5) != approved) {
        out->half = true;
        return;
    }
    out->enrolled[number] = true;
    out->decided[number] = approved != 0;
}

static inline void
read_check(sqlite3_stmt *stmt, struct people_left *out) {
    int number = number_of(stmt);

    if (number >= 0)
        out->checked[number] = true;
}

static inline void
read_orphans(sqlite3_stmt *stmt, struct people_left *out) {
    out->half = out->half || sqlite3_column_int(stmt, 0) != 0;
}

static inline bool
each_row(sqlite3 *db, const char *sql,
         void (*row)(sqlite3_stmt *stmt, struct people_left *out),
         struct people_left *out) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        row(stmt, out);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

static inline void
read_integrity(sqlite3_stmt *stmt, struct people_left *out) {
    const char *text = (const char *)sqlite3_column_text(stmt, 0);

    out->half = text == NULL || strcmp(text, "ok") != 0;
}

/* By a connection that is open. */
static inline bool
people_read_by(sqlite3 *db, struct people_left *out) {
    struct people_left whole = {.half = true};
    bool good = each_row(db, "PRAGMA integrity_check", read_integrity, &whole);

    return good && !whole.half &&
           each_row(db, enrolments_sql, read_enrolment, out) &&
           each_row(db, orphans_sql, read_orphans, out) &&
           each_row(db,
                    "SELECT DISTINCT subject FROM audit "
                    "WHERE event = 'check'",
                    read_check, out);
}

static inline bool
people_read(const char *path, struct people_left *out) {
    sqlite3 *db = NULL;
    bool good =
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        people_read_by(db, out);

    sqlite3_close(db);
    return good;
}

/* Whether each that was told (told[i]: the client of ops[i] got its answer) is
 * there, and nothing that must not be. */
static inline void
people_judge(const struct people_op *ops, int count, const bool *told,
             const struct people_left *left, bool *lost, bool *half) {
    *lost = false;
    *half = left->half;
    for (int i = 0; i < count; i++) {
        const struct people_op *p = &ops[i];
        if (p->kind == FAIL) {
            *half = *half || left->enrolled[p->subject];
            continue;
        }
        const bool *there = p->kind == ENROL    ? left->enrolled
                            : p->kind == DECIDE ? left->decided
                                                : left->checked;
        *lost = *lost || (told[i] && !there[p->subject]);
    }
}

#endif
