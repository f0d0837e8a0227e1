/* sim.h: runs of the store that one number decides: what is done, which call to
 * the disk or for memory fails, when the power is cut or the process killed,
 * and what of that hits the start that follows. Beside the store goes a model
 * of what it has acknowledged; after each fault the store must be just that.
 *
 * Only the store's front is used here; what lies under it is sim_disk.h's. A
 * run that finds something wrong ends there and says what; the same seed gives
 * the same run to the byte. One thread. */
#ifndef SID_SIM_H
#define SID_SIM_H

#include "sim_disk.h"

enum {
    SIM_PEOPLE = PEOPLE_MAX,
    SIM_BATCH = 4, /* operations in a transaction, at most */
    /* A fault is within 2 to so many bits' worth of calls: an opening calls for
     * the disk 20 to 300 times, and 11,600 times for memory. */
    SIM_IO_BITS = 8,
    SIM_MEMORY_BITS = 13,
    SIM_COULD = 8, /* states that may all be what is left */
    SIM_STARTS = 3 /* that are hit, one after the other */
};

struct sim_plan {
    int steps;        /* operations */
    int fault_one_in; /* transactions; 0: none */
    int end_one_in;   /* transactions are cut or killed; 0: none */
    int start_one_in; /* starts that follow are hit, too; 0: none */
    int again_one_in; /* transactions are broken off and run again; 0: none */
    bool cut_at_end;  /* whatever the dice say */
};

/* What is in the store, as far as its front shows. */
struct sim_state {
    uint8_t enrolled[SIM_PEOPLE]; /* 0: not; else its state and 1 */
    uint8_t life[SIM_PEOPLE];     /* 0: no credential; else its state and 1 */
    int64_t photos;
    int64_t rows;   /* of the audit log */
    uint64_t about; /* hash of what they say, in order */
};

struct sim {
    struct sim_plan plan;
    uint64_t random;
    struct fixture *f;
    struct sim_state could[SIM_COULD]; /* the last one: what is seen now */
    int could_n;
    int people; /* numbers given so far */
    int done;   /* operations */
    uint64_t trace;
    int faults, cuts, kills, starts_hit, again;
    const char *wrong; /* what was found; NULL: nothing */
};

/* Source: splitmix64, Steele, Lea and Flood 2014. */
static inline int
sim_dice(struct sim *sim, int sides) {
    uint64_t z = sim->random += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (int)((z ^ z >> 31) % (uint64_t)sides);
}

static inline bool
sim_one_in(struct sim *sim, int n) {
    return n != 0 && sim_dice(sim, n) == 0;
}

static inline void
sim_trace(struct sim *sim, uint64_t what, int64_t value) {
    sim->trace = sim_hash(sim_hash(sim->trace, what), (uint64_t)value);
}

static inline void
sim_expect(struct sim *sim, bool is, const char *otherwise) {
    if (!is && sim->wrong == NULL)
        sim->wrong = otherwise;
}

/* ---- the model --------------------------------------------------------- */

static inline struct sim_state *
sim_now(struct sim *sim) {
    return &sim->could[sim->could_n - 1];
}

/* Acknowledged: nothing else can be left. */
static inline void
sim_only(struct sim *sim, const struct sim_state *state) {
    sim->could[0] = *state;
    sim->could_n = 1;
}

/* Begun, and nobody was told how it ended. */
static inline void
sim_maybe(struct sim *sim, const struct sim_state *state) {
    SID_ASSERT(sim->could_n < SIM_COULD);
    sim->could[sim->could_n++] = *state;
}

static inline void
sim_model_row(struct sim_state *state, const char *event, const char *subject) {
    state->rows++;
    for (const char *text = event; *text != '\0'; text++)
        state->about = sim_hash(state->about, (uint64_t)*text);
    for (const char *text = subject; *text != '\0'; text++)
        state->about = sim_hash(state->about, (uint64_t)*text);
}

/* ---- what is done ------------------------------------------------------ */

