/* The blobs: sealed photos as files of their own (blobs.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/blobs.h"
#include "smartid/log.h"

#define ok(expression) assert_int_equal((expression), SID_OK)

struct fixture {
    char folder[256];
    char path[300]; /* of the blobs */
    struct sid_blobs *blobs;
};

static int
setup(void **state) {
    const char *tmp = getenv("TMPDIR");
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    (void)snprintf(f->folder, sizeof f->folder, "%s/sid-blobs-XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/x.photos", f->folder);
    ok(sid_blobs_open(f->path, &f->blobs));
    *state = f;
    return 0;
}

static int
teardown(void **state) {
    struct fixture *f = *state;
    char command[320];

    sid_blobs_close(&f->blobs);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void
in_folder(const struct fixture *f, const char *name, char out[400]) {
    (void)snprintf(out, 400, "%s/%s", f->path, name);
}

/* ---- a put that is waited for ------------------------------------------- */

struct put {
    struct sid_blob_put put; /* first */
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
};

static void
put_done(struct sid_blob_put *put) {
    struct put *me = (struct put *)put;

    pthread_mutex_lock(&me->lock);
    me->done = true;
    pthread_cond_signal(&me->over);
    pthread_mutex_unlock(&me->lock);
}

static enum sid_err
put(struct sid_blobs *blobs, const char *name, struct sid_span card,
    struct sid_span selfie) {
    struct put me = {.put.done = put_done,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .over = PTHREAD_COND_INITIALIZER};

    (void)snprintf(me.put.name, sizeof me.put.name, "%s", name);
    me.put.part[SID_PHOTO_ID] = card;
    me.put.part[SID_PHOTO_SELFIE] = selfie;
    sid_blobs_put(blobs, &me.put);
    pthread_mutex_lock(&me.lock);
    while (!me.done)
        pthread_cond_wait(&me.over, &me.lock);
    pthread_mutex_unlock(&me.lock);
    pthread_mutex_destroy(&me.lock);
    pthread_cond_destroy(&me.over);
    return me.put.err;
}

static const char one[] = "blb_00000000000000000000000001";
static const char two[] = "blb_00000000000000000000000002";

static void
assert_photo(struct sid_blobs *blobs, const char *name,
             enum sid_photo_kind kind, const char *text) {
    struct sid_buf out = SID_BUF_EMPTY;

    ok(sid_blobs_get(blobs, name, kind, &out));
    assert_true(sid_span_eq(sid_buf_span(&out), sid_span_str(text)));
    sid_buf_free(&out);
}

static void
assert_none(struct sid_blobs *blobs, const char *name,
            enum sid_photo_kind kind) {
    struct sid_buf out = SID_BUF_EMPTY;

    assert_int_equal(sid_blobs_get(blobs, name, kind, &out), SID_E_NOT_FOUND);
    assert_int_equal(out.len, 0);
}

/* ---- tests --------------------------------------------------------------- */

static void
each_photo_is_read_back_by_its_kind_also_after_a_restart(void **state) {
    struct fixture *f = *state;

    ok(put(f->blobs, one, sid_span_str("card"), sid_span_str("selfie!")));
    ok(put(f->blobs, two, sid_span_of(NULL, 0), sid_span_str("other")));
    for (int round = 0; round < 2; round++) {
        assert_photo(f->blobs, one, SID_PHOTO_ID, "card");
        assert_photo(f->blobs, one, SID_PHOTO_SELFIE, "selfie!");
        assert_none(f->blobs, one, SID_PHOTO_FRAME_1);
        assert_none(f->blobs, two, SID_PHOTO_ID);
        assert_photo(f->blobs, two, SID_PHOTO_SELFIE, "other");
        sid_blobs_close(&f->blobs);
        ok(sid_blobs_open(f->path, &f->blobs));
    }
}

static void
nobody_else_may_read_folder_or_file(void **state) {
    struct fixture *f = *state;
    struct stat st;
    char path[400];

    ok(put(f->blobs, one, sid_span_str("card"), sid_span_str("selfie")));
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    in_folder(f, one, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    /* What somebody has opened up is closed again. */
    sid_blobs_close(&f->blobs);
    assert_int_equal(chmod(f->path, 0755), 0);
    ok(sid_blobs_open(f->path, &f->blobs));
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void
a_name_is_used_once_and_the_first_file_stays(void **state) {
    struct fixture *f = *state;

    ok(put(f->blobs, one, sid_span_str("first"), sid_span_str("selfie")));
    assert_int_equal(
        put(f->blobs, one, sid_span_str("second"), sid_span_str("selfie")),
        SID_E_EXISTS);
    assert_photo(f->blobs, one, SID_PHOTO_ID, "first");
}

static void
what_is_dropped_is_overwritten_and_gone(void **state) {
    struct fixture *f = *state;
    char text[100001], path[400], left[sizeof text] = "";

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ok(put(f->blobs, one, sid_span_str(text), sid_span_str("selfie")));
    in_folder(f, one, path);
    int fd = open(path, O_RDONLY); /* keeps the content from being freed */
    assert_true(fd >= 0);
    sid_blobs_drop(f->blobs, one);
    sid_blobs_drop(f->blobs, two); /* was never there */
    sid_blobs_settle(f->blobs);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_none(f->blobs, one, SID_PHOTO_ID);
    ssize_t n = read(fd, left, sizeof left);
    assert_true(n > 0);
    for (ssize_t i = 0; i < n; i++)
        assert_int_equal(left[i], 0);
    close(fd);
}

static void
closing_works_off_what_was_dropped(void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE], path[400];

    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "blb_%026d", i);
        ok(put(f->blobs, name, sid_span_str("card"), sid_span_str("selfie")));
    }
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "blb_%026d", i);
        sid_blobs_drop(f->blobs, name);
    }
    sid_blobs_close(&f->blobs);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "blb_%026d", i);
        in_folder(f, name, path);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

