/* The blobs while the disk fails: each call that can say no says so at the Nth
 * time, once or from there on, and each transfer moves half or is interrupted.
 * The linker puts the wrappers in the way (FAIL_BLOBS in the Makefile). One
 * thread at a time: whoever hands something over waits for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/blobs.h"

#define ok(expression) assert_int_equal((expression), SID_OK)

/* ---- what fails ---------------------------------------------------------- */

/* ONCE: the Nth call, whatever it is. FOR_GOOD: and all behind it. HALF: the
 * Nth transfer moves half. FULL: and all calls behind it fail. INTERRUPTED: the
 * Nth transfer is, by a signal. */
enum how { ONCE, FOR_GOOD, HALF, FULL, INTERRUPTED, HOWS };
static const char *const how_text[HOWS] = {"once", "for good", "half", "full",
                                           "interrupted"};

static struct {
    bool armed, hit;
    enum how how;
    int left; /* calls until the one that is hit */
} fault;

/* Not yet as it would be after a power cut. */
static struct { bool bytes, name, folder; } unsynced;

static void
arm(enum how how, int nth) {
    fault.armed = true;
    fault.hit = false;
    fault.how = how;
    fault.left = nth;
}

/* Whether something was hit. */
static bool
disarm(void) {
    fault.armed = false;
    return fault.hit;
}

static bool
goes_on(enum how how) {
    return how == HALF || how == INTERRUPTED;
}

/* Whether the call at hand is the Nth. */
static bool
is_nth(void) {
    if (!fault.armed || fault.hit || --fault.left > 0)
        return false;
    fault.hit = true;
    return true;
}

static bool
fails(void) {
    if (!fault.armed)
        return false;
    if (fault.hit)
        return fault.how == FOR_GOOD || fault.how == FULL;
    return (fault.how == ONCE || fault.how == FOR_GOOD) && is_nth();
}

/* The linker's names. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define WRAP(type, none, name, params, args, done)                             \
    extern __typeof__(name) __real_##name;                                     \
    type __wrap_##name params;                                                 \
    type __wrap_##name params {                                                \
        if (fails())                                                           \
            return none;                                                       \
        type result = __real_##name args;                                      \
        done;                                                                  \
        return result;                                                         \
    }
WRAP(int, (errno = ENOSPC, -1), mkdir, (const char *path, mode_t mode),
     (path, mode), unsynced.folder = unsynced.folder || result == 0)
WRAP(int, (errno = EIO, -1), fstat, (int fd, struct stat *st), (fd, st), )
WRAP(int, (errno = EIO, -1), fchmod, (int fd, mode_t mode), (fd, mode), )
WRAP(int, (errno = EIO, -1), fsync, (int fd), (fd),
     unsynced.name = unsynced.folder = false)
WRAP(int, (errno = EIO, -1), fdatasync, (int fd), (fd), unsynced.bytes = false)
WRAP(int, (errno = EIO, -1), unlinkat, (int dir, const char *name, int how),
     (dir, name, how), )
WRAP(DIR *, (errno = ENOMEM, NULL), fdopendir, (int fd), (fd), )
WRAP(struct dirent *, (errno = EIO, NULL), readdir, (DIR * dir), (dir), )
WRAP(void *, (errno = ENOMEM, NULL), malloc, (size_t size), (size), )
WRAP(void *, (errno = ENOMEM, NULL), calloc, (size_t n, size_t size),
     (n, size), )
WRAP(void *, (errno = ENOMEM, NULL), realloc, (void *old, size_t size),
     (old, size), )
WRAP(char *, (errno = ENOMEM, NULL), strndup, (const char *text, size_t len),
     (text, len), )
WRAP(int, ENOMEM, pthread_mutex_init,
     (pthread_mutex_t * mutex, const pthread_mutexattr_t *how), (mutex, how), )
WRAP(int, ENOMEM, pthread_cond_init,
     (pthread_cond_t * cond, const pthread_condattr_t *how), (cond, how), )
WRAP(int, EAGAIN, pthread_create,
     (pthread_t * thread, const pthread_attr_t *how, void *(*run)(void *),
      void *arg),
     (thread, how, run, arg), )

/* As they are declared. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, mode_t mode);
int
__wrap_open(const char *path, int flags, mode_t mode) {
    errno = EMFILE;
    return fails() ? -1 : __real_open(path, flags, mode);
}
int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, mode_t mode);
int
__wrap_openat(int dir, const char *name, int flags, mode_t mode) {
    errno = EMFILE;
    int fd = fails() ? -1 : __real_openat(dir, name, flags, mode);
    unsynced.name = unsynced.name || (fd >= 0 && (flags & O_CREAT) != 0);
    return fd;
}

/* How many bytes are moved; less than none: it fails. */
static ssize_t
moved(size_t len) {
    bool moves = fault.how == HALF || fault.how == FULL;

    errno = ENOSPC;
    if (fails())
        return -1;
    if ((!moves && fault.how != INTERRUPTED) || !is_nth())
        return (ssize_t)len;
    errno = EINTR;
    return moves ? (ssize_t)((len + 1) / 2) : -1;
}

