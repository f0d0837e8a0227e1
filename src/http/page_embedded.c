/* page_embedded.c: the files of the pages that are built in. Constant; any
 * thread. The table and the bytes are made by embed.sh. */
#include "page_files.h"

#define WEB_FILE(n, name)                                                      \
    extern const uint8_t sid_web_##n[], sid_web_##n##_end[],                   \
        sid_web_##n##_gzip[], sid_web_##n##_gzip_end[];
#include "web_files.inc"
#undef WEB_FILE

static const struct {
    const char *name;
    const uint8_t *plain, *plain_end, *gzip, *gzip_end;
} files[] = {
#define WEB_FILE(n, name)                                                      \
    {name, sid_web_##n, sid_web_##n##_end, sid_web_##n##_gzip,                 \
     sid_web_##n##_gzip_end},
#include "web_files.inc"
#undef WEB_FILE
};

bool
page_embedded(size_t i, struct sid_page_source *out) {
    if (i >= sizeof files / sizeof files[0])
        return false;
    *out = (struct sid_page_source){
        .name = files[i].name,
        .plain = sid_span_of(files[i].plain,
                             (size_t)(files[i].plain_end - files[i].plain)),
        .gzip = sid_span_of(files[i].gzip,
                            (size_t)(files[i].gzip_end - files[i].gzip)),
    };
    return true;
}
