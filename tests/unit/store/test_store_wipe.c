/* test_store_wipe.c: nothing of what was deleted or replaced is left in any
 * file, whatever SQLite has moved about meanwhile; and what was not deleted is
 * whole. */
#include "store_fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>

enum { PEOPLE = 1200, STEPS = 4000, BATCH = 80 };

/* Values are random, so that these many bytes tell one from all others. */
#define NEEDLE_BYTES 8

static uint64_t random_state;

/* Source: splitmix64, public domain. */
static uint64_t
next_random(void) {
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void
fill(void *out, size_t len) {
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)(next_random() >> 32);
}

/* ---- what is looked for ------------------------------------------------- */

enum { SLOTS = 1 << 18 }; /* of a hash table that is never half full */

struct needles {
    uint64_t slot[SLOTS];
    int count;
};

static uint64_t *
find_slot(struct needles *set, uint64_t needle) {
    size_t at = (size_t)(needle * 0x9E3779B97F4A7C15u >> 46);

    while (set->slot[at] != 0 && set->slot[at] != needle)
        at = (at + 1) % SLOTS;
    return &set->slot[at];
}

/* The beginning and the end of a value. */
static void
look_for(struct needles *set, const void *value, size_t len) {
    const uint8_t *at[] = {value, (const uint8_t *)value + len - NEEDLE_BYTES};

    for (int i = 0; i < 2; i++) {
        uint64_t needle;
        memcpy(&needle, at[i], sizeof needle);
        *find_slot(set, needle) = needle;
        set->count++;
    }
}

static int
hits_in_file(struct needles *set, const char *path) {
    struct stat st;
    int hits = 0;

    if (stat(path, &st) != 0 || st.st_size == 0)
        return 0;
    uint8_t *bytes = malloc((size_t)st.st_size);
    FILE *file = fopen(path, "rb");
    assert_non_null(bytes);
    assert_non_null(file);
    size_t n = fread(bytes, 1, (size_t)st.st_size, file);
    fclose(file);
    for (size_t i = 0; i + NEEDLE_BYTES <= n; i++) {
        uint64_t window;
        memcpy(&window, bytes + i, sizeof window);
        hits += window != 0 && *find_slot(set, window) == window;
    }
    free(bytes);
    return hits;
}

static int
hits_in_folder(struct needles *set, const struct fixture *f) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    int hits = 0;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
        hits += hits_in_file(set, path);
    }
    return hits;
}

/* ---- people -------------------------------------------------------------- */

struct person {
    int number;
    struct sid_subject_key key;
    uint8_t id_index[SID_SHA256_BYTES];
    uint8_t holder[2][180]; /* sealed, of enrolment and credential */
    size_t holder_len;
    uint8_t photo[9000];
    uint8_t template[SID_TEMPLATE_SEALED_BYTES];
    bool has_photo;
    bool has_credential;
};

struct town {
    struct fixture *f;
    struct needles gone;
    struct person person[PEOPLE];
    int living;
    int next_number;
};

static struct sid_enrolment
row_of(const struct person *p) {
    struct sid_enrolment e = make_enrolment(p->number);

    sid_buf_free(&e.holder_sealed);
    ok(sid_buf_append(&e.holder_sealed, p->holder[0], p->holder_len));
    memcpy(e.id_index, p->id_index, sizeof e.id_index);
    e.key = p->key;
    return e;
}

static void
make_keys(struct sid_subject_key *key) {
    key->data_version = key->data_version % 200 + 1;
    key->template_version = key->data_version;
    fill(key->data_wrapped, sizeof key->data_wrapped);
    fill(key->template_wrapped, sizeof key->template_wrapped);
}

static void
give_credential(struct sid_store *store, struct person *p) {
    struct sid_credential c = make_credential(p->number, 1);
    uint64_t serial = 0;

    sid_buf_free(&c.holder_sealed);
    ok(sid_buf_append(&c.holder_sealed, p->holder[1], p->holder_len));
    memcpy(c.id_index, p->id_index, sizeof c.id_index);
    ok(sid_store_credential_insert(store, &c, &serial));
    sid_credential_fini(&c);
    p->has_credential = true;
}

