/* replay.c: main() of a fuzz target without libFuzzer: every file that is named
 * is one input. It is said before each, so that the last one named is the one
 * that broke something. One thread. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

/* As libFuzzer's limit in run.sh. */
#define INPUT_MAX_BYTES 65536

int
main(int argc, char **argv) {
    static uint8_t data[INPUT_MAX_BYTES];
    for (int i = 1; i < argc; i++) {
        (void)fprintf(stderr, "%s\n", argv[i]);
        FILE *file = fopen(argv[i], "re");
        if (file == NULL)
            return EXIT_FAILURE;
        size_t size = fread(data, 1, sizeof data, file);
        (void)fclose(file);
        (void)LLVMFuzzerTestOneInput(data, size);
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