/* As on a full disk: it may grow to 10 KB, and no further. */
static void
a_photo_that_does_not_fit_leaves_no_file(void **state) {
    struct fixture *f = *state;
    static const uint8_t large[50000] = {1};
    struct rlimit old, small;
    char path[400];

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 10000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum sid_err err = put(f->blobs, one, sid_span_of(large, sizeof large),
                           sid_span_str("selfie"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(err, SID_E_STORE);
    in_folder(f, one, path);
    assert_int_not_equal(access(path, F_OK), 0);
    ok(put(f->blobs, one, sid_span_of(large, sizeof large),
           sid_span_str("selfie")));
}

static void
a_file_that_is_cut_or_of_another_form_holds_no_photo(void **state) {
    struct fixture *f = *state;
    char path[400];
    struct stat st;

    ok(put(f->blobs, one, sid_span_str("card"), sid_span_str("selfie")));
    in_folder(f, one, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 1), 0);
    assert_photo(f->blobs, one, SID_PHOTO_ID, "card");
    assert_none(f->blobs, one, SID_PHOTO_SELFIE);
    assert_int_equal(truncate(path, 11), 0);
    assert_none(f->blobs, one, SID_PHOTO_ID);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++)
        (void)fputc('\xff', file);
    assert_int_equal(fclose(file), 0);
    assert_none(f->blobs, one, SID_PHOTO_ID);
    /* A length that nobody has room for. */
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("sidblob1\xff\xff\xff\xff", file);
    for (int i = 0; i < 100; i++)
        (void)fputc('\xff', file);
    assert_int_equal(fclose(file), 0);
    assert_none(f->blobs, one, SID_PHOTO_ID);
}

struct seen {
    int count;
    char last[SID_ID_SIZE];
    enum sid_err answer;
};

static enum sid_err
see(const char *name, void *ctx) {
    struct seen *seen = ctx;

    seen->count++;
    (void)snprintf(seen->last, sizeof seen->last, "%s", name);
    return seen->answer;
}