/* As the daemon does it: received, at work, decided. */
static void
enrol(struct town *town) {
    struct sid_store *store = town->f->store;
    struct person *p = &town->person[town->living++];
    int attempts = 0;

    *p = (struct person){.number = ++town->next_number};
    fill(p->id_index, sizeof p->id_index);
    fill(p->holder, sizeof p->holder);
    fill(p->photo, sizeof p->photo);
    fill(p->template, sizeof p->template);
    p->holder_len = 60 + next_random() % 120;
    make_keys(&p->key);
    struct sid_enrolment e = row_of(p);
    ok(sid_store_enrol_insert(store, &e));
    ok(sid_store_photo_put(store, e.id, SID_PHOTO_SELFIE,
                           sid_span_of(p->photo, sizeof p->photo)));
    ok(sid_store_enrol_begin_work(store, e.id, 6000, &attempts));
    bool review = next_random() % 3 == 0;
    if (!review) {
        give_credential(store, p);
        make_id(e.credential_id, "crd_", p->number);
        look_for(&town->gone, p->photo, sizeof p->photo);
    }
    p->has_photo = review;
    e.state = review ? SID_ENROL_REVIEW : SID_ENROL_APPROVED;
    sid_reasons_add(&e.reasons, SID_REASON_FACES_UNCLEAR, SID_PHOTO_NONE);
    ok(sid_store_enrol_decide(store, &e, SID_ENROL_PROCESSING));
    ok(sid_store_template_put(store, e.id,
                              sid_span_of(p->template, sizeof p->template)));
    sid_enrolment_fini(&e);
}

static void
erase(struct town *town, int at) {
    struct person *p = &town->person[at];
    struct sid_erasure erasure = {.erased_at_s = 9000};

    make_id(erasure.enrolment_id, "enr_", p->number);
    if (p->has_credential)
        make_id(erasure.credential_id, "crd_", p->number);
    ok(sid_store_erase(town->f->store, &erasure));
    look_for(&town->gone, p->key.data_wrapped, SID_WRAPPED_BYTES);
    look_for(&town->gone, p->key.template_wrapped, SID_WRAPPED_BYTES);
    look_for(&town->gone, p->id_index, sizeof p->id_index);
    look_for(&town->gone, p->holder[0], p->holder_len);
    look_for(&town->gone, p->holder[1], p->holder_len);
    look_for(&town->gone, p->template, sizeof p->template);
    if (p->has_photo)
        look_for(&town->gone, p->photo, sizeof p->photo);
    *p = town->person[--town->living];
}

static void
renew(struct town *town, int at) {
    struct person *p = &town->person[at];
    char id[SID_ID_SIZE];

    look_for(&town->gone, p->key.data_wrapped, SID_WRAPPED_BYTES);
    look_for(&town->gone, p->key.template_wrapped, SID_WRAPPED_BYTES);
    look_for(&town->gone, p->template, sizeof p->template);
    make_keys(&p->key);
    fill(p->template, sizeof p->template);
    make_id(id, "enr_", p->number);
    ok(sid_store_subject_rewrap(town->f->store, id, &p->key));
    ok(sid_store_template_put(town->f->store, id,
                              sid_span_of(p->template, sizeof p->template)));
}

static void
is_whole(struct town *town, const struct person *p) {
    struct sid_enrolment e = {.id = ""};
    struct sid_buf template = SID_BUF_EMPTY;
    char id[SID_ID_SIZE];

    make_id(id, "enr_", p->number);
    ok(sid_store_enrol_get(town->f->store, id, &e));
    assert_int_equal(e.holder_sealed.len, p->holder_len);
    assert_memory_equal(e.holder_sealed.ptr, p->holder[0], p->holder_len);
    assert_memory_equal(&e.key, &p->key, sizeof e.key);
    ok(sid_store_template_get(town->f->store, id, &template));
    assert_memory_equal(template.ptr, p->template, sizeof p->template);
    sid_buf_free(&template);
    sid_enrolment_fini(&e);
}

