/* face_fake_trouble.c: see face_fake_trouble.h. Linked into test builds only;
 * runs on the engine's thread; owns nothing. */
#include "face_fake_trouble.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "smartid/sandbox.h"

/* Less than a photo may have, but not for three of them. */
#define DAWDLE_S 4
#define PIECE_BYTES ((size_t)8 << 20)
/* Where nothing limits the address space it must end nevertheless. */
#define PIECES_MAX 256

static void
map_and_run(int first, int then) {
    void *map = mmap(NULL, 4096, first, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return;
    if (then != first)
        (void)mprotect(map, 4096, then);
    (void)munmap(map, 4096);
}

static void
read_other(void) {
    char byte;
    struct iovec local = {&byte, 1}, remote = {&byte, 1};
    (void)!process_vm_readv(1, &local, 1, &remote, 1, 0);
}

static void
run_another(void) {
    char *const none[] = {NULL};
    (void)execve("/nonexistent", none, none);
}

static void
fork_once(void) {
    if (syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, NULL) == 0)
        _exit(0);
}

static void
eat_memory(void) {
    for (int i = 0; i < PIECES_MAX; i++)
        if (mmap(NULL, PIECE_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return;
}

static void
hang(void) {
    uint32_t word = 0;
    for (;;)
        (void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void
dawdle(void) {
    uint32_t word = 0;
    const struct timespec t = {.tv_sec = DAWDLE_S * sid_sandbox_patience()};
    (void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0);
}

static void
spin(void) {
    for (volatile unsigned i = 0;; i++) {
    }
}

static void
forbidden(unsigned trouble) {
    if (trouble == TROUBLE_OPEN)
        (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
    else if (trouble == TROUBLE_SOCKET)
        (void)!socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    else if (trouble == TROUBLE_EXECVE)
        run_another();
    else if (trouble == TROUBLE_FORK)
        fork_once();
    else if (trouble == TROUBLE_MMAP_EXEC)
        map_and_run(PROT_READ | PROT_EXEC, PROT_READ | PROT_EXEC);
    else if (trouble == TROUBLE_MPROTECT_EXEC)
        map_and_run(PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC);
    else if (trouble == TROUBLE_KILL)
        (void)kill(getpid(), 0);
    else if (trouble == TROUBLE_PTRACE)
        (void)ptrace(PTRACE_DETACH, 0, NULL, NULL);
    else if (trouble == TROUBLE_READ_OTHER)
        read_other();
    else if (trouble == TROUBLE_UNLINK)
        (void)unlink("/nonexistent");
    else if (trouble == TROUBLE_PRCTL)
        (void)prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0);
    else if (trouble == TROUBLE_IO_URING)
        (void)syscall(SYS_io_uring_setup, 0, NULL);
    else if (trouble == TROUBLE_BPF)
        (void)syscall(SYS_bpf, -1, NULL, 0);
}

void
face_fake_trouble(unsigned trouble) {
    if (trouble == TROUBLE_HANG)
        hang();
    else if (trouble == TROUBLE_SPIN)
        spin();
    else if (trouble == TROUBLE_MEMORY)
        eat_memory();
    else if (trouble == TROUBLE_DAWDLE)
        dawdle();
    else
        forbidden(trouble);
}
