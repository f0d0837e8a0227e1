/* faceproc_pack.c: a model pack on its way into another process: one sealed
 * memfd with the description and, behind it, the networks' bytes. The daemon
 * writes it once, at its start; each fork server reads it. Owns nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faceproc_internal.h"

/* Both ends are the same binary: the structs are the format. */
struct shared {
    struct sid_face_pack pack; /* onnx is not valid here */
    uint64_t offset[SID_NET_COUNT];
};

static enum sid_err
write_all(int fd, const void *from, size_t len) {
    const char *at = from;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return SID_E_IO;
        at += n;
        len -= (size_t)n;
    }
    return SID_OK;
}

enum sid_err
sid_pack_share(const struct sid_face_pack *pack, int *fd) {
    struct shared shared = {.pack = *pack};
    uint64_t end = sizeof shared;
    for (int i = 0; i < SID_NET_COUNT; i++) {
        shared.pack.net[i].onnx = NULL;
        shared.offset[i] = end;
        end += pack->net[i].onnx_len;
    }
    int memory =
        memfd_create("smartidd-models", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory < 0)
        return SID_E_IO;
    enum sid_err err = write_all(memory, &shared, sizeof shared);
    for (int i = 0; err == SID_OK && i < SID_NET_COUNT; i++)
        err = write_all(memory, pack->net[i].onnx, pack->net[i].onnx_len);
    if (err == SID_OK &&
        fcntl(memory, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        err = SID_E_IO;
    if (err == SID_OK)
        *fd = memory;
    else
        (void)close(memory);
    return err;
}

enum sid_err
sid_pack_engine(int fd, struct sid_face_engine **out, char *problem,
                size_t problem_size) {
    struct stat st;
    struct shared shared;
    if (fstat(fd, &st) != 0 || (size_t)st.st_size < sizeof shared)
        return SID_E_IO;
    size_t len = (size_t)st.st_size;
    uint8_t *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return SID_E_NO_MEMORY;
    memcpy(&shared, map, sizeof shared);
    enum sid_err err = SID_OK;
    for (int i = 0; i < SID_NET_COUNT; i++) {
        struct sid_face_net_spec *net = &shared.pack.net[i];
        if (shared.offset[i] > len || net->onnx_len > len - shared.offset[i])
            err = SID_E_IO;
        else
            net->onnx = map + shared.offset[i];
    }
    if (err == SID_OK)
        err = sid_face_engine_new(&shared.pack, out, problem, problem_size);
    (void)munmap(map, len);
    return err;
}
