/* hang.c: a library to preload: while the file named by HANG_SYNC (HANG_ACCEPT)
 * exists, fsync and fdatasync (accept4) do not return, as with a dead disk (a
 * stuck io thread). Test tool; any thread; owns nothing. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef int sync_fn(int fd);
typedef int accept_fn(int fd, struct sockaddr *from, socklen_t *size,
                      int flags);

static void
hang(const char *variable) {
    const char *flag = getenv(variable);
    while (flag != NULL && access(flag, F_OK) == 0) {
        struct timespec nap = {.tv_nsec = 5000000};
        (void)nanosleep(&nap, NULL);
    }
}

static int
sync_later(const char *name, int fd) {
    sync_fn *real = NULL;
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof real); /* ISO C has no such cast */
    hang("HANG_SYNC");
    return real(fd);
}

int
fsync(int fd) {
    return sync_later("fsync", fd);
}

int
fdatasync(int fd) {
    return sync_later("fdatasync", fd);
}

int
accept4(int fd, struct sockaddr *from, socklen_t *size, int flags) {
    accept_fn *real = NULL;
    void *found = dlsym(RTLD_NEXT, "accept4");
    memcpy(&real, &found, sizeof real);
    hang("HANG_ACCEPT");
    return real(fd, from, size, flags);
}
