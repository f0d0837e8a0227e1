/* no_memory.c: a library to preload: one allocation fails, once, or from there
 * on all do. The file named by NO_MEMORY holds three numbers of 64 bits that a
 * test shares with it: how many allocations from now on the failing one is (0:
 * none), the process that is meant, which the first one fills in, and whether
 * all behind it fail, too. Test tool; any thread; owns the mapping. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, under their second names. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

struct order {
    _Atomic int64_t left;
    _Atomic int64_t pid;
    _Atomic int64_t all;
};
static struct order *order;

__attribute__((constructor)) static void
begin(void) {
    const char *path = getenv("NO_MEMORY");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    int64_t nobody = 0;

    if (fd < 0)
        return;
    void *at =
        mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        return;
    order = at;
    (void)atomic_compare_exchange_strong(&order->pid, &nobody, getpid());
}

static int
refused(void) {
    if (order == NULL || order->pid != getpid())
        return 0;
    if (order->left > 0 ? order->left-- != 1 : order->all == 0)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *
malloc(size_t size) {
    return refused() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size) {
    return refused() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size) {
    return refused() ? NULL : __libc_realloc(old, size);
}