extern __typeof__(pwrite) __real_pwrite;
ssize_t __wrap_pwrite(int fd, const void *from, size_t len, off_t at);
ssize_t
__wrap_pwrite(int fd, const void *from, size_t len, off_t at) {
    ssize_t n = moved(len);

    if (n < 0)
        return n;
    unsynced.bytes = true;
    return __real_pwrite(fd, from, (size_t)n, at);
}
extern __typeof__(pread) __real_pread;
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t at);
ssize_t
__wrap_pread(int fd, void *to, size_t len, off_t at) {
    ssize_t n = moved(len);

    return n < 0 ? n : __real_pread(fd, to, (size_t)n, at);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- fixture ------------------------------------------------------------- */

struct fixture {
    char folder[256];
    char path[300]; /* of the blobs */
    struct sid_blobs *blobs;
    int names;     /* made so far */
    int free_file; /* the descriptor that comes next */
    uint8_t card[5000], selfie[3001];
};

static int
next_descriptor(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static int
setup(void **state) {
    const char *tmp = getenv("TMPDIR");
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    (void)snprintf(f->folder, sizeof f->folder, "%s/sid-blobs-XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/x.photos", f->folder);
    memset(f->card, 'c', sizeof f->card);
    memset(f->selfie, 's', sizeof f->selfie);
    ok(sid_blobs_open(f->path, &f->blobs));
    f->free_file = next_descriptor();
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

/* Puts both photos under a fresh name, which goes to out. */
static enum sid_err
put(struct fixture *f, char out[SID_ID_SIZE]) {
    struct put me = {.put.done = put_done,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .over = PTHREAD_COND_INITIALIZER};

    (void)snprintf(out, SID_ID_SIZE, "blb_%026d", ++f->names);
    memcpy(me.put.name, out, SID_ID_SIZE);
    me.put.part[SID_PHOTO_ID] = sid_span_of(f->card, sizeof f->card);
    me.put.part[SID_PHOTO_SELFIE] = sid_span_of(f->selfie, sizeof f->selfie);
    sid_blobs_put(f->blobs, &me.put);
    pthread_mutex_lock(&me.lock);
    while (!me.done)
        pthread_cond_wait(&me.over, &me.lock);
    pthread_mutex_unlock(&me.lock);
    pthread_mutex_destroy(&me.lock);
    pthread_cond_destroy(&me.over);
    return me.put.err;
}

/* What reading one gives; what is read is the whole photo. */
static enum sid_err
get(const struct fixture *f, const char *name, enum sid_photo_kind kind) {
    struct sid_buf out = SID_BUF_EMPTY;
    enum sid_err err = sid_blobs_get(f->blobs, name, kind, &out);
    struct sid_span whole = kind == SID_PHOTO_ID
                                ? sid_span_of(f->card, sizeof f->card)
                                : sid_span_of(f->selfie, sizeof f->selfie);

    if (err == SID_OK)
        assert_true(sid_span_eq(sid_buf_span(&out), whole));
    else
        assert_int_equal(out.len, 0);
    sid_buf_free(&out);
    return err;
}

static void
assert_whole(const struct fixture *f, const char *name) {
    ok(get(f, name, SID_PHOTO_ID));
    ok(get(f, name, SID_PHOTO_SELFIE));
}

static enum sid_err
count_it(const char *name, void *ctx) {
    (void)name;
    ++*(int *)ctx;
    return SID_OK;
}

static int
count(const struct fixture *f) {
    int n = 0;

    ok(sid_blobs_each(f->blobs, count_it, &n));
    return n;
}

static enum sid_err
drop_it(const char *name, void *ctx) {
    sid_blobs_drop(ctx, name);
    return SID_OK;
}

/* As the next start does with what has no row. */
static void
assert_swept(const struct fixture *f) {
    ok(sid_blobs_each(f->blobs, drop_it, f->blobs));
    sid_blobs_settle(f->blobs);
    assert_int_equal(count(f), 0);
    assert_int_equal(next_descriptor(), f->free_file);
}

/* ---- tests --------------------------------------------------------------- */

static void
check_put(struct fixture *f, enum how how, enum sid_err err, const char *name) {
    if (goes_on(how)) {
        ok(err);
        assert_whole(f, name);
        return;
    }
    assert_true(err == SID_E_STORE || err == SID_E_STORE_FULL);
    /* It may be left over if it could not be removed either. */
    assert_in_range(count(f), 0, how == ONCE ? 0 : 1);
    enum sid_err card = get(f, name, SID_PHOTO_ID);
    assert_true(card == SID_OK || card == SID_E_NOT_FOUND);
}

static void
a_put_that_is_hit_anywhere_is_whole_and_synced_or_fails(void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE];

    for (enum how how = ONCE; how < HOWS; how++) {
        int nth = 1, left = 0;
        for (;; nth++) {
            memset(&unsynced, 0, sizeof unsynced);
            arm(how, nth);
            enum sid_err err = put(f, name);
            bool hit = disarm();
            if (err == SID_OK)
                assert_false(unsynced.bytes || unsynced.name);
            if (!hit)
                break;
            check_put(f, how, err, name);
            left += err != SID_OK && count(f) > 0;
            ok(put(f, name));
            assert_whole(f, name);
            assert_swept(f);
        }
        ok(get(f, name, SID_PHOTO_ID));
        assert_swept(f);
        print_message("put, %s: %d calls, %d left a file to be swept\n",
                      how_text[how], nth - 1, left);
        /* Head and two photos at least; to be opened and synced twice. */
        assert_in_range(nth, how == ONCE || how == FOR_GOOD ? 7 : 4, 20);
        assert_int_equal(left > 0, how == FOR_GOOD || how == FULL);
    }
}

static void
a_get_that_is_hit_anywhere_gives_the_photo_or_an_error(void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE];

    ok(put(f, name));
    for (enum how how = ONCE; how < HOWS; how++) {
        int nth = 1;
        for (;; nth++) {
            arm(how, nth);
            enum sid_err err = get(f, name, SID_PHOTO_SELFIE);
            if (!disarm())
                break;
            /* Not found would mean that it is gone for good. */
            if (goes_on(how))
                ok(err);
            else
                assert_true(err == SID_E_STORE || err == SID_E_STORE_FULL ||
                            err == SID_E_NO_MEMORY);
            assert_whole(f, name);
            assert_int_equal(next_descriptor(), f->free_file);
        }
        assert_in_range(nth, 3, 20);
    }
}

/* Opened before, it shows what the medium would. */
static void
assert_zeros(int fd) {
    uint8_t left[8192];
    ssize_t n = read(fd, left, sizeof left);

    assert_true(n > 0);
    for (ssize_t i = 0; i < n; i++)
        assert_int_equal(left[i], 0);
}

static void
a_drop_that_is_hit_anywhere_is_done_now_or_at_the_next_start(void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE], path[400];

    for (enum how how = ONCE; how < HOWS; how++) {
        int nth = 1, left = 0;
        for (bool hit = true; hit; nth++) {
            ok(put(f, name));
            (void)snprintf(path, sizeof path, "%s/%s", f->path, name);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            assert_true(fd >= 0);
            arm(how, nth);
            sid_blobs_drop(f->blobs, name);
            sid_blobs_settle(f->blobs);
            hit = disarm();
            left += count(f);
            if (goes_on(how))
                assert_zeros(fd);
            close(fd);
            assert_swept(f);
        }
        assert_in_range(nth, 3, 20);
        /* Once: it is removed whatever fails, but for the removing itself. */
        if (how == ONCE)
            assert_int_equal(left, 1);
        if (goes_on(how))
            assert_int_equal(left, 0);
    }
}

