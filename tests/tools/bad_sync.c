/* bad_sync.c: a library to preload: while the file named by BAD_SYNC exists,
 * every sync of a regular file fails or, when the file is not empty, of a
 * folder, as on a disk that is dying. Test tool; any thread; owns nothing. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int sync_fn(int fd);

static int
sync_or_refuse(const char *name, int fd) {
    const char *name_of_flag = getenv("BAD_SYNC");
    struct stat flag, info;

    if (name_of_flag != NULL && stat(name_of_flag, &flag) == 0 &&
        fstat(fd, &info) == 0 &&
        (flag.st_size > 0 ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode))) {
        errno = EIO;
        return -1;
    }
    sync_fn *real = NULL;
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof real); /* ISO C has no such cast */
    return real(fd);
}

int
fsync(int fd) {
    return sync_or_refuse("fsync", fd);
}

int
fdatasync(int fd) {
    return sync_or_refuse("fdatasync", fd);
}
