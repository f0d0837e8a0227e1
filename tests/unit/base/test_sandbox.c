/* test_sandbox.c: what a process in the sandbox can still do, and what kills
 * it. Each act is tried in a fork of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "smartid/sandbox.h"

#define MEMORY_BYTES ((size_t)256 << 20)
#define GOOD 42

typedef void act_fn(void);

/* Runs act in a sandboxed fork; the status it ended with. */
static int
status_of(act_fn *act) {
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* cmocka's own handlers would be one more forbidden act. */
        (void)signal(SIGSEGV, SIG_DFL);
        (void)signal(SIGSYS, SIG_DFL);
        if (sid_sandbox_limit(MEMORY_BYTES) != SID_OK ||
            sid_sandbox_shut() != SID_OK)
            _exit(1);
        act();
        _exit(GOOD);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int
ends_well(act_fn *act) {
    int status = status_of(act);
    return WIFEXITED(status) && WEXITSTATUS(status) == GOOD;
}

static int
killed_by(act_fn *act) {
    int status = status_of(act);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* ---- acts that the filter forbids ---------------------------------------- */

static void
act_open(void) {
    (void)!open("/dev/null", O_RDONLY);
}
static void
act_socket(void) {
    (void)!socket(AF_INET, SOCK_STREAM, 0);
}
static void
act_execve(void) {
    char *const none[] = {NULL};
    (void)execve("/nonexistent", none, none);
}
static void
act_fork(void) {
    (void)!fork();
}
static void
act_mmap_exec(void) {
    (void)!mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
}
static void
act_mprotect_exec(void) {
    static char page[8192];
    char *at = (char *)(((uintptr_t)page + 4095) & ~(uintptr_t)4095);
    (void)mprotect(at, 4096, PROT_READ | PROT_EXEC);
}
static void
act_kill(void) {
    (void)kill(getpid(), 0);
}
static void
act_ptrace(void) {
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static void
act_read_other(void) {
    char byte;
    struct iovec io = {&byte, 1};
    (void)!process_vm_readv(1, &io, 1, &io, 1, 0);
}
static void
act_unlink(void) {
    (void)unlink("/nonexistent");
}
static void
act_prctl(void) {
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static void
act_io_uring(void) {
    (void)syscall(SYS_io_uring_setup, 1, NULL);
}
static void
act_bpf(void) {
    (void)syscall(SYS_bpf, 0, NULL, 0);
}
static void
act_pkey_mprotect_exec(void) {
    (void)syscall(SYS_pkey_mprotect, 0, 0, PROT_EXEC, -1);
}
static void
act_clone3(void) {
    (void)syscall(SYS_clone3, NULL, 0);
}
static void
act_signal_another(void) {
    (void)syscall(SYS_tgkill, 1, 1, 0);
}
static void
act_receive_descriptors(void) {
    (void)syscall(SYS_recvmsg, 0, NULL, 0);
}
static void
act_raise_limit(void) {
    const struct rlimit limit = {1, 1};
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}
static void
act_catch_signal(void) {
    (void)signal(SIGXCPU, SIG_IGN);
}
#ifdef __x86_64__
/* Call 11 is munmap here and execve in the 32-bit table. */
static void
act_other_architecture(void) {
    __asm__ volatile("int $0x80"
                     :
                     : "a"(11), "b"(0), "c"(0), "d"(0)
                     : "memory");
}
/* read(2) under its x32 number. */
static void
act_x32(void) {
    (void)syscall(0x40000000L, -1, NULL, 0);
}
#endif

static const struct {
    const char *name;
    act_fn *act;
} forbidden[] = {
    {"open", act_open},
    {"socket", act_socket},
    {"execve", act_execve},
    {"fork", act_fork},
    {"mmap with PROT_EXEC", act_mmap_exec},
    {"mprotect with PROT_EXEC", act_mprotect_exec},
    {"kill", act_kill},
    {"ptrace", act_ptrace},
    {"process_vm_readv", act_read_other},
    {"unlink", act_unlink},
    {"prctl", act_prctl},
    {"io_uring_setup", act_io_uring},
    {"bpf", act_bpf},
    {"pkey_mprotect with PROT_EXEC", act_pkey_mprotect_exec},
    {"clone3", act_clone3},
    {"tgkill of another process", act_signal_another},
    {"recvmsg", act_receive_descriptors},
    {"setrlimit", act_raise_limit},
    {"sigaction", act_catch_signal},
#ifdef __x86_64__
    {"the x32 system calls", act_x32},
#endif
};

static void
what_the_filter_forbids_kills(void **state) {
    (void)state;
    if (!sid_sandbox_is_whole())
        skip(); /* a sanitizer's build has no filter */
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        int by = killed_by(forbidden[i].act);
        if (by != SIGSYS)
            print_error("%s: signal %d\n", forbidden[i].name, by);
        assert_int_equal(by, SIGSYS);
    }
}

static void
the_system_calls_of_another_architecture_kill(void **state) {
    (void)state;
#ifdef __x86_64__
    /* SIGSEGV: a kernel that has none of them. */
    int by =
        sid_sandbox_is_whole() ? killed_by(act_other_architecture) : SIGSYS;
    assert_true(by == SIGSYS || by == SIGSEGV);
#endif
}

/* ---- what looking at a photo needs --------------------------------------- */

static void
act_memory(void) {
    char *small = malloc(100), *large = malloc((size_t)40 << 20);
    if (small == NULL || large == NULL)
        _exit(1);
    memset(large, 1, (size_t)40 << 20);
    large = realloc(large, (size_t)60 << 20);
    if (large == NULL || large[1000] != 1)
        _exit(1);
    free(large);
    free(small);
}
static void
act_clocks(void) {
    struct timespec t;
    struct rusage usage;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0 ||
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0 ||
        getrusage(RUSAGE_SELF, &usage) != 0 || usage.ru_maxrss <= 0)
        _exit(1);
    (void)sched_yield();
}
static void
act_futex(void) {
    uint32_t word = 1;
    if (syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) != -1 ||
        errno != EAGAIN)
        _exit(1);
}
static void
act_abort(void) {
    abort();
}

static int pipe_fds[2];

static void
act_read_and_write(void) {
    char byte = 0;
    if (write(pipe_fds[1], "x", 1) != 1 || read(pipe_fds[0], &byte, 1) != 1 ||
        byte != 'x')
        _exit(1);
}

static void
what_a_photo_needs_goes_on(void **state) {
    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    assert_true(ends_well(act_memory));
    assert_true(ends_well(act_clocks));
    assert_true(ends_well(act_futex));
    assert_true(ends_well(act_read_and_write));
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

static void
an_abort_is_still_told_from_a_forbidden_act(void **state) {
    (void)state;
    assert_int_equal(killed_by(act_abort), SIGABRT);
}

/* ---- limits -------------------------------------------------------------- */

static void
act_too_much_memory(void) {
    /* In a variable: the compiler must not know that it is used for nothing. */
    void *volatile piece = malloc(MEMORY_BYTES);
    if (piece != NULL)
        _exit(1);
}

static void
memory_ends_at_its_limit(void **state) {
    (void)state;
    if (!sid_sandbox_is_whole())
        skip(); /* a sanitizer's build has no limit on memory */
    assert_true(ends_well(act_too_much_memory));
}

static int file_fd;

static void
act_grow_file(void) {
    (void)!write(file_fd, "x", 1);
}

static void
a_file_that_would_grow_kills(void **state) {
    (void)state;
    file_fd = memfd_create("test", 0);
    assert_true(file_fd >= 0);
    assert_int_equal(killed_by(act_grow_file), SIGXFSZ);
    (void)close(file_fd);
}

/* What holds already before the door is shut, as seen from inside. */
static int
held_after(enum sid_err (*step)(void)) {
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit core, files;
        int signal_number = 0;
        bool dumpable = !sid_sandbox_is_whole();
        if (step() != SID_OK || getrlimit(RLIMIT_CORE, &core) != 0 ||
            getrlimit(RLIMIT_FSIZE, &files) != 0)
            _exit(1);
        _exit(core.rlim_max == 0 && files.rlim_max == 0 &&
                      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                      prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == dumpable &&
                      prctl(PR_GET_PDEATHSIG, &signal_number) == 0 &&
                      signal_number == SIGKILL
                  ? GOOD
                  : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static enum sid_err
limit(void) {
    return sid_sandbox_limit(MEMORY_BYTES);
}

static void
the_limits_hold_from_the_first_step_on(void **state) {
    (void)state;
    assert_int_equal(held_after(limit), GOOD);
}

/* A parent that makes a sandboxed child, tells its pid and dies. */
static void
it_dies_with_its_parent(void **state) {
    (void)state;
    int pipes[2], status = 0;
    char byte;
    assert_int_equal(pipe(pipes), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        if (sid_sandbox_limit(MEMORY_BYTES) != SID_OK)
            _exit(1);
        pid_t child = fork();
        if (child == 0) {
            if (sid_sandbox_shut() != SID_OK)
                _exit(1);
            (void)!write(pipes[1], "r", 1);
            for (uint32_t word = 0;;)
                (void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL,
                              NULL, 0);
        }
        /* Ready once the child has said so; the pipe's end says the rest. */
        struct pollfd ready = {.fd = pipes[0], .events = POLLIN};
        _exit(child > 0 && poll(&ready, 1, 20000) == 1 ? GOOD : 1);
    }
    (void)close(pipes[1]);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == GOOD);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    struct pollfd end = {.fd = pipes[0], .events = POLLIN};
    assert_int_equal(poll(&end, 1, 20000), 1);
    assert_int_equal(read(pipes[0], &byte, 1), 0);
    (void)close(pipes[0]);
}

/* The rest of a fork that root's rights would not let fail. */
static void
be_nobody(void) {
    if (geteuid() != 0)
        return;
    /* Its files in /proc stay its own, as after an exec. */
    if (setresuid(65534, 65534, 65534) != 0 ||
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
        _exit(1);
}

static void
shut_without_the_first_step_is_refused_by_the_kernel(void **state) {
    (void)state;
    if (!sid_sandbox_is_whole())
        skip(); /* a sanitizer's build has no filter */
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        be_nobody();
        _exit(sid_sandbox_shut() == SID_E_INTERNAL && errno == EACCES ? GOOD
                                                                      : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == GOOD);
}

static void
a_limit_that_the_kernel_refuses_is_an_error(void **state) {
    (void)state;
    if (!sid_sandbox_is_whole())
        skip(); /* a sanitizer's build has no limit on memory */
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit low = {MEMORY_BYTES / 2, MEMORY_BYTES / 2};
        be_nobody();
        _exit(setrlimit(RLIMIT_AS, &low) == 0 &&
                      sid_sandbox_limit(MEMORY_BYTES) == SID_E_INTERNAL &&
                      errno == EPERM
                  ? GOOD
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == GOOD);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_filter_forbids_kills),
        cmocka_unit_test(the_system_calls_of_another_architecture_kill),
        cmocka_unit_test(what_a_photo_needs_goes_on),
        cmocka_unit_test(an_abort_is_still_told_from_a_forbidden_act),
        cmocka_unit_test(memory_ends_at_its_limit),
        cmocka_unit_test(a_file_that_would_grow_kills),
        cmocka_unit_test(the_limits_hold_from_the_first_step_on),
        cmocka_unit_test(it_dies_with_its_parent),
        cmocka_unit_test(shut_without_the_first_step_is_refused_by_the_kernel),
        cmocka_unit_test(a_limit_that_the_kernel_refuses_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