static void
a_walk_that_is_hit_anywhere_says_so_and_never_that_there_is_no_more(
    void **state) {
    struct fixture *f = *state;
    char name[SID_ID_SIZE];

    for (int i = 0; i < 3; i++)
        ok(put(f, name));
    for (enum how how = ONCE; how <= FOR_GOOD; how++) {
        int nth = 1;
        for (;; nth++) {
            int n = 0;
            arm(how, nth);
            enum sid_err err = sid_blobs_each(f->blobs, count_it, &n);
            if (!disarm())
                break;
            assert_true(err == SID_E_STORE || err == SID_E_NO_MEMORY);
            assert_int_equal(next_descriptor(), f->free_file);
        }
        assert_int_equal(count(f), 3);
        /* Opened, read, three names, the end. */
        assert_in_range(nth, 7, 20);
    }
}

static void
r_a_folder_that_could_not_be_opened_is_synced_by_the_next_open(void **state) {
    struct fixture *f = *state;
    char path[400], name[SID_ID_SIZE];

    sid_blobs_close(&f->blobs);
    int free_file = next_descriptor();
    (void)snprintf(path, sizeof path, "%s/other", f->folder);
    for (enum how how = ONCE; how <= FOR_GOOD; how++) {
        int nth = 1;
        for (;; nth++) {
            memset(&unsynced, 0, sizeof unsynced);
            if (how == FOR_GOOD) /* somebody else's doing, open to others */
                assert_int_equal(mkdir(path, 0755), 0);
            arm(how, nth);
            enum sid_err err = sid_blobs_open(path, &f->blobs);
            if (!disarm())
                break;
            assert_int_not_equal(err, SID_OK);
            assert_null(f->blobs);
            assert_int_equal(next_descriptor(), free_file);
            ok(sid_blobs_open(path, &f->blobs));
            assert_false(unsynced.folder);
            ok(put(f, name));
            assert_swept(f);
            sid_blobs_close(&f->blobs);
            assert_int_equal(rmdir(path), 0);
        }
        assert_non_null(f->blobs);
        sid_blobs_close(&f->blobs);
        assert_int_equal(rmdir(path), 0);
        assert_in_range(nth, 10, 20);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_put_that_is_hit_anywhere_is_whole_and_synced_or_fails),
        T(a_get_that_is_hit_anywhere_gives_the_photo_or_an_error),
        T(a_drop_that_is_hit_anywhere_is_done_now_or_at_the_next_start),
        T(a_walk_that_is_hit_anywhere_says_so_and_never_that_there_is_no_more),
        T(r_a_folder_that_could_not_be_opened_is_synced_by_the_next_open),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
