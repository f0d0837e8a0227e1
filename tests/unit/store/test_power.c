/* Tests of what is left when the power is cut: the store and its writer on a
 * disk that keeps, drops and tears what was not synced (power_vfs.h).
 *
 * POWER_STATES: how many states are looked at (200); POWER_SEED: of chance. */
#include "power_vfs.h"
#include "smartid/log.h"
#include "writer_fixture.h"

/* States looked at per workload, and the workload's size. */
enum { STATES_EACH = 100, LIVES = 4, BATCHES = 8, BATCH_MAX = 6 };
enum { OPS_MAX = LIVES * BATCHES * BATCH_MAX };

enum kind { ENROL, DECIDE, CHECK, FAIL };

struct power_op {
    struct test_op op; /* first */
    enum kind kind;
    int subject; /* number of the enrolment; of the check, its own */
};

struct work {
    struct power_op ops[OPS_MAX];
    int count;
    struct power_disk chance; /* only its random numbers are used */
};

/* What a look at the states has found. */
struct verdict {
    int states;
    int lost;    /* answered, and not there */
    int half;    /* there in part, or undone and there */
    int damaged; /* would not open, or not whole, or the chain is broken */
};

/* ---- what is done ------------------------------------------------------ */

static enum sid_err
note_row(struct sid_store *store, const char *event, int number) {
    char subject[SID_ID_SIZE];
    struct sid_audit_row row = audit_row(number);

    make_id(subject, "enr_", number);
    row.event = event;
    row.subject = subject;
    return sid_store_audit(store, &row);
}

static enum sid_err
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

static enum sid_err
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

