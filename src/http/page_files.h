/* page_files.h: the files that the pages consist of, as they are sent: those
 * that are built in, and those of the operator's folder in their place.
 *
 * A set is made at the start and at a reload, on the main thread, and does not
 * change; requests of io threads hold on to the one that they have found their
 * file in. No path of a request ever reaches the file system. */
#ifndef SMARTID_HTTP_PAGE_FILES_H
#define SMARTID_HTTP_PAGE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "smartid/buf.h"
#include "smartid/config.h"
#include "smartid/mac.h"

/* What can be switched on and off. */
enum sid_page {
    SID_PAGE_ENROLL,
    SID_PAGE_CARD,
    SID_PAGE_SCAN,
    SID_PAGE_CONSOLE,
    SID_PAGE_DOCS,
    SID_PAGE_COUNT,
    SID_PAGE_ANY = SID_PAGE_COUNT, /* what any of them may load */
};

/* A quoted text of 32 hex digits, "-gz" behind them for the gzipped bytes. */
#define SID_ETAG_SIZE 40
/* Longest path under which a file is served. Own choice. */
#define SID_PAGE_PATH_SIZE 96

struct sid_page_file {
    char path[SID_PAGE_PATH_SIZE]; /* as asked for: "/scan", "/web/js/api.js" */
    const char *type;              /* static */
    enum sid_page page;            /* with which it is switched off */
    bool is_document;
    struct sid_span plain, gzip; /* gzip is empty when it saves nothing */
    char etag[SID_ETAG_SIZE], etag_gzip[SID_ETAG_SIZE];
    struct sid_buf own; /* plain's bytes, unless they are built in */
};

struct sid_page_set;

/* A file by its name below src/web, which decides where it is served. Borrowed
 * or owned bytes, see page_set_put(). */
struct sid_page_source {
    const char *name;
    struct sid_span plain, gzip;
};

/* Makes the set that the settings ask for. problem: filled on SID_E_CONFIG and
 * SID_E_IO. Errors: SID_E_CONFIG (the folder has what cannot be served),
 * SID_E_IO (it cannot be read), SID_E_NO_MEMORY, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_page_set_new(const struct sid_config *config,
                                           struct sid_config_problem *problem,
                                           struct sid_page_set **out);
/* Another one holds on to it; any thread. */
struct sid_page_set *sid_page_set_hold(struct sid_page_set *set);
/* Lets go; the last one frees. NULL-safe; any thread. */
void sid_page_set_drop(struct sid_page_set **set);

/* The settings of [pages] with which it was made. */
bool sid_page_on(const struct sid_page_set *set, enum sid_page page);
const char *sid_page_client(const struct sid_page_set *set);
struct sid_page_limits {
    int64_t session_idle_s, session_life_s;
    int64_t applicant_per_minute;
};
struct sid_page_limits sid_page_limits(const struct sid_page_set *set);

/* The file that is served under this path, unless its page is switched off;
 * NULL when there is none. */
const struct sid_page_file *sid_page_find(const struct sid_page_set *set,
                                          const char *path);

/* ---- for the files that fill a set -------------------------------------- */
/* Puts a file in, in place of one of the same name. take: its bytes, moved into
 * the set; NULL: source->plain outlives the set. Errors: SID_E_ARGUMENT (a name
 * that cannot be served), SID_E_NO_MEMORY, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err page_set_put(struct sid_page_set *set,
                                       const struct sid_page_source *source,
                                       struct sid_buf *take);

/* page_embedded.c: the i-th file that is built in; false behind the last. */
bool page_embedded(size_t i, struct sid_page_source *out);

/* page_folder.c: puts the files of a folder in. Errors: see sid_page_set_new().
 */
SID_FALLIBLE enum sid_err page_folder_read(const char *path,
                                           struct sid_page_set *set,
                                           struct sid_config_problem *problem);

#endif