enum sim_kind {
    SIM_ENROL,
    SIM_DECIDE,
    SIM_CHECK,
    SIM_CHANGE, /* suspended, resumed or revoked */
    SIM_UNDO,   /* written and taken back */
    SIM_KINDS
};

/* Anybody whose value in `list` is one of two; -1: there is none. */
static inline int
sim_pick(struct sim *sim, const uint8_t list[SIM_PEOPLE], int one, int other) {
    int from = sim->people == 0 ? 0 : sim_dice(sim, sim->people);

    for (int i = 0; i < sim->people; i++) {
        int number = (from + i) % sim->people;
        if (list[number] == one || list[number] == other)
            return number;
    }
    return -1;
}

static inline enum sid_err
sim_change(struct sid_store *store, int number, enum sid_credential_state to) {
    char id[SID_ID_SIZE];
    struct sid_credential c = {.enrolment_id = ""};

    make_id(id, "crd_", number);
    enum sid_err err = sid_store_credential_get(store, id, &c);
    if (err == SID_OK) {
        c.life = (struct sid_life){.state = to, .since_s = 9000};
        if (to == SID_CREDENTIAL_REVOKED)
            c.life.reason = SID_REVOKE_STOLEN;
        if (to == SID_CREDENTIAL_SUSPENDED)
            c.life.suspended_by = SID_ROLE_OFFICER;
        err = sid_store_credential_change(store, &c);
    }
    sid_credential_fini(&c);
    return err == SID_OK ? note_row(store, "changed", number) : err;
}

/* Does it to the store and to the model, whatever the store says. */
static inline enum sid_err
sim_do(struct sim *sim, enum sim_kind kind, struct sim_state *next) {
    static const char *const events[SIM_KINDS] = {"received", "decided",
                                                  "check", "changed", "check"};
    struct sid_store *store = sim->f->store;
    char subject[SID_ID_SIZE];
    int number = kind == SIM_DECIDE
                     ? sim_pick(sim, next->enrolled, SID_ENROL_RECEIVED + 1, -1)
                 : kind == SIM_CHANGE
                     ? sim_pick(sim, next->life, SID_CREDENTIAL_ACTIVE + 1,
                                SID_CREDENTIAL_SUSPENDED + 1)
                     : -1;
    int to = sim_dice(sim, SID_CREDENTIAL_REVOKED + 1);

    if (number < 0 && (kind == SIM_DECIDE || kind == SIM_CHANGE))
        kind = SIM_ENROL;
    if (kind == SIM_ENROL && sim->people == SIM_PEOPLE)
        kind = SIM_CHECK;
    if (number < 0)
        number = kind == SIM_ENROL ? sim->people++ : sim->done % SIM_PEOPLE;
    sim_trace(sim, kind, number);
    make_id(subject, "enr_", number);
    sim_model_row(next, events[kind], subject);
    switch (kind) {
    case SIM_ENROL:
        next->enrolled[number] = SID_ENROL_RECEIVED + 1;
        next->photos += 2;
        return enrol(store, number);
    case SIM_DECIDE:
        next->enrolled[number] = SID_ENROL_APPROVED + 1;
        next->life[number] = SID_CREDENTIAL_ACTIVE + 1;
        next->photos -= 2;
        return decide(store, number);
    case SIM_CHANGE:
        next->life[number] = (uint8_t)(to + 1);
        return sim_change(store, number, (enum sid_credential_state)to);
    case SIM_CHECK:
    case SIM_UNDO:
    case SIM_KINDS:
    default:
        return note_row(store, "check", number);
    }
}

/* One operation as the writer runs it: in a savepoint, which is undone when it
 * fails. *next is what is then in the transaction. */
