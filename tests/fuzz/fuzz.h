/* fuzz.h: what the fuzz targets share. A target is one file fuzz_NAME.c with
 * fuzz_setup() and fuzz_one(); fuzz.c calls them for libFuzzer, or for replay.c
 * with the files of corpus/fuzz_NAME and crashes/fuzz_NAME. One thread. */
#ifndef SID_FUZZ_H
#define SID_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- of each target ------------------------------------------------------ */
/* Once, before the first input. Nothing fails then. */
void fuzz_setup(void);
/* One input, in a block of its own that ends where the input ends. What it
 * allocates it frees. */
void fuzz_one(const uint8_t *data, size_t size);

/* ---- fuzz.c -------------------------------------------------------------- */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Aborts unless it holds, or something was made to fail under this input: then
 * all that is asked is that nothing crashes, leaks or is written out of place.
 */
void fuzz_expect(bool holds);
/* A file of these bytes that has no name on any disk; its path goes to out.
 * Closed by fuzz_file_close(). */
#define FUZZ_PATH_SIZE 32
int fuzz_file(const void *data, size_t size, char out[FUZZ_PATH_SIZE]);
void fuzz_file_close(int fd);

/* ---- fail.c: allocations, OpenSSL and SQLite that fail ------------------- */
/* From here on one call in 400 fails, which ones being decided by the input's
 * bytes alone. Source: issue 3 part F. */
#define FUZZ_FAILS_ONE_IN 400
void fuzz_fail_begin(const uint8_t *data, size_t size);
/* The nth call from here on fails, and none behind it. */
void fuzz_fail_nth(unsigned n);
/* From here on none fails; whether one has since begin. */
bool fuzz_fail_end(void);
/* Whether one has so far. */
bool fuzz_has_failed(void);
/* Whether what goes through the log chain by chain fails, too (fail_store.c):
 * there are many such calls. */
extern bool fuzz_fail_chains;
/* Whether the call at hand is to fail. */
bool fuzz_fails(void);
/* What the linker (--wrap) calls instead of a function, and that function
 * itself; its header says whether the parameters are its own. none: what the
 * function gives when it fails. */
#define FUZZ_WRAP(type, none, name, params, args)                              \
    extern __typeof__(name) __real_##name;                                     \
    type __real_##name params;                                                 \
    type __wrap_##name params;                                                 \
    type __wrap_##name params {                                                \
        return fuzz_fails() ? (none) : __real_##name args;                     \
    }
/* Puts the allocators of OpenSSL and SQLite in place; before either is used. */
void fuzz_fail_setup(void);

#endif
