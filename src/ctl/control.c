/* control.c: one request to the running daemon, through its Unix socket.
 *
 * The daemon is the only one that may write the database while it runs, so
 * whatever changes something goes this way. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define TIMEOUT_S 30L

static size_t
collect(char *data, size_t size, size_t count, void *ctx) {
    struct sid_buf *buf = ctx;
    return sid_buf_append(buf, data, size * count) == SID_OK ? size * count : 0;
}

static void
set_options(CURL *curl, const char *socket_path, const char *url,
            const char *method, const char *body, struct curl_slist *headers,
            struct sid_buf *answer) {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    }
}

static enum sid_err
perform(CURL *curl, long *status) {
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_COULDNT_CONNECT)
        return SID_E_NOT_FOUND;
    if (code != CURLE_OK) {
        (void)fprintf(stderr, "smartidctl: control socket: %s\n",
                      curl_easy_strerror(code));
        return SID_E_IO;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    return SID_OK;
}

enum sid_err
sid_ctl_control(const struct sid_config *config, const char *method,
                const char *path, const char *body, char **answer,
                long *status) {
    char socket_path[SID_BESIDE_SIZE];
    char url[256];
    sid_config_beside(config, config->control_socket, ".sock", socket_path);
    (void)snprintf(url, sizeof url, "http://localhost%s", path);
    struct sid_buf collected = SID_BUF_EMPTY;
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/json");
    CURL *curl = curl_easy_init();
    enum sid_err err =
        curl == NULL || headers == NULL ? SID_E_NO_MEMORY : SID_OK;
    long http_status = 0;
    if (err == SID_OK) {
        set_options(curl, socket_path, url, method, body, headers, &collected);
        err = perform(curl, &http_status);
    }
    if (err == SID_OK)
        err = sid_buf_append(&collected, "", 1);
    if (err == SID_OK) {
        *status = http_status;
        *answer = strdup((const char *)collected.ptr);
        if (*answer == NULL)
            err = SID_E_NO_MEMORY;
    }
    sid_buf_free(&collected);
    curl_slist_free_all(headers);
    if (curl != NULL)
        curl_easy_cleanup(curl);
    return err;
}
