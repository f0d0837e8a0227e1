/* compare_pairs.c: smartidctl compare --pairs: every photo of a table is
 * examined once, by several threads with an engine each; then every pair is
 * compared and written. The main thread reads, waits, writes; workers take
 * photos by an atomic counter. */
#include "compare.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "csv.h"
#include "ctl.h"

#define TABLE_BYTES_MAX ((size_t)1 << 30)
#define PROGRESS_EVERY_MS 200
#define BAR_CHARS 40

struct photo {
    const char *path; /* borrowed from a pair */
    enum sid_photo_kind kind;
    enum sid_err err; /* of reading or examining */
    struct sid_photo_facts facts;
};

struct pair {
    char *path_a, *path_b, *same;
    struct photo *a, *b;
};

struct work {
    const struct sid_compare *me;
    struct pair *pairs;
    size_t pair_count, pair_room;
    struct photo *photos;
    size_t photo_count;
    _Atomic size_t next, done;
    _Atomic int failed; /* an engine could not be made */
};

/* ---- the table ---------------------------------------------------------- */

static enum sid_err
add_pair(struct work *work, const char *a, const char *b, const char *same) {
    if (work->pair_count == work->pair_room) {
        size_t room = work->pair_room * 2 + 256;
        struct pair *grown = reallocarray(work->pairs, room, sizeof *grown);
        if (grown == NULL)
            return SID_E_NO_MEMORY;
        work->pairs = grown;
        work->pair_room = room;
    }
    struct pair *pair = &work->pairs[work->pair_count];
    *pair = (struct pair){strdup(a), strdup(b), strdup(same), NULL, NULL};
    work->pair_count++; /* from here on freed with the table */
    return pair->path_a != NULL && pair->path_b != NULL && pair->same != NULL
               ? SID_OK
               : SID_E_NO_MEMORY;
}

static enum sid_err
read_rows(struct work *work, struct sid_csv_reader *reader,
          struct sid_csv_record *record) {
    enum sid_err err = SID_OK;
    if (!sid_csv_next(reader, record, &err))
        return err == SID_OK ? SID_E_BAD_REQUEST : err;
    int a = sid_csv_column(record, "path_a");
    int b = sid_csv_column(record, "path_b");
    int same = sid_csv_column(record, "same");
    size_t columns = record->count;
    if (a < 0 || b < 0 || same < 0)
        return SID_E_BAD_REQUEST;
    while (err == SID_OK && sid_csv_next(reader, record, &err)) {
        bool truth;
        if (record->count != columns ||
            !sid_csv_truth(sid_csv_field(record, (size_t)same), &truth))
            return SID_E_BAD_REQUEST;
        err = add_pair(work, sid_csv_field(record, (size_t)a),
                       sid_csv_field(record, (size_t)b),
                       sid_csv_field(record, (size_t)same));
    }
    return err;
}

static enum sid_err
read_table(struct work *work) {
    struct sid_buf text = SID_BUF_EMPTY;
    struct sid_csv_record record = {0};
    errno = 0;
    enum sid_err err =
        sid_ctl_read_file(work->me->pairs, TABLE_BYTES_MAX, &text);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", work->me->pairs,
                      err == SID_E_IO ? strerror(errno) : sid_err_text(err));
    } else {
        struct sid_csv_reader reader = {.in = sid_buf_span(&text)};
        err = read_rows(work, &reader, &record);
        if (err != SID_OK)
            (void)fprintf(stderr,
                          "smartidctl: %s:%zu: not a table with the columns "
                          "path_a,path_b,same (same is 0, 1, true or false)\n",
                          work->me->pairs, record.line);
    }
    sid_csv_record_fini(&record);
    sid_buf_free(&text);
    return err;
}

/* ---- each photo once ---------------------------------------------------- */

static int
by_name(const void *left, const void *right) {
    const struct photo *a = left, *b = right;
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : (int)a->kind - (int)b->kind;
}

