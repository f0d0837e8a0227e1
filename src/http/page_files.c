/* page_files.c: see page_files.h. Owns the sets. */
#include "page_files.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/text.h"

/* The built-in ones are some 60; a folder may have as many of its own. */
#define FILES_MAX 256u
#define ETAG_BYTES 16

struct sid_page_set {
    _Atomic size_t holders;
    bool on[SID_PAGE_COUNT];
    char client[SID_ID_SIZE];
    struct sid_page_limits limits;
    size_t count;
    struct sid_page_file file[FILES_MAX];
};

/* Files that are served elsewhere than in /web/, and what belongs to a page. */
static const struct {
    const char *name, *path;
    enum sid_page page;
} places[] = {
    {"enroll.html", "/enroll", SID_PAGE_ENROLL},
    {"card.html", "/card", SID_PAGE_CARD},
    {"scan.html", "/scan", SID_PAGE_SCAN},
    {"console.html", "/console", SID_PAGE_CONSOLE},
    {"docs.html", "/docs", SID_PAGE_DOCS},
    {"openapi.json", "/openapi.json", SID_PAGE_DOCS},
    /* A worker's scope is the folder that it comes from. */
    {"sw.js", "/sw.js", SID_PAGE_ANY},
    {"manifest.webmanifest", "/manifest.webmanifest", SID_PAGE_ANY},
    {"robots.txt", "/robots.txt", SID_PAGE_ANY},
};

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json; charset=utf-8"},
    {".webmanifest", "application/manifest+json; charset=utf-8"},
    {".svg", "image/svg+xml; charset=utf-8"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
    {".txt", "text/plain; charset=utf-8"},
};

/* NULL when the name has no ending that is known. */
static const char *
type_of(const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t ending = strlen(types[i].ending);
        if (len > ending && strcmp(name + len - ending, types[i].ending) == 0)
            return types[i].type;
    }
    return NULL;
}

static enum sid_err
place_file(const char *name, struct sid_page_file *file) {
    file->type = type_of(name);
    file->page = SID_PAGE_ANY;
    if (file->type == NULL)
        return SID_E_ARGUMENT;
    file->is_document = strncmp(file->type, "text/html", 9) == 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(name, places[i].name) != 0)
            continue;
        file->page = places[i].page;
        return sid_text_copy(file->path, sizeof file->path, places[i].path);
    }
    int n = snprintf(file->path, sizeof file->path, "/web/%s", name);
    return n > 0 && (size_t)n < sizeof file->path ? SID_OK : SID_E_ARGUMENT;
}

/* Strong, of the bytes (RFC 9110 8.8.3): each encoding has its own. */
static enum sid_err
tag_file(struct sid_page_file *file) {
    uint8_t hash[SID_SHA256_BYTES];
    char hex[2 * ETAG_BYTES + 1];
    enum sid_err err = sid_sha256(file->plain, hash);
    if (err != SID_OK)
        return err;
    sid_hex_encode(hash, ETAG_BYTES, hex);
    (void)snprintf(file->etag, sizeof file->etag, "\"%s\"", hex);
    (void)snprintf(file->etag_gzip, sizeof file->etag_gzip, "\"%s-gz\"", hex);
    return SID_OK;
}

/* count when there is none. */
static size_t
find_path(const struct sid_page_set *set, const char *path) {
    size_t i = 0;
    while (i < set->count && strcmp(set->file[i].path, path) != 0)
        i++;
    return i;
}

enum sid_err
page_set_put(struct sid_page_set *set, const struct sid_page_source *source,
             struct sid_buf *take) {
    struct sid_page_file file = {.plain = source->plain};
    if (source->gzip.len < source->plain.len)
        file.gzip = source->gzip;
    enum sid_err err = place_file(source->name, &file);
    if (err == SID_OK)
        err = tag_file(&file);
    if (err != SID_OK)
        return err;
    size_t i = find_path(set, file.path);
    if (i == FILES_MAX)
        return SID_E_ARGUMENT;
    struct sid_page_file *at = &set->file[i];
    if (i == set->count)
        set->count++;
    else
        sid_buf_free(&at->own);
    *at = file;
    if (take != NULL)
        sid_buf_move(take, &at->own);
    return SID_OK;
}

static bool
is_on(const char *word) {
    return strcmp(word, "on") == 0;
}

enum sid_err
sid_page_set_new(const struct sid_config *config,
                 struct sid_config_problem *problem,
                 struct sid_page_set **out) {
    struct sid_page_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return SID_E_NO_MEMORY;
    atomic_init(&set->holders, 1);
    set->on[SID_PAGE_ENROLL] = is_on(config->page_enroll);
    set->on[SID_PAGE_CARD] = is_on(config->page_card);
    set->on[SID_PAGE_SCAN] = is_on(config->page_scan);
    set->on[SID_PAGE_CONSOLE] = is_on(config->page_console);
    set->on[SID_PAGE_DOCS] = is_on(config->page_docs);
    set->limits = (struct sid_page_limits){
        .session_idle_s = config->session_idle_s,
        .session_life_s = config->session_life_s,
        .applicant_per_minute = config->applicant_per_minute,
    };
    memcpy(set->client, config->page_client, sizeof set->client);
    enum sid_err err = SID_OK;
    struct sid_page_source source;
    for (size_t i = 0; err == SID_OK && page_embedded(i, &source); i++)
        err = page_set_put(set, &source, NULL);
    if (err == SID_OK && config->page_dir[0] != '\0')
        err = page_folder_read(config->page_dir, set, problem);
    if (err == SID_OK)
        *out = set;
    else
        sid_page_set_drop(&set);
    return err;
}

struct sid_page_set *
sid_page_set_hold(struct sid_page_set *set) {
    atomic_fetch_add(&set->holders, 1);
    return set;
}

void
sid_page_set_drop(struct sid_page_set **set) {
    struct sid_page_set *me = *set;
    *set = NULL;
    if (me == NULL || atomic_fetch_sub(&me->holders, 1) > 1)
        return;
    for (size_t i = 0; i < me->count; i++)
        sid_buf_free(&me->file[i].own);
    free(me);
}

bool
sid_page_on(const struct sid_page_set *set, enum sid_page page) {
    for (size_t i = 0; page == SID_PAGE_ANY && i < SID_PAGE_COUNT; i++) {
        if (set->on[i])
            return true;
    }
    return page != SID_PAGE_ANY && set->on[page];
}

const char *
sid_page_client(const struct sid_page_set *set) {
    return set->client;
}

struct sid_page_limits
sid_page_limits(const struct sid_page_set *set) {
    return set->limits;
}

const struct sid_page_file *
sid_page_find(const struct sid_page_set *set, const char *path) {
    size_t i = find_path(set, path);
    return i < set->count && sid_page_on(set, set->file[i].page) ? &set->file[i]
                                                                 : NULL;
}
