/* mkhostile.c: writes the hostile photos of tests/unit/image/hostile.h into a
 * folder, for the end-to-end tests.
 * Usage: mkhostile FOLDER [NAME…]: those of these names, or all. */
#include <stdio.h>
#include <string.h>

#include "../unit/image/hostile.h"

struct request {
    const char *folder;
    char *const *names;
    int count, written;
};

static bool
wanted(const struct request *request, const char *name) {
    for (int i = 0; i < request->count; i++)
        if (strcmp(request->names[i], name) == 0)
            return true;
    return request->count == 0;
}

static void
write_file(void *context, const struct hostile *file) {
    struct request *request = context;
    char path[4096];
    if (!wanted(request, file->name))
        return;
    int len = snprintf(path, sizeof path, "%s/%s", request->folder, file->name);
    FILE *to = len > 0 && (size_t)len < sizeof path ? fopen(path, "wb") : NULL;
    bool good = to != NULL && fwrite(file->bytes.ptr, 1, file->bytes.len, to) ==
                                  file->bytes.len;
    if (to != NULL && fclose(to) != 0)
        good = false;
    if (good)
        request->written++;
    else
        (void)fprintf(stderr, "%s cannot be written\n", path);
}

int
main(int argc, char **argv) {
    if (argc < 2) {
        (void)fprintf(stderr, "usage: mkhostile FOLDER [NAME...]\n");
        return 2;
    }
    struct request request = {
        .folder = argv[1], .names = argv + 2, .count = argc - 2};
    hostile_each(&(struct hostile_sink){write_file, &request});
    return request.written > 0 &&
                   (request.count == 0 || request.written == request.count)
               ? 0
               : 1;
}
