/* hostile.h: files made to hurt whoever reads photos, the same at each run:
 * bombs, floods, lies, cuts, polyglots. For the tests of src/image, for
 * tests/tools/mkhostile.c and through it for the end-to-end tests. */
#ifndef SID_TEST_IMAGE_HOSTILE_H
#define SID_TEST_IMAGE_HOSTILE_H

#include "smartid/buf.h"
#include "smartid/err.h"

/* What a file may cost. HOSTILE_CHEAP: 50 ms of CPU and 16 MiB; so must all
 * that is refused before it is decoded. HOSTILE_DEAR: 2 s and 300 MiB, for what
 * looks like a large photo, or is one. Source: issue 3 part B. */
enum hostile_cost { HOSTILE_CHEAP, HOSTILE_DEAR };

struct hostile {
    char name[64];
    struct sid_span bytes; /* borrowed, until the function returns */
    enum sid_err expected; /* of decoding it small */
    enum hostile_cost cost;
};

typedef void hostile_fn(void *context, const struct hostile *file);

/* Where the files go to. */
struct hostile_sink {
    hostile_fn *fn;
    void *context;
};

/* Makes all of them, one after the other. */
void hostile_each(const struct hostile_sink *sink);

/* For the files that make them. Hands out the file of that name; empties it. */
void hostile_emit(const struct hostile_sink *sink, struct sid_buf *file,
                  enum sid_err expected, enum hostile_cost cost,
                  const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Most are to be refused as unreadable, cheaply. */
#define HOSTILE_REFUSED SID_E_IMAGE_UNREADABLE, HOSTILE_CHEAP

void hostile_put(struct sid_buf *file, const void *bytes, size_t len);
void hostile_fill(struct sid_buf *file, uint8_t value, size_t len);
void hostile_put_be16(struct sid_buf *file, size_t value);
void hostile_put_be32(struct sid_buf *file, size_t value);
/* What stands behind `from` is there that many times then. */
void hostile_repeat(struct sid_buf *file, size_t from, size_t times);
/* The first len bytes of a file as one of its own. */
void hostile_cut(const struct sid_buf *from, size_t len, struct sid_buf *out);

/* hostile_jpeg.c, hostile_png.c and hostile.c: all of that kind. */
void hostile_jpegs(const struct hostile_sink *sink);
void hostile_pngs(const struct hostile_sink *sink);
void hostile_others(const struct hostile_sink *sink);

#endif