static enum sid_err
list_photos(struct work *work) {
    size_t n = work->pair_count * 2;
    struct photo *all = calloc(n + 1, sizeof *all);
    if (all == NULL)
        return SID_E_NO_MEMORY;
    for (size_t i = 0; i < work->pair_count; i++) {
        all[2 * i].path = work->pairs[i].path_a;
        all[2 * i].kind = work->me->kind_a;
        all[2 * i + 1].path = work->pairs[i].path_b;
        all[2 * i + 1].kind = work->me->kind_b;
    }
    qsort(all, n, sizeof *all, by_name);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || by_name(&all[kept - 1], &all[i]) != 0)
            all[kept++] = all[i];
    work->photos = all;
    work->photo_count = kept;
    for (size_t i = 0; i < work->pair_count; i++) {
        struct pair *pair = &work->pairs[i];
        struct photo key = {.path = pair->path_a, .kind = work->me->kind_a};
        pair->a = bsearch(&key, all, kept, sizeof key, by_name);
        key = (struct photo){.path = pair->path_b, .kind = work->me->kind_b};
        pair->b = bsearch(&key, all, kept, sizeof key, by_name);
    }
    return SID_OK;
}

static void
examine(struct work *work, struct sid_face_engine *engine,
        struct photo *photo) {
    struct sid_buf path = SID_BUF_EMPTY;
    photo->err =
        photo->path[0] == '/'
            ? sid_buf_printf(&path, "%s", photo->path)
            : sid_buf_printf(&path, "%s/%s", work->me->root, photo->path);
    if (photo->err == SID_OK)
        photo->err = sid_buf_append(&path, "", 1);
    if (photo->err == SID_OK)
        photo->err = sid_compare_file(engine, (const char *)path.ptr,
                                      photo->kind, false, &photo->facts);
    sid_buf_free(&path);
}

static void *
run(void *ctx) {
    struct work *work = ctx;
    struct sid_face_engine *engine = NULL;
    if (sid_models_engine(work->me->models, &engine) != SID_OK) {
        atomic_store(&work->failed, 1);
        return NULL;
    }
    for (;;) {
        size_t i = atomic_fetch_add(&work->next, 1);
        if (i >= work->photo_count)
            break;
        examine(work, engine, &work->photos[i]);
        atomic_fetch_add(&work->done, 1);
    }
    sid_face_engine_free(&engine);
    return NULL;
}

/* On a terminal only. */
static void
show_progress(struct work *work) {
    const struct timespec pause = {.tv_nsec = PROGRESS_EVERY_MS * 1000000L};
    if (!isatty(STDERR_FILENO))
        return;
    for (;;) {
        size_t done = atomic_load(&work->done), all = work->photo_count;
        size_t filled = all == 0 ? BAR_CHARS : done * BAR_CHARS / all;
        (void)fprintf(stderr, "\r[");
        for (size_t i = 0; i < BAR_CHARS; i++)
            (void)fputc(i < filled ? '#' : ' ', stderr);
        (void)fprintf(stderr, "] %zu of %zu photos ", done, all);
        if (done == all || atomic_load(&work->failed))
            break;
        (void)nanosleep(&pause, NULL);
    }
    (void)fputc('\n', stderr);
}

static enum sid_err
examine_all(struct work *work) {
    size_t want = (size_t)work->me->jobs, started = 0;
    pthread_t *threads = calloc(want, sizeof *threads);
    if (threads == NULL)
        return SID_E_NO_MEMORY;
    while (started < want &&
           pthread_create(&threads[started], NULL, run, work) == 0)
        started++;
    if (started > 0)
        show_progress(work);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    free(threads);
    if (atomic_load(&work->failed)) {
        char problem[512] = "";
        sid_models_problem(work->me->models, problem, sizeof problem);
        (void)fprintf(stderr, "smartidctl: %s\n", problem);
        return SID_E_MODEL;
    }
    return started > 0 ? SID_OK : SID_E_INTERNAL;
}

/* ---- the answer --------------------------------------------------------- */