static void
check_integrity(const struct fixture *f) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* People come, go and are wrapped again, in random order. */
static void
let_time_pass(struct town *town) {
    struct sid_store *store = town->f->store;

    for (int step = 0; step < STEPS; step++) {
        uint64_t dice = next_random() % 10;
        if (step % BATCH == 0)
            ok(sid_store_begin(store));
        if (dice < 4 && town->living < PEOPLE)
            enrol(town);
        else if (dice < 7 && town->living > 0)
            erase(town, (int)(next_random() % (uint64_t)town->living));
        else if (town->living > 0)
            renew(town, (int)(next_random() % (uint64_t)town->living));
        if (step % BATCH == BATCH - 1) {
            ok(sid_store_commit(store));
            sid_store_checkpoint_if_due(store);
        }
    }
}

static void
no_byte_of_what_was_deleted_or_replaced_is_left(void **state) {
    struct fixture *f = *state;
    struct town *town = calloc(1, sizeof *town);

    assert_non_null(town);
    town->f = f;
    random_state = 20261125;
    ok(sid_store_begin(f->store));
    while (town->living < PEOPLE / 2)
        enrol(town);
    ok(sid_store_commit(f->store));
    let_time_pass(town);
    assert_true(sid_store_littered(f->store));
    sid_store_checkpoint(f->store);
    assert_false(sid_store_littered(f->store));
    int hits = hits_in_folder(&town->gone, f);
    print_message("%d values deleted or replaced, %d found; %d people left\n",
                  town->gone.count / 2, hits, town->living);
    assert_int_equal(hits, 0);
    for (int i = 0; i < town->living; i++)
        is_whole(town, &town->person[i]);
    assert_int_equal(sid_store_template_count(f->store), town->living);
    fixture_reopen(f);
    assert_int_equal(sid_store_template_count(f->store), town->living);
    for (int i = 0; i < town->living; i++)
        is_whole(town, &town->person[i]);
    sid_store_close(&f->store);
    check_integrity(f);
    assert_int_equal(hits_in_folder(&town->gone, f), 0);
    free(town);
}

/* ---- size ---------------------------------------------------------------- */

static off_t
size_of(const struct fixture *f) {
    struct stat st;

    assert_int_equal(stat(f->path, &st), 0);
    return st.st_size;
}

static void
room_that_a_burst_has_left_is_given_back_in_steps(void **state) {
    struct fixture *f = *state;
    const size_t len = (size_t)14 << 20;
    uint8_t *photo = malloc(len);
    int steps = 0;

    assert_non_null(photo);
    memset(photo, 7, len);
    ok(sid_store_begin(f->store));
    for (int i = 1; i <= 3; i++) {
        struct sid_enrolment e = make_enrolment(i);
        ok(sid_store_enrol_insert(f->store, &e));
        ok(sid_store_photo_put(f->store, e.id, SID_PHOTO_ID,
                               sid_span_of(photo, len)));
        sid_enrolment_fini(&e);
    }
    ok(sid_store_commit(f->store));
    free(photo);
    sid_store_checkpoint(f->store);
    assert_true(size_of(f) >= (off_t)(3 * len));
    assert_false(sid_store_shrink(f->store));
    ok(sid_store_begin(f->store));
    for (int i = 1; i <= 2; i++) {
        struct sid_enrolment e = make_enrolment(i);
        e.state = SID_ENROL_REJECTED;
        ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
        sid_enrolment_fini(&e);
    }
    ok(sid_store_commit(f->store));
    while (sid_store_shrink(f->store)) {
        off_t before = size_of(f);
        sid_store_checkpoint(f->store);
        assert_in_range(before - size_of(f), 4 << 20, (4 << 20) + 16384);
        steps++;
    }
    print_message("%d steps, %lld MiB left\n", steps,
                  (long long)size_of(f) >> 20);
    assert_int_equal(steps, 3);
    /* 14 MiB are in use, 16 MiB are kept for the next burst. */
    assert_in_range(size_of(f), (off_t)30 << 20, (off_t)34 << 20);
    sid_store_close(&f->store);
    check_integrity(f);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        T(no_byte_of_what_was_deleted_or_replaced_is_left),
        T(room_that_a_burst_has_left_is_given_back_in_steps),
#undef T
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
