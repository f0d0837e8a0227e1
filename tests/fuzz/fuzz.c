/* fuzz.c: the frame around each fuzz target: set-up once, then input by input
 * with failing calls, and without them while a corpus is replayed. One thread.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "smartid/log.h"

void
fuzz_expect(bool holds) {
    if (!holds && !fuzz_has_failed())
        abort();
}

int
fuzz_file(const void *data, size_t size, char out[FUZZ_PATH_SIZE]) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(out, FUZZ_PATH_SIZE, "/proc/self/fd/%d", fd);
    return fd;
}

void
fuzz_file_close(int fd) {
    (void)close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool ready;
    if (!ready) {
        sid_log_set_level(SID_LOG_ALWAYS);
        fuzz_fail_setup();
        fuzz_setup();
        ready = true;
    }
    /* Exactly as long as the input, for the sanitizer. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    fuzz_fail_begin(exact, size);
    fuzz_one(exact, size);
    (void)fuzz_fail_end();
    free(exact);
    return 0;
}