static inline void
sim_step(struct sim *sim, struct sim_state *next) {
    enum sim_kind kind = (enum sim_kind)sim_dice(sim, SIM_KINDS);
    struct sim_state after = *next;
    struct sid_store *store = sim->f->store;

    sim->done++;
    enum sid_err err = sid_store_savepoint(store);
    bool begun = err == SID_OK;
    if (begun)
        err = sim_do(sim, kind, &after);
    sim_trace(sim, 'o', err);
    if (begun && err == SID_OK && kind != SIM_UNDO)
        err = sid_store_savepoint_release(store);
    else if (begun)
        sid_store_savepoint_undo(store);
    if (begun && err == SID_OK && kind != SIM_UNDO)
        *next = after;
}

static inline enum sid_err
sim_steps(struct sim *sim, int n, struct sim_state *next) {
    *next = *sim_now(sim);
    enum sid_err err = sid_store_begin(sim->f->store);

    for (int i = 0; err == SID_OK && i < n; i++)
        sim_step(sim, next);
    return err;
}

/* A run as of a transaction that something was in the way of: nothing of it may
 * be left, and the same comes again. */
static inline void
sim_in_vain(struct sim *sim, int n) {
    struct sim_state gone;
    uint64_t random = sim->random;
    int people = sim->people, done = sim->done;

    if (sim_steps(sim, n, &gone) == SID_OK)
        sid_store_rollback(sim->f->store);
    sim->random = random;
    sim->people = people;
    sim->done = done;
    sim->again++;
}

/* One transaction. *next: what is in the store if it is found there. */
static inline enum sid_err
sim_transaction(struct sim *sim, struct sim_state *next) {
    struct sid_store *store = sim->f->store;
    int n = 1 + sim_dice(sim, SIM_BATCH);

    if (sim_one_in(sim, sim->plan.again_one_in))
        sim_in_vain(sim, n);
    enum sid_err err = sim_steps(sim, n, next);
    if (err == SID_OK)
        err = sid_store_commit(store);
    if (sim_one_in(sim, 8))
        sid_store_checkpoint(store);
    sim_trace(sim, 't', err);
    return err;
}

/* ---- what is left ------------------------------------------------------ */

struct sim_reading {
    struct sid_chain *chain;
    struct sim_state *state;
};

static inline enum sid_err
sim_read_row(const struct sid_audit_entry *entry, void *ctx) {
    struct sim_reading *reading = ctx;

    sim_model_row(reading->state, entry->row.event, entry->row.subject);
    return sid_chain_row(reading->chain, entry);
}

