/* sandbox.c: the limits and the system-call filter of sandbox.h, in plain BPF.
 * Single-threaded processes only; owns nothing. */
#include "smartid/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef SANITIZED
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#endif

static enum sid_err
set_limit(__rlimit_resource_t what, rlim_t value) {
    const struct rlimit limit = {value, value};
    return setrlimit(what, &limit) == 0 ? SID_OK : SID_E_INTERNAL;
}

#ifdef SANITIZED

/* They find out what memory may be read by writing it into a pipe. */
#define FILES_MAX 16

bool
sid_sandbox_is_whole(void) {
    return false;
}

int
sid_sandbox_patience(void) {
    return 2;
}

static enum sid_err
limit_memory(size_t bytes) {
    (void)bytes;
    return SID_OK;
}

static enum sid_err
install_filter(void) {
    return SID_OK;
}

#else

#define FILES_MAX 0

bool
sid_sandbox_is_whole(void) {
    return true;
}

int
sid_sandbox_patience(void) {
    return 1;
}

static enum sid_err
limit_memory(size_t bytes) {
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return SID_E_INTERNAL;
    return set_limit(RLIMIT_AS, bytes);
}

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "the system calls of this architecture have not been looked at"
#endif

/* The low word of an argument; both architectures are little-endian. */
#define ARGUMENT(i) ((uint32_t)offsetof(struct seccomp_data, args[(i)]))
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define IF_EQUAL(value, yes, no)                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), (yes), (no))
#define IF_BITS(bits, yes, no)                                                 \
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(bits), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define ALLOW(call) IF_EQUAL(SYS_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)
/* A call that is looked at more closely by the four instructions behind it. */
#define ALLOW_WITHOUT_EXEC(call)                                               \
    IF_EQUAL(SYS_##call, 0, 4), LOAD(ARGUMENT(2)), IF_BITS(PROT_EXEC, 0, 1),   \
        RETURN(SECCOMP_RET_KILL_PROCESS), RETURN(SECCOMP_RET_ALLOW)
#define ALLOW_FOR(call, who)                                                   \
    IF_EQUAL(SYS_##call, 0, 4), LOAD(ARGUMENT(0)), IF_EQUAL((who), 1, 0),      \
        RETURN(SECCOMP_RET_KILL_PROCESS), RETURN(SECCOMP_RET_ALLOW)

static enum sid_err
install_filter(void) {
    struct sock_filter filter[] = {
        /* A call number means something else on another architecture. */
        LOAD((uint32_t)offsetof(struct seccomp_data, arch)),
        IF_EQUAL(ARCH, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD((uint32_t)offsetof(struct seccomp_data, nr)),
        ALLOW(read),
        ALLOW(write),
        ALLOW(clock_gettime),
        ALLOW(futex),
        ALLOW(madvise),
        ALLOW(munmap),
        ALLOW(brk),
        ALLOW(mremap),
        ALLOW(getrusage),
        ALLOW(writev), /* glibc's last words before it aborts */
        ALLOW(sched_yield),
        ALLOW(rt_sigprocmask),
        ALLOW(rt_sigreturn),
        ALLOW(getpid),
        ALLOW(gettid),
        ALLOW(exit_group),
        ALLOW_WITHOUT_EXEC(mmap),
        ALLOW_WITHOUT_EXEC(mprotect),
        ALLOW_FOR(tgkill, getpid()),
        RETURN(SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {
        .len = sizeof filter / sizeof filter[0],
        .filter = filter,
    };
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0
               ? SID_OK
               : SID_E_INTERNAL;
}

#endif

/* It can be had again; the daemon cannot. */
static enum sid_err
die_first(void) {
    static const char most[] = "1000";
    ssize_t written = -1;
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        written = write(fd, most, sizeof most - 1);
        (void)close(fd);
    }
    return written == (ssize_t)(sizeof most - 1) ? SID_OK : SID_E_INTERNAL;
}

enum sid_err
sid_sandbox_limit(size_t memory_bytes) {
    /* First: the file is root's once nobody may look at the process. */
    if (die_first() != SID_OK)
        return SID_E_INTERNAL;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return SID_E_INTERNAL;
    enum sid_err err = limit_memory(memory_bytes);
    if (err == SID_OK)
        err = set_limit(RLIMIT_FSIZE, 0);
    if (err == SID_OK)
        err = set_limit(RLIMIT_CORE, 0);
    return err;
}

enum sid_err
sid_sandbox_shut(void) {
    /* Once more: a fork clears it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return SID_E_INTERNAL;
    enum sid_err err = set_limit(RLIMIT_NPROC, 0);
    if (err == SID_OK)
        err = set_limit(RLIMIT_NOFILE, FILES_MAX);
    if (err == SID_OK)
        err = install_filter();
    return err;
}