/* "no_face:a too_dark:b": everything that keeps the pair from being used. */
static void
append_problems(struct sid_buf *to, const struct photo *photo,
                const char *name) {
    struct sid_reasons reasons = {.count = 0};
    enum sid_err err = SID_OK;
    if (photo->err != SID_OK) {
        err = sid_buf_printf(to, "%s%s:%s", to->len > 0 ? " " : "",
                             sid_err_code(photo->err), name);
    } else {
        sid_policy_photo(&photo->facts, photo->kind, &reasons);
        for (size_t i = 0; err == SID_OK && i < reasons.count; i++)
            err = sid_buf_printf(to, "%s%s:%s", to->len > 0 ? " " : "",
                                 sid_reason_code(reasons.item[i].reason), name);
    }
    SID_ASSERT(err == SID_OK); /* a few bytes */
}

static void
write_pair(const struct work *work, const struct pair *pair) {
    struct sid_buf problems = SID_BUF_EMPTY;
    append_problems(&problems, pair->a, "a");
    append_problems(&problems, pair->b, "b");
    SID_ASSERT(sid_buf_append(&problems, "", 1) == SID_OK);
    sid_csv_write(stdout, pair->path_a);
    (void)putchar(',');
    sid_csv_write(stdout, pair->path_b);
    (void)putchar(',');
    sid_csv_write(stdout, pair->same);
    if (pair->a->facts.faces > 0 && pair->b->facts.faces > 0) {
        float similarity =
            sid_similarity(pair->a->facts.embedding, pair->b->facts.embedding);
        (void)printf(
            ",%.4f,%s,", (double)similarity,
            sid_band_name(sid_policy_band(&work->me->policy, similarity)));
    } else {
        (void)fputs(",,,", stdout);
    }
    sid_csv_write(stdout, (const char *)problems.ptr);
    (void)fputs("\n", stdout);
    sid_buf_free(&problems);
}

/* Mean milliseconds per photo and stage, for the operator. */
static void
report_times(const struct work *work, double seconds) {
    double cpu_ms = 0;
    size_t n = 0, faces = 0;
    for (size_t i = 0; i < work->photo_count; i++) {
        const struct sid_photo_facts *f = &work->photos[i].facts;
        if (work->photos[i].err != SID_OK)
            continue;
        n++;
        faces += f->faces > 0;
        cpu_ms += (double)(f->ms_decode + f->ms_detect + f->ms_landmark +
                           f->ms_embed + f->ms_liveness + f->ms_pose);
    }
    (void)fprintf(stderr,
                  "%zu pairs, %zu photos, %zu with a face; %.1f ms per photo "
                  "and thread, %.1f s in all\n",
                  work->pair_count, work->photo_count, faces,
                  n > 0 ? cpu_ms / (double)n : 0.0, seconds);
}

static void
free_work(struct work *work) {
    for (size_t i = 0; i < work->photo_count; i++)
        sid_photo_facts_fini(&work->photos[i].facts);
    free(work->photos);
    for (size_t i = 0; i < work->pair_count; i++) {
        free(work->pairs[i].path_a);
        free(work->pairs[i].path_b);
        free(work->pairs[i].same);
    }
    free(work->pairs);
}

int
sid_compare_pairs(const struct sid_compare *me) {
    struct work work = {.me = me};
    struct timespec begin, end;
    int code = SID_CTL_FAILED;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    if (read_table(&work) != SID_OK || list_photos(&work) != SID_OK ||
        examine_all(&work) != SID_OK)
        goto out;
    (void)puts("path_a,path_b,same,similarity,band,error");
    for (size_t i = 0; i < work.pair_count; i++)
        write_pair(&work, &work.pairs[i]);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    if (fflush(stdout) != 0) {
        (void)fprintf(stderr, "smartidctl: %s\n", strerror(errno));
        goto out;
    }
    report_times(&work, (double)(end.tv_sec - begin.tv_sec) +
                            (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    code = SID_CTL_OK;
out:
    free_work(&work);
    return code;
}
