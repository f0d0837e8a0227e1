/* test_hostile.c: files made to hurt (hostile.h), each decoded in a process of
 * its own that is killed if it opens or makes any file. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../src/image/image_priv.h"
#include "hostile.h"

/* Source: issue 3 part B. */
static const struct {
    double cpu_ms;
    long memory_kib;
} limits[] = {
    [HOSTILE_CHEAP] = {50, 16 * 1024L}, [HOSTILE_DEAR] = {2000, 300 * 1024L}};
/* Sanitizers make everything slower and larger, a fork most of all. There the
 * files are decoded in this process: the report is what counts. */
#ifdef SANITIZED
#define IN_PROCESS true
#define SLOW 5
#else
#define IN_PROCESS false
#define SLOW 1
#endif

struct cost {
    enum sid_err err;
    double cpu_ms;
    long memory_kib; /* more than before, at most */
};

static double
cpu_ms(void) {
    struct timespec t;
    SID_ASSERT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long
peak_kib(void) {
    struct rusage usage;
    SID_ASSERT(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;
}

#define TRIES 5
#define DENY(call)                                                             \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                     \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

/* From here on, whoever opens or makes a file, a pipe or a process is dead. */
static void
forbid_files(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_open
        DENY(open),
        DENY(creat),
        DENY(mkdir),
        DENY(rename),
        DENY(link),
        DENY(symlink),
        DENY(fork),
        DENY(vfork),
#endif
        DENY(openat),
        DENY(openat2),
        DENY(mkdirat),
        DENY(mknodat),
        DENY(renameat2),
        DENY(linkat),
        DENY(symlinkat),
        DENY(memfd_create),
        DENY(pipe2),
        DENY(socket),
        DENY(clone),
        DENY(execve),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0],
                                 .filter = filter};
    SID_ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* What is measured. */
typedef enum sid_err work_fn(struct sid_span file);

/* Decodes as the daemon does. */
static enum sid_err
decode(struct sid_span file) {
    const struct sid_image_want want = {.min_long_px = 480};
    struct sid_image image = SID_IMAGE_EMPTY;
    enum sid_err err = sid_image_decode(file, &want, &image);
    SID_ASSERT((err == SID_OK) == (image.bgr != NULL));
    sid_image_fini(&image);
    return err;
}

static struct cost
measure(work_fn *work, struct sid_span file) {
    struct cost cost = {.memory_kib = peak_kib(), .cpu_ms = cpu_ms()};
    cost.err = work(file);
    cost.cpu_ms = cpu_ms() - cost.cpu_ms;
    cost.memory_kib = peak_kib() - cost.memory_kib;
    return cost;
}

static _Noreturn void
be_child(work_fn *work, struct sid_span file, int to) {
    forbid_files();
    struct cost cost = measure(work, file);
    _exit(write(to, &cost, sizeof cost) == sizeof cost ? 0 : 1);
}

/* Returns the child's status of waitpid(). */
static int
measure_apart(work_fn *work, struct sid_span file, struct cost *out) {
    int ends[2], status = 0;
    if (IN_PROCESS) {
        *out = measure(work, file);
        return 0;
    }
    SID_ASSERT(pipe(ends) == 0);
    /* What is free but kept would be the child's for nothing. */
    (void)malloc_trim(0);
    pid_t child = fork();
    SID_ASSERT(child >= 0);
    if (child == 0)
        be_child(work, file, ends[1]);
    (void)close(ends[1]);
    ssize_t got = read(ends[0], out, sizeof *out);
    (void)close(ends[0]);
    SID_ASSERT(waitpid(child, &status, 0) == child);
    return got == sizeof *out || status != 0 ? status : -1;
}

static bool
is_slow(const struct hostile *file, const struct cost *cost) {
    return cost->cpu_ms > limits[file->cost].cpu_ms * SLOW;
}

static bool
is_large(const struct hostile *file, const struct cost *cost) {
    return cost->memory_kib > limits[file->cost].memory_kib * SLOW;
}

struct totals {
    int files, wrong, refused;
    struct cost most[2];
};

static void
judge(void *context, const struct hostile *file) {
    struct totals *totals = context;
    struct cost cost = {.err = SID_OK};
    int status = measure_apart(decode, file->bytes, &cost);
    /* Neighbours on the processor only add to it: the least of some is its own.
     */
    for (int i = 1; i < TRIES && status == 0 && is_slow(file, &cost); i++)
        status = measure_apart(decode, file->bytes, &cost);
    bool slow = is_slow(file, &cost);
    bool large = is_large(file, &cost);
    struct cost *most = &totals->most[file->cost];
    totals->files++;
    totals->refused += cost.err != SID_OK && status == 0;
    most->cpu_ms = cost.cpu_ms > most->cpu_ms ? cost.cpu_ms : most->cpu_ms;
    most->memory_kib =
        cost.memory_kib > most->memory_kib ? cost.memory_kib : most->memory_kib;
    if (status == 0 && cost.err == file->expected && !slow && !large)
        return;
    totals->wrong++;
    print_message("%s (%zu bytes): %s%d, error %d instead of %d, %.1f ms CPU, "
                  "%ld KiB\n",
                  file->name, file->bytes.len,
                  status == 0 ? "ended with " : "DIED ", status, (int)cost.err,
                  (int)file->expected, cost.cpu_ms, cost.memory_kib);
}

static void
each_hostile_file_is_refused_before_it_costs_much(void **state) {
    (void)state;
    struct totals totals = {0};
    hostile_each(&(struct hostile_sink){judge, &totals});
    print_message("%d files, %d refused; cheap: at most %.1f ms CPU and "
                  "%ld KiB; dear: %.1f ms and %ld KiB\n",
                  totals.files, totals.refused, totals.most[0].cpu_ms,
                  totals.most[0].memory_kib, totals.most[1].cpu_ms,
                  totals.most[1].memory_kib);
    assert_int_equal(totals.wrong, 0);
    assert_true(totals.refused >= 200);
}

/* ---- controls of the test above ---------------------------------------- */

#define BOMB "jpeg_scans_401"

/* What libjpeg would do with the bomb. */
static enum sid_err
decode_unjudged(struct sid_span file) {
    const struct sid_image_info info = {.file_width_px = 4000,
                                        .file_height_px = 3000};
    const struct sid_image_rect whole = {.w = 4000, .h = 3000};
    struct sid_image image = SID_IMAGE_EMPTY;
    enum sid_err err = sid_jpeg_decode(file, &info, &whole, 8, &image);
    sid_image_fini(&image);
    return err;
}

static void
set_off(void *context, const struct hostile *file) {
    int *found = context;
    struct cost cost = {.err = SID_OK};
    if (strcmp(file->name, BOMB) != 0)
        return;
    assert_int_equal(measure_apart(decode_unjudged, file->bytes, &cost), 0);
    print_message("%s unjudged: %.1f ms CPU, %ld KiB\n", file->name,
                  cost.cpu_ms, cost.memory_kib);
    assert_true(is_slow(file, &cost));
    assert_true(is_large(file, &cost));
    ++*found;
}

static void
a_bomb_that_nobody_judges_costs_more_than_is_allowed(void **state) {
    int found = 0;
    (void)state;
    if (IN_PROCESS)
        skip(); /* neither time nor memory is its own there */
    hostile_each(&(struct hostile_sink){set_off, &found});
    assert_int_equal(found, 1);
}

#define PIECES 512
#define PIECE_BYTES (64 * 1024) /* of the heap, not mapped one by one */

/* Touches 32 MiB. */
static enum sid_err
take_32_mib(struct sid_span file) {
    void *pieces[PIECES];
    (void)file;
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = malloc(PIECE_BYTES);
        SID_ASSERT(pieces[i] != NULL);
        explicit_bzero(pieces[i], PIECE_BYTES);
    }
    for (int i = 0; i < PIECES; i++)
        free(pieces[i]);
    return SID_OK;
}

static void
memory_that_is_taken_is_seen_though_the_parent_had_it_before(void **state) {
    const struct hostile cheap = {.cost = HOSTILE_CHEAP};
    struct cost cost = {.err = SID_OK};
    (void)state;
    if (IN_PROCESS)
        skip(); /* neither time nor memory is its own there */
    /* What is freed stays with the parent. */
    assert_int_equal(mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024), 1);
    assert_int_equal(take_32_mib(cheap.bytes), SID_OK);
    assert_int_equal(measure_apart(take_32_mib, cheap.bytes, &cost), 0);
    print_message("32 MiB: %ld KiB\n", cost.memory_kib);
    assert_true(is_large(&cheap, &cost));
}

static void
whoever_opens_a_file_there_is_killed(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        forbid_files();
        _exit(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_opens_a_file_there_is_killed),
        cmocka_unit_test(each_hostile_file_is_refused_before_it_costs_much),
        cmocka_unit_test(a_bomb_that_nobody_judges_costs_more_than_is_allowed),
        cmocka_unit_test(
            memory_that_is_taken_is_seen_though_the_parent_had_it_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