static void
every_blob_is_walked_and_a_stranger_s_file_left_alone(void **state) {
    struct fixture *f = *state;
    struct seen seen = {.answer = SID_OK};
    char path[400];

    ok(sid_blobs_each(f->blobs, see, &seen));
    assert_int_equal(seen.count, 0);
    ok(put(f->blobs, one, sid_span_str("card"), sid_span_str("selfie")));
    in_folder(f, "notes.txt", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    ok(sid_blobs_each(f->blobs, see, &seen));
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last, one);
    seen = (struct seen){.answer = SID_E_NO_MEMORY};
    ok(put(f->blobs, two, sid_span_str("card"), sid_span_str("selfie")));
    assert_int_equal(sid_blobs_each(f->blobs, see, &seen), SID_E_NO_MEMORY);
    assert_int_equal(seen.count, 1);
}

static void
what_is_no_folder_of_ours_is_refused(void **state) {
    struct fixture *f = *state;
    struct sid_blobs *blobs = NULL;
    char path[400];

    (void)snprintf(path, sizeof path, "%s/file", f->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(sid_blobs_open(path, &blobs), SID_E_STORE);
    (void)snprintf(path, sizeof path, "%s/link", f->folder);
    assert_int_equal(symlink(f->path, path), 0);
    assert_int_equal(sid_blobs_open(path, &blobs), SID_E_STORE);
    (void)snprintf(path, sizeof path, "%s/none/here", f->folder);
    assert_int_equal(sid_blobs_open(path, &blobs), SID_E_STORE);
    if (geteuid() == 0) {
        (void)snprintf(path, sizeof path, "%s/theirs", f->folder);
        assert_int_equal(mkdir(path, 0777), 0);
        assert_int_equal(chown(path, 12345, 12345), 0);
        assert_int_equal(sid_blobs_open(path, &blobs), SID_E_STORE);
    }
    assert_null(blobs);
}

/* ---- many at once ---------------------------------------------------------
 */

#define THREADS 4
#define ROUNDS 25
struct hand {
    pthread_t thread;
    struct sid_blobs *blobs;
    int number;
};

static void *
put_and_drop(void *arg) {
    struct hand *hand = arg;

    for (int i = 0; i < ROUNDS; i++) {
        char name[SID_ID_SIZE];
        struct sid_buf out = SID_BUF_EMPTY;

        (void)snprintf(name, sizeof name, "blb_%026d", 1000 * hand->number + i);
        ok(put(hand->blobs, name, sid_span_str(name), sid_span_str("selfie")));
        ok(sid_blobs_get(hand->blobs, name, SID_PHOTO_ID, &out));
        assert_true(sid_span_eq(sid_buf_span(&out), sid_span_str(name)));
        sid_buf_free(&out);
        sid_blobs_drop(hand->blobs, name);
    }
    return NULL;
}

static void
threads_that_put_get_and_drop_do_not_disturb_each_other(void **state) {
    struct fixture *f = *state;
    struct hand hands[THREADS];
    struct seen seen = {.answer = SID_OK};

    for (int i = 0; i < THREADS; i++) {
        hands[i] = (struct hand){.blobs = f->blobs, .number = i};
        assert_int_equal(
            pthread_create(&hands[i].thread, NULL, put_and_drop, &hands[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(hands[i].thread, NULL), 0);
    sid_blobs_settle(f->blobs);
    ok(sid_blobs_each(f->blobs, see, &seen));
    assert_int_equal(seen.count, 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(each_photo_is_read_back_by_its_kind_also_after_a_restart),
        T(nobody_else_may_read_folder_or_file),
        T(a_name_is_used_once_and_the_first_file_stays),
        T(what_is_dropped_is_overwritten_and_gone),
        T(closing_works_off_what_was_dropped),
        T(a_photo_that_does_not_fit_leaves_no_file),
        T(a_file_that_is_cut_or_of_another_form_holds_no_photo),
        T(every_blob_is_walked_and_a_stranger_s_file_left_alone),
        T(what_is_no_folder_of_ours_is_refused),
        T(threads_that_put_get_and_drop_do_not_disturb_each_other),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
