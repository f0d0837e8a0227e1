/* clock_test.c: the wall clock of test builds: the system's, plus the whole
 * seconds found in the file named by SMARTIDD_TEST_CLOCK, so that a test can
 * walk a running daemon over a day boundary. Never linked into a release. Any
 * thread; owns the last offset read, under a mutex. */
#include "smartid/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    struct stat seen; /* of the file the offset was read from */
    int64_t offset_s;
} shift = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool
same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Reads the number in the file; keeps the old one when it cannot be read, as
 * happens between the truncation and the write of a careless writer. */
static int64_t
read_offset(const char *path, int64_t old) {
    char text[32] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return old;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    char *end = text;
    long long value = n > 0 ? strtoll(text, &end, 10) : 0;
    return end == text ? old : value;
}

static int64_t
offset_s(void) {
    const char *path = getenv("SMARTIDD_TEST_CLOCK");
    if (path == NULL)
        return 0;
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    pthread_mutex_lock(&shift.lock);
    if (!same_file(&st, &shift.seen)) {
        shift.offset_s = read_offset(path, shift.offset_s);
        shift.seen = st;
    }
    int64_t offset = shift.offset_s;
    pthread_mutex_unlock(&shift.lock);
    return offset;
}

int64_t
sid_now_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return ((int64_t)t.tv_sec + offset_s()) * 1000000 + t.tv_nsec / 1000;
}

bool
sid_clock_is_test(void) {
    return true;
}