static inline enum sid_err
sim_read_person(struct sid_store *store, int number, struct sim_state *out) {
    char id[SID_ID_SIZE];
    struct sid_enrolment e = {.id = ""};
    struct sid_credential c = {.id = ""};

    make_id(id, "enr_", number);
    enum sid_err err = sid_store_enrol_get(store, id, &e);
    if (err == SID_OK)
        out->enrolled[number] = (uint8_t)(e.state + 1);
    sid_enrolment_fini(&e);
    if (err != SID_OK && err != SID_E_NOT_FOUND)
        return err;
    make_id(id, "crd_", number);
    err = sid_store_credential_get(store, id, &c);
    if (err == SID_OK)
        out->life[number] = (uint8_t)(c.life.state + 1);
    sid_credential_fini(&c);
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

static inline enum sid_err
sim_read(struct sim *sim, struct sim_state *out) {
    const uint8_t start[SID_SHA256_BYTES] = {0};
    struct sid_store *store = sim->f->store;
    struct sid_chain chain;
    struct sim_reading reading = {.chain = &chain, .state = out};
    bool bad = false;

    memset(out, 0, sizeof *out);
    sid_chain_begin(&chain, sim->f->key, 0, start, note_any, &bad);
    enum sid_err err = sid_store_audit_each(store, INT64_MIN, INT64_MAX,
                                            sim_read_row, &reading);
    sid_chain_end(&chain);
    sim_expect(sim, !bad, "the audit chain is broken");
    if (err == SID_OK)
        err = sid_store_photo_count(store, &out->photos);
    for (int i = 0; err == SID_OK && i < sim->people; i++)
        err = sim_read_person(store, i, out);
    return err;
}

/* Compares the store with the model: it must be one of the states that could
 * be. Those that came after the one it is are out of the question. */
static inline void
sim_look(struct sim *sim) {
    struct sim_state seen;

    sim_expect(sim, sim_read(sim, &seen) == SID_OK, "it cannot be read");
    int i = sim->could_n - 1;
    while (i >= 0 && memcmp(&sim->could[i], &seen, sizeof seen) != 0)
        i--;
    sim_trace(sim, 'l', i);
    sim_expect(sim, i >= 0, "it is not what was acknowledged");
    if (i >= 0)
        sim->could_n = i + 1;
}

/* ---- faults ------------------------------------------------------------ */

static inline void
sim_arm(struct sim *sim) {
    enum sim_fault fault = (enum sim_fault)sim_dice(sim, SIM_FAULTS);
    int bits = 1 + sim_dice(sim, fault == SIM_NO_MEMORY ? SIM_MEMORY_BITS
                                                        : SIM_IO_BITS);
    int nth = 1 + sim_dice(sim, 1 << bits);

    sim_trace(sim, 'f', nth);
    sim_disk_arm(fault, nth);
}

static inline bool
sim_disarm(struct sim *sim) {
    bool struck = sim_disk_disarm();

    sim->faults += struck;
    sim_trace(sim, 's', struck);
    return struck;
}

/* Ends the process somewhere in what has been done since sim_disk_keep().
 * err: what was answered for *next; NULL: nothing was begun. */
static inline void
sim_end(struct sim *sim, enum sid_err err, const struct sim_state *next) {
    enum sim_end end = (enum sim_end)sim_dice(sim, 2);
    bool last = sim_disk_cut(sim->f->path, &sim->f->store, end);

    sim_trace(sim, 'e', last);
    sim->cuts += end == SIM_POWER_CUT;
    sim->kills += end == SIM_KILL;
    if (next != NULL && last && err == SID_OK)
        sim_only(sim, next);
    else if (next != NULL)
        sim_maybe(sim, next);
}

/* What an answer means while the process lives on. Returns whether the store
 * serves on. */
static inline bool
sim_answered(struct sim *sim, enum sid_err err, bool struck,
             const struct sim_state *next) {
    bool broken = sid_store_broken(sim->f->store);

    sim_expect(sim, err == SID_OK || struck, "it said no without a cause");
    if (err == SID_OK)
        sim_only(sim, next);
    else if (broken)
        sim_maybe(sim, next);
    if (struck && !broken)
        sim_look(sim);
    return !broken;
}

/* A start that is hit by a fault, and perhaps by an end in its middle; if it
 * comes up, it serves once, and that may be hit, too. */
static inline void
sim_start_hit(struct sim *sim) {
    struct sim_state next;
    bool begun = false, struck = false;
    bool ends = sim_one_in(sim, 2);

    sim->starts_hit++;
    sim_disk_keep();
    sim_arm(sim);
    enum sid_err err = sim_disk_open(sim->f);
    struck = sim_disarm(sim);
    sim_trace(sim, 'h', err);
    sim_expect(sim, err == SID_OK || struck,
               "it did not start without a cause");
    if (err == SID_OK && sim_one_in(sim, 2)) {
        sim_look(sim);
        sim_arm(sim);
        err = sim_transaction(sim, &next);
        struck = sim_disarm(sim);
        begun = true;
    }
    if (ends) {
        sim_end(sim, err, begun ? &next : NULL);
        return;
    }
    if (begun)
        (void)sim_answered(sim, err, struck, &next);
    sid_store_close(&sim->f->store);
}

/* Starts, at last on a disk that works, and looks. */
static inline void
sim_start(struct sim *sim) {
    struct sim_state next;

    for (int i = 0; i < SIM_STARTS && sim->wrong == NULL &&
                    sim_one_in(sim, sim->plan.start_one_in);
         i++)
        sim_start_hit(sim);
    if (sim->wrong != NULL)
        return;
    sim_disk_keep();
    sim_expect(sim, sim_disk_open(sim->f) == SID_OK, "it does not start");
    if (sim->wrong != NULL)
        return;
    sim_look(sim);
    sim_expect(sim, sim_disk_whole(sim->f->path), "it is not whole");
    if (sim->wrong == NULL && sim->could_n > 1) {
        /* What is acknowledged now takes what was seen with it. */
        enum sid_err err = sim_transaction(sim, &next);
        (void)sim_answered(sim, err, false, &next);
    }
}

/* One transaction with what the dice put in its way. */
static inline void
sim_go_on(struct sim *sim, bool end_it) {
    struct sim_state next;
    bool struck = false, serves = true;
    bool ends = end_it || sim_one_in(sim, sim->plan.end_one_in);
    bool armed = sim_one_in(sim, sim->plan.fault_one_in);

    sim_disk_keep();
    if (armed)
        sim_arm(sim);
    enum sid_err err = sim_transaction(sim, &next);
    if (armed)
        struck = sim_disarm(sim);
    if (ends)
        sim_end(sim, err, &next);
    else
        serves = sim_answered(sim, err, struck, &next);
    if (!serves || (!ends && sim_one_in(sim, 32)))
        sid_store_close(&sim->f->store);
    if (sim->f->store == NULL && sim->wrong == NULL)
        sim_start(sim);
}

/* ---- a run ------------------------------------------------------------- */

/* On a folder of the caller's, which may have been used before. */
static inline void
sim_run(struct sim *sim, struct fixture *f, const struct sim_plan *plan,
        uint64_t seed) {
    memset(sim, 0, sizeof *sim);
    sim->plan = *plan;
    sim->f = f;
    sim->random = seed;
    sim->could_n = 1;
    sim_disk_begin(f->path, seed);
    sim_expect(sim, sim_disk_open(f) == SID_OK, "it does not start");
    while (sim->wrong == NULL && sim->done < plan->steps)
        sim_go_on(sim, false);
    if (sim->wrong == NULL && plan->cut_at_end)
        sim_go_on(sim, true);
    if (sim->wrong == NULL)
        sim_look(sim);
    sid_store_close(&f->store);
    sim_disk_note();
    sim->trace = sim_hash(sim->trace, sim_disk_trace);
    sim_disk_end();
}

static inline int
sim_group_setup(void **state) {
    if (fixture_group_setup(state) != 0 || fixture_setup_closed(state) != 0)
        return -1;
    struct fixture *f = *state;
    sim_disk_make(f->path, f->key);
    return 0;
}

static inline int
sim_group_teardown(void **state) {
    fixture_teardown(state);
    sim_disk_free();
    return fixture_group_teardown(state);
}

static inline uint64_t
sim_from_environment(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* What many runs came to. */
struct sim_total {
    long ops, faults, cuts, kills, starts_hit, again;
    int wrong;
};

static inline struct sim_total
sim_run_many(struct fixture *f, const struct sim_plan *plan, uint64_t first,
             uint64_t seeds) {
    static struct sim sim;
    struct sim_total total = {.wrong = 0};

    for (uint64_t seed = first; seed < first + seeds; seed++) {
        sim_run(&sim, f, plan, seed);
        total.ops += sim.done;
        total.faults += sim.faults;
        total.cuts += sim.cuts;
        total.kills += sim.kills;
        total.starts_hit += sim.starts_hit;
        total.again += sim.again;
        if (sim.wrong != NULL)
            printf("seed %llu, operation %d: %s\n", (unsigned long long)seed,
                   sim.done, sim.wrong);
        fflush(stdout);
        total.wrong += sim.wrong != NULL;
    }
    printf("%llu seeds from %llu on: %ld operations, %ld faults, %ld power "
           "cuts, %ld kills, %ld starts hit, %ld run again, %d wrong\n",
           (unsigned long long)seeds, (unsigned long long)first, total.ops,
           total.faults, total.cuts, total.kills, total.starts_hit, total.again,
           total.wrong);
    return total;
}

#endif
