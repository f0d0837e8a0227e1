/* full_disk.c: a library to preload: while the file named by FULL_DISK exists,
 * nothing can be written to regular files, as on a disk without a free block
 * or, when the file is not empty, on a broken one (EIO). Test tool; any thread;
 * owns nothing. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef ssize_t write_fn(int fd, const void *data, size_t len, off_t at);

static int
refused(int fd) {
    const char *flag = getenv("FULL_DISK");
    struct stat info;
    return flag != NULL && access(flag, F_OK) == 0 && fstat(fd, &info) == 0 &&
           S_ISREG(info.st_mode);
}

static ssize_t
write_or_refuse(const char *name, int fd, const void *data, size_t len,
                off_t at) {
    if (refused(fd)) {
        struct stat flag;
        bool broken = stat(getenv("FULL_DISK"), &flag) == 0 && flag.st_size > 0;
        errno = broken ? EIO : ENOSPC;
        return -1;
    }
    write_fn *real = NULL;
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof real); /* ISO C has no such cast */
    return real(fd, data, len, at);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t at) {
    return write_or_refuse("pwrite", fd, data, len, at);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at) {
    return write_or_refuse("pwrite64", fd, data, len, at);
}