static enum sid_err
power_run(struct sid_op *op, struct sid_store *store) {
    struct power_op *p = (struct power_op *)(void *)op;
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

static void
power_done(struct sid_op *op) {
    const struct power_op *p = (const struct power_op *)(const void *)op;

    power_note(POWER_TOLD, PASS_MAIN, (size_t)p->op.number, NULL, 0);
    test_op_done(op);
}

static int
dice(struct work *work, int sides) {
    return (int)(power_random(&work->chance) % (uint64_t)sides);
}

/* The newest enrolment before `before` that was received and never decided;
 * -1: none. */
static int
undecided(const struct work *work, int before) {
    for (int i = before - 1; i >= 0; i--) {
        bool decided = work->ops[i].kind != ENROL;
        for (int j = i + 1; !decided && j < work->count; j++)
            decided = work->ops[j].kind == DECIDE &&
                      work->ops[j].subject == work->ops[i].subject;
        if (!decided)
            return work->ops[i].subject;
    }
    return -1;
}

/* One batch behind a gate. Only what is answered already gets decided. */
static void
run_batch(struct writer_fixture *w, struct work *work) {
    struct gate gate;
    int first = work->count;
    int n = 1 + dice(work, BATCH_MAX);

    gate_close(&gate, w->writer);
    for (int i = 0; i < n; i++) {
        struct power_op *p = &work->ops[work->count];
        *p = (struct power_op){.op = make_op(w, work->count, 0),
                               .kind = (enum kind)dice(work, 4),
                               .subject = work->count};
        if (p->kind == DECIDE)
            p->subject = undecided(work, first);
        if (p->subject < 0) {
            p->kind = ENROL;
            p->subject = work->count;
        }
        p->op.op.run = power_run;
        p->op.op.done = power_done;
        p->op.op.single_write = p->kind == CHECK;
        work->count++;
        sid_writer_submit(w->writer, &p->op.op);
    }
    gate_open(&gate);
    wait_answers(w, n);
    for (int i = first; i < work->count; i++)
        assert_int_equal(work->ops[i].op.op.err,
                         work->ops[i].kind == FAIL ? SID_E_CONFLICT : SID_OK);
}

/* Moves the log into the database on the writer's thread and leaves it as it
 * is, so that the next commit writes over its beginning. */
static void
move_log(struct sid_op *op) {
    assert_int_equal(sqlite3_wal_checkpoint_v2(
                         power_db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                     SQLITE_OK);
    test_op_done(op);
}

/* From a store that is not there yet through some lives of the daemon, the last
 * of which is left alone after its last answer. pragma: how it syncs. */
static void
do_work(struct work *work, const char *pragma, uint64_t seed) {
    void *base = NULL;
    struct writer_fixture w = {.writer = NULL};

    memset(work, 0, sizeof *work);
    work->chance.random = seed;
    power_forget();
    power_on = true;
    fixture_setup_closed(&base);
    w.base = base;
    assert_int_equal(sem_init(&w.answered, 0, 0), 0);
    for (int life = 0; life < LIVES; life++) {
        ok(sid_store_open(w.base->path, true, w.base->key, &w.base->store));
        assert_int_equal(sqlite3_exec(power_db, pragma, NULL, NULL, NULL),
                         SQLITE_OK);
        ok(sid_writer_new(&w.base->store, &w.writer));
        for (int i = 0; i < BATCHES; i++) {
            run_batch(&w, work);
            struct test_op move = make_op(&w, 0, 0);
            move.op.read_only = true;
            move.op.done = move_log;
            if (i == BATCHES / 2) {
                sid_writer_submit(w.writer, &move.op);
                wait_answers(&w, 1);
            }
        }
        if (life == LIVES - 1)
            power_on = false;
        sid_writer_free(&w.writer);
    }
    sem_destroy(&w.answered);
    fixture_teardown(&base);
}

/* ---- what is left ------------------------------------------------------ */

struct left {
    bool enrolled[OPS_MAX], decided[OPS_MAX], checked[OPS_MAX];
    bool half;
};

static void
note_any(const struct sid_chain_finding *finding, void *ctx) {
    (void)finding;
    *(bool *)ctx = true;
}

/* Opens the store as the daemon does, walks its audit log and writes a row. */
static bool
opens_and_goes_on(struct fixture *f) {
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

static int
number_of(sqlite3_stmt *stmt) {
    const char *id = (const char *)sqlite3_column_text(stmt, 0);
    int number = id == NULL || strlen(id) < 5 ? -1 : atoi(id + 4);

    return number < 0 || number >= OPS_MAX ? -1 : number;
}

static void
read_enrolment(sqlite3_stmt *stmt, struct left *out) {
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

static void
read_check(sqlite3_stmt *stmt, struct left *out) {
    int number = number_of(stmt);

    if (number >= 0)
        out->checked[number] = true;
}

static void
read_orphans(sqlite3_stmt *stmt, struct left *out) {
    out->half = out->half || sqlite3_column_int(stmt, 0) != 0;
}

static bool
each_row(sqlite3 *db, const char *sql,
         void (*row)(sqlite3_stmt *stmt, struct left *out), struct left *out) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        row(stmt, out);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

static void
read_integrity(sqlite3_stmt *stmt, struct left *out) {
    const char *text = (const char *)sqlite3_column_text(stmt, 0);

    out->half = text == NULL || strcmp(text, "ok") != 0;
}

static bool
read_left(const char *path, struct left *out) {
    sqlite3 *db = NULL;
    struct left whole = {.half = true};
    bool good =
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        each_row(db, "PRAGMA integrity_check", read_integrity, &whole);

    good = good && !whole.half &&
           each_row(db, enrolments_sql, read_enrolment, out) &&
           each_row(db, orphans_sql, read_orphans, out) &&
           each_row(db,
                    "SELECT DISTINCT subject FROM audit "
                    "WHERE event = 'check'",
                    read_check, out);
    sqlite3_close(db);
    return good;
}

/* told[i]: operation i was answered before the cut. */
static void
judge(const struct work *work, const bool *told, const struct left *left,
      struct verdict *verdict) {
    bool half = left->half;
    bool lost = false;

    for (int i = 0; i < work->count; i++) {
        const struct power_op *p = &work->ops[i];
        if (p->kind == FAIL) {
            half = half || left->enrolled[p->subject];
            continue;
        }
        const bool *there = p->kind == ENROL    ? left->enrolled
                            : p->kind == DECIDE ? left->decided
                                                : left->checked;
        lost = lost || (told[i] && !there[p->subject]);
    }
    verdict->half += half;
    verdict->lost += lost;
}

static void
look_at_state(struct fixture *f, const struct work *work, const bool *told,
              struct verdict *verdict) {
    struct left left = {.half = false};

    verdict->states++;
    if (!opens_and_goes_on(f) || !read_left(f->path, &left))
        verdict->damaged++;
    else
        judge(work, told, &left, verdict);
}

static int
by_number(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return x < y ? -1 : x > y;
}

/* Cuts the power at points spread by chance over one workload. */
static void
look_at_workload(const char *pragma, uint64_t seed, struct verdict *verdict) {
    static struct work work;
    struct power_disk disk;
    size_t cuts[STATES_EACH];
    bool told[OPS_MAX] = {false};
    void *base = NULL;
    size_t seen = 0;

    do_work(&work, pragma, seed);
    power_disk_init(&disk, ~seed);
    for (int i = 0; i < STATES_EACH; i++)
        cuts[i] = power_random(&disk) % (power_count + 1);
    qsort(cuts, STATES_EACH, sizeof cuts[0], by_number);
    fixture_setup_closed(&base);
    for (int i = 0; i < STATES_EACH; i++) {
        struct fixture *f = base;
        power_play_until(&disk, cuts[i]);
        for (; seen < cuts[i]; seen++) {
            if (power_events[seen].act == POWER_TOLD)
                told[power_events[seen].at] = true;
        }
        power_cut(&disk, f->path);
        look_at_state(f, &work, told, verdict);
    }
    fixture_teardown(&base);
    power_disk_fini(&disk);
}

static uint64_t
from_environment(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static struct verdict
look(const char *pragma, uint64_t states) {
    uint64_t seed = from_environment("POWER_SEED", 20261126);
    struct verdict verdict = {.states = 0};

    for (uint64_t i = 0; i * STATES_EACH < states; i++)
        look_at_workload(pragma, seed + i, &verdict);
    printf("%s, seed %llu: %d states, %d lost, %d half-done, %d damaged\n",
           pragma, (unsigned long long)seed, verdict.states, verdict.lost,
           verdict.half, verdict.damaged);
    return verdict;
}

static void
a_power_cut_loses_nothing_that_was_answered(void **state) {
    struct verdict v =
        look("PRAGMA synchronous=FULL", from_environment("POWER_STATES", 200));

    (void)state;
    assert_int_equal(v.lost, 0);
    assert_int_equal(v.half, 0);
    assert_int_equal(v.damaged, 0);
}

/* The two that follow show that the first would notice. */
static void
with_fewer_syncs_answers_are_lost_but_nothing_is_damaged(void **state) {
    struct verdict v = look("PRAGMA synchronous=NORMAL", STATES_EACH);

    (void)state;
    assert_true(v.lost > 0);
    assert_int_equal(v.half, 0);
    assert_int_equal(v.damaged, 0);
}

static void
without_syncs_the_database_is_damaged(void **state) {
    struct verdict v = look("PRAGMA synchronous=OFF", STATES_EACH);

    (void)state;
    assert_true(v.lost > 0);
    assert_true(v.damaged > 0);
}

int
main(void) {
    power_install();
    sid_log_set_level(SID_LOG_ERROR);
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
        T(a_power_cut_loses_nothing_that_was_answered),
        T(with_fewer_syncs_answers_are_lost_but_nothing_is_damaged),
        T(without_syncs_the_database_is_damaged),
#undef T
    };
    int failed = cmocka_run_group_tests(tests, fixture_group_setup,
                                        fixture_group_teardown);
    power_free();
    return failed;
}
