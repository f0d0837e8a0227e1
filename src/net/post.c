/* post.c: see post.h. The thread that owns the sender; owns a curl handle. */
#include "smartid/post.h"

#include <curl/curl.h>
#include <stdlib.h>

struct sid_poster {
    CURL *curl;
};

enum sid_err
sid_poster_new(struct sid_poster **out) {
    struct sid_poster *made = calloc(1, sizeof *made);
    if (made == NULL)
        return SID_E_NO_MEMORY;
    made->curl = curl_easy_init();
    if (made->curl == NULL) {
        free(made);
        return SID_E_NO_MEMORY;
    }
    *out = made;
    return SID_OK;
}

void
sid_poster_free(struct sid_poster **poster) {
    struct sid_poster *me = *poster;
    if (me == NULL)
        return;
    *poster = NULL;
    curl_easy_cleanup(me->curl);
    free(me);
}

static size_t
drop(char *data, size_t size, size_t count, void *ctx) {
    (void)data;
    (void)ctx;
    return size * count;
}

/* Anything but 0 ends the transfer. */
static int
look_for_stop(void *ctx, curl_off_t down_total, curl_off_t down,
              curl_off_t up_total, curl_off_t up) {
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    const atomic_bool *stop = ctx;
    return atomic_load(stop) ? 1 : 0;
}

static void
set_options(CURL *curl, const struct sid_post *what,
            struct curl_slist *headers) {
    curl_easy_reset(curl); /* keeps connections */
    curl_easy_setopt(curl, CURLOPT_URL, what->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)SID_POST_LIMIT_MS);
    /* A name that nobody resolves must not hold up the end. */
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (what->ca_file[0] != '\0')
        curl_easy_setopt(curl, CURLOPT_CAINFO, what->ca_file);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "smartidd/" SID_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)what->body.ptr);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)what->body.len);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_for_stop);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)what->stop);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static enum sid_err
error_of(CURLcode code) {
    switch ((int)code) {
    case CURLE_OK:
        return SID_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return SID_E_TIMEOUT;
    case CURLE_ABORTED_BY_CALLBACK:
        return SID_E_STOPPING;
    case CURLE_OUT_OF_MEMORY:
        return SID_E_NO_MEMORY;
    default:
        return SID_E_IO;
    }
}

static enum sid_err
list_headers(const char *header, struct curl_slist **out) {
    /* The empty Expect: a batch is small, and nobody wants to be asked. */
    const char *const lines[] = {"Content-Type: application/json",
                                 "Expect:", header};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct curl_slist *longer = curl_slist_append(list, lines[i]);
        if (longer == NULL) {
            curl_slist_free_all(list);
            return SID_E_NO_MEMORY;
        }
        list = longer;
    }
    *out = list;
    return SID_OK;
}

enum sid_err
sid_post(struct sid_poster *poster, const struct sid_post *what, long *status) {
    struct curl_slist *headers = NULL;
    enum sid_err err = list_headers(what->header, &headers);
    if (err != SID_OK)
        return err;
    set_options(poster->curl, what, headers);
    err = error_of(curl_easy_perform(poster->curl));
    if (err == SID_OK)
        curl_easy_getinfo(poster->curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    return err;
}
