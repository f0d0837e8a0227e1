/* Tests of what is left when the power is cut: the store and its writer on a
 * disk that keeps, drops and tears what was not synced (power_vfs.h).
 *
 * POWER_STATES: how many states are looked at (200); POWER_SEED: of chance. */
#include "people_fixture.h"
#include "power_vfs.h"
#include "smartid/log.h"

/* States looked at per workload, and the workload's size. */
enum { STATES_EACH = 100, LIVES = 4, BATCHES = 8, BATCH_MAX = 6 };
enum { OPS_MAX = LIVES * BATCHES * BATCH_MAX };
_Static_assert((int)OPS_MAX <= (int)PEOPLE_MAX, "room for all that is read");

struct work {
    struct people_op ops[OPS_MAX];
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

static void
power_done(struct sid_op *op) {
    const struct people_op *p = (const struct people_op *)(const void *)op;

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
        struct people_op *p = &work->ops[work->count];
        *p = people_op(w, work->count, (enum people_kind)dice(work, 4),
                       work->count);
        if (p->kind == DECIDE)
            p->subject = undecided(work, first);
        if (p->subject < 0) {
            p->kind = ENROL;
            p->subject = work->count;
        }
        p->op.op.done = power_done;
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

static void
look_at_state(struct fixture *f, const struct work *work, const bool *told,
              struct verdict *verdict) {
    struct people_left left = {.half = false};
    bool lost = false, half = false;

    verdict->states++;
    if (!people_open_and_go_on(f) || !people_read(f->path, &left)) {
        verdict->damaged++;
        return;
    }
    people_judge(work->ops, work->count, told, &left, &lost, &half);
    verdict->lost += lost;
    verdict->half += half;
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
