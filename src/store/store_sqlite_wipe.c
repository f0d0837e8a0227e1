/* store_sqlite_wipe.c: nothing deleted stays between the rows of a page.
 *
 * secure_delete overwrites a row where it is deleted. But when SQLite 3.40
 * spreads the rows of a page that has become too full or too empty anew, it
 * leaves copies of them in the page's unused middle, and a row that is deleted
 * later is still there (measured: of 1,200 deleted rows one). So the middle is
 * cleared on the way into the database file; the log, which has it still, is
 * emptied soon after anything was deleted (writer.c). Clearing is safe: that
 * part of a page has no meaning (Source: sqlite.org/fileformat2.html 1.6).
 *
 * Used by the thread that owns the store. Owns nothing: struct sid_sqlite holds
 * the table of methods that takes the place of the file's own. */
#include <string.h>

#include "store_sqlite.h"

/* One entry of 5 bytes for each page that a pointer map page describes, and the
 * page itself. Source: fileformat2.html 1.8. */
#define PAGES_PER_MAP (SID_SQ_PAGE_BYTES / 5 + 1)
/* Of the database, before the first page's own head. */
#define FILE_HEAD_BYTES 100

static size_t
read_u16(const uint8_t *at) {
    return (size_t)at[0] << 8 | at[1];
}

/* The unused middle of a page of a b-tree: behind the pointers to its rows, up
 * to the first of them. Empty when the page is none. */
static struct sid_span
middle_of(const uint8_t *page, sqlite3_int64 number) {
    const struct sid_span none = {0};
    size_t head = number == 1 ? FILE_HEAD_BYTES : 0;
    size_t head_bytes = 0;

    switch (page[head]) {
    case 2: /* inner page of an index, of a table */
    case 5:
        head_bytes = 12;
        break;
    case 10: /* leaf of an index, of a table */
    case 13:
        head_bytes = 8;
        break;
    default: /* a free page, or one of a long value: these begin with the
                number of another page, which max_page_count keeps below 2 in
                its first byte */
        return none;
    }
    size_t from = head + head_bytes + 2 * read_u16(page + head + 3);
    size_t to = read_u16(page + head + 5);
    if (from >= to || to > SID_SQ_PAGE_BYTES)
        return none;
    return sid_span_of(page + from, to - from);
}

static bool
is_map(const struct sid_sq_wipe *wipe, sqlite3_int64 number) {
    return wipe->has_maps && number >= 2 && (number - 2) % PAGES_PER_MAP == 0;
}

static bool
is_clear(struct sid_span bytes) {
    static const uint8_t zeros[SID_SQ_PAGE_BYTES];

    return memcmp(bytes.ptr, zeros, bytes.len) == 0;
}

static int
write_wiped(sqlite3_file *file, const void *in, int n, sqlite3_int64 at) {
    /* The table is the first member, and ours to write to. */
    struct sid_sq_wipe *wipe = (struct sid_sq_wipe *)(uintptr_t)file->pMethods;
    sqlite3_int64 number = at / SID_SQ_PAGE_BYTES + 1;

    if (n == SID_SQ_PAGE_BYTES && at % SID_SQ_PAGE_BYTES == 0 &&
        !is_map(wipe, number)) {
        struct sid_span middle = middle_of(in, number);
        if (middle.len > 0 && !is_clear(middle)) {
            size_t from = (size_t)(middle.ptr - (const uint8_t *)in);
            memcpy(wipe->page, in, SID_SQ_PAGE_BYTES);
            memset(wipe->page + from, 0, middle.len);
            in = wipe->page;
        }
    }
    return wipe->own->xWrite(file, in, n, at);
}

enum sid_err
sid_sq_wipe_begin(struct sid_sqlite *sq, bool has_maps) {
    sqlite3_file *file = NULL;
    int rc =
        sqlite3_file_control(sq->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

    if (rc != SQLITE_OK)
        return sid_sq_error(sq, rc, "file_pointer");
    if (file == NULL || file->pMethods == NULL)
        return SID_OK; /* in memory */
    sq->wipe.own = file->pMethods;
    sq->wipe.methods = *file->pMethods;
    sq->wipe.methods.xWrite = write_wiped;
    sq->wipe.has_maps = has_maps;
    file->pMethods = &sq->wipe.methods;
    return SID_OK;
}
